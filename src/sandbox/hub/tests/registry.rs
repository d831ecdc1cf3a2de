//! Bulk calls, modules, configurations and digital twins as Microsoft's SDKs use them.

use serde_json::{Value, json};

use super::{identity, item};
use crate::sandbox::options::ErrorShape;
use crate::sandbox::testkit::{Answer, Bench, HUB};

async fn bulk(bench: &Bench, items: Value) -> Answer {
    bench.hub("registryReadWrite", "POST", "/devices/", &[], items).await
}

fn with(id: &str, mode: &str, etag: &str) -> Value {
    let mut item = item(id);
    item["importMode"] = json!(mode);
    item["etag"] = json!(etag);
    item
}

#[tokio::test]
async fn import_modes_are_taken_in_any_case_and_etags_under_both_names() {
    let bench = Bench::simple(100);
    assert_eq!(bulk(&bench, json!([with("a", "Create", "")])).await.status, 200);
    assert_eq!(bulk(&bench, json!([with("a", "Update", "")])).await.status, 200);
    let stale = bulk(&bench, json!([with("a", "UpdateIfMatchETag", "old")])).await;
    assert_eq!(stale.body["errors"][0]["errorCode"], "PreconditionFailed");
    let etag = bench.shared.look(|world| world.hubs[HUB].identities["a"].etag());
    assert_eq!(bulk(&bench, json!([with("a", "DeleteIfMatchETag", &etag)])).await.status, 200);
    assert!(bench.shared.look(|world| world.hubs[HUB].identities.is_empty()));
}

#[tokio::test]
async fn too_many_devices_and_a_device_twice_are_refused_as_a_whole() {
    let bench = Bench::simple(100);
    let many: Vec<Value> = (0..101).map(|number| item(&format!("d{number}"))).collect();
    let refused = bulk(&bench, json!(many)).await;
    assert_eq!((refused.status, refused.headers["iothub-errorcode"].to_str().unwrap()), (413, "TooManyDevices"));
    let twice = bulk(&bench, json!([item("x"), item("x")])).await;
    assert_eq!(
        (twice.status, twice.headers["iothub-errorcode"].to_str().unwrap()),
        (400, "DeviceDefinedMultipleTimes")
    );
}

#[tokio::test]
async fn a_bulk_call_makes_modules_beside_their_device_and_checks_twins() {
    let bench = Bench::simple(100);
    let module = json!({"id": "a", "moduleId": "m", "importMode": "create", "tags": {"t": 1}});
    assert_eq!(bulk(&bench, json!([item("a"), module])).await.status, 200);
    let twin = bench.hub("service", "GET", "/twins/a/modules/m", &[], Value::Null).await.body;
    assert_eq!((&twin["moduleId"], &twin["tags"]), (&json!("m"), &json!({"t": 1})));
    let mut wrong = item("b");
    wrong["tags"] = json!({"a.b": 1});
    assert_eq!(bulk(&bench, json!([wrong])).await.body["errors"][0]["errorCode"], "ArgumentInvalid");
}

#[tokio::test]
async fn twin_errors_come_in_the_body_that_the_switch_says() {
    let bench = Bench::simple(100);
    let ask = || async { bench.hub("service", "GET", "/twins/nobody", &[], Value::Null).await.body };
    assert_eq!(ask().await["Message"], "ErrorCode:DeviceNotFound;nobody");
    bench.shared.flip(|switches| switches.twin_errors = ErrorShape::Flat);
    assert_eq!(ask().await["errorCode"], 404_001);
    bench.shared.flip(|switches| switches.twin_errors = ErrorShape::Nested);
    assert!(ask().await["Message"].as_str().unwrap().contains("\"errorCode\":404001"));
}

#[tokio::test]
async fn an_identity_is_deleted_only_by_its_etag_or_whatever_it_is() {
    let bench = Bench::simple(100);
    let made = bench.hub("registryReadWrite", "PUT", "/devices/a", &[], identity("a")).await;
    let etag = format!("\"{}\"", made.body["etag"].as_str().unwrap());
    let delete = async |headers: &[(&str, &str)]| {
        bench.hub("registryReadWrite", "DELETE", "/devices/a", headers, Value::Null).await.status
    };
    assert_eq!(delete(&[]).await, 400);
    assert_eq!(delete(&[("if-match", "\"old\"")]).await, 412);
    assert_eq!(delete(&[("if-match", &etag)]).await, 204);
    assert_eq!(delete(&[("if-match", "*")]).await, 404);
}

