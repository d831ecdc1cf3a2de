//! A hub on the wire.

mod connection;
mod jobs;
mod registry;

use serde_json::{Value, json};

use crate::sandbox::fleet::{self, key};
use crate::sandbox::options::BulkMetering;
use crate::sandbox::testkit::{Bench, HUB};

fn identity(id: &str) -> Value {
    let keys = json!({"primaryKey": key(&format!("{id}/p")), "secondaryKey": key(&format!("{id}/s"))});
    json!({"deviceId": id, "status": "enabled", "authentication": {"type": "sas", "symmetricKey": keys}, "capabilities": {"iotEdge": false}})
}

fn item(id: &str) -> Value {
    let mut item = identity(id);
    item["id"] = json!(id);
    item["importMode"] = json!("create");
    item
}

#[tokio::test]
async fn identities_are_created_once_and_updates_need_their_etag() {
    let bench = Bench::simple(100);
    let put = |headers: Vec<(&'static str, &'static str)>, body: Value| {
        let bench = &bench;
        async move { bench.hub("registryReadWrite", "PUT", "/devices/a", &headers, body).await }
    };
    assert_eq!(put(vec![("if-match", "*")], identity("a")).await.status, 404);
    assert_eq!(put(vec![], identity("a")).await.status, 200);
    let again = put(vec![], identity("a")).await;
    assert_eq!((again.status, again.headers["iothub-errorcode"].to_str().unwrap()), (409, "DeviceAlreadyExists"));
    assert!(again.body["Message"].as_str().unwrap().starts_with("ErrorCode:DeviceAlreadyExists;"));
    assert_eq!(put(vec![("if-match", "\"old\"")], identity("a")).await.status, 412);
    let bare = json!({"deviceId": "a", "status": "enabled"});
    let minted = put(vec![("if-match", "*")], bare).await;
    let shown = &minted.body["authentication"]["symmetricKey"]["primaryKey"];
    assert_ne!(shown.as_str(), Some(key("a/p").as_str()), "an update without authentication makes new keys");
    let etag = format!("\"{}\"", minted.body["etag"].as_str().unwrap());
    let gone = bench.hub("registryReadWrite", "DELETE", "/devices/a", &[("if-match", &etag)], Value::Null).await;
    assert_eq!(gone.status, 204);
    assert_eq!(bench.hub("registryRead", "GET", "/devices/a", &[], Value::Null).await.status, 404);
}

#[tokio::test]
async fn each_operation_needs_its_right() {
    let bench = Bench::simple(100);
    assert_eq!(bench.hub("service", "GET", "/devices/a", &[], Value::Null).await.status, 401);
    assert_eq!(bench.hub("registryRead", "PUT", "/devices/a", &[], identity("a")).await.status, 401);
    assert_eq!(bench.hub("registryReadWrite", "GET", "/devices/a", &[], Value::Null).await.status, 404);
    assert_eq!(bench.hub("registryReadWrite", "GET", "/twins/a", &[], Value::Null).await.status, 401);
    let query = json!({"query": "SELECT * FROM devices"});
    assert_eq!(bench.hub("registryRead", "POST", "/devices/query", &[], query.clone()).await.status, 401);
    assert_eq!(bench.hub("service", "POST", "/devices/query", &[], query).await.status, 200);
}

#[tokio::test]
async fn a_bulk_call_tells_for_each_device_whether_it_failed() {
    let bench = Bench::simple(100);
    let first = bench.hub("registryReadWrite", "POST", "/devices", &[], json!([item("a"), item("b")])).await;
    assert_eq!((first.status, first.body["isSuccessful"].as_bool()), (200, Some(true)));
    let second = bench.hub("registryReadWrite", "POST", "/devices", &[], json!([item("b"), item("c")])).await;
    assert_eq!((second.status, second.body["isSuccessful"].as_bool()), (400, Some(false)));
    assert_eq!(second.body["errors"].as_array().unwrap().len(), 1);
    assert_eq!(second.body["errors"][0]["errorCode"], "DeviceAlreadyExists");
    assert!(bench.shared.look(|world| world.hubs[HUB].identities.contains_key("c")));
}

#[tokio::test]
async fn a_bulk_call_counts_once_or_for_each_device_as_the_switch_says() {
    let statuses = |metering: BulkMetering| async move {
        let bench = Bench::new(1, |clock| fleet::simple_world(clock, 0, "S1", 1));
        bench.shared.flip(|switches| switches.bulk_metering = metering);
        let mut statuses = Vec::new();
        for round in 0..2 {
            let items: Vec<Value> = (0..60).map(|number| item(&format!("d{round}-{number}"))).collect();
            statuses.push(bench.hub("registryReadWrite", "POST", "/devices", &[], json!(items)).await.status);
        }
        statuses
    };
    assert_eq!(statuses(BulkMetering::PerDevice).await, [200, 429]);
    assert_eq!(statuses(BulkMetering::PerCall).await, [200, 200]);
}

