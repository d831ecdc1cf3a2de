//! A world for moves from hubs into an application: one device or a few of every kind that such a move meets.
//!
//! | number | kind | must end as |
//! | --- | --- | --- |
//! | 1–4 | connected, key of the group `plant` | moved |
//! | 5–6 | key of the group `annex` | moved |
//! | 7 | slow (20 s) | moved |
//! | 8 | the answer to the method is lost, the device moves | moved |
//! | 9–10 | listens to the plain method `DeviceMove` only, and answers 501 to others | moved, by the second method |
//! | 11 | announces its model id | moved, and has the model's template by itself |
//! | 12–13 | individual symmetric enrollment | moved if its attestation is carried over, else skipped: individual enrollment |
//! | 14 | known at the target and provisioned there a day ago, with a template; connected at the hub | moved, proven by newer telemetry only |
//! | 15–16 | offline, has been connected | waiting |
//! | 17 | answers 403 | failed: refused |
//! | 18 | answers, then vanishes | failed: not seen at the target |
//! | 19 | IoT Edge | skipped: edge |
//! | 20 | its identity is disabled | skipped: disabled |
//! | 21 | nobody has ever connected with the identity, which has the keys of `plant` | skipped: never connected |
//! | 22 | keys of the hub's own, no registration record, firmware that knows no DPS | skipped: hub-only key |
//! | 23 | came by the group `former`, which was deleted since | skipped: its key is of no enrollment |
//! | 24 | came by the group `retired`, which is disabled | skipped: its enrollment is disabled |
//! | 25 | came by the group `plant-x509`, with a certificate | moved if the certificate of its authority is supplied; else its group is left |
//! | 26 | individual enrollment of a TPM | skipped: TPM |
//! | 27–28 | individual enrollment of a certificate of its own: [`METER_CERTIFICATES`] | moved if its certificate is supplied, else skipped: X.509 |
//! | [`ODD`] | an id that hubs allow and DPS does not; key of `plant` | skipped: its id is not allowed |
//! | `gauge-0001`–`gauge-0003` | at [`PLANT_TWO`], key of `plant` | moved |
//! | `loose-0001`–`loose-0003` | at [`LOOSE`], which has no DPS: keys that derive from [`loose_keys`] | moved if somebody gives these keys, else skipped: its key is of no enrollment |
//! | `basic-0001`–`basic-0002` | at [`BASIC`], whose tier has no methods | cannot be told |
//! | `east-0001`–`east-0002` | at [`SHARED`], which two DPS are linked to; key of a group of the first | moved |
//! | `west-0001`–`west-0002` | at [`SHARED`], key of a group of the second | moved |
//!
//! The numbers are those of `meter-0001` and so on, at [`PLANT`]. That hub and [`PLANT_TWO`] are linked to [`PLANT_DPS`].
//! The target [`NEXT_APP`] lets everybody in that its enrollment groups know, and knows none of these keys yet.

#[cfg(test)]
mod tests;

use time::Duration;

use super::apps::{add_app, add_known_device, add_meter_template};
use super::azure::{add_dps, add_hub};
use super::hubs::{
    HubSpec, Origin, add_dps_authority, add_dps_group, add_hub_device, add_hub_devices, add_loose_device, add_numbered,
};
use super::templates::{METER, METER_MODEL};
use super::{NEXT_APP, UPTIME, empty_world, key};
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::device::{Firmware, Kind};
use crate::sandbox::dps::model::Reprovision;
use crate::sandbox::world::{Moment, World};

/// The hub of the table's numbers: S2, 10 units.
pub const PLANT: &str = "contoso-plant";
/// A small hub of the same provisioning service: S1, one unit.
pub const PLANT_TWO: &str = "contoso-plant-two";
/// The provisioning service of both.
pub const PLANT_DPS: &str = "contoso-plant-dps";
/// A hub that no provisioning service is linked to.
pub const LOOSE: &str = "contoso-loose";
/// A hub of the Basic tier, with the provisioning service `contoso-basic-dps`.
pub const BASIC: &str = "contoso-basic";
/// A hub that the provisioning services `contoso-east-dps` and `contoso-west-dps` are linked to.
pub const SHARED: &str = "contoso-shared";
/// The device whose id DPS does not allow.
pub const ODD: &str = "meter#odd(1)";
/// The certificate (PEM) of the authority behind the group `plant-x509`; nobody has its key.
pub const PLANT_CA: &str = include_str!("plant-ca.pem");

/// The certificates (PEM) that the meters 27 and 28 present; nobody has their keys.
pub const METER_CERTIFICATES: [&str; 2] =
    [include_str!("certificates/meter-0027.pem"), include_str!("certificates/meter-0028.pem")];

