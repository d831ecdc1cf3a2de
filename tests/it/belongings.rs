//! Names, organizations and properties: they follow each device, and hold nobody back.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};

use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP};
use iotc_migrator::sandbox::hub::model::Identity;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
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

/// A device as people may have named it, and what they gave it.
#[derive(Debug, Clone)]
struct Odd {
    id: String,
    name: String,
    customer: Value,
    interval: i32,
}

fn odd() -> impl Strategy<Value = Odd> {
    let words =
        || prop_oneof!["\\PC{1,60}", r#"[$."'\\/<>{}\[\] %#&;]{1,20}"#, "[\u{1F300}-\u{1F6FF}é„“№\u{202E}]{1,12}"];
    // A twin takes no value that is itself an object with odd keys: what has those is packed by the unit tests.
    let values = prop_oneof![
        words().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-9_000_i64..9_000).prop_map(Value::from)
    ];
    // What a registration id may be: see DPS's rule.
    ("[A-Za-z0-9][A-Za-z0-9._:-]{0,40}[a-z0-9-]", words(), values, 1..900)
        .prop_map(|(id, name, customer, interval)| Odd { id, name, customer, interval })
}

/// Forty of them whose ids differ also without regard to case, the same at every run.
fn forty() -> BTreeMap<String, Odd> {
    let mut runner = TestRunner::deterministic();
    let mut all = BTreeMap::new();
    while all.len() < 40 {
        let one = odd().new_tree(&mut runner).expect("a device").current();
        all.insert(one.id.to_lowercase(), one);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ids_names_and_values_azure_allows_arrive_in_the_twins_exactly() {
    let devices = forty();
    let (lab, _program, ada) = Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, 0, "S2", 10);
        for odd in devices.values() {
            fleet::add_device(&mut world, MAIN_APP, &odd.id, &fleet::Spec::new(fleet::BOILER), clock.now());
            let device =
                world.apps.get_mut(MAIN_APP).and_then(|app| app.devices.get_mut(&odd.id)).expect("it was added");
            device.display_name.clone_from(&odd.name);
            device.properties.insert("customer".into(), odd.customer.clone());
            let wished = json!({ "reportInterval": { "desiredValue": odd.interval } });
            device.properties.insert("$metadata".into(), wished);
        }
        world
    })
    .await;
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    let twins: BTreeMap<String, (Value, Value)> = lab.shared().look(|world| {
        let of = |(id, identity): (&String, &Identity)| {
            (id.to_lowercase(), (json!(identity.twin.tags), Value::Object(identity.twin.desired.values.clone())))
        };
        world.hubs[HUB].identities.iter().map(of).collect()
    });
    for (id, odd) in &devices {
        let tags = json!({ "displayName": odd.name, "customer": odd.customer });
        let expected = (tags, json!({ "reportInterval": odd.interval }));
        assert_eq!(twins.get(id), Some(&expected), "{odd:?}: {:?}", rows[&odd.id]["carried_over"]);
    }
}
