//! What the client promises about signs of life: properties, telemetry, and what a template says of it.

use std::sync::Arc;

use serde_json::{Value, json};
use time::macros::datetime;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::template;
use crate::azure::central::DeviceProperties;
use crate::azure::testing::{Tokens, answer, answer_once, central, requests};
use crate::azure::{Azure, ErrorKind};
use crate::clock::{Clock, Timestamp};
use crate::ids::{DeviceId, Subdomain, TemplateId};

const PROPERTIES: &str = "/api/devices/d/properties";

fn newest(properties: Value) -> Option<Timestamp> {
    serde_json::from_value::<DeviceProperties>(properties).unwrap().newest_update()
}

#[test]
fn the_newest_update_is_found_in_the_metadata_of_root_and_components() {
    let at = |text: &str| json!({ "temperature": { "lastUpdateTime": text } });
    let newer = Some(datetime!(2026-01-02 10:00 UTC));
    assert_eq!(
        newest(json!({ "$metadata": at("2026-01-02T10:00:00Z"), "c": { "$metadata": at("2026-01-01T10:00:00Z") } })),
        newer
    );
    assert_eq!(
        newest(json!({ "$metadata": at("2026-01-01T10:00:00Z"), "c": { "$metadata": at("2026-01-02T10:00:00Z") } })),
        newer
    );
    assert_eq!(newest(json!({ "a": { "b": { "$metadata": { "c": at("2026-01-02T12:00:00+02:00") } } } })), newer);
}

#[test]
fn no_time_that_is_a_value_is_taken_for_an_update() {
    let time = "2026-01-01T10:00:00Z";
    let desired =
        json!({ "plan": { "desiredValue": { "lastUpdateTime": time }, "lastUpdateTime": "0001-01-01T00:00:00Z" } });
    for properties in [
        json!({ "lastUpdateTime": time, "c": { "lastUpdateTime": time } }),
        json!({ "$metadata": desired }),
        json!({ "$metadata": { "a": { "lastUpdateTime": null }, "b": { "lastUpdateTime": 7 }, "c": null } }),
        json!({ "$metadata": [] }),
        json!({}),
        json!(null),
        json!("text"),
    ] {
        assert_eq!(newest(properties.clone()), None, "{properties}");
    }
}

#[tokio::test]
async fn properties_are_read_as_they_are_and_of_no_device_there_are_none() {
    let server = MockServer::start().await;
    let properties = json!({ "customer": "Contoso", "$metadata": { "customer": { "lastUpdateTime": "2026-01-01T10:00:00.5900235Z" } } });
    answer(&server, "GET", PROPERTIES, 200, properties.clone()).await;
    answer(&server, "GET", "/api/devices/gone/properties", 404, json!({ "error": { "code": "NotFound" } })).await;
    let client = central(&server);
    let read = client.device_properties(&DeviceId::new("d")).await.unwrap();
    assert_eq!(read.as_value(), &properties);
    assert!(read.newest_update().is_some());
    let error = client.device_properties(&DeviceId::new("gone")).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound));
}

#[tokio::test]
async fn a_merge_of_properties_sends_what_is_given_but_never_the_applications_metadata() {
    for template in [ResponseTemplate::new(200).set_body_json(json!({})), ResponseTemplate::new(202)] {
        let server = MockServer::start().await;
        Mock::given(method("PATCH")).and(path(PROPERTIES)).respond_with(template).mount(&server).await;
        let changes = json!({ "customer": "Contoso", "old": null, "list": [1], "$metadata": { "customer": {} },
                              "c": { "target": 21.5, "$metadata": {} } });
        let changes = changes.as_object().unwrap();
        central(&server).change_device_properties(&DeviceId::new("d"), changes).await.unwrap();
        let request = server.received_requests().await.unwrap().remove(0);
        assert_eq!(request.headers["content-type"], "application/json");
        let body: Value = request.body_json().unwrap();
        assert_eq!(body, json!({ "customer": "Contoso", "old": null, "list": [1], "c": { "target": 21.5 } }));
    }
}

async fn queries(server: &MockServer, status: u16, body: Value) {
    Mock::given(method("POST"))
        .and(path("/api/query"))
        .and(query_param("api-version", "2022-10-31-preview"))
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .mount(server)
        .await;
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("t{n}")).collect()
}

