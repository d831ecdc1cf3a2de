//! Devices of hubs: what a hub and its provisioning service hold of each, and the device itself.

use time::Duration;

use super::azure::assigned_record;
use super::{apps, key};
use crate::sandbox::device::{Credential, Device, Firmware, Kind, Place};
use crate::sandbox::dps::model::{Attestation, Enrollment, Group, Settings};
use crate::sandbox::hub::model::{Authentication, Identity};
use crate::sandbox::world::{Dps, Moment, World};
use crate::sandbox::x509::Certificate;

/// How long those that are not connected any more were.
const STAY: Duration = Duration::hours(1);

/// Where the credential of a hub's device comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin {
    /// An enrollment group of the DPS, by which the device came: a key derived from the group's, or a certificate of its
    /// authority.
    Group(&'static str),
    /// The same, written into the hub by hand: DPS has not seen the device.
    Preset(&'static str),
    /// An individual enrollment with symmetric keys.
    Individual,
    /// An individual enrollment of this certificate (PEM) of its own.
    Certificate(&'static str),
    /// An individual enrollment of a TPM, to which the hub's key was handed.
    Tpm,
    /// Keys that only the hub and the device have.
    Hub,
}

/// What sets a device of a hub apart.
#[derive(Debug, Clone, Copy)]
pub struct HubSpec {
    /// Where its credential comes from.
    pub origin: Origin,
    /// How it behaves; [`Kind::Edge`] makes its identity one of IoT Edge too.
    pub kind: Kind,
    /// Switched on.
    pub online: bool,
    /// The `status` of its identity.
    pub enabled: bool,
    /// There is a device; otherwise nobody ever connected with the identity.
    pub exists: bool,
    /// The component under which it listens; `None` listens at root.
    pub component: Option<&'static str>,
    /// What it was made from; `None` goes by its id.
    pub firmware: Option<Firmware>,
    /// The model that it announces.
    pub model_id: Option<&'static str>,
}

impl HubSpec {
    /// An obedient device, connected, that came by a group.
    #[must_use]
    pub const fn new(group: &'static str) -> Self {
        Self::from(Origin::Group(group))
    }

    /// The same of any origin.
    #[must_use]
    pub const fn from(origin: Origin) -> Self {
        Self {
            origin,
            kind: Kind::Normal,
            online: true,
            enabled: true,
            exists: true,
            component: Some("migration"),
            firmware: None,
            model_id: None,
        }
    }
}

/// A device's credential, and what the hub recognises it by.
struct Proof {
    authentication: Authentication,
    credential: Credential,
}

/// Adds an enabled symmetric enrollment group whose keys depend on the names only.
pub fn add_dps_group(world: &mut World, dps: &str, group: &str, since: Moment) {
    let keys = ["primary", "secondary"].map(|slot| key(&format!("{dps}/{group}/{slot}")));
    let [primary, secondary] = keys;
    insert_group(world, dps, group, Settings::symmetric(primary, secondary, since));
}

/// Adds an enabled group of the devices whose certificates the authority of `pem` has signed.
pub fn add_dps_authority(world: &mut World, dps: &str, group: &str, pem: &str, since: Moment) {
    let Some(certificate) = Certificate::read(pem) else { return };
    let attestation =
        Attestation::X509 { primary: Some(certificate.sha1.clone()), secondary: None, ca_references: Vec::new() };
    let mut settings = Settings::with_attestation(attestation, since);
    settings.certificates.primary = Some(certificate);
    insert_group(world, dps, group, settings);
}

fn insert_group(world: &mut World, dps: &str, group: &str, settings: Settings) {
    if let Some(dps) = world.dps.get_mut(dps) {
        dps.groups.insert(group.to_ascii_lowercase(), Group { id: group.to_owned(), settings });
    }
}

/// Adds devices that have come to a hub by a symmetric group of a DPS, and the group if it is not there.
pub fn add_hub_devices(
    world: &mut World,
    dps: &str,
    host: &str,
    group: &'static str,
    prefix: &str,
    count: usize,
    since: Moment,
) {
    if !world.dps.get(dps).is_some_and(|dps| dps.groups.contains_key(&group.to_ascii_lowercase())) {
        add_dps_group(world, dps, group, since);
    }
    add_numbered(world, dps, host, (prefix, 1, count), &HubSpec::new(group), since);
}

/// Adds `count` devices of one kind, numbered from `first`.
pub(super) fn add_numbered(
    world: &mut World,
    dps: &str,
    host: &str,
    (prefix, first, count): (&str, usize, usize),
    spec: &HubSpec,
    since: Moment,
) {
    for number in first..first + count {
        add_hub_device(world, dps, host, &format!("{prefix}-{number:04}"), spec, since);
    }
}

/// Adds one device to the hub `host`, to the DPS that it came by, and, apart from both, to the truth. Nothing happens if the
/// DPS or the group of its origin is not there.
pub fn add_hub_device(world: &mut World, dps: &str, host: &str, id: &str, spec: &HubSpec, since: Moment) {
    let Some(service) = world.dps.get_mut(dps) else { return };
    let Some(proof) = enroll(service, id, spec, since) else { return };
    let home = service.id_scope.clone();
    let came_by = match spec.origin {
        Origin::Group(group) => Some(Some(group)),
        Origin::Individual | Origin::Certificate(_) | Origin::Tpm => Some(None),
        Origin::Preset(_) | Origin::Hub => None,
    };
    if let Some(group) = came_by {
        let record = assigned_record(id, host, group, &proof.authentication, since);
        service.registrations.insert(id.to_ascii_lowercase(), record);
    }
    settle(world, host, id, &home, proof, spec, since);
}

/// Adds one device whose key derives from a pair that no Azure service has; the DPS of its `home` scope is no more.
pub(super) fn add_loose_device(
    world: &mut World,
    host: &str,
    id: &str,
    home: &str,
    (primary, secondary): (String, String),
    since: Moment,
) {
    let group = Attestation::SymmetricKey { primary, secondary };
    if let Some(proof) = by_keys(group.device_keys(id, true)) {
        settle(world, host, id, home, proof, &HubSpec::from(Origin::Hub), since);
    }
}

/// The device's credential; an individual enrollment is made for those that have one.
fn enroll(dps: &mut Dps, id: &str, spec: &HubSpec, since: Moment) -> Option<Proof> {
    let own = ["primary", "secondary"].map(|slot| key(&format!("{id}/{slot}"))).into();
    let mut certificate = None;
    let attestation = match spec.origin {
        Origin::Group(group) | Origin::Preset(group) => {
            return by_group(&dps.groups.get(&group.to_ascii_lowercase())?.settings.attestation, id);
        }
        Origin::Hub => return by_keys(Some(own)),
        Origin::Individual => Attestation::SymmetricKey { primary: own.0.clone(), secondary: own.1.clone() },
        Origin::Certificate(pem) => apps::own_certificate(&certificate.insert(Certificate::read(pem)?).sha1),
        Origin::Tpm => Attestation::Tpm { endorsement_key: key(&format!("{id}/endorsement")) },
    };
    let proof = match &certificate {
        Some(certificate) => Some(by_certificate(&certificate.sha1, &certificate.sha1)),
        None => by_keys(Some(own)),
    };
    let mut settings = Settings::with_attestation(attestation, since);
    settings.certificates.primary = certificate;
    settings.iot_edge = spec.kind == Kind::Edge;
    let enrollment = Enrollment { registration_id: id.to_owned(), device_id: None, settings };
    dps.enrollments.insert(id.to_ascii_lowercase(), enrollment);
    proof
}

fn by_group(group: &Attestation, id: &str) -> Option<Proof> {
    let Attestation::X509 { primary: Some(issuer), .. } = group else { return by_keys(group.device_keys(id, true)) };
    Some(by_certificate(&apps::thumbprint(id), issuer))
}

fn by_certificate(leaf: &str, issuer: &str) -> Proof {
    Proof {
        authentication: Authentication::SelfSigned { primary: Some(leaf.to_owned()), secondary: None },
        credential: Credential::Certificate { leaf: leaf.to_owned(), issuer: issuer.to_owned() },
    }
}

fn by_keys(keys: Option<(String, String)>) -> Option<Proof> {
    let (primary, secondary) = keys?;
    Some(Proof {
        credential: Credential::Key(primary.clone()),
        authentication: Authentication::Sas { primary, secondary },
    })
}

fn settle(world: &mut World, host: &str, id: &str, home: &str, proof: Proof, spec: &HubSpec, since: Moment) {
    let Some(hub) = world.hubs.get_mut(host) else { return };
    let mut identity = Identity::new(id, proof.authentication, since);
    identity.enabled = spec.enabled;
    if spec.kind == Kind::Edge {
        identity.iot_edge = true;
        identity.device_scope = identity.own_scope();
    }
    if spec.exists {
        identity.presence.begin(since);
        identity.model_id = spec.model_id.map(str::to_owned);
        let mut device = Device::at_app(id, spec.kind, proof.credential, "", home);
        device.place = Place::Hub { host: host.to_owned() };
        device.online = spec.online;
        device.component = spec.component.map(str::to_owned);
        device.firmware = spec.firmware.unwrap_or(device.firmware);
        device.model_id = spec.model_id.map(str::to_owned);
        world.devices.insert(id.to_owned(), device);
    }
    if !spec.online || !spec.enabled {
        identity.presence.end(since + STAY);
    }
    if !spec.enabled {
        identity.status_updated = Some(since + STAY);
        identity.status_reason = Some("out of service".to_owned());
    }
    hub.identities.insert(id.to_owned(), identity);
}
