//! IoT Central applications and the devices in them.

use std::collections::BTreeMap;

use super::azure::resource;
use super::people::{ADA, BOB, CAROL, CONTOSO};
use super::{EDGE_APP, MAIN_APP, PLANT_CA, key, templates};
use crate::sandbox::central::configuration::{Configuration, Relationship};
use crate::sandbox::central::model::{AppDevice, AppEnrollmentGroup, Group};
use crate::sandbox::device::{Credential, Device, Kind};
use crate::sandbox::dps::model::{Attestation, Certificates};
use crate::sandbox::sas;
use crate::sandbox::world::{App, Moment, World};
use crate::sandbox::x509::Certificate;

/// The certificate (PEM) that the device `kiln-own-0001` of [`EDGE_APP`] presents; nobody has its key.
const KILN_CERTIFICATE: &str = include_str!("certificates/kiln-own-0001.pem");

/// What sets a device apart.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// `@id` of its template.
    pub template: Option<&'static str>,
    /// The enrollment group that its key comes from.
    pub group: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Switched on.
    pub online: bool,
    /// Has a key of its own, by individual attestation.
    pub individual: bool,
    /// Has this certificate (PEM) of its own, by individual attestation.
    pub certificate: Option<&'static str>,
    /// Not allowed to connect.
    pub blocked: bool,
    /// The component under which it listens.
    pub component: &'static str,
    /// Announces the model of its template when it registers, which the official samples do not.
    pub announces: bool,
}

impl Spec {
    /// An obedient device with a key of the default group.
    #[must_use]
    pub const fn new(template: &'static str) -> Self {
        Self {
            template: Some(template),
            group: "SAS-IoT-Devices",
            kind: Kind::Normal,
            online: true,
            individual: false,
            certificate: None,
            blocked: false,
            component: "migration",
            announces: false,
        }
    }
}

/// Adds an application with all templates and its two born enrollment groups. Ada is admin everywhere; Carol is operator of
/// the main one; Bob is admin of all others.
pub fn add_app(world: &mut World, sub: &str, id_scope: &str) {
    let mut roles = BTreeMap::from([(ADA.to_owned(), "admin".to_owned())]);
    let (second, role) = if sub == MAIN_APP { (CAROL, "operator") } else { (BOB, "admin") };
    roles.insert(second.to_owned(), role.to_owned());
    let app = App {
        resource: resource(sub),
        application_id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, sub.as_bytes()).to_string(),
        display_name: display_name(sub),
        subdomain: sub.to_owned(),
        state: "created".to_owned(),
        tenant: CONTOSO.to_owned(),
        id_scope: id_scope.to_owned(),
        roles,
        templates: templates::all(),
        groups: BTreeMap::new(),
        devices: BTreeMap::new(),
        enrollment_groups: BTreeMap::new(),
        jobs: BTreeMap::new(),
        registrations: BTreeMap::new(),
        auto_approve: true,
        configuration: Configuration::default(),
    };
    world.apps.insert(sub.to_owned(), app);
    add_symmetric_group(world, sub, "SAS-IoT-Devices", false);
    add_symmetric_group(world, sub, "SAS-IoT-Edge-Devices", true);
}

/// Adds an enabled symmetric enrollment group.
pub fn add_symmetric_group(world: &mut World, sub: &str, name: &str, edge: bool) {
    let attestation = Attestation::SymmetricKey {
        primary: key(&format!("{sub}/{name}/primary")),
        secondary: key(&format!("{sub}/{name}/secondary")),
    };
    add_enrollment_group(world, sub, name, edge, attestation);
}

fn add_enrollment_group(world: &mut World, sub: &str, name: &str, edge: bool, attestation: Attestation) {
    if let Some(app) = world.apps.get_mut(sub) {
        let group = AppEnrollmentGroup {
            id: name.to_owned(),
            display_name: name.to_owned(),
            enabled: true,
            edge,
            attestation,
            certificates: Certificates::default(),
            verified: [true, false],
            codes: [None, None],
            foreign: serde_json::Map::new(),
            etag: format!("etag-{name}"),
        };
        app.enrollment_groups.insert(name.to_owned(), group);
    }
}

