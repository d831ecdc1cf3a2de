//! Worlds to begin with: the default tenant with its fleet of 200 and more, and the parts to build other ones from.
//!
//! Everything in them depends on names only, keys included, so that two starts give the same world.

mod apps;
mod azure;
mod between;
mod from_hub;
mod hubs;
mod people;
mod templates;
mod works;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::Duration;

use super::clock::SandboxClock;
use super::device::Kind;
use super::world::{Moment, World};

pub use apps::{
    Spec, add_app, add_child, add_device, add_devices, add_group, add_known_device, add_symmetric_group,
    give_certificate, require_approval,
};
pub use azure::{add_dps, add_hub};
pub use between::{BOILER_CERTIFICATE, central_to_central_world};
pub use from_hub::{
    BASIC, LOOSE, METER_CERTIFICATES, ODD, PLANT, PLANT_CA, PLANT_DPS, PLANT_TWO, SHARED, hub_to_central_world,
    hub_world, loose_keys,
};
pub use hubs::{HubSpec, Origin, add_dps_authority, add_dps_group, add_hub_device, add_hub_devices};
pub use people::{ADA, AUTOMATION, AUTOMATION_SECRET, BOB, CAROL, CONTOSO, DAN, FABRIKAM, MAIN_SUBSCRIPTION};
pub use templates::{BOILER, COMPRESSOR, EDGE_GATEWAY, METER, METER_MODEL, PUMP, THERMOMETER, VALVE};
pub use works::works_world;

/// The application that the default fleet lives in.
pub const MAIN_APP: &str = "contoso-fleet";
/// The application with X.509 and edge devices.
pub const EDGE_APP: &str = "contoso-edge";
/// An application without devices, to move to.
pub const NEXT_APP: &str = "contoso-next";
/// The hub of the default world whose devices can move into an application.
pub const METERS: &str = "contoso-meters";
/// An application in which devices that arrive wait for approval.
pub const VETTED_APP: &str = "contoso-vetted";
/// An application without devices that is set up to the full: exports, users, organizations, jobs and more.
pub const WORKS_APP: &str = "contoso-works";
/// How long the fleet has been connected when the sandbox starts.
const UPTIME: Duration = Duration::hours(3);

/// A key that looks random and depends on `name` only.
#[must_use]
pub fn key(name: &str) -> String {
    let seed = hmac::Key::new(hmac::HMAC_SHA256, b"the keys of the simulated Azure");
    STANDARD.encode(hmac::sign(&seed, name.as_bytes()).as_ref())
}

/// Tenants, people and subscriptions, and nothing else.
#[must_use]
pub fn empty_world() -> World {
    let mut world = World::default();
    people::add(&mut world);
    world
}

/// A small world for tests: `contoso-fleet` with a group of `devices` obedient boilers, `contoso-dps` linked to the hub
/// `contoso-hub` of this tier and size.
#[must_use]
pub fn simple_world(clock: &SandboxClock, devices: usize, sku: &str, units: u32) -> World {
    let since = clock.now() - UPTIME;
    let mut world = empty_world();
    let hub = add_hub(&mut world, "contoso-hub", sku, units);
    add_dps(&mut world, "contoso-dps", "0ne00C0DE01", &[&hub]);
    add_app(&mut world, MAIN_APP, "0ne00A00001");
    add_group(&mut world, MAIN_APP, "boilers-all", "Boilers - all", BOILER);
    add_devices(&mut world, MAIN_APP, "boiler", 1, devices, &Spec::new(BOILER), since);
    world
}

/// A small world whose application has three symmetric enrollment groups, each used by a third of the devices.
#[must_use]
pub fn three_groups_world(clock: &SandboxClock, devices: usize) -> World {
    let since = clock.now() - UPTIME;
    let mut world = simple_world(clock, 0, "S2", 10);
    for name in ["second-plant", "third-plant"] {
        apps::add_symmetric_group(&mut world, MAIN_APP, name, false);
    }
    let groups = ["SAS-IoT-Devices", "second-plant", "third-plant"];
    for number in 1..=devices {
        let spec = Spec { group: groups[number % groups.len()], ..Spec::new(BOILER) };
        add_devices(&mut world, MAIN_APP, "boiler", number, 1, &spec, since);
    }
    world
}

/// The world of `--sandbox`.
#[must_use]
pub fn default_world(clock: &SandboxClock) -> World {
    let since = clock.now() - UPTIME;
    let mut world = empty_world();
    let hub = add_hub(&mut world, "contoso-hub", "S2", 10);
    let small = add_hub(&mut world, "contoso-hub-small", "S1", 1);
    add_dps(&mut world, "contoso-dps", "0ne00C0DE01", &[&hub, &small]);
    add_dps(&mut world, "contoso-dps-unlinked", "0ne00C0DE02", &[]);
    main_app(&mut world, since);
    apps::add_edge_app(&mut world, since);
    add_app(&mut world, "contoso-archive", "0ne00A00003");
    if let Some(app) = world.apps.get_mut("contoso-archive") {
        "suspended".clone_into(&mut app.state);
    }
    meters(&mut world, since);
    targets(&mut world, since);
    works::add_works_app(&mut world, since);
    world
}

