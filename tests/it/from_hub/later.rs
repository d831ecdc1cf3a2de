//! Later checks: a device that left the application for its hub again, unasked, is found and said.

use std::time::Instant;

use iotc_migrator::sandbox::device;

use super::stage::{GIVE_UP, PATIENCE, PLANT_HOST, meters, wish};
use crate::support::lab::Lab;
use crate::support::moment;

/// Fast, because later checks are a quarter of an hour apart; so a device has long to turn up.
const SPEED: u32 = 100;
const LOST: &str = "meter-0002";

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
