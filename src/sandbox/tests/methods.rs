//! Direct methods that fail as ordered, before or after the device has heard.

use serde_json::json;

use super::*;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::faults::{Action, Rule, Seen, When};
use crate::sandbox::fleet::{PLANT, hub_world};

async fn rig() -> Rig {
    Rig::with(|options| {
        options.world = Some(hub_world(&SandboxClock::new(options.anchor, options.speed), 4, "S1", 1));
    })
    .await
}

fn is_method(seen: &Seen<'_>) -> bool {
    seen.path.ends_with("/methods")
}

impl Rig {
    async fn post(&self, path: &str, body: Value) -> Result<reqwest::Response, reqwest::Error> {
        let host = format!("{PLANT}.azure-devices.net");
        let policy = self.shared().look(|world| world.hubs[&host].policies[0].clone());
        let expires = self.shared().clock().now().unix_timestamp() + 3600;
        let token = crate::sandbox::sas::sign(&host, &policy.primary, expires, Some(&policy.name)).unwrap();
        let url = format!("https://{host}{path}?api-version=2021-04-12");
        self.client.post(url).header("authorization", token).json(&body).send().await
    }

    async fn tell(&self, id: &str) -> Result<reqwest::Response, reqwest::Error> {
        let body = json!({"methodName": "migration*DeviceMove", "payload": {"idScope": "0ne00A00004"}});
        self.post(&format!("/twins/{id}/methods"), body).await
    }

    fn times_told(&self, id: &str) -> usize {
        self.shared().look(|world| world.devices[id].times_commanded())
    }
}

#[tokio::test]
async fn the_device_has_heard_a_method_whose_answer_is_lost_or_turned_into_a_time_out() {
    let rig = rig().await;
    let shared = rig.shared();
    shared.faults().add(Rule::new(Action::DropAfter, is_method).times(1));
    assert!(rig.tell("meter-0001").await.is_err());
    shared.faults().add(Rule::new(Action::alter(|answer| answer.status = StatusCode::GATEWAY_TIMEOUT), is_method));
    assert_eq!(rig.tell("meter-0004").await.unwrap().status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(["meter-0001", "meter-0004"].map(|id| rig.times_told(id)), [1, 1]);
}

#[tokio::test]
async fn no_device_hears_a_method_that_is_refused() {
    let rig = rig().await;
    for code in [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR] {
        rig.shared().faults().add(Rule::new(Action::status(code), is_method).times(1));
        assert_eq!(rig.tell("meter-0001").await.unwrap().status(), code);
    }
    assert_eq!(rig.times_told("meter-0001"), 0);
}

#[tokio::test]
async fn a_method_is_an_effect_and_a_query_is_none() {
    let rig = rig().await;
    let held = rig.shared().faults().hold_effect(1, When::After);
    let query = json!({"query": "SELECT deviceId FROM devices"});
    assert_eq!(rig.post("/devices/query", query).await.unwrap().status(), StatusCode::OK);
    assert_eq!(held.struck(), 0);
    let watching = async {
        held.reached().await;
        assert_eq!(rig.times_told("meter-0001"), 1);
        held.release();
    };
    let (answer, ()) = tokio::join!(rig.tell("meter-0001"), watching);
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}
