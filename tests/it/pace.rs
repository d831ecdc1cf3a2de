//! Pace: a small hub is never told more than it takes.

use std::time::Duration;

use iotc_migrator::sandbox::device::{Happening, Kind, Place};
use iotc_migrator::sandbox::log::Call;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;

const PATIENCE: Duration = Duration::from_secs(150);
const SMALL_HUB: &str = "contoso-hub-small.azure-devices.net";

/// One hub unit registers a hundred devices a minute, and firmware like the official samples' does not try twice.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_fleet_reaches_a_hub_of_one_unit_without_losing_a_device() {
    let lab = Lab::start(15).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::onto_the_small_hub()).await;
    ada.wait_for_state(&journey, "Waiting for 12 devices", PATIENCE).await;

    let rows = ada.devices(&journey).await;
    for device in lab.devices("boiler-") {
        let (id, row) = (&device.id, &rows[&device.id]);
        let is_lost = matches!(device.place, Place::Lost { .. });
        assert_eq!(is_lost, device.kind == Kind::Vanishes, "{id}: {:?}", device.log);
        assert_eq!(row["outcome"] == "moved", lab.is_at_hub(SMALL_HUB, id), "{id}: {row:?}");
        let refused = device.log.iter().any(|entry| matches!(entry.what, Happening::RegistrationFailed { .. }));
        assert!(!refused, "{id} met a throttled registration: {:?}", device.log);
    }
    assert_eq!(rows.values().filter(|row| row["outcome"] == "moved").count(), 150 + 6 + 6 + 4);
    let calls = lab.shared().log().all();
    let throttled: Vec<&Call> = calls.iter().filter(|call| call.throttled).collect();
    let paths: Vec<&str> = throttled.iter().map(|call| call.path.as_str()).collect();
    assert!(throttled.len() * 100 < calls.len(), "{} of {} calls were answered 429: {paths:?}", paths.len(), calls.len());
}