/// The kinds in the order of the table.
const KINDS: [(usize, HubSpec); 21] = {
    let normal = HubSpec::new("plant");
    [
        (4, normal),
        (2, HubSpec::new("annex")),
        (1, HubSpec { kind: Kind::Slow, ..normal }),
        (1, HubSpec { kind: Kind::AnswerLost, ..normal }),
        (2, HubSpec { component: None, firmware: Some(Firmware::DotNet), ..normal }),
        (1, HubSpec { model_id: Some(METER_MODEL), ..normal }),
        (2, HubSpec::from(Origin::Individual)),
        (1, normal),
        (2, HubSpec { online: false, ..normal }),
        (1, HubSpec { kind: Kind::Refuses, ..normal }),
        (1, HubSpec { kind: Kind::Vanishes, ..normal }),
        (1, HubSpec { kind: Kind::Edge, ..HubSpec::from(Origin::Individual) }),
        (1, HubSpec { enabled: false, ..normal }),
        (1, HubSpec { exists: false, ..HubSpec::from(Origin::Preset("plant")) }),
        (1, HubSpec { kind: Kind::Unable, ..HubSpec::from(Origin::Hub) }),
        (1, HubSpec::new("former")),
        (1, HubSpec::new("retired")),
        (1, HubSpec::new("plant-x509")),
        (1, HubSpec::from(Origin::Tpm)),
        (1, HubSpec::from(Origin::Certificate(METER_CERTIFICATES[0]))),
        (1, HubSpec::from(Origin::Certificate(METER_CERTIFICATES[1]))),
    ]
};
/// The device that was at the target before.
const RETURNER: &str = "meter-0014";
/// How long ago the returner was at the target.
const ABSENCE: Duration = Duration::days(1);
const PLANT_SCOPE: &str = "0ne00C0DE11";

/// The hubs of the table, and [`NEXT_APP`] to move their devices to.
#[must_use]
pub fn hub_to_central_world(clock: &SandboxClock) -> World {
    let since = clock.now() - UPTIME;
    let mut world = empty_world();
    plant(&mut world, since);
    loose(&mut world, since);
    let basic = add_hub(&mut world, BASIC, "B1", 1);
    add_dps(&mut world, "contoso-basic-dps", "0ne00C0DE12", &[&basic]);
    add_hub_devices(&mut world, "contoso-basic-dps", &basic, "basics", "basic", 2, since);
    let shared = add_hub(&mut world, SHARED, "S1", 1);
    add_dps(&mut world, "contoso-east-dps", "0ne00C0DE13", &[&shared]);
    add_dps(&mut world, "contoso-west-dps", "0ne00C0DE14", &[&shared]);
    add_hub_devices(&mut world, "contoso-east-dps", &shared, "east", "east", 2, since);
    add_hub_devices(&mut world, "contoso-west-dps", &shared, "west", "west", 2, since);
    target(&mut world);
    add_known_device(&mut world, NEXT_APP, RETURNER, Some(METER), Some(since - ABSENCE), since);
    world
}

/// A large fleet: `devices` meters of the group `plant` of [`PLANT_DPS`] in the hub [`PLANT`] of this tier and size, of which
/// `meter-0002` refuses and `meter-0003` vanishes, and [`NEXT_APP`] to move them to.
#[must_use]
pub fn hub_world(clock: &SandboxClock, devices: usize, sku: &str, units: u32) -> World {
    let since = clock.now() - UPTIME;
    let mut world = empty_world();
    let host = add_hub(&mut world, PLANT, sku, units);
    add_dps(&mut world, PLANT_DPS, PLANT_SCOPE, &[&host]);
    add_hub_devices(&mut world, PLANT_DPS, &host, "plant", "meter", devices, since);
    for (id, kind) in [("meter-0002", Kind::Refuses), ("meter-0003", Kind::Vanishes)] {
        if let Some(device) = world.devices.get_mut(id) {
            device.kind = kind;
        }
    }
    target(&mut world);
    world
}

/// The keys of the group that the devices of [`LOOSE`] came by, primary and secondary. No service of Azure has them.
#[must_use]
pub fn loose_keys() -> (String, String) {
    (key("loose/primary"), key("loose/secondary"))
}

fn plant(world: &mut World, since: Moment) {
    let host = add_hub(world, PLANT, "S2", 10);
    let second = add_hub(world, PLANT_TWO, "S1", 1);
    add_dps(world, PLANT_DPS, PLANT_SCOPE, &[&host, &second]);
    for group in ["plant", "annex", "retired", "former"] {
        add_dps_group(world, PLANT_DPS, group, since);
    }
    add_dps_authority(world, PLANT_DPS, "plant-x509", PLANT_CA, since);
    let mut number = 1;
    for (count, spec) in &KINDS {
        add_numbered(world, PLANT_DPS, &host, ("meter", number, *count), spec, since);
        number += count;
    }
    add_hub_device(world, PLANT_DPS, &host, ODD, &HubSpec::from(Origin::Preset("plant")), since);
    add_numbered(world, PLANT_DPS, &second, ("gauge", 1, 3), &HubSpec::new("plant"), since);
    let Some(dps) = world.dps.get_mut(PLANT_DPS) else { return };
    dps.groups.remove("former");
    let groups = dps.groups.values_mut().map(|group| &mut group.settings);
    for settings in groups.chain(dps.enrollments.values_mut().map(|enrollment| &mut enrollment.settings)) {
        // The hash of an id need not lead to the hub that the table has it at.
        settings.reprovision = Some(Reprovision { update_hub_assignment: false, migrate_device_data: false });
    }
    if let Some(retired) = dps.groups.get_mut("retired") {
        retired.settings.enabled = false;
    }
}

fn loose(world: &mut World, since: Moment) {
    let host = add_hub(world, LOOSE, "S1", 1);
    for number in 1..=3 {
        add_loose_device(world, &host, &format!("loose-{number:04}"), "0ne00C0DE99", loose_keys(), since);
    }
}

fn target(world: &mut World) {
    add_app(world, NEXT_APP, "0ne00A00004");
    add_meter_template(world, NEXT_APP);
}
