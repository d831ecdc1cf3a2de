//! Later checks: a device that left the application for its hub again, unasked, is found and said.

use std::time::Instant;

use iotc_migrator::sandbox::device;
use iotc_migrator::sandbox::fleet::{PLANT, PLANT_DPS};

use super::stage::{GIVE_UP, NEXT, PATIENCE, PLANT_HOST, meters, wish};
use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::moment;

/// Fast, because later checks are a quarter of an hour apart; so a device has long to turn up.
const SPEED: u32 = 100;
const LOST: &str = "meter-0002";

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_were_moved_before_are_recognised_and_not_told_again_even_without_a_template() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| meters(clock, 3)).await;
    let bare = Wish { name: "First".into(), ..Wish::from_hubs(Some(PLANT_DPS), &[PLANT], NEXT, None) };
    let journey = ada.start(&bare).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let again = ada.start(&Wish { name: "Second".into(), ..bare }).await;
    ada.wait_for_state(&again, "Completed", PATIENCE).await;
    for (id, row) in ada.devices(&again).await {
        assert_eq!(row["reason"], "already at the target", "{row:?}");
        assert!(row["detail"].contains("“First” moved it there"), "{row:?}");
        assert_eq!(lab.device(&id).times_commanded(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_restarted_into_its_hub_went_back() {
    let (lab, _program, ada) = Lab::with_ada(SPEED, |clock| meters(clock, 3)).await;
    let journey = ada.start(&wish().with(GIVE_UP, "60")).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    assert!(device::restart(&lab.shared(), LOST));
    let began = Instant::now();
    loop {
        let rows = ada.devices(&journey).await;
        if rows[LOST]["outcome"] == "went_back" {
            assert!(rows.iter().all(|(id, row)| id == LOST || row["outcome"] == "moved"), "{rows:?}");
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{:?}\n{:?}", rows[LOST], lab.device(LOST).log);
        moment().await;
    }
    assert!(lab.is_at_hub(PLANT_HOST, LOST));
    let words = "meter-0002 left the target again: contoso-plant shows a newer sign of life of it than Contoso next";
    ada.wait_for(&journey, words, PATIENCE).await;
}
