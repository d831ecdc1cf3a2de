//! What the client promises about direct methods.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::error::AzureError;
use crate::azure::hub::MethodAnswer;
use crate::azure::testing::{Keys, answer, answer_once, fast, hub, hub_at, raw_server, requests};
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::DeviceId;

const METHODS: &str = "/twins/d/methods";
const MOVE: &str = "migration*DeviceMove";

async fn invoke(server: &MockServer) -> Result<MethodAnswer, AzureError> {
    hub(server).invoke_method(&DeviceId::new("d"), MOVE, &json!({ "idScope": "0ne1" }), 5, 30).await
}

/// What comes of an answer with this header and body.
async fn refused(status: u16, header: Option<&str>, body: Value) -> (AzureError, usize) {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(status).set_body_json(body);
    let template = match header {
        Some(code) => template.insert_header("iothub-errorcode", code),
        None => template,
    };
    Mock::given(method("POST")).and(path(METHODS)).respond_with(template).mount(&server).await;
    let error = invoke(&server).await.unwrap_err();
    (error, requests(&server).await)
}

/// The three shapes of an error of the hub, each with and without the header.
fn shapes(name: &str, number: u32, message: &str) -> Vec<(Option<String>, Value)> {
    let flat = json!({ "errorCode": number, "message": message, "trackingId": "A1" });
    let named = json!({ "Message": format!("ErrorCode:{name};{message}"), "ExceptionMessage": "Tracking ID:A1" });
    let bodies = [json!({ "Message": flat.to_string(), "ExceptionMessage": "" }), named, flat];
    bodies.into_iter().flat_map(|body| [(None, body.clone()), (Some(name.to_owned()), body)]).collect()
}

#[tokio::test]
async fn a_method_is_asked_of_the_device_and_the_devices_own_status_comes_back() {
    let server = MockServer::start().await;
    let body = json!({ "methodName": MOVE, "payload": { "idScope": "0ne1" },
                       "connectTimeoutInSeconds": 5, "responseTimeoutInSeconds": 30 });
    let answer = json!({ "status": 403, "payload": { "why": "no" } });
    Mock::given(method("POST"))
        .and(path(METHODS))
        .and(query_param("api-version", "2021-04-12"))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let answer = invoke(&server).await.unwrap();
    assert_eq!((answer.status, answer.is_accepted(), answer.payload), (Some(403), false, json!({ "why": "no" })));
}

#[tokio::test]
async fn an_answer_without_a_status_is_never_taken_for_success() {
    for (body, status) in [
        (json!({ "status": 200, "payload": null }), Some(200)),
        (json!({ "status": "204" }), Some(204)),
        (json!({ "payload": "0ne1" }), None),
        (json!({ "status": null }), None),
        (json!({ "status": -1 }), None),
        (json!({ "status": 200_200 }), None),
        (json!({}), None),
    ] {
        let server = MockServer::start().await;
        answer(&server, "POST", METHODS, 200, body.clone()).await;
        let answer = invoke(&server).await.unwrap();
        assert_eq!((answer.status, answer.is_accepted()), (status, status.is_some()), "{body}");
    }
    for body in ["\"ok\"", "200", "{\"status\":", ""] {
        let server = MockServer::start().await;
        answer_once(&server, "POST", METHODS, ResponseTemplate::new(200).set_body_raw(body, "application/json")).await;
        let error = invoke(&server).await.unwrap_err();
        assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 1), "{body}");
    }
}

#[tokio::test]
async fn seconds_out_of_bounds_are_put_into_them() {
    let server = MockServer::start().await;
    answer(&server, "POST", METHODS, 200, json!({ "status": 200 })).await;
    for (connect, respond) in [(0, 0), (1000, 1000)] {
        let id = DeviceId::new("d");
        hub(&server).invoke_method(&id, MOVE, &Value::Null, connect, respond).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let seconds = |n: usize| {
        let body: Value = requests[n].body_json().unwrap();
        (body["connectTimeoutInSeconds"].as_u64().unwrap(), body["responseTimeoutInSeconds"].as_u64().unwrap())
    };
    assert_eq!((seconds(0), seconds(1)), ((0, 5), (300, 300)));
}

#[tokio::test]
async fn a_device_that_is_offline_is_told_from_one_that_is_unknown_in_every_shape_of_error() {
    for (header, body) in shapes("DeviceNotOnline", 404_103, "Timed out waiting for device to connect.") {
        let (error, sent) = refused(404, header.as_deref(), body.clone()).await;
        assert!(matches!(error.kind, ErrorKind::DeviceOffline), "{body} {error:?}");
        assert_eq!((error.effect, sent), (EffectKnown::NotDone, 1));
        assert_eq!(error.message, "Timed out waiting for device to connect.");
    }
    for (header, body) in shapes("DeviceNotFound", 404_001, "Device d not registered") {
        let (error, sent) = refused(404, header.as_deref(), body.clone()).await;
        assert!(matches!(error.kind, ErrorKind::NotFound), "{body} {error:?}");
        assert_eq!((error.effect, sent), (EffectKnown::NotDone, 1));
        assert!(error.hint.unwrap().contains("disabled"));
    }
}

#[tokio::test]
async fn a_device_that_may_have_obeyed_without_an_answer_is_not_told_again() {
    for (status, name, number, message) in [
        (504, "GatewayTimeout", 504_101, "Timed out waiting for the response from device."),
        (404, "DeviceConnectionClosedRemotely", 404_104, "The connection was closed."),
        (400, "ConnectionForcefullyClosedOnNewConnection", 400_027, "Closed by a new connection."),
        (404, "DeviceNotFound", 404_001, "Device unavailable"),
    ] {
        for (header, body) in shapes(name, number, message) {
            let (error, sent) = refused(status, header.as_deref(), body.clone()).await;
            assert!(matches!(error.kind, ErrorKind::DeviceTimeout), "{body} {error:?}");
            assert_eq!((error.effect, sent), (EffectKnown::Unknown, 1), "{body}");
        }
    }
    let (error, sent) = refused(504, None, Value::Null).await;
    assert!(matches!(error.kind, ErrorKind::DeviceTimeout));
    assert_eq!((error.effect, sent), (EffectKnown::Unknown, 1), "a gateway in between says no code");
}

#[tokio::test]
async fn a_connection_that_ends_while_the_device_is_asked_leaves_open_whether_it_obeyed() {
    for lost in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"status\":200"] {
        let (uri, count) = raw_server(lost).await;
        let hub = hub_at(&uri, fast(), Arc::new(Keys::default()));
        let error = hub.invoke_method(&DeviceId::new("d"), MOVE, &Value::Null, 0, 30).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::DeviceTimeout), "{error:?}");
        assert_eq!(error.effect, EffectKnown::Unknown);
        assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
    }
    let nowhere = hub_at("http://127.0.0.1:9", fast(), Arc::new(Keys::default()));
    let error = nowhere.invoke_method(&DeviceId::new("d"), MOVE, &Value::Null, 0, 30).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unavailable { .. }));
    assert_eq!(error.effect, EffectKnown::NotDone, "nothing was sent");
}

