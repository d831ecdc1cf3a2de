//! Properties: what the application wishes, and what the device says.

use serde_json::{Value, json};

use crate::sandbox::testkit::Bench;

const PROPERTIES: &str = "/devices/boiler-0001/properties";

#[tokio::test]
async fn a_wish_does_not_forge_what_the_device_reports() {
    let bench = Bench::simple(100);
    bench.shared.world(|world| {
        let device = world.apps.get_mut("contoso-fleet").unwrap().devices.get_mut("boiler-0001").unwrap();
        device.report("reportInterval", &json!(10), bench.shared.clock().now());
    });
    let before = bench.central("GET", PROPERTIES, Value::Null).await.body;
    let written = bench.central("PATCH", PROPERTIES, json!({"reportInterval": 30, "customer": "Fabrikam"})).await;
    assert_eq!(written.status, 200);
    let after = bench.central("GET", PROPERTIES, Value::Null).await.body;
    assert_eq!((&after["reportInterval"], &after["customer"]), (&json!(10), &json!("Fabrikam")));
    let metadata = &after["$metadata"]["reportInterval"];
    assert_eq!((&metadata["desiredValue"], &metadata["desiredVersion"]), (&json!(30), &json!(1)));
    assert_eq!(metadata["lastUpdateTime"], before["$metadata"]["reportInterval"]["lastUpdateTime"]);
    assert_eq!(bench.central("PATCH", PROPERTIES, json!({"serialNumber": "forged"})).await.status, 422);
}

#[tokio::test]
async fn a_replacement_leaves_what_only_the_device_may_write() {
    let bench = Bench::simple(100);
    bench.central("PATCH", PROPERTIES, json!({"reportInterval": 30, "customer": "Fabrikam"})).await;
    bench.shared.flip(|switches| switches.property_writes_are_accepted = true);
    assert_eq!(bench.central("PUT", PROPERTIES, json!({"serialNumber": "forged"})).await.status, 202);
    let after = bench.central("GET", PROPERTIES, Value::Null).await.body;
    assert_eq!(after["serialNumber"], "SN-boiler-0001");
    assert!(after["customer"].is_null() && after["$metadata"]["reportInterval"]["desiredValue"].is_null());
}