/// Where the fleet can move to without leaving IoT Central, and meters from a hub.
fn targets(world: &mut World, since: Moment) {
    add_app(world, NEXT_APP, "0ne00A00004");
    apps::add_meter_template(world, NEXT_APP);
    add_app(world, VETTED_APP, "0ne00A00005");
    require_approval(world, VETTED_APP);
    add_group(world, VETTED_APP, "vessels-all", "Vessels - all", BOILER);
    add_devices(world, VETTED_APP, "vessel", 1, 2, &Spec::new(BOILER), since);
}

fn main_app(world: &mut World, since: Moment) {
    add_app(world, MAIN_APP, "0ne00A00001");
    apps::add_symmetric_group(world, MAIN_APP, "second-plant", false);
    add_group(world, MAIN_APP, "boilers-all", "Boilers - all", BOILER);
    add_group(world, MAIN_APP, "pumps-all", "Pumps - all", PUMP);
    add_group(world, MAIN_APP, "thermometers-all", "Thermometers - all", THERMOMETER);
    add_group(world, MAIN_APP, "valves-all", "Valves - all", VALVE);
    add_group(world, MAIN_APP, "compressors-all", "Compressors - all", COMPRESSOR);
    apps::add_filter(
        world,
        MAIN_APP,
        "boilers-north",
        "Boilers - north pole",
        &format!("$template = \"{BOILER}\" AND $displayName = \"North pole\""),
    );
    boilers(world, since);
    add_devices(world, MAIN_APP, "pump", 1, 40, &Spec::new(PUMP), since);
    add_devices(world, MAIN_APP, "thermometer", 1, 4, &Spec { kind: Kind::Unable, ..Spec::new(THERMOMETER) }, since);
    add_devices(world, MAIN_APP, "valve", 1, 3, &Spec::new(VALVE), since);
    add_devices(world, MAIN_APP, "compressor", 1, 3, &Spec { component: "relocation", ..Spec::new(COMPRESSOR) }, since);
    add_devices(world, MAIN_APP, "unassigned", 1, 2, &Spec { template: None, ..Spec::new(BOILER) }, since);
}

/// The 200 of the default fleet; ids run on from kind to kind.
fn boilers(world: &mut World, since: Moment) {
    let normal = Spec::new(BOILER);
    let kinds = [
        (150, normal),
        (6, Spec { group: "second-plant", ..normal }),
        (6, Spec { kind: Kind::Slow, ..normal }),
        (4, Spec { kind: Kind::AnswerLost, ..normal }),
        (12, Spec { online: false, ..normal }),
        (6, Spec { kind: Kind::Refuses, ..normal }),
        (4, Spec { kind: Kind::Vanishes, ..normal }),
        (2, Spec { individual: true, ..normal }),
        (2, Spec { kind: Kind::Simulated, ..normal }),
        (2, Spec { blocked: true, online: false, ..normal }),
    ];
    let mut number = 1;
    for (count, spec) in kinds {
        add_devices(world, MAIN_APP, "boiler", number, count, &spec, since);
        number += count;
    }
    for tenth in (10..=150).step_by(10) {
        if let Some(device) = world.devices.get_mut(&format!("boiler-{tenth:04}")) {
            device.kind = Kind::NoRetry;
        }
    }
}

