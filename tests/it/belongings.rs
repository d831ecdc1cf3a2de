//! Names, organizations and properties: they follow each device, and hold nobody back.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};

use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP};
use serde_json::{Value, json};

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::HUB;

const PATIENCE: Duration = Duration::from_secs(90);
const CHOICE: &str = "Carry over names and properties";

async fn begin() -> (Lab, Program, Person) {
    Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, 3, "S2", 10);
        let app = world.apps.get_mut(MAIN_APP).expect("the application");
        app.devices.get_mut("boiler-0002").expect("a boiler").display_name = "Kessel № 2 – „Süd“ \\ \"x\"".into();
        world
    })
    .await
}

fn tags(lab: &Lab, id: &str) -> Value {
    lab.shared().look(|world| json!(world.hubs[HUB].identities[id].twin.tags))
}

/// What people gave a boiler: a cloud property, and a wish for a writable one.
fn give(lab: &Lab, id: &str, customer: &Value, interval: f64) {
    lab.shared().world(|world| {
        let app = world.apps.get_mut(MAIN_APP).expect("the application");
        let device = app.devices.get_mut(id).expect("a boiler");
        device.properties.insert("customer".into(), customer.clone());
        device.properties.insert("$metadata".into(), json!({ "reportInterval": { "desiredValue": interval } }));
        device.organizations = vec!["plant-a".into()];
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn names_organizations_and_properties_arrive_in_the_twin_exactly() {
    let (lab, _program, ada) = begin().await;
    give(&lab, "boiler-0002", &json!("Müller & Söhne <\"x\">\\ \u{1F680} ' $a.b"), 2.5);
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let expected = json!({
        "displayName": "Kessel № 2 – „Süd“ \\ \"x\"",
        "organizations": ["plant-a"],
        "customer": "Müller & Söhne <\"x\">\\ \u{1F680} ' $a.b",
    });
    assert_eq!(tags(&lab, "boiler-0002"), expected);
    let desired = lab.shared().look(|world| world.hubs[HUB].identities["boiler-0002"].twin.desired.values.clone());
    assert_eq!(Value::Object(desired), json!({ "reportInterval": 2.5 }));
    let rows = ada.devices(&journey).await;
    assert_eq!(rows["boiler-0002"]["carried_over"], "carried over: 3 tags, 1 desired property");
    assert_eq!(rows["boiler-0001"]["carried_over"], "carried over: 2 tags");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_over_is_said_and_the_device_has_moved_all_the_same() {
    let (lab, _program, ada) = begin().await;
    give(&lab, "boiler-0001", &json!("x".repeat(5000)), 1.0);
    let unreadable = |seen: &Seen<'_>| seen.path.contains("/devices/boiler-0003/properties");
    let broken =
        Action::Status { code: StatusCode::INTERNAL_SERVER_ERROR, headers: HeaderMap::new(), body: "{}".into() };
    lab.shared().faults().add(Rule::new(broken, unreadable));
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.values().all(|row| row["outcome"] == "moved"), "{rows:?}");
    let said = &rows["boiler-0001"]["carried_over"];
    assert!(said.contains("left behind: customer (the text is too long for a twin)"), "{said}");
    let said = &rows["boiler-0003"]["carried_over"];
    assert!(said.contains("left behind: everything"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_choice_no_twin_is_touched() {
    let (lab, _program, ada) = begin().await;
    let journey = ada.start(&Wish::default().with(CHOICE, "nothing")).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    assert!((1..=3).all(|number| tags(&lab, &format!("boiler-000{number}")) == json!({})));
    assert!(ada.devices(&journey).await.values().all(|row| row["carried_over"].is_empty()));
}
