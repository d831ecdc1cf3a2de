//! Devices behind gateways do not go through DPS: they are told apart, and not told to move.

use std::time::Duration;

use iotc_migrator::sandbox::fleet::{self, EDGE_APP};

use crate::support::journey::Wish;
use crate::support::lab::Lab;

const PATIENCE: Duration = Duration::from_secs(90);
const BEHIND: &str = "kiln-0004";

#[tokio::test(flavor = "multi_thread")]
async fn a_device_behind_an_edge_gateway_is_skipped_with_what_to_do() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| {
        let mut world = fleet::default_world(clock);
        fleet::add_child(&mut world, EDGE_APP, "gateway-0001", BEHIND);
        let app = world.apps.get_mut(EDGE_APP).expect("there");
        app.enrollment_groups.remove("x509-devices");
        app.devices.retain(|id, _| !id.starts_with("kiln-x509") && !id.starts_with("kiln-own"));
        world
    })
    .await;
    let wish = Wish { app: "Contoso edge".into(), group: "Kilns - all".into(), ..Wish::default() };
    let journey = ada.start(&wish).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    let row = &rows[BEHIND];
    assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), ("skipped", "behind an IoT Edge gateway"));
    assert!(row["what_to_do"].contains("by hand"), "{row:?}");
    assert_eq!(lab.device(BEHIND).times_commanded(), 0);
    assert!(rows.iter().all(|(id, row)| id == BEHIND || row["outcome"] == "moved"), "{rows:?}");
}
