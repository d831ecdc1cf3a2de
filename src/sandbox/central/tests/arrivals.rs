//! Devices that come from another application.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::sandbox::device::{Happening, is_at_app, restart};
use crate::sandbox::fleet::{self, BOILER, COMPRESSOR, EDGE_APP, MAIN_APP, NEXT_APP, PUMP, THERMOMETER, VALVE, key};
use crate::sandbox::sas::derive_key;
use crate::sandbox::testkit::Bench;
use crate::sandbox::world::{Moment, World};

const NEXT_SCOPE: &str = "0ne00A00004";

async fn with_keys() -> Bench {
    let bench = Bench::new(500, fleet::central_to_central_world);
    bench.carry_into(NEXT_APP, "SAS-IoT-Devices").await;
    bench
}

async fn shown(bench: &Bench, id: &str) -> Value {
    bench.app(NEXT_APP, "GET", &format!("/devices/{id}"), Value::Null).await.body
}

async fn reported(bench: &Bench, sub: &str, id: &str) -> OffsetDateTime {
    let properties = bench.app(sub, "GET", &format!("/devices/{id}/properties"), Value::Null).await.body;
    let at = properties["$metadata"]["serialNumber"]["lastUpdateTime"].as_str().unwrap();
    OffsetDateTime::parse(at, &Rfc3339).unwrap()
}

async fn move_over(bench: &Bench, id: &str) -> Moment {
    let told = bench.shared.clock().now();
    assert_eq!(bench.send_to_app(id, NEXT_APP).await.body["responseCode"], 200);
    bench.until("arrival", |world| is_at_app(world, NEXT_APP, id)).await;
    told
}

fn left_at(world: &World, id: &str) -> Moment {
    let left = world.devices[id].log.iter().find(|entry| matches!(entry.what, Happening::Left { .. }));
    left.unwrap().at
}

async fn register(bench: &Bench, id: &str, key: &str) -> u16 {
    let body = json!({"registrationId": id});
    bench.device("PUT", NEXT_SCOPE, id, "/register", key, body).await.status
}

#[tokio::test]
async fn a_device_turns_up_unassigned_and_cannot_be_queried_until_it_has_a_template() {
    let bench = with_keys().await;
    let told = move_over(&bench, "boiler-0001").await;
    let known = shown(&bench, "boiler-0001").await;
    assert_eq!((&known["provisioned"], &known["enabled"]), (&json!(true), &json!(true)));
    assert_eq!((&known["template"], &known["displayName"]), (&Value::Null, &json!("boiler-0001")));
    for template in [BOILER, PUMP, THERMOMETER, VALVE, COMPRESSOR] {
        assert_eq!(bench.last_telemetry(NEXT_APP, template, "boiler-0001").await, None, "{template}");
    }
    let telemetry = "/devices/boiler-0001/telemetry/temperature";
    assert_eq!(bench.app(NEXT_APP, "GET", telemetry, Value::Null).await.status, 404);
    let assigned = bench.app(NEXT_APP, "PATCH", "/devices/boiler-0001", json!({"template": BOILER})).await;
    assert_eq!((assigned.status, &assigned.body["template"]), (200, &json!(BOILER)));
    assert!(bench.last_telemetry(NEXT_APP, BOILER, "boiler-0001").await > Some(told));
    assert_eq!(bench.app(NEXT_APP, "GET", telemetry, Value::Null).await.status, 200);
}

#[tokio::test]
async fn what_a_moved_device_sends_is_newer_at_the_target_and_ends_at_the_source() {
    let bench = with_keys().await;
    let before = reported(&bench, MAIN_APP, "boiler-0020").await;
    let long_ago = bench.last_telemetry(NEXT_APP, BOILER, "boiler-0020").await;
    assert!(long_ago < Some(before), "it was there before: {long_ago:?}");
    assert!(reported(&bench, NEXT_APP, "boiler-0020").await < before);
    assert_eq!(shown(&bench, "boiler-0020").await["provisioned"], true);
    let told = move_over(&bench, "boiler-0020").await;
    bench.shared.jump(std::time::Duration::from_secs(600));
    let at_target = bench.last_telemetry(NEXT_APP, BOILER, "boiler-0020").await;
    assert!(at_target > Some(told + time::Duration::seconds(550)), "{at_target:?}");
    assert!(reported(&bench, NEXT_APP, "boiler-0020").await > told);
    let at_source = bench.last_telemetry(MAIN_APP, BOILER, "boiler-0020").await;
    let left = bench.shared.look(|world| left_at(world, "boiler-0020"));
    assert!(at_source.is_some() && at_source <= Some(left), "{at_source:?}");
    assert_eq!(reported(&bench, MAIN_APP, "boiler-0020").await, before);
}

