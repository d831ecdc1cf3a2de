//! What a hub shows of its devices' connections, and what becomes of methods.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::sandbox::device::{Firmware, TELEMETRY_SECS, set_online};
use crate::sandbox::fleet::{self, NEXT_APP, PLANT};
use crate::sandbox::hub::limits::{Class, take};
use crate::sandbox::testkit::{Answer, Bench};

const METER: &str = "meter-0001";
const COMPONENT: &str = "migration*DeviceMove";

fn host() -> String {
    format!("{PLANT}.azure-devices.net")
}

fn bench(speed: u32) -> Bench {
    Bench::new(speed, |clock| fleet::hub_world(clock, 4, "S1", 1))
}

async fn seen(bench: &Bench, method: &str, path: &str, body: Value) -> (String, OffsetDateTime) {
    let found = bench.hub_at(&host(), "iothubowner", method, path, &[], body).await.body;
    let found = if found.is_array() { found[0].clone() } else { found };
    let last = OffsetDateTime::parse(found["lastActivityTime"].as_str().unwrap(), &Rfc3339).unwrap();
    (found["connectionState"].as_str().unwrap().to_owned(), last)
}

async fn queried(bench: &Bench) -> (String, OffsetDateTime) {
    let query = json!({"query": format!("SELECT * FROM devices WHERE deviceId = '{METER}'")});
    seen(bench, "POST", "/devices/query", query).await
}

fn code(answer: &Answer) -> u64 {
    let inner: Value = serde_json::from_str(answer.body["Message"].as_str().unwrap()).unwrap();
    inner["errorCode"].as_u64().unwrap()
}

#[tokio::test]
async fn the_twin_shows_at_once_what_queries_show_minutes_later() {
    let bench = bench(1);
    let lag = Duration::from_secs(120);
    bench.shared.flip(|switches| switches.query_lag = lag);
    set_online(&bench.shared, METER, false);
    let end = bench.shared.clock().now();
    let beat = Duration::from_secs(TELEMETRY_SECS.unsigned_abs());
    let twin = seen(&bench, "GET", "/twins/meter-0001", Value::Null).await;
    assert!(twin.0 == "Disconnected" && end - twin.1 <= beat, "{twin:?}, {end}");
    assert_eq!(seen(&bench, "GET", "/devices/meter-0001", Value::Null).await, twin);
    let (state, last) = queried(&bench).await;
    assert!(state == "Connected" && end - last > lag - beat && end - last < lag + beat, "{state} {last}, {end}");
    bench.shared.jump(lag + Duration::from_secs(1));
    assert_eq!(queried(&bench).await, twin);
    set_online(&bench.shared, METER, true);
    assert_eq!(seen(&bench, "GET", "/twins/meter-0001", Value::Null).await.0, "Connected");
    assert_eq!(queried(&bench).await, twin, "it is back, and the index does not know yet");
}

#[tokio::test]
async fn the_identity_tells_when_the_connection_ended() {
    let bench = bench(1);
    let shown = || {
        bench.hub_at("contoso-plant.azure-devices.net", "registryRead", "GET", "/devices/meter-0001", &[], Value::Null)
    };
    let before = shown().await.body["connectionStateUpdatedTime"].clone();
    set_online(&bench.shared, METER, false);
    let after = shown().await.body["connectionStateUpdatedTime"].clone();
    let parse = |text: &Value| OffsetDateTime::parse(text.as_str().unwrap(), &Rfc3339).unwrap();
    assert!(parse(&after) > parse(&before));
}

#[tokio::test]
async fn a_method_that_fails_says_why() {
    let bench = bench(500);
    let tell = |id: &'static str| {
        let bench = &bench;
        async move { bench.tell(&host(), id, COMPONENT, NEXT_APP).await }
    };
    let unknown = tell("nobody").await;
    assert_eq!((unknown.status, code(&unknown)), (404, 404_001));
    set_online(&bench.shared, METER, false);
    let offline = tell(METER).await;
    assert_eq!((offline.status, code(&offline)), (404, 404_103));
    bench.shared.world(|world| {
        let silent = world.devices.get_mut("meter-0004").unwrap();
        (silent.component, silent.firmware) = (Some("relocation".to_owned()), Firmware::Node);
        world.hubs.get_mut(&host()).unwrap().identities.get_mut("meter-0002").unwrap().enabled = false;
    });
    let disabled = tell("meter-0002").await;
    assert_eq!((disabled.status, code(&disabled)), (404, 404_001));
    let silent = tell("meter-0004").await;
    assert_eq!((silent.status, code(&silent)), (504, 504_101));
    bench.shared.world(|world| world.devices.get_mut("meter-0004").unwrap().firmware = Firmware::DotNet);
    let unimplemented = tell("meter-0004").await;
    assert_eq!((unimplemented.status, unimplemented.body["status"].as_u64()), (200, Some(501)));
}

#[tokio::test]
async fn a_hub_lets_through_its_number_of_methods_a_second() {
    let bench = bench(1);
    bench.shared.look(|world| take(&bench.shared, &world.hubs[&host()], Class::Method, 400).unwrap());
    let refused = bench.tell(&host(), METER, COMPONENT, NEXT_APP).await;
    assert_eq!((refused.status, &refused.headers["iothub-errorcode"]), (429, &"ThrottlingException".parse().unwrap()));
    assert!(refused.headers.get("retry-after").is_none());
    assert_eq!(bench.shared.look(|world| world.devices[METER].times_commanded()), 0);
}

#[tokio::test]
async fn a_caller_may_wait_for_a_device_to_come() {
    let bench = bench(50);
    set_online(&bench.shared, METER, false);
    let body = json!({"methodName": COMPONENT, "payload": {"idScope": "0ne00A00004"}, "connectTimeoutInSeconds": 60});
    let path = format!("/twins/{METER}/methods");
    let host = host();
    let waiting = bench.hub_at(&host, "service", "POST", &path, &[], body);
    let coming = async { set_online(&bench.shared, METER, true) };
    let (answer, ()) = tokio::join!(waiting, coming);
    assert_eq!(answer.body["status"], 200);
}