/// A hub with devices of its own, for moves into IoT Central; ids run on from kind to kind.
fn meters(world: &mut World, since: Moment) {
    let (dps, host) = ("contoso-meters-dps", add_hub(world, METERS, "S1", 1));
    add_dps(world, dps, "0ne00C0DE03", &[&host]);
    add_dps_group(world, dps, "meters", since);
    let normal = HubSpec::new("meters");
    let kinds = [
        (12, normal),
        (1, HubSpec { kind: Kind::Refuses, ..normal }),
        (1, HubSpec { online: false, ..normal }),
        (1, HubSpec { kind: Kind::Edge, ..HubSpec::from(Origin::Individual) }),
        (1, HubSpec { enabled: false, ..normal }),
        (1, HubSpec { kind: Kind::Unable, ..HubSpec::from(Origin::Hub) }),
        (1, HubSpec::from(Origin::Individual)),
    ];
    let mut number = 1;
    for (count, spec) in kinds {
        hubs::add_numbered(world, dps, &host, ("meter", number, count), &spec, since);
        number += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::sas;

    fn world() -> World {
        default_world(&SandboxClock::new(SandboxClock::real_now(), 1))
    }

    #[test]
    fn the_default_fleet_has_the_counts_of_the_design() {
        let world = world();
        let app = &world.apps[MAIN_APP];
        let boilers: Vec<_> = world.devices.values().filter(|device| device.id.starts_with("boiler-")).collect();
        let of = |kind: Kind| boilers.iter().filter(|device| device.kind == kind && device.online).count();
        let blocked = app.devices.values().filter(|device| !device.enabled).count();
        let individual = app.devices.values().filter(|device| device.attestation.is_some()).count();
        assert_eq!(boilers.len(), 194, "with the six outside: 200");
        assert_eq!(of(Kind::Normal) + of(Kind::NoRetry), 150 + 6 + individual);
        assert_eq!([of(Kind::Slow), of(Kind::AnswerLost), of(Kind::Refuses), of(Kind::Vanishes)], [6, 4, 6, 4]);
        assert_eq!(boilers.iter().filter(|device| !device.online).count() - blocked, 12);
        assert_eq!([individual, of(Kind::Simulated), blocked], [2, 2, 2]);
        let outside = |prefix: &str| app.devices.keys().filter(|id| id.starts_with(prefix)).count();
        assert_eq!([outside("thermometer-"), outside("unassigned-"), outside("pump-")], [4, 2, 40]);
    }

    #[test]
    fn six_boilers_have_a_key_that_credentials_do_not_show() {
        let world = world();
        let group = &world.apps[MAIN_APP].enrollment_groups["SAS-IoT-Devices"].attestation;
        let differs = |device: &&super::super::device::Device| {
            let derived = group.device_keys(&device.id, true).map(|(primary, _)| primary);
            let super::super::device::Credential::Key(own) = &device.credential else { return false };
            derived.as_ref() != Some(own)
        };
        let boilers = world.devices.values().filter(|device| device.id.starts_with("boiler-"));
        assert_eq!(boilers.filter(differs).count(), 6 + 2, "six of the second group, two with keys of their own");
    }

    #[test]
    fn edge_devices_and_their_template_are_in_the_edge_application_only() {
        let world = world();
        let knows = |sub: &str| {
            world.apps[sub].templates.iter().any(|template| template["@type"].to_string().contains("EdgeModel"))
        };
        assert!(knows(EDGE_APP) && !knows(MAIN_APP));
        let children: Vec<_> = world.apps[EDGE_APP].configuration.relationships["gateway-0001"].values().collect();
        assert_eq!(children.iter().map(|own| own.target.as_str()).collect::<Vec<_>>(), ["sensor-0001"]);
    }

    #[test]
    fn there_are_an_empty_application_and_one_that_wants_approval_to_move_to() {
        let world = world();
        let next = &world.apps[NEXT_APP];
        assert_eq!((next.display_name.as_str(), next.devices.len()), ("Contoso next", 0));
        for oid in [ADA, BOB] {
            assert_eq!(next.roles.get(oid).map(String::as_str), Some("admin"));
        }
        assert_eq!(world.apps[VETTED_APP].devices.len(), 2);
        let waits: Vec<_> = world.apps.values().filter(|app| !app.auto_approve).map(|app| &app.subdomain).collect();
        assert_eq!(waits, [VETTED_APP]);
        let scopes: std::collections::BTreeSet<_> = world.apps.values().map(|app| &app.id_scope).collect();
        assert_eq!(scopes.len(), world.apps.len());
    }

    #[test]
    fn the_meters_hub_has_a_few_of_every_kind() {
        let world = world();
        let identities = &world.hubs[&format!("{METERS}.azure-devices.net")].identities;
        let dps = &world.dps["contoso-meters-dps"];
        let of = |kind: Kind| identities.keys().filter(|id| world.devices[*id].kind == kind).count();
        let count =
            |is: fn(&super::super::hub::model::Identity) -> bool| identities.values().filter(|it| is(it)).count();
        assert_eq!(identities.len(), 12 + 1 + 1 + 1 + 1 + 1 + 1);
        assert_eq!([of(Kind::Refuses), of(Kind::Edge), of(Kind::Unable)], [1, 1, 1]);
        assert_eq!([count(|it| !it.enabled), count(|it| it.iot_edge)], [1, 1]);
        assert_eq!(identities.keys().filter(|id| !world.devices[*id].online).count(), 1);
        assert_eq!(dps.enrollments.keys().collect::<Vec<_>>(), ["meter-0015", "meter-0018"]);
        let without_record: Vec<_> = identities.keys().filter(|id| !dps.registrations.contains_key(*id)).collect();
        assert_eq!(without_record, ["meter-0017"]);
        let templates = |sub: &str| world.apps[sub].templates.iter().filter(|own| own["@id"] == METER).count();
        assert_eq!([templates(NEXT_APP), templates(MAIN_APP)], [1, 0]);
    }

    #[test]
    fn keys_are_valid_and_the_same_at_every_start() {
        assert!(sas::is_valid_key(&key("a")));
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("b"));
    }
}