/// Adds the device group of a template.
pub fn add_group(world: &mut World, sub: &str, id: &str, name: &str, template: &str) {
    add_filter(world, sub, id, name, &format!("$template = \"{template}\""));
}

/// Adds a device group with a condition.
pub fn add_filter(world: &mut World, sub: &str, id: &str, name: &str, condition: &str) {
    if let Some(app) = world.apps.get_mut(sub) {
        app.groups.insert(id.to_owned(), Group::new(id, name, &format!("SELECT * FROM devices WHERE {condition}")));
    }
}

/// Adds `count` devices of one kind, numbered from `first`, connected since `since` where they are on.
pub fn add_devices(world: &mut World, sub: &str, prefix: &str, first: usize, count: usize, spec: &Spec, since: Moment) {
    for number in first..first + count {
        add_device(world, sub, &format!("{prefix}-{number:04}"), spec, since);
    }
}

/// Adds one device to an application and, apart from it, to the truth.
pub fn add_device(world: &mut World, sub: &str, id: &str, spec: &Spec, since: Moment) {
    let Some(app) = world.apps.get_mut(sub) else { return };
    let mut known = AppDevice::new(id, &display_name(id), spec.template, since);
    known.provisioned = spec.kind != Kind::Simulated;
    known.simulated = spec.kind == Kind::Simulated;
    known.enabled = !spec.blocked;
    let individual = || Attestation::SymmetricKey {
        primary: key(&format!("{id}/primary")),
        secondary: key(&format!("{id}/secondary")),
    };
    known.attestation = spec.individual.then(individual);
    let group = app.enrollment_groups.get(spec.group).map(|group| &group.attestation);
    let credential = match (&known.attestation, group) {
        (Some(Attestation::SymmetricKey { primary, .. }), _) => Credential::Key(primary.clone()),
        (_, Some(Attestation::SymmetricKey { primary, .. })) => {
            Credential::Key(sas::derive_key(primary, id).unwrap_or_default())
        }
        (_, Some(Attestation::X509 { primary, .. })) => {
            Credential::Certificate { leaf: thumbprint(id), issuer: primary.clone().unwrap_or_default() }
        }
        _ => Credential::Key(key(id)),
    };
    known.properties.insert("customer".to_owned(), serde_json::json!("Contoso"));
    if spec.online && known.enabled {
        known.presence.begin(since);
        known.report("serialNumber", &serde_json::json!(format!("SN-{id}")), since);
    }
    let mut device = Device::at_app(id, spec.kind, credential, sub, &app.id_scope);
    device.online = spec.online;
    device.component = Some(spec.component.to_owned());
    device.model_id = spec.template.filter(|_| spec.announces).and_then(|template| templates::model_of(app, template));
    app.devices.insert(id.to_owned(), known);
    world.devices.insert(id.to_owned(), device);
    if let Some(pem) = spec.certificate {
        give_certificate(world, sub, id, pem);
    }
}

/// Gives a device of an application a certificate of its own: the application, which shows its thumbprint only, lets it in by
/// that, and it presents nothing else from now on.
pub fn give_certificate(world: &mut World, sub: &str, id: &str, pem: &str) {
    let Some(Certificate { sha1, .. }) = Certificate::read(pem) else { return };
    if let Some(known) = world.apps.get_mut(sub).and_then(|app| app.devices.get_mut(id)) {
        known.attestation = Some(own_certificate(&sha1));
    }
    if let Some(device) = world.devices.get_mut(id) {
        device.credential = Credential::Certificate { leaf: sha1.clone(), issuer: sha1 };
    }
}

/// An individual attestation, or enrollment, of the certificate with this thumbprint.
pub(super) fn own_certificate(sha1: &str) -> Attestation {
    Attestation::X509 { primary: Some(sha1.to_owned()), secondary: None, ca_references: Vec::new() }
}