#[tokio::test]
async fn modules_are_created_once_changed_with_their_etag_and_deleted() {
    let bench = Bench::simple(100);
    bench.hub("registryReadWrite", "PUT", "/devices/a", &[], identity("a")).await;
    let path = "/devices/a/modules/m";
    let body = json!({"deviceId": "a", "moduleId": "m", "managedBy": "me"});
    let made = bench.hub("registryReadWrite", "PUT", path, &[], body.clone()).await;
    assert_eq!((made.status, made.body["managedBy"].as_str()), (200, Some("me")));
    assert_eq!(bench.hub("registryReadWrite", "PUT", path, &[], body.clone()).await.status, 409);
    assert_eq!(bench.hub("registryReadWrite", "PUT", path, &[("if-match", "\"old\"")], body).await.status, 412);
    let list = bench.hub("registryRead", "GET", "/devices/a/modules", &[], Value::Null).await.body;
    assert_eq!(list.as_array().unwrap().len(), 1);
    let patched =
        bench.hub("service", "PATCH", "/twins/a/modules/m", &[], json!({"properties": {"desired": {"x": 1}}})).await;
    assert_eq!(patched.body["properties"]["desired"]["x"], 1);
    let query = json!({"query": "SELECT moduleId FROM devices.modules WHERE deviceId = 'a'"});
    assert_eq!(bench.hub("service", "POST", "/devices/query", &[], query).await.body, json!([{"moduleId": "m"}]));
    assert_eq!(bench.hub("registryReadWrite", "DELETE", path, &[("if-match", "*")], Value::Null).await.status, 204);
    let gone = bench.hub("registryRead", "GET", path, &[], Value::Null).await;
    assert_eq!((gone.status, gone.headers["iothub-errorcode"].to_str().unwrap()), (404, "ModuleNotFound"));
}

#[tokio::test]
async fn configurations_are_kept_as_given() {
    let bench = Bench::simple(100);
    let body = json!({"id": "c-1", "targetCondition": "tags.x=1", "priority": 5, "content": {"deviceContent": {}}});
    let put = |headers: &'static [(&'static str, &'static str)], body: Value| {
        let bench = &bench;
        async move { bench.hub("registryReadWrite", "PUT", "/configurations/c-1", headers, body).await }
    };
    assert_eq!(put(&[], body.clone()).await.body["priority"], 5);
    assert_eq!(put(&[], body.clone()).await.status, 409);
    assert_eq!(put(&[("if-match", "*")], body).await.status, 200);
    let list = bench.hub("registryRead", "GET", "/configurations", &[], Value::Null).await.body;
    assert_eq!(list[0]["id"], "c-1");
}

#[tokio::test]
async fn a_patched_digital_twin_has_new_desired_values() {
    let bench = Bench::simple(100);
    bench.hub("registryReadWrite", "PUT", "/devices/a", &[], identity("a")).await;
    let patch = json!([{"op": "add", "path": "/thermostat1/targetTemperature", "value": 42}]);
    assert_eq!(bench.hub("service", "PATCH", "/digitaltwins/a", &[], patch).await.status, 202);
    let shown = bench.hub("service", "GET", "/digitaltwins/a", &[], Value::Null).await.body;
    assert_eq!(shown["thermostat1"]["$metadata"]["targetTemperature"]["desiredValue"], 42);
    let purged = bench.hub("service", "DELETE", "/devices/a/commands", &[], Value::Null).await;
    assert_eq!(purged.body["totalMessagesPurged"], 0);
}

#[tokio::test]
async fn rows_may_stand_for_groups_of_devices() {
    let bench = Bench::simple(1000);
    let mut items = Vec::new();
    for (id, site, level) in [("a", "north", 1), ("b", "north", 3), ("c", "south", 5)] {
        let mut item = item(id);
        item["tags"] = json!({"site": site, "level": level});
        items.push(item);
    }
    bulk(&bench, json!(items)).await;
    let later = bench.shared.clock().now() + std::time::Duration::from_secs(2);
    bench.until("the index", |_| bench.shared.clock().now() > later).await;
    let query = "SELECT tags.site AS site, COUNT() AS n, AVG(tags.level) AS level FROM devices GROUP BY tags.site";
    let answer = bench.hub("service", "POST", "/devices/query", &[], json!({"query": query})).await;
    let expected = json!([{"site": "north", "n": 2, "level": 2.0}, {"site": "south", "n": 1, "level": 5.0}]);
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn an_etag_without_quotes_is_no_precondition() {
    let bench = Bench::simple(100);
    bench.hub("registryReadWrite", "PUT", "/devices/a", &[], identity("a")).await;
    let patch = |etag: &'static str| {
        let bench = &bench;
        async move { bench.hub("service", "PATCH", "/twins/a", &[("if-match", etag)], json!({"tags": {}})).await.status }
    };
    assert_eq!([patch("old").await, patch("\"old\"").await, patch("\"*\"").await], [200, 412, 200]);
}
