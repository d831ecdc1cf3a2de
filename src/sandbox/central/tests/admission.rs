//! Devices that come from another application and are kept waiting, or out.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::device::{Device, Happening, Kind, Place, is_at_app};
use crate::sandbox::fleet::{self, MAIN_APP, NEXT_APP, key};
use crate::sandbox::sas::derive_key;
use crate::sandbox::testkit::Bench;
use crate::sandbox::throttle::Rate;
use crate::sandbox::world::World;

const NEXT_SCOPE: &str = "0ne00A00004";

/// The main application's devices may come in, and the second one gives up after one try.
async fn with_keys(speed: u32) -> Bench {
    let bench = Bench::new(speed, fleet::central_to_central_world);
    bench.carry_into(NEXT_APP, "SAS-IoT-Devices").await;
    bench.shared.world(|world| world.devices.get_mut("boiler-0002").unwrap().kind = Kind::NoRetry);
    bench
}

fn refusals(world: &World, id: &str, wanted: u32) -> usize {
    let is_refusal = |what: &Happening| matches!(what, Happening::RegistrationFailed { code, .. } if *code == wanted);
    world.devices[id].log.iter().filter(|entry| is_refusal(&entry.what)).count()
}

fn is_lost(device: &Device, because: &str) -> bool {
    matches!(&device.place, Place::Lost { why } if why.contains(because))
}

async fn shown(bench: &Bench, id: &str) -> (Value, Value) {
    let known = bench.app(NEXT_APP, "GET", &format!("/devices/{id}"), Value::Null).await.body;
    (known["enabled"].clone(), known["provisioned"].clone())
}

#[tokio::test]
async fn a_device_waits_for_approval_and_tries_again_by_itself_unless_it_is_of_the_kind_that_does_not() {
    let bench = with_keys(500).await;
    bench.shared.world(|world| fleet::require_approval(world, NEXT_APP));
    for id in ["boiler-0001", "boiler-0002"] {
        assert_eq!(bench.send_to_app(id, NEXT_APP).await.status, 201);
    }
    bench.until("a second try", |world| refusals(world, "boiler-0001", 400_209) >= 2).await;
    bench.until("told to wait", |world| is_lost(&world.devices["boiler-0002"], "400209")).await;
    for id in ["boiler-0001", "boiler-0002"] {
        assert_eq!(shown(&bench, id).await, (json!(false), json!(false)), "{id}");
    }
    let own = derive_key(&key(&format!("{MAIN_APP}/SAS-IoT-Devices/primary")), "boiler-0002").unwrap();
    let body = json!({"registrationId": "boiler-0002"});
    let told = bench.device("PUT", NEXT_SCOPE, "boiler-0002", "/register", &own, body).await;
    assert_eq!((told.status, told.body["errorCode"].as_u64()), (400, Some(400_209)));
    for id in ["boiler-0001", "boiler-0002"] {
        let approved = bench.app(NEXT_APP, "PATCH", &format!("/devices/{id}"), json!({"enabled": true})).await;
        assert_eq!(approved.status, 200);
    }
    bench.until("let in", |world| is_at_app(world, NEXT_APP, "boiler-0001")).await;
    assert_eq!(shown(&bench, "boiler-0001").await, (json!(true), json!(true)));
    assert_eq!(shown(&bench, "boiler-0002").await, (json!(true), json!(false)));
    assert_eq!(bench.shared.look(|world| refusals(world, "boiler-0002", 400_209)), 1);
}

#[tokio::test]
async fn a_device_that_was_created_ahead_need_not_be_approved() {
    let bench = with_keys(500).await;
    bench.shared.world(|world| fleet::require_approval(world, NEXT_APP));
    bench.send_to_app("boiler-0021", NEXT_APP).await;
    bench.until("arrival", |world| is_at_app(world, NEXT_APP, "boiler-0021")).await;
    assert_eq!(bench.shared.look(|world| refusals(world, "boiler-0021", 400_209)), 0);
}

#[tokio::test]
async fn a_device_that_is_blocked_at_the_target_is_refused_until_it_is_unblocked() {
    let bench = with_keys(500).await;
    let blocked = json!({"displayName": "Blocked", "enabled": false});
    assert_eq!(bench.app(NEXT_APP, "PUT", "/devices/boiler-0003", blocked).await.status, 200);
    bench.send_to_app("boiler-0003", NEXT_APP).await;
    bench.until("a second try", |world| refusals(world, "boiler-0003", 400_209) >= 2).await;
    assert_eq!(shown(&bench, "boiler-0003").await, (json!(false), json!(false)));
    bench.app(NEXT_APP, "PATCH", "/devices/boiler-0003", json!({"enabled": true})).await;
    bench.until("let in", |world| is_at_app(world, NEXT_APP, "boiler-0003")).await;
}

#[tokio::test]
async fn a_device_whose_group_is_disabled_at_the_target_is_refused_and_lost() {
    let bench = with_keys(500).await;
    let path = "/enrollmentGroups/iotc-sas-iot-devices";
    assert_eq!(bench.app(NEXT_APP, "PATCH", path, json!({"enabled": false})).await.status, 200);
    bench.send_to_app("boiler-0004", NEXT_APP).await;
    bench.until("lost", |world| is_lost(&world.devices["boiler-0004"], "401002")).await;
    assert_eq!(bench.app(NEXT_APP, "GET", "/devices/boiler-0004", Value::Null).await.status, 404);
}

#[tokio::test]
async fn the_two_hundred_and_first_registration_of_a_minute_is_throttled() {
    let bench = Bench::new(1, fleet::central_to_central_world);
    let group = key(&format!("{NEXT_APP}/SAS-IoT-Devices/primary"));
    let mut throttled = None;
    for number in 1..=400 {
        let id = format!("new-{number:03}");
        let body = json!({"registrationId": id});
        let own = derive_key(&group, &id).unwrap();
        let answer = bench.device("PUT", NEXT_SCOPE, &id, "/register", &own, body).await;
        if answer.status != 202 {
            throttled = Some((number, answer));
            break;
        }
    }
    let (number, answer) = throttled.unwrap();
    assert!(number > 200, "{number}");
    assert_eq!((answer.status, answer.body["errorCode"].as_u64()), (429, Some(429_001)));
    let known = bench.shared.look(|world| world.apps[NEXT_APP].devices.contains_key(&format!("new-{number:03}")));
    assert!(!known, "a throttled device leaves no trace");
}

#[tokio::test]
async fn a_throttled_device_comes_later_or_is_lost_as_its_firmware_is() {
    let bench = with_keys(200).await;
    let rate = Rate { amount: 200, per: Duration::from_secs(60), burst: 200 };
    bench.shared.throttles().take(&format!("dps/{NEXT_SCOPE}/registrations"), 1500, rate).unwrap();
    for id in ["boiler-0001", "boiler-0002"] {
        bench.send_to_app(id, NEXT_APP).await;
    }
    bench.until("lost", |world| is_lost(&world.devices["boiler-0002"], "429001")).await;
    bench.until("arrival", |world| is_at_app(world, NEXT_APP, "boiler-0001")).await;
    assert!(bench.shared.look(|world| refusals(world, "boiler-0001", 429_001)) >= 1);
}