#[tokio::test]
async fn a_device_gets_the_template_of_the_model_that_it_announces_and_keeps_one_that_it_has() {
    let bench = with_keys().await;
    assert_eq!(bench.app(NEXT_APP, "GET", "/devices/boiler-0019", Value::Null).await.status, 404);
    assert_eq!(shown(&bench, "boiler-0021").await["provisioned"], false);
    bench.app(NEXT_APP, "PUT", "/devices/boiler-0006", json!({"displayName": "Six", "template": PUMP})).await;
    bench.shared.world(|world| {
        world.devices.get_mut("boiler-0005").unwrap().model_id = Some("dtmi:contoso:Nowhere;1".to_owned());
        world.devices.get_mut("boiler-0006").unwrap().model_id = Some("dtmi:contoso:Boiler;2".to_owned());
    });
    for (id, name, template) in [
        ("boiler-0005", "boiler-0005", Value::Null),
        ("boiler-0006", "Six", json!(PUMP)),
        ("boiler-0019", "boiler-0019", json!(BOILER)),
        ("boiler-0021", "Boiler 21", json!(BOILER)),
    ] {
        move_over(&bench, id).await;
        let known = shown(&bench, id).await;
        assert_eq!((&known["displayName"], &known["template"]), (&json!(name), &template), "{id}");
        assert_eq!(known["provisioned"], true, "{id}");
    }
}

#[tokio::test]
async fn a_group_lets_in_by_a_key_in_either_place_while_it_is_enabled_and_not_for_edge() {
    let bench = Bench::new(500, fleet::central_to_central_world);
    let [primary, secondary] = ["primary", "secondary"].map(|slot| key(&format!("{MAIN_APP}/SAS-IoT-Devices/{slot}")));
    let by_primary = derive_key(&primary, "new-01").unwrap();
    let by_secondary = derive_key(&secondary, "new-01").unwrap();
    assert_eq!(register(&bench, "new-01", &by_primary).await, 401);
    let group = |kind: &str| {
        let keys = json!({"primaryKey": secondary, "secondaryKey": primary});
        json!({"displayName": "g", "type": kind, "attestation": {"type": "symmetricKey", "symmetricKey": keys}})
    };
    assert_eq!(bench.app(NEXT_APP, "PUT", "/enrollmentGroups/swapped", group("iot")).await.status, 200);
    assert_eq!(register(&bench, "new-01", &by_primary).await, 202);
    assert_eq!(register(&bench, "new-01", &by_secondary).await, 202);
    assert_eq!(register(&bench, "new-02", &by_primary).await, 401, "the key of another device");
    bench.app(NEXT_APP, "PATCH", "/enrollmentGroups/swapped", json!({"enabled": false})).await;
    assert_eq!(register(&bench, "new-01", &by_primary).await, 401);
    bench.app(NEXT_APP, "DELETE", "/enrollmentGroups/swapped", Value::Null).await;
    assert_eq!(bench.app(NEXT_APP, "PUT", "/enrollmentGroups/swapped", group("iotEdge")).await.status, 200);
    assert_eq!(register(&bench, "new-01", &by_primary).await, 401);
}

#[tokio::test]
async fn edge_devices_still_come_in_by_their_group() {
    let bench = Bench::fleet(500);
    assert!(restart(&bench.shared, "gateway-0001"));
    bench.until("back", |world| is_at_app(world, EDGE_APP, "gateway-0001")).await;
}

#[tokio::test]
async fn an_individual_attestation_lets_its_device_in_and_no_group_does_then() {
    let bench = with_keys().await;
    let derived = derive_key(&key(&format!("{MAIN_APP}/SAS-IoT-Devices/primary")), "new-01").unwrap();
    assert_eq!(bench.app(NEXT_APP, "PUT", "/devices/new-01", json!({"displayName": "New"})).await.status, 200);
    let keys = json!({"primaryKey": key("own"), "secondaryKey": key("other")});
    let attestation = json!({"type": "symmetricKey", "symmetricKey": keys});
    assert_eq!(bench.app(NEXT_APP, "PUT", "/devices/new-01/attestation", attestation).await.status, 200);
    assert_eq!(register(&bench, "new-01", &derived).await, 401);
    assert_eq!(register(&bench, "new-01", &key("own")).await, 202);
    assert_eq!(register(&bench, "new-01", &key("other")).await, 202);
    bench.until("provisioned", |world| world.apps[NEXT_APP].devices["new-01"].provisioned).await;
}
