//! The default fleet ends as the design's table says, device by device, compared with the devices' own logs.

mod canary;
mod later;

use std::collections::BTreeMap;
use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::{Device, Kind, Place};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP, key};
use iotc_migrator::sandbox::options::IdentityConflict;
use iotc_migrator::sandbox::world::World;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::truth::{HUB, add_identity, keys_of, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(150);
/// In the hub before the migration, with the keys that the device has: of the first group, and of the second.
const OWN_KEYS: [&str; 2] = ["boiler-0005", "boiler-0152"];
/// In the hub before the migration, with keys that nobody has.
const OTHER_KEYS: [&str; 2] = ["boiler-0006", "boiler-0153"];

type Row = BTreeMap<String, String>;

/// What the table of the design says of a device: where its row ends, and the reason.
fn must_end_as(world: &World, id: &str) -> (&'static str, &'static str) {
    let (known, device) = (&world.apps[MAIN_APP].devices[id], &world.devices[id]);
    match device.kind {
        _ if OTHER_KEYS.contains(&id) => ("failed", "identity with other keys at the target"),
        Kind::Simulated => ("skipped", "simulated device"),
        _ if known.attestation.is_some() => ("skipped", "individual attestation"),
        _ if !known.enabled => ("skipped", "blocked or awaiting approval"),
        _ if !device.online => ("failed", "offline"),
        Kind::Refuses => ("failed", "refused"),
        Kind::Vanishes => ("failed", "not seen at the target"),
        Kind::Normal | Kind::NoRetry | Kind::Slow | Kind::AnswerLost => ("moved", ""),
        Kind::Unable | Kind::Edge => panic!("{id} is no boiler of the table"),
    }
}

/// The row says what the device itself knows.
fn agrees(lab: &Lab, row: &Row, device: &Device) {
    let (id, log) = (&device.id, &device.log);
    let has = |column: &str| !row[column].is_empty();
    assert!(!device.was_told_again_after_accepting(), "{id} was told again: {log:?}");
    match (row["outcome"].as_str(), row["reason"].as_str()) {
        ("moved", _) => {
            assert!(lab.is_at_hub(HUB, id), "{id} counts as moved and is {}: {log:?}", device.whereabouts());
            assert_eq!(device.times_commanded(), 1, "{id}: {log:?}");
            assert!(has("commanded_at") && has("provisioned_at") && has("connected_at"), "{row:?}");
            assert_eq!(has("acknowledged_at"), device.kind != Kind::AnswerLost, "{row:?}");
        }
        ("failed", "refused") => {
            assert_eq!(device.times_commanded(), 1, "{id}: {log:?}");
            assert!(matches!(device.place, Place::App { .. }) && row["detail"].contains("403"), "{row:?}");
        }
        ("failed", "not seen at the target") => {
            assert!(matches!(device.place, Place::Lost { .. }), "{id}: {log:?}");
            assert!(has("acknowledged_at") && !has("provisioned_at") && !has("connected_at"), "{row:?}");
        }
        ("failed", "identity with other keys at the target") => {
            assert!(was_left_alone(device), "{id}: {log:?}");
            assert!(!has("commanded_at"), "{row:?}");
        }
        _ => assert!(was_left_alone(device), "{id}: {log:?}"),
    }
    assert!(row["outcome"] == "moved" || has("what_to_do"), "{id} did not move and nobody is told what to do: {row:?}");
}

fn with_left_overs(clock: &SandboxClock) -> World {
    let mut world = fleet::default_world(clock);
    for (id, group) in OWN_KEYS.iter().zip(["SAS-IoT-Devices", "second-plant"]) {
        let keys = keys_of(&world, group, id);
        add_identity(&mut world, HUB, id, keys);
    }
    for id in OTHER_KEYS {
        add_identity(&mut world, HUB, id, (key("left over 1"), key("left over 2")));
    }
    world
}

async fn ends_as_the_table_says(conflict: IdentityConflict) {
    let lab = Lab::with(15, |options| {
        options.identity_conflict = conflict;
        options.world = Some(with_left_overs(&SandboxClock::new(options.anchor, options.speed)));
    })
    .await;
    let table: BTreeMap<String, (&str, &str)> = lab.shared().look(|world| {
        let boilers = world.devices.keys().filter(|id| id.starts_with("boiler-"));
        boilers.map(|id| (id.clone(), must_end_as(world, id))).collect()
    });
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;
    let page = ada.wait_for_state(&journey, "Waiting for 12 devices", PATIENCE).await;
    ada.press(&page, "Finish now").await;
    let page = ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;

    let outside =
        "50 other devices of the application are outside the group or have another template; 2 have no template";
    assert!(page.text().contains(outside), "{}", page.text());
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.keys().collect::<Vec<_>>(), table.keys().collect::<Vec<_>>());
    for (id, row) in &rows {
        assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), table[id], "{id}: {row:?}");
        agrees(&lab, row, &lab.device(id));
    }
    let ended = |outcome: &str, reason: &str| table.values().filter(|end| **end == (outcome, reason)).count();
    assert_eq!(ended("moved", ""), 150 + 6 + 6 + 4 - OTHER_KEYS.len());
    assert_eq!([ended("failed", "offline"), ended("failed", "refused")], [12, 6]);
    assert_eq!(ended("failed", "not seen at the target"), 4);
    assert_eq!(ended("failed", "identity with other keys at the target"), OTHER_KEYS.len());
    for reason in ["individual attestation", "simulated device", "blocked or awaiting approval"] {
        assert_eq!(ended("skipped", reason), 2, "{reason}");
    }
    assert_eq!(lab.effects("job.created"), [] as [String; 0], "a job would hit those that are not cleared");
    assert_eq!(lab.effects("identity.created"), [] as [String; 0], "which of two keys a device has is not certain");
    for outside in ["pump-", "thermometer-", "valve-", "compressor-", "unassigned-"] {
        assert!(lab.devices(outside).iter().all(was_left_alone), "{outside}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_fleet_ends_as_its_table_says_where_dps_overwrites_an_identity() {
    ends_as_the_table_says(IdentityConflict::Overwrite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_fleet_ends_as_its_table_says_where_dps_keeps_an_identity() {
    ends_as_the_table_says(IdentityConflict::Keep).await;
}