/// The only query that was sent for this.
async fn query_for(template: &str, telemetry: &[String], device: &str) -> String {
    let server = MockServer::start().await;
    queries(&server, 200, json!({ "results": [] })).await;
    let found =
        central(&server).last_telemetry(&TemplateId::new(template), telemetry, &DeviceId::new(device)).await.unwrap();
    assert_eq!(found, None);
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.query_pairs().count(), 1, "one version of the API, and nothing else");
    let body: Value = request.body_json().unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1);
    body["query"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_newest_message_of_one_device_is_asked_for() {
    let telemetry = ["temperature".to_owned(), "motor.speed".to_owned()];
    assert_eq!(
        query_for("dtmi:contoso:boiler;1", &telemetry, "sn-0007").await,
        "SELECT TOP 1 $id, $ts, temperature, motor.speed FROM dtmi:contoso:boiler;1 \
         WHERE WITHIN_WINDOW(P7D) AND $id = 'sn-0007' ORDER BY $ts DESC"
    );
}

#[tokio::test]
async fn a_quote_in_an_id_does_not_end_the_text_that_it_is_in() {
    let query = query_for("dtmi:t;1", &names(1), "d' OR $id != '").await;
    assert!(query.contains("$id = 'd'' OR $id != ''' ORDER BY"), "{query}");
}

#[tokio::test]
async fn a_query_keeps_to_the_limits_of_items_and_length() {
    let query = query_for("dtmi:t;1", &names(30), "d").await;
    assert!(query.contains(" t11 FROM") && !query.contains("t12"), "{query}");
    let long: Vec<String> = (0..12).map(|n| format!("component.temperatureOfTheRoomNumber{n}")).collect();
    let query = query_for("dtmi:t;1", &long, "d").await;
    assert!(query.len() <= 350 && query.contains(&long[4]), "{query}");
    let query = query_for("dtmi:t;1", &["x".repeat(400)], "d").await;
    assert!(query.contains("xxx"), "one is asked for in any case");
}

#[tokio::test]
async fn what_no_query_can_name_is_not_asked_for() {
    let query = query_for("dtmi:t;1", &["a, b FROM c".into(), String::new(), "t".into()], "d").await;
    assert!(query.starts_with("SELECT TOP 1 $id, $ts, t FROM dtmi:t;1 "), "{query}");
    let server = MockServer::start().await;
    let (client, id) = (central(&server), DeviceId::new("d"));
    assert_eq!(client.last_telemetry(&TemplateId::new("dtmi:t;1"), &[], &id).await.unwrap(), None);
    let error = client.last_telemetry(&TemplateId::new("t WHERE 1 = 1"), &names(1), &id).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Rejected));
    assert_eq!(requests(&server).await, 0);
}

#[tokio::test]
async fn only_a_readable_time_of_the_device_itself_is_a_sign_of_it() {
    let (early, late) = (json!("2026-01-01T10:00:00Z"), json!("2026-01-02T10:00:00.25Z"));
    let (ten, newer) = (datetime!(2026-01-01 10:00 UTC), datetime!(2026-01-02 10:00:00.25 UTC));
    for (answer, expected) in [
        (json!({ "results": [{ "$id": "d", "$ts": early, "t0": 1 }] }), Some(ten)),
        (json!({ "results": [{ "$id": "d", "$ts": early }, { "$id": "D", "$ts": late }] }), Some(newer)),
        (json!({ "results": [{ "$id": "other", "$ts": late }, { "$id": "d", "$ts": early }] }), Some(ten)),
        (json!({ "results": [{ "$id": "d", "$ts": null }, { "$id": "d" }, { "$ts": late }, null, 7] }), None),
        (json!({ "results": [{ "$id": "d", "$ts": "soon" }] }), None),
        (json!({ "results": null }), None),
        (json!({}), None),
    ] {
        let server = MockServer::start().await;
        queries(&server, 200, answer.clone()).await;
        let found = central(&server).last_telemetry(&TemplateId::new("dtmi:t;1"), &names(1), &DeviceId::new("d")).await;
        assert_eq!(found.unwrap(), expected, "{answer}");
    }
}

#[tokio::test]
async fn a_query_may_be_repeated_since_it_only_reads() {
    let server = MockServer::start().await;
    answer_once(&server, "POST", "/api/query", ResponseTemplate::new(503)).await;
    queries(&server, 200, json!({ "results": [{ "$id": "d", "$ts": "2026-01-01T10:00:00Z" }] })).await;
    let found = central(&server).last_telemetry(&TemplateId::new("dtmi:t;1"), &names(1), &DeviceId::new("d")).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn queries_keep_to_less_than_one_a_second() {
    let server = MockServer::start().await;
    queries(&server, 200, json!({ "results": [] })).await;
    let clock = Clock::scaled(Clock::system().now(), 20);
    let client =
        Azure::against(&server.uri(), clock).central(Arc::new(Tokens::default()), &Subdomain::new("fleet")).unwrap();
    let before = clock.now();
    for _ in 0..5 {
        client.last_telemetry(&TemplateId::new("dtmi:t;1"), &names(1), &DeviceId::new("d")).await.unwrap();
    }
    assert!((clock.now() - before).as_seconds_f64() >= 5.0);
}

#[tokio::test]
async fn a_templates_telemetry_is_named_as_queries_name_it() {
    let telemetry = |name: &str| json!({ "@type": ["Telemetry", "Temperature"], "name": name, "schema": "double" });
    let base = json!({ "@id": "dtmi:base;1", "contents": [telemetry("inherited")] });
    let motor = json!({ "@id": "dtmi:motor;1", "contents": [telemetry("speed")], "extends": base });
    let model = json!({
        "@id": "dtmi:m;1",
        "contents": [
            { "@type": "Telemetry", "name": "temperature" },
            { "@type": "Property", "name": "customer" },
            { "@type": "Telemetry" },
            { "@type": "Component", "name": "motor", "schema": motor },
            { "@type": "Component", "schema": motor },
            { "@type": "Component", "name": "unseen", "schema": "dtmi:motor;1" },
            { "@type": ["Relationship", "EdgeModule"], "name": "module", "target": [motor], "schema": motor },
            { "@type": ["Component", "EdgeModule"], "name": "module", "schema": motor },
            null
        ],
        "extends": [base, { "@id": "dtmi:other;1", "extends": base }, "dtmi:unseen;1"]
    });
    assert_eq!(template(model).await.telemetry, ["temperature", "motor.speed", "motor.inherited", "inherited"]);
    assert!(template(json!(null)).await.telemetry.is_empty());
}
