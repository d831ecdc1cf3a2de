//! A hub of very many devices.

use std::time::Duration;

use iotc_migrator::sandbox::fleet::{self, NEXT_APP};

use super::stage::{GIVE_UP, wish};
use crate::support::lab::Lab;

/// As many as `IOTC_MIGRATOR_TEST_FLEET` says, for who has the minutes that five thousand take.
fn number() -> usize {
    std::env::var("IOTC_MIGRATOR_TEST_FLEET").ok().and_then(|number| number.parse().ok()).unwrap_or(500)
}

/// So fast that the minutes which an application takes to let so many in pass while the machine works anyway.
const SPEED: u32 = 60;
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_devices_one_that_refuses_and_one_that_vanishes_cost_nothing_but_themselves() {
    let (lab, _program, ada) = Lab::with_ada(SPEED, |clock| fleet::hub_world(clock, number(), "S3", 1)).await;
    let journey = ada.start(&wish().with(GIVE_UP, "10")).await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), number());
    for (id, row) in &rows {
        let end = (row["outcome"].as_str(), row["reason"].as_str());
        let must = match id.as_str() {
            "meter-0002" => ("failed", "refused"),
            "meter-0003" => ("failed", "not seen at the target"),
            _ => ("moved", ""),
        };
        assert_eq!(end, must, "{row:?}");
        assert_eq!(lab.is_at_app(NEXT_APP, id), must.0 == "moved", "{:?}", lab.device(id));
        assert_eq!(lab.device(id).times_commanded(), 1, "{id}");
    }
}
