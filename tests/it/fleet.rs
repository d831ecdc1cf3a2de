//! The default fleet ends as the design's table says, device by device, compared with the devices' own logs.

use std::time::Duration;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn the_default_fleet_ends_as_its_table_says() {
    let lab = Lab::start(20).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;
    let page = ada.wait_for(&journey, "Waiting for 12 devices", PATIENCE).await;
    ada.press(&page, "Finish now").await;
    ada.wait_for(&journey, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 194);
}
