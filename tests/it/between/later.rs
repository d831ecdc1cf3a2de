//! Later checks: a device that left the application again, unasked, is found and said; and so is its return.

use std::time::Instant;

use iotc_migrator::sandbox::device::{self, Via};
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, NEXT_APP, Spec};
use iotc_migrator::sandbox::world::World;
use serde_json::json;

use super::stage::{GIVE_UP, PATIENCE, Stage, two_apps, wish};
use crate::support::journey::{Journey, Wish};
use crate::support::moment;

/// Fast, because later checks are a quarter of an hour apart; so a device has long to turn up.
const SPEED: u32 = 100;
const LOST: &str = "boiler-0002";

fn patient(wish: Wish) -> Wish {
    wish.with(GIVE_UP, "60")
}

/// Waits until a row of a migration has this outcome; the others stay moved.
async fn until(stage: &Stage, journey: &Journey, id: &str, outcome: &str) {
    let began = Instant::now();
    loop {
        let rows = stage.ada.devices(journey).await;
        let others = rows.iter().filter(|(other, _)| *other != id);
        assert!(others.clone().all(|(_, row)| row["outcome"] == "moved"), "{rows:?}");
        if rows[id]["outcome"] == outcome {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{id} is not {outcome}: {:?}\n{:?}", rows[id], stage.lab.device(id).log);
        moment().await;
    }
}

async fn all_moved(change: fn(&mut World)) -> (Stage, Journey) {
    let stage = Stage::of(SPEED, |clock| {
        let mut world = two_apps(clock, 3);
        change(&mut world);
        world
    })
    .await;
    let journey = stage.ada.start(&patient(wish())).await;
    stage.all_moved(&journey, 3).await;
    (stage, journey)
}

async fn says(stage: &Stage, journey: &Journey, words: &str) {
    stage.ada.wait_for(journey, words, PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_restarted_into_the_source_went_back_until_another_migration_has_moved_it_again() {
    let (stage, journey) = all_moved(|_| {}).await;
    assert!(device::restart(&stage.lab.shared(), LOST));
    until(&stage, &journey, LOST, "went_back").await;
    assert!(stage.lab.is_at_app(MAIN_APP, LOST));
    says(&stage, &journey, "boiler-0002 left the target again: Contoso fleet shows a newer sign of life of it").await;
    stage.ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;

    let again = stage.ada.start(&patient(Wish { name: "Once more".into(), ..wish() })).await;
    let page = stage.ada.wait_for_state(&again, "Completed", PATIENCE).await;
    let rows = stage.ada.devices(&again).await;
    assert_eq!(rows[LOST]["outcome"], "moved", "{}", page.text());
    assert!(stage.lab.is_at_app(NEXT_APP, LOST));
    until(&stage, &journey, LOST, "moved").await;
    assert_eq!(stage.ada.devices(&journey).await[LOST]["detail"], "", "why it had left is over");
    says(&stage, &journey, "boiler-0002 is at the target again").await;
    says(&stage, &journey, "After a later check: Completed: 3 moved.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_restarted_into_the_source_and_was_sent_back_by_hand_counts_as_moved_again() {
    let (stage, journey) = all_moved(|_| {}).await;
    assert!(device::restart(&stage.lab.shared(), LOST));
    until(&stage, &journey, LOST, "went_back").await;
    let payload = json!({"idScope": "0ne00A00004"});
    let heard = device::deliver(&stage.lab.shared(), LOST, "migration*DeviceMove", &payload, &Via::Single, |_| true);
    assert!(heard.is_some());
    until(&stage, &journey, LOST, "moved").await;
    assert!(stage.lab.is_at_app(NEXT_APP, LOST));
}

/// Deletes a device at the target while it is switched off, so that it does not come back at once.
fn delete(stage: &Stage, id: &str) {
    stage.lab.set_online(id, false);
    stage.lab.shared().world(|world| {
        let app = world.apps.get_mut(NEXT_APP).expect("the app");
        app.devices.remove(id).expect("it is there");
        app.registrations.remove(id);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_deleted_at_the_target_went_back_until_it_comes_again() {
    let (stage, journey) = all_moved(|world| {
        let since = world.apps[MAIN_APP].devices[LOST].presence.since.expect("it is on");
        world.devices.remove(LOST);
        fleet::add_device(world, MAIN_APP, LOST, &Spec { announces: true, ..Spec::new(BOILER) }, since);
    })
    .await;
    delete(&stage, LOST);
    until(&stage, &journey, LOST, "went_back").await;
    says(&stage, &journey, "boiler-0002 left the target again: Contoso next does not have it any more").await;

    stage.lab.set_online(LOST, true);
    until(&stage, &journey, LOST, "moved").await;
    assert!(stage.lab.is_at_app(NEXT_APP, LOST));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_deleted_at_the_target_and_announces_no_model_counts_as_moved_when_it_comes_again() {
    let (stage, journey) = all_moved(|_| {}).await;
    delete(&stage, LOST);
    until(&stage, &journey, LOST, "went_back").await;
    stage.lab.set_online(LOST, true);
    until(&stage, &journey, LOST, "moved").await;
    assert!(stage.lab.is_at_app(NEXT_APP, LOST));
    let template = stage.lab.known_at(NEXT_APP, LOST).expect("it is there").template;
    assert_eq!(template.as_deref(), Some(BOILER), "it has the chosen template again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_blocked_at_the_target_is_said_to_be_until_it_is_not() {
    let (stage, journey) = all_moved(|_| {}).await;
    let enabled = |enabled: bool| {
        stage.lab.shared().world(|world| {
            let app = world.apps.get_mut(NEXT_APP).expect("the app");
            app.devices.get_mut(LOST).expect("it is there").enabled = enabled;
        });
    };
    enabled(false);
    until_detail(&stage, &journey, "Contoso next has blocked it").await;
    enabled(true);
    until_detail(&stage, &journey, "").await;
}

/// Waits until the row of the device says this, and nothing else; it counts as moved all the while.
async fn until_detail(stage: &Stage, journey: &Journey, detail: &str) {
    let began = Instant::now();
    loop {
        let row = &stage.ada.devices(journey).await[LOST];
        assert_eq!(row["outcome"], "moved", "{row:?}");
        if row["detail"] == detail {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "“{detail}” did not come: {row:?}");
        moment().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_stay_are_said_to_send_by_newer_signs_of_life() {
    let (stage, journey) = all_moved(|_| {}).await;
    let began = Instant::now();
    loop {
        let rows = stage.ada.devices(&journey).await;
        if rows.values().all(|row| !row["sending_at"].is_empty()) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{rows:?}");
        moment().await;
    }
    until(&stage, &journey, LOST, "moved").await;
}
