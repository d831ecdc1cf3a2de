//! The canary: told alone and proven before the rest are touched, and what a person can do where it is not.

use std::time::Duration;

use iotc_migrator::sandbox::device::Kind;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen, When};
use iotc_migrator::sandbox::fleet;
use iotc_migrator::sandbox::log::Service;
use iotc_migrator::sandbox::world::World;

use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::{HUB, add_identity, keys_of, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(90);
/// In the hub with its own keys before the migration.
const FOUND: &str = "boiler-0200";

/// A lab whose boilers are as `change` leaves them, the program, and Ada.
async fn lab_of(boilers: usize, change: impl FnOnce(&mut World)) -> (Lab, Program, Person) {
    Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, boilers, "S2", 10);
        change(&mut world);
        world
    })
    .await
}

fn boiler(world: &mut World, number: usize) -> &mut iotc_migrator::sandbox::device::Device {
    world.devices.get_mut(&format!("boiler-{number:04}")).expect("a boiler")
}

async fn paused(ada: &Person, journey: &Journey, why: &str) -> Page {
    let page = ada.wait_for_state(journey, "Paused", PATIENCE).await;
    assert!(page.text().contains(why), "{}", page.text());
    page
}

fn all_but(lab: &Lab, canary: &str) -> Vec<iotc_migrator::sandbox::device::Device> {
    lab.devices("boiler-").into_iter().filter(|device| device.id != canary).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_canary_that_is_offline_pauses_the_migration_until_it_is_on() {
    let (lab, _program, ada) = lab_of(6, |_| {}).await;
    lab.set_online("boiler-0004", false);
    let journey = ada.start(&Wish::default().canary("boiler-0004")).await;
    let page = paused(&ada, &journey, "The canary boiler-0004 could not be reached").await;
    assert!(page.text().contains("Bring it online, then press Resume"), "{}", page.text());
    assert!(lab.devices("boiler-").iter().all(was_left_alone));

    lab.set_online("boiler-0004", true);
    ada.press(&page, "Resume").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.values().all(|row| row["outcome"] == "moved"), "{rows:?}");
    assert_eq!(rows["boiler-0004"]["told_by"], "canary");
    let first = |id: &str| lab.device(id).log.iter().find(|entry| entry.at > lab.anchor).map(|entry| entry.at);
    let proven = rows["boiler-0004"]["connected_at"].clone();
    for device in all_but(&lab, "boiler-0004") {
        let told = first(&device.id).expect("it was told");
        let told = told.format(&time::format_description::well_known::Rfc3339).expect("a time");
        assert!(told > proven, "{} was told at {told}, the canary proven at {proven}", device.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_vanishes_pauses_the_migration_and_nobody_else_is_told() {
    let (lab, _program, ada) = lab_of(6, |world| boiler(world, 3).kind = Kind::Vanishes).await;
    let journey = ada.start(&Wish::default().canary("boiler-0003")).await;
    let page = paused(&ada, &journey, "The canary boiler-0003 did not arrive").await;
    assert!(page.text().contains("Nobody else was told"), "{}", page.text());
    assert!(all_but(&lab, "boiler-0003").iter().all(was_left_alone));

    ada.press(&page, "Resume").await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    let (lost, moved): (Vec<_>, Vec<_>) = rows.iter().partition(|(id, _)| *id == "boiler-0003");
    assert_eq!(lost[0].1["reason"], "not seen at the target");
    assert!(moved.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_canary_that_refuses_stays_the_only_one_told_when_the_program_was_killed_meanwhile() {
    let (lab, program, ada) = lab_of(4, |world| boiler(world, 2).kind = Kind::Refuses).await;
    let command = |seen: &Seen<'_>| seen.method.as_str() == "POST" && seen.path.contains("/commands/");
    let held = lab.shared().faults().add(Rule::new(Action::Hold { when: When::After }, command).times(1));
    let journey = ada.start(&Wish::default().canary("boiler-0002")).await;
    held.reached().await;
    let port = program.port;
    program.kill().await;
    let _program = Program::start(lab.data.path(), port, &lab.environment(port)).await;
    paused(&ada, &journey, "None of the 1 devices tried in Boilers - all could be moved").await;
    assert_eq!(ada.devices(&journey).await["boiler-0002"]["reason"], "refused");
    assert!(all_but(&lab, "boiler-0002").iter().all(was_left_alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_in_which_nobody_answers_pauses_and_says_so() {
    let (lab, _program, ada) = lab_of(3, |_| {}).await;
    lab.devices("boiler-").iter().for_each(|device| lab.set_online(&device.id, false));
    let journey = ada.start(&Wish::default()).await;
    let page = paused(&ada, &journey, "None of the 3 devices tried in Boilers - all could be moved").await;
    assert!(page.text().contains("Bring at least one device online"), "{}", page.text());

    lab.set_online("boiler-0002", true);
    ada.press(&page, "Resume").await;
    let page = ada.wait_for_state(&journey, "Waiting for 2 devices", PATIENCE).await;
    assert!(lab.is_at_hub(HUB, "boiler-0002"), "{}", page.text());
    assert!(was_left_alone(&lab.device("boiler-0001")) && was_left_alone(&lab.device("boiler-0003")));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_canary_the_next_device_goes_alone_too() {
    let (lab, _program, ada) = lab_of(6, |world| {
        (1..=6).for_each(|number| boiler(world, number).kind = Kind::Vanishes);
    })
    .await;
    let journey = ada.start(&Wish::default().canary("boiler-0003")).await;
    let page = paused(&ada, &journey, "The canary boiler-0003 did not arrive").await;
    ada.press(&page, "Resume").await;
    ada.wait_for(&journey, "The canary boiler-0001 did not arrive", PATIENCE).await;
    let told: Vec<String> =
        lab.devices("boiler-").into_iter().filter(|device| !was_left_alone(device)).map(|device| device.id).collect();
    assert_eq!(told, ["boiler-0001", "boiler-0003"], "the way is not proven: nobody else may go");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_could_not_be_reached_are_canaries_again_and_not_a_crowd() {
    let (lab, _program, ada) = lab_of(4, |world| boiler(world, 1).kind = Kind::Vanishes).await;
    lab.devices("boiler-").iter().for_each(|device| lab.set_online(&device.id, false));
    let journey = ada.start(&Wish::default()).await;
    let page = paused(&ada, &journey, "None of the 4 devices tried").await;
    lab.devices("boiler-").iter().for_each(|device| lab.set_online(&device.id, true));
    ada.press(&page, "Resume").await;
    ada.wait_for(&journey, "The canary boiler-0001 did not arrive", PATIENCE).await;
    assert!(all_but(&lab, "boiler-0001").iter().all(was_left_alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_made_ahead_by_the_hundred_and_the_unused_ones_can_be_removed() {
    let (lab, _program, ada) = lab_of(231, |world| {
        boiler(world, 1).kind = Kind::Vanishes;
        let keys = keys_of(world, "SAS-IoT-Devices", FOUND);
        add_identity(world, HUB, FOUND, keys);
    })
    .await;
    let journey = ada.start(&Wish::default()).await;
    let page = paused(&ada, &journey, "The canary boiler-0001 did not arrive").await;
    let mut everybody: Vec<String> = lab.devices("boiler-").into_iter().map(|device| device.id).collect();
    everybody.retain(|id| id != FOUND);
    let mut made = lab.effects("identity.created");
    made.sort();
    assert_eq!(made, everybody, "each identity is made once");
    let calls = lab.shared().log().all();
    let bulk =
        calls.iter().filter(|call| call.service == Service::Hub && call.path == "/devices" && !call.effects.is_empty());
    assert_eq!(bulk.map(|call| call.effects.len()).collect::<Vec<_>>(), [100, 100, 30]);
    assert!(all_but(&lab, "boiler-0001").iter().all(was_left_alone));

    assert!(page.text().contains("229 identities"), "{}", page.text());
    assert!(page.can_press("Remove unused identities"));
    // In two tabs at once.
    let (path, csrf) = (format!("/migrations/{}/remove-identities", journey.id), page.csrf());
    let fields = [("_csrf", csrf.as_str())];
    tokio::join!(ada.post(&path, &[], &fields), ada.post(&path, &[], &fields));
    let page = ada.wait_for(&journey, "229 unused identities were removed", PATIENCE).await;
    assert_eq!(page.text().matches("asked that unused identities be removed").count(), 1, "{}", page.text());
    assert_eq!(lab.effects("identity.deleted").len(), 229, "{}", page.text());
    let kept: Vec<String> = lab.shared().look(|world| world.hubs[HUB].identities.keys().cloned().collect());
    assert_eq!(kept, ["boiler-0001", FOUND], "one may still be used by the canary, one was there before");
    ada.press(&page, "Resume").await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    assert_eq!(lab.effects("identity.created").len(), 230, "from now on DPS registers each device as it arrives");
    let rows = ada.devices(&journey).await;
    let moved = rows.iter().filter(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)).count();
    assert_eq!(
        moved,
        230,
        "{:?}",
        rows.values().find(|row| row["outcome"] != "moved" && row["device_id"] != "boiler-0001")
    );
}