#[tokio::test]
async fn a_hub_in_trouble_may_have_passed_the_method_on() {
    let (error, sent) = refused(500, Some("ServerError"), json!({ "errorCode": 500_001 })).await;
    assert!(matches!(error.kind, ErrorKind::Unavailable { .. }));
    assert_eq!((error.effect, sent), (EffectKnown::Unknown, 1));
}

#[tokio::test]
async fn a_hub_without_methods_is_told_from_one_that_refuses() {
    for (header, body) in shapes("OperationNotAvailableInCurrentTier", 403_010, "not in this tier") {
        let (error, _) = refused(403, header.as_deref(), body).await;
        assert!(matches!(error.kind, ErrorKind::Forbidden) && error.is_beyond_tier());
        assert!(error.hint.unwrap().contains("Basic"));
    }
    let (error, _) = refused(403, Some("Forbidden"), json!({ "errorCode": 403_000 })).await;
    assert!(matches!(error.kind, ErrorKind::Forbidden) && !error.is_beyond_tier());
}

#[tokio::test]
async fn a_used_up_quota_says_when_it_goes_on() {
    for (header, body) in shapes("IotHubQuotaExceeded", 403_002, "Total number of messages exceeded") {
        let (error, sent) = refused(403, header.as_deref(), body).await;
        assert!(matches!(error.kind, ErrorKind::Throttled { .. }) && error.is_transient());
        assert!(error.hint.unwrap().contains("continues after 00:00 UTC"));
        assert_eq!((error.effect, sent), (EffectKnown::NotDone, 1), "hours are for the caller to wait");
    }
}

#[tokio::test]
async fn a_throttled_method_is_sent_again_since_it_was_not_delivered() {
    let server = MockServer::start().await;
    let throttled = ResponseTemplate::new(429).insert_header("iothub-errorcode", "ThrottlingException");
    answer_once(&server, "POST", METHODS, throttled).await;
    answer(&server, "POST", METHODS, 200, json!({ "status": 200 })).await;
    let clock = fast();
    let client = hub_at(&server.uri(), clock, Arc::new(Keys::default()));
    let before = clock.now();
    assert!(client.invoke_method(&DeviceId::new("d"), MOVE, &Value::Null, 0, 30).await.unwrap().is_accepted());
    assert!(clock.now() - before >= Duration::from_secs(10));
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn odd_characters_in_an_id_never_lead_to_another_device() {
    let server = MockServer::start().await;
    for (id, at) in [
        ("meter#odd(1)", "/twins/meter%23odd%281%29/methods"),
        ("100%", "/twins/100%25/methods"),
        ("%2E", "/twins/%252E/methods"),
        ("what?", "/twins/what%3F/methods"),
        ("a:b.c+d_e*!,=@;$'", "/twins/a%3Ab.c%2Bd_e%2A%21%2C%3D%40%3B%24%27/methods"),
    ] {
        answer(&server, "POST", at, 200, json!({ "status": 200, "payload": id })).await;
        let answer = hub(&server).invoke_method(&DeviceId::new(id), MOVE, &Value::Null, 0, 30).await.unwrap();
        assert_eq!(answer.payload, json!(id));
    }
    let before = requests(&server).await;
    let error = hub(&server).invoke_method(&DeviceId::new(".."), MOVE, &Value::Null, 0, 30).await.unwrap_err();
    assert_eq!((error.effect, requests(&server).await), (EffectKnown::NotDone, before));
}

#[tokio::test]
async fn methods_keep_to_half_of_what_the_hub_allows() {
    let server = MockServer::start().await;
    answer(&server, "POST", METHODS, 200, json!({ "status": 200 })).await;
    let clock = crate::clock::Clock::scaled(crate::clock::Clock::system().now(), 20);
    let client = hub_at(&server.uri(), clock, Arc::new(Keys::default())).with_capacity("S1", 1);
    let before = clock.now();
    for _ in 0..70 {
        client.invoke_method(&DeviceId::new("d"), MOVE, &Value::Null, 0, 30).await.unwrap();
    }
    assert!((clock.now() - before).as_seconds_f64() >= 2.9, "ten at once, then twenty a second");
}