#[tokio::test]
async fn queries_project_count_and_page() {
    let bench = Bench::simple(1000);
    let items: Vec<Value> = (0..30).map(|number| item(&format!("d{number:02}"))).collect();
    bench.hub("registryReadWrite", "POST", "/devices", &[], json!(items)).await;
    let later = bench.shared.clock().now() + std::time::Duration::from_secs(2);
    bench.until("the index", |_| bench.shared.clock().now() > later).await;
    let ask = |query: &'static str, headers: Vec<(&'static str, String)>| {
        let bench = &bench;
        async move {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            bench.hub("service", "POST", "/devices/query", &headers, json!({"query": query})).await
        }
    };
    let count = ask("SELECT COUNT() AS n FROM devices WHERE status = 'enabled'", vec![]).await;
    assert_eq!(count.body, json!([{"n": 30}]));
    let page = ask("SELECT * FROM devices", vec![("x-ms-max-item-count", "20".to_owned())]).await;
    assert_eq!((page.body.as_array().unwrap().len(), page.headers["x-ms-item-type"].to_str().unwrap()), (20, "Twin"));
    assert!(page.body[0]["authentication"].is_null(), "twins show no keys");
    let next = page.headers["x-ms-continuation"].to_str().unwrap().to_owned();
    let rest = ask("SELECT * FROM devices", vec![("x-ms-continuation", next)]).await;
    assert_eq!(rest.body.as_array().unwrap().len(), 10);
    assert!(rest.headers.get("x-ms-continuation").is_none());
    let some = ask("SELECT deviceId, connectionState FROM devices WHERE deviceId IN ['d01','d29','zz']", vec![]).await;
    assert_eq!(
        some.body,
        json!([{"deviceId": "d01", "connectionState": "Disconnected"}, {"deviceId": "d29", "connectionState": "Disconnected"}])
    );
    assert_eq!(ask("SELECT * FORM devices", vec![]).await.status, 400);
}

#[tokio::test]
async fn disabling_an_identity_cuts_its_device_off_and_enabling_lets_it_back() {
    let bench = Bench::new(1000, |clock| {
        let mut world = fleet::simple_world(clock, 0, "S2", 10);
        fleet::add_hub_devices(&mut world, "contoso-dps", HUB, "meters", "meter", 1, clock.now());
        world
    });
    let shown = bench.hub("registryRead", "GET", "/devices/meter-0001", &[], Value::Null).await.body;
    assert_eq!(shown["connectionState"], "Connected");
    for (status, state) in [("disabled", "Disconnected"), ("enabled", "Connected")] {
        let mut body = shown.clone();
        body["status"] = json!(status);
        let changed =
            bench.hub("registryReadWrite", "PUT", "/devices/meter-0001", &[("if-match", "*")], body).await.body;
        assert_eq!((changed["status"].as_str(), changed["connectionState"].as_str()), (Some(status), Some(state)));
        let since = bench.shared.look(|world| world.hubs[HUB].identities["meter-0001"].presence.since);
        assert_eq!(since.is_some(), status == "enabled");
    }
}

#[tokio::test]
async fn a_twin_patch_merges_tags_and_null_deletes() {
    let bench = Bench::simple(100);
    bench.hub("registryReadWrite", "PUT", "/devices/a", &[], identity("a")).await;
    let patch = |body: Value| {
        let bench = &bench;
        async move { bench.hub("service", "PATCH", "/twins/a", &[("if-match", "*")], body).await }
    };
    patch(json!({"tags": {"migration": {"id": "m1", "from": "x"}}})).await;
    let twin = patch(json!({"tags": {"migration": {"from": null}}})).await;
    assert_eq!(twin.body["tags"], json!({"migration": {"id": "m1"}}));
    assert_eq!(patch(json!({"tags": {"a b": 1}})).await.status, 400);
    let stale = bench.hub("service", "PATCH", "/twins/a", &[("if-match", "\"old\"")], json!({"tags": {}})).await;
    assert_eq!(stale.status, 412);
}

#[tokio::test]
async fn a_method_to_an_offline_device_says_so_in_a_body_within_a_body() {
    let bench = Bench::simple(100);
    bench.hub("registryReadWrite", "PUT", "/devices/a", &[], identity("a")).await;
    let call = json!({"methodName": "migration*DeviceMove", "payload": {}});
    let offline = bench.hub("service", "POST", "/twins/a/methods", &[], call.clone()).await;
    assert_eq!((offline.status, offline.headers["iothub-errorcode"].to_str().unwrap()), (404, "DeviceNotOnline"));
    let inner: Value = serde_json::from_str(offline.body["Message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["errorCode"], 404_103);
    let unknown = bench.hub("service", "POST", "/twins/zz/methods", &[], call.clone()).await;
    assert_eq!(unknown.headers["iothub-errorcode"], "DeviceNotFound");
    let wrong = json!({"methodName": "m", "responseTimeoutInSeconds": 1});
    assert_eq!(bench.hub("service", "POST", "/twins/a/methods", &[], wrong).await.status, 400);
    bench.shared.world(|world| "B1".clone_into(&mut world.hubs.get_mut(HUB).unwrap().sku));
    let basic = bench.hub("service", "POST", "/twins/a/methods", &[], call).await;
    assert_eq!(
        (basic.status, basic.headers["iothub-errorcode"].to_str().unwrap()),
        (403, "OperationNotAvailableInCurrentTier")
    );
}
