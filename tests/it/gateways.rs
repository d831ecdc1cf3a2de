//! Devices behind gateways do not go through DPS: they are told apart, and not told to move.

use std::time::Duration;

use iotc_migrator::sandbox::fleet::{self, EDGE_APP, THERMOMETER};

use crate::support::journey::Wish;
use crate::support::lab::Lab;

const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_device_behind_an_edge_gateway_is_skipped_with_what_to_do() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| {
        let mut world = fleet::default_world(clock);
        fleet::add_group(&mut world, EDGE_APP, "sensors-all", "Sensors - all", THERMOMETER);
        world
    })
    .await;
    let wish = Wish {
        app: "Contoso edge".into(),
        group: "Sensors - all".into(),
        template: "Thermometer".into(),
        ..Wish::default()
    };
    let (journey, page) = ada.migrate(&wish).await;
    let (name, value) = page.entry("No selected device uses x509-devices").expect("a choice");
    let form = page.form_with_button("Start migration").expect("a form").set(&name, &value);
    ada.submit(&page, form).await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    let row = &rows["sensor-0001"];
    assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), ("skipped", "behind an IoT Edge gateway"));
    assert!(row["what_to_do"].contains("by hand"), "{row:?}");
    assert_eq!(lab.device("sensor-0001").times_commanded(), 0);
}