/// Adds a device to what an application knows, and none to the truth: it was created ahead of the physical device, or, if
/// it is said when that was heard of last, the physical device was there before.
pub fn add_known_device(
    world: &mut World,
    sub: &str,
    id: &str,
    template: Option<&str>,
    last: Option<Moment>,
    now: Moment,
) {
    let Some(app) = world.apps.get_mut(sub) else { return };
    let mut known = AppDevice::new(id, &display_name(id), template, now);
    if let Some(last) = last {
        known.provisioned = true;
        known.presence.begin(last);
        known.presence.end(last);
        known.report("serialNumber", &serde_json::json!(format!("SN-{id}")), last);
    }
    app.devices.insert(id.to_owned(), known);
}

/// Gives an application the template of the devices that come from hubs.
pub(super) fn add_meter_template(world: &mut World, sub: &str) {
    if let Some(app) = world.apps.get_mut(sub) {
        app.templates.push(templates::meter());
    }
}

/// The application with an X.509 enrollment group and with edge devices.
pub(super) fn add_edge_app(world: &mut World, since: Moment) {
    add_app(world, EDGE_APP, "0ne00A00002");
    // A certificate that people have, so that they can supply it.
    let primary = Certificate::read(PLANT_CA).map(|certificate| certificate.sha1);
    let attestation = Attestation::X509 { primary, secondary: None, ca_references: Vec::new() };
    add_enrollment_group(world, EDGE_APP, "x509-devices", false, attestation);
    add_group(world, EDGE_APP, "kilns-all", "Kilns - all", templates::BOILER);
    let boiler = Spec::new(templates::BOILER);
    add_devices(world, EDGE_APP, "kiln-x509", 1, 4, &Spec { group: "x509-devices", ..boiler }, since);
    add_devices(world, EDGE_APP, "kiln", 1, 4, &boiler, since);
    add_devices(world, EDGE_APP, "kiln-own", 1, 1, &Spec { certificate: Some(KILN_CERTIFICATE), ..boiler }, since);
    if let Some(app) = world.apps.get_mut(EDGE_APP) {
        app.templates.push(templates::edge_gateway());
    }
    let edge = Spec { group: "SAS-IoT-Edge-Devices", kind: Kind::Edge, ..Spec::new(templates::EDGE_GATEWAY) };
    add_devices(world, EDGE_APP, "gateway", 1, 2, &edge, since);
    let behind = Spec { kind: Kind::Unable, ..Spec::new(templates::THERMOMETER) };
    add_devices(world, EDGE_APP, "sensor", 1, 1, &behind, since);
    add_child(world, EDGE_APP, "gateway-0001", "sensor-0001");
}

/// Puts a device behind a gateway.
pub fn add_child(world: &mut World, sub: &str, gateway: &str, child: &str) {
    let relationship = Relationship {
        id: format!("{gateway}-{child}"),
        name: Some("sensors".to_owned()),
        source: gateway.to_owned(),
        target: child.to_owned(),
    };
    if let Some(app) = world.apps.get_mut(sub) {
        let of_one = app.configuration.relationships.entry(gateway.to_owned()).or_default();
        of_one.insert(relationship.id.clone(), relationship);
    }
}

/// Makes devices that arrive in an application wait until somebody approves them.
pub fn require_approval(world: &mut World, sub: &str) {
    if let Some(app) = world.apps.get_mut(sub) {
        app.auto_approve = false;
    }
}

/// `boiler-0007` is shown as `Boiler 7`.
fn display_name(id: &str) -> String {
    let (words, number) = id.rsplit_once('-').unwrap_or((id, "1"));
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    format!("{name} {}", number.trim_start_matches('0'))
}

/// 40 hex digits that depend on `name` only.
pub(super) fn thumbprint(name: &str) -> String {
    let bytes =
        [uuid::Uuid::NAMESPACE_OID, uuid::Uuid::NAMESPACE_URL].map(|space| uuid::Uuid::new_v5(&space, name.as_bytes()));
    let hex = bytes.map(|part| part.simple().to_string().to_uppercase()).concat();
    hex[..40].to_owned()
}
