//! A second migration of the same group takes only those still at the source.

use std::collections::BTreeMap;
use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::Kind;
use iotc_migrator::sandbox::fleet::{self, MAIN_APP};
use iotc_migrator::sandbox::world::World;
use tempfile::TempDir;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::HUB;

const PATIENCE: Duration = Duration::from_secs(90);
const SWITCHED_OFF: [&str; 2] = ["boiler-0003", "boiler-0007"];
const REFUSES: &str = "boiler-0009";

/// Thirty boilers, of which two are off and one refuses.
fn world(clock: &SandboxClock, groups: usize) -> World {
    let mut world =
        if groups == 1 { fleet::simple_world(clock, 30, "S2", 10) } else { fleet::three_groups_world(clock, 30) };
    for id in SWITCHED_OFF {
        world.devices.get_mut(id).expect("a boiler").online = false;
        world.apps.get_mut(MAIN_APP).and_then(|app| app.devices.get_mut(id)).expect("a boiler").presence.since = None;
    }
    world.devices.get_mut(REFUSES).expect("a boiler").kind = Kind::Refuses;
    world
}

async fn lab_of(groups: usize) -> Lab {
    Lab::with(20, |options| {
        let clock = SandboxClock::new(options.anchor, options.speed);
        options.world = Some(world(&clock, groups));
    })
    .await
}

fn times_commanded(lab: &Lab) -> BTreeMap<String, usize> {
    lab.devices("boiler-").into_iter().map(|device| (device.id.clone(), device.times_commanded())).collect()
}

async fn first_migration(lab: &Lab, ada: &Person) {
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;
    let page = ada.wait_for_state(&journey, "Waiting for 2 devices", PATIENCE).await;
    ada.press(&page, "Finish now").await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.values().filter(|row| row["outcome"] == "moved").count(), 27, "{rows:?}");
    assert!(rows.iter().all(|(id, row)| (row["outcome"] == "moved") == lab.is_at_hub(HUB, id)));
}

/// Of those that the first migration left behind one is on now; nobody else may be told anything.
async fn the_second_takes_who_is_left(lab: &Lab, ada: &Person) {
    let before = times_commanded(lab);
    let made_before = (lab.effects("enrollment.created"), lab.effects("identity.created"));
    lab.set_online(SWITCHED_OFF[1], true);
    let journey = ada.start(&Wish { name: "Once more".into(), ..Wish::default() }).await;
    let page = ada.wait_for_state(&journey, "Waiting for 1 device", PATIENCE).await;
    ada.press(&page, "Finish now").await;
    let page = ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    assert!(page.text().contains("27 already at the target"), "{}", page.text());

    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 30);
    for (id, row) in &rows {
        let told = lab.device(id).times_commanded() - before[id];
        let ended = (row["outcome"].as_str(), row["reason"].as_str(), told);
        match id.as_str() {
            id if id == SWITCHED_OFF[0] => assert_eq!(ended, ("failed", "offline", 0)),
            id if id == SWITCHED_OFF[1] => assert_eq!(ended, ("moved", "", 1)),
            REFUSES => assert_eq!(ended, ("failed", "refused", 1)),
            _ => assert_eq!(ended, ("already", "already at the target", 0), "{id}"),
        }
        assert_eq!(matches!(ended.0, "moved" | "already"), lab.is_at_hub(HUB, id), "{id}");
    }
    let made_after = (lab.effects("enrollment.created"), lab.effects("identity.created"));
    assert_eq!(made_before, made_after, "what the first migration made is found and used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_migration_in_the_same_database_takes_only_those_still_at_the_source() {
    let lab = lab_of(1).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    first_migration(&lab, &ada).await;
    the_second_takes_who_is_left(&lab, &ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_migration_from_an_empty_data_directory_takes_only_those_still_at_the_source() {
    let lab = lab_of(3).await;
    let program = lab.program().await;
    first_migration(&lab, &Person::new(&lab, &program)).await;
    program.kill().await;

    let elsewhere = TempDir::new().expect("a directory");
    let port = Program::free_port();
    let program = Program::start(elsewhere.path(), port, &lab.environment(port)).await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    the_second_takes_who_is_left(&lab, &ada).await;
}
