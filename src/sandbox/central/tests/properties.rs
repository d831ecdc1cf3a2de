//! Properties: what the application wishes, and what the device says.

use serde_json::{Value, json};

use crate::sandbox::fleet::NEXT_APP;
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

#[tokio::test]
async fn a_name_that_the_template_does_not_know_is_refused_and_nothing_is_written() {
    let bench = Bench::simple(100);
    let before = bench.central("GET", PROPERTIES, Value::Null).await.body;
    let unknown = [
        json!({"customer": "Fabrikam", "colour": "red"}),
        json!({"migration": {"colour": "red"}}),
        json!({"migration": 1}),
    ];
    for (body, status) in unknown.into_iter().zip([422, 422, 400]) {
        for method in ["PATCH", "PUT"] {
            assert_eq!(bench.central(method, PROPERTIES, body.clone()).await.status, status, "{method} {body}");
        }
    }
    assert_eq!(bench.central("GET", PROPERTIES, Value::Null).await.body, before);
    let no_component = bench.central("PATCH", "/devices/boiler-0001/components/none/properties", json!({})).await;
    assert_eq!(no_component.status, 404);
}

#[tokio::test]
async fn cloud_and_writable_properties_are_taken_with_200_or_202_before_the_device_has_come() {
    let bench = Bench::new(100, crate::sandbox::fleet::central_to_central_world);
    let path = "/devices/boiler-0021/properties";
    for (accepted, status) in [(false, 200), (true, 202)] {
        bench.shared.flip(|switches| switches.property_writes_are_accepted = accepted);
        let body = json!({"customer": "Contoso", "reportInterval": 30});
        assert_eq!(bench.app(NEXT_APP, "PATCH", path, body).await.status, status);
    }
    let shown = bench.app(NEXT_APP, "GET", path, Value::Null).await.body;
    assert_eq!(shown["customer"], "Contoso");
    assert_eq!(shown["$metadata"]["reportInterval"]["desiredValue"], 30);
    assert!(shown["reportInterval"].is_null(), "the device has not said so yet");
}
