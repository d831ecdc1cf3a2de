//! Later checks at a hub: a device that forgets its ID scope is found to be back where it came from, and to return.

use std::time::Instant;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::{self, Via};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP};
use serde_json::json;

use super::PATIENCE;
use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::moment;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::HUB;

/// Fast, because later checks are a quarter of an hour apart; so a device has long to turn up.
const SPEED: u32 = 100;
const FORGETS: &str = "boiler-0002";
/// Disconnects, and is heard of nowhere.
const SILENT: &str = "boiler-0003";

fn patient(wish: Wish) -> Wish {
    wish.with("Give up on a device that does not turn up after (minutes)", "60")
}

/// Everybody has moved to the hub; then one device restarts, and its firmware has kept nothing.
async fn one_went_back() -> (Lab, Program, Person, Journey) {
    let lab = Lab::with(SPEED, |options| {
        let clock = SandboxClock::new(options.anchor, options.speed);
        options.world = Some(fleet::simple_world(&clock, 4, "S2", 10));
    })
    .await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let journey = ada.start(&patient(Wish::default())).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    lab.set_online(SILENT, false);
    assert!(device::restart(&lab.shared(), FORGETS));
    until(&lab, &ada, &journey, "went_back").await;
    assert!(lab.is_at_app(MAIN_APP, FORGETS));
    let said = "boiler-0002 left the target again: Contoso fleet shows a newer sign of life of it";
    let page = ada.wait_for(&journey, said, PATIENCE).await;
    assert!(page.text().contains("Went back"), "{}", page.text());
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    (lab, program, ada, journey)
}

/// Waits until the row has this outcome; the others stay moved, also the one that is heard of nowhere.
async fn until(lab: &Lab, ada: &Person, journey: &Journey, outcome: &str) {
    let began = Instant::now();
    loop {
        let rows = ada.devices(journey).await;
        let others = rows.iter().filter(|(id, _)| *id != FORGETS);
        assert!(others.clone().all(|(_, row)| row["outcome"] == "moved"), "{rows:?}");
        if rows[FORGETS]["outcome"] == outcome {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "not {outcome}: {:?}\n{:?}", rows[FORGETS], lab.device(FORGETS).log);
        moment().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_restarted_into_iot_central_went_back_until_another_migration_has_moved_it_again() {
    let (lab, _program, ada, journey) = one_went_back().await;
    lab.set_online(SILENT, true);
    let again = ada.start(&patient(Wish { name: "Once more".into(), ..Wish::default() })).await;
    ada.wait_for_state(&again, "Completed", PATIENCE).await;
    let rows = ada.devices(&again).await;
    assert_eq!(rows[FORGETS]["outcome"], "moved", "{rows:?}");
    assert!(lab.is_at_hub(HUB, FORGETS));
    assert_eq!(lab.device("boiler-0001").times_commanded(), 1, "who is at the target is not told again");
    until(&lab, &ada, &journey, "moved").await;
    ada.wait_for(&journey, "boiler-0002 is at the target again", PATIENCE).await;
    ada.wait_for(&journey, "After a later check: Completed: 4 moved.", PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_restarted_into_iot_central_and_was_sent_back_by_hand_counts_as_moved_again() {
    let (lab, _program, ada, journey) = one_went_back().await;
    let payload = json!({"idScope": "0ne00C0DE01"});
    let heard = device::deliver(&lab.shared(), FORGETS, "migration*DeviceMove", &payload, &Via::Single, |_| true);
    assert!(heard.is_some());
    until(&lab, &ada, &journey, "moved").await;
    assert!(lab.is_at_hub(HUB, FORGETS));
    assert_eq!(ada.devices(&journey).await[FORGETS]["detail"], "");
}
