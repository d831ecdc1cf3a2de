//! What every call promises, shown on one client or another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::testing::{
    Keys, Tokens, answer, answer_once, central, central_at, fast, hub_at, raw_server, requests,
};
use crate::azure::{Azure, EffectKnown, ErrorKind};
use crate::clock::Clock;
use crate::ids::{DeviceId, HubHost, JobId, Subdomain};

const GROUPS: &str = "/api/deviceGroups";

fn empty() -> serde_json::Value {
    json!({ "value": [] })
}

#[tokio::test]
async fn a_throttled_call_waits_as_long_as_the_service_said_and_then_succeeds() {
    let server = MockServer::start().await;
    answer_once(&server, "GET", GROUPS, ResponseTemplate::new(429).insert_header("Retry-After", "20")).await;
    answer(&server, "GET", GROUPS, 200, empty()).await;
    let clock = fast();
    let app = Subdomain::new("fleet");
    let client = Azure::against(&server.uri(), clock).central(Arc::new(Tokens::default()), &app).unwrap();
    let before = clock.now();
    client.device_groups().await.unwrap();
    assert!(clock.now() - before >= Duration::from_secs(20));
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn a_wait_too_long_for_one_call_is_handed_to_the_caller() {
    let server = MockServer::start().await;
    Mock::given(path(GROUPS))
        .respond_with(ResponseTemplate::new(429).insert_header("Retry-After", "300"))
        .mount(&server)
        .await;
    let error = central(&server).device_groups().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(300)));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_service_in_trouble_is_asked_a_few_times_only() {
    let server = MockServer::start().await;
    answer(&server, "GET", GROUPS, 503, json!({})).await;
    let error = central(&server).device_groups().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unavailable { .. }) && error.is_transient());
    assert_eq!(requests(&server).await, 4);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_with_the_claims_that_were_asked_for() {
    let server = MockServer::start().await;
    let challenge = r#"Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ==""#;
    let refused = ResponseTemplate::new(401).insert_header("WWW-Authenticate", challenge);
    Mock::given(header("Authorization", "Bearer token-1")).respond_with(refused).mount(&server).await;
    let accepted = ResponseTemplate::new(200).set_body_json(empty());
    Mock::given(header("Authorization", "Bearer token-2")).respond_with(accepted).mount(&server).await;
    let tokens = Arc::new(Tokens::default());
    let azure = Azure::against(&server.uri(), fast());
    azure.central(tokens.clone(), &Subdomain::new("fleet")).unwrap().device_groups().await.unwrap();
    let refusals = tokens.refusals.lock().unwrap();
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].claims.as_deref(), Some(r#"{"access_token":{}}"#));
}

#[tokio::test]
async fn a_token_that_stays_refused_is_an_error_with_advice() {
    let server = MockServer::start().await;
    answer(&server, "GET", GROUPS, 401, json!({ "error": { "code": "Unauthorized", "message": "no" } })).await;
    let error = central(&server).device_groups().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unauthorized) && !error.is_transient());
    assert!(error.hint.unwrap().contains("tenant"));
    assert_eq!(requests(&server).await, 3);
}

#[tokio::test]
async fn a_rolled_key_is_listed_again() {
    let server = MockServer::start().await;
    answer_once(&server, "GET", "/twins/d", ResponseTemplate::new(401)).await;
    answer(&server, "GET", "/twins/d", 200, json!({ "deviceId": "d" })).await;
    let keys = Arc::new(Keys::default());
    let hub = hub_at(&server.uri(), Clock::system(), keys.clone());
    assert!(hub.twin(&DeviceId::new("d")).await.unwrap().is_some());
    assert_eq!(keys.listed_again.load(Ordering::SeqCst), 1);
}

/// Accepts a signature only if it expires within the hour that follows the server's time.
struct StrictExpiry;

impl wiremock::Respond for StrictExpiry {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let token = request.headers["authorization"].to_str().unwrap();
        let expiry: i64 = token.split("&se=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
        let left = expiry - Clock::system().now().unix_timestamp();
        let status = if (3000..=3700).contains(&left) { 200 } else { 401 };
        ResponseTemplate::new(status).set_body_json(json!({ "deviceId": "d" }))
    }
}

#[tokio::test]
async fn a_workstation_whose_clock_is_two_hours_behind_still_gets_in() {
    let server = MockServer::start().await;
    Mock::given(path("/twins/d")).respond_with(StrictExpiry).mount(&server).await;
    let keys = Arc::new(Keys::default());
    let hub = hub_at(&server.uri(), Clock::system().wrong_by(time::Duration::hours(-2)), keys.clone());
    assert!(hub.twin(&DeviceId::new("d")).await.unwrap().is_some());
    assert_eq!(keys.listed_again.load(Ordering::SeqCst), 0, "the key was not at fault");
    assert!(hub.twin(&DeviceId::new("d")).await.unwrap().is_some());
    assert_eq!(requests(&server).await, 3, "what was learned is kept");
}

#[tokio::test]
async fn a_signature_that_stays_refused_on_a_wrong_clock_says_so() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/twins/d", 401, json!({})).await;
    let clock = Clock::system().wrong_by(time::Duration::hours(1));
    let error = hub_at(&server.uri(), clock, Arc::new(Keys::default())).twin(&DeviceId::new("d")).await.unwrap_err();
    let ErrorKind::ClockSkew { minutes } = error.kind else { panic!("{error:?}") };
    assert!((59..=61).contains(&minutes));
    assert!(error.hint.unwrap().contains("clock"));
}

#[tokio::test]
async fn a_web_page_in_place_of_the_application_is_no_answer() {
    let server = MockServer::start().await;
    for status in [200, 404] {
        let page = ResponseTemplate::new(status).set_body_raw("<!DOCTYPE html><p>stopped", "text/html");
        answer_once(&server, "GET", GROUPS, page).await;
        let error = central(&server).device_groups().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::NotJson), "{error:?}");
        assert!(error.hint.unwrap().contains("stopped or deleted"));
    }
    answer_once(&server, "GET", GROUPS, ResponseTemplate::new(302).insert_header("Location", "https://x/")).await;
    assert!(matches!(central(&server).device_groups().await.unwrap_err().kind, ErrorKind::NotJson));
}

#[tokio::test]
async fn half_an_answer_is_read_again_and_never_taken_for_a_whole() {
    for half in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"value\":["[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{\"value\":[",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"",
    ] {
        let (uri, count) = raw_server(half).await;
        let error = central_at(&uri).device_groups().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unavailable { .. }), "{error:?}");
        assert!(count.load(Ordering::SeqCst) >= 4, "a read is repeated");
    }
}

#[tokio::test]
async fn a_call_with_an_effect_whose_answer_was_lost_is_not_repeated() {
    for lost in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"id\":", b"HTTP/1.1 502 Bad\r\n\r\n"] {
        let (uri, count) = raw_server(lost).await;
        let error = central_at(&uri).stop_job(&JobId::new("j")).await.unwrap_err();
        assert_eq!(error.effect, EffectKnown::Unknown, "{error:?}");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_call_with_an_effect_is_repeated_after_a_429_since_it_was_not_done() {
    let server = MockServer::start().await;
    answer_once(&server, "POST", "/api/jobs/j/stop", ResponseTemplate::new(429)).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    central(&server).stop_job(&JobId::new("j")).await.unwrap();
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_known_not_to_have_acted() {
    let error = central_at("http://127.0.0.1:9").stop_job(&JobId::new("j")).await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.effect, EffectKnown::NotDone);
}

#[tokio::test]
async fn json_of_another_shape_is_malformed_and_not_asked_for_again() {
    let server = MockServer::start().await;
    answer(&server, "GET", GROUPS, 200, json!({ "items": [] })).await;
    let error = central(&server).device_groups().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Malformed));
    assert_eq!(requests(&server).await, 1);
}

#[test]
fn hosts_outside_the_cloud_get_no_client() {
    let azure = Azure::against("http://127.0.0.1:9", fast());
    let error = azure.hub(&HubHost::new("hub.evil.example"), Arc::new(Keys::default())).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::UntrustedHost));
}

#[tokio::test]
async fn an_error_names_what_whom_and_azures_own_words_and_no_secret() {
    let server = MockServer::start().await;
    let body = json!({ "error": { "code": "Forbidden", "message": "You may not. Request ID: abc, Time: now." } });
    answer(&server, "GET", "/api/devices/d%201", 403, body).await;
    let error = central(&server).device(&DeviceId::new("d 1")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Could not read the device (d 1): You may not. Request ID: abc, Time: now. [403 Forbidden]"
    );
    assert_eq!(error.request_id.as_deref(), Some("abc"));
    assert!(error.hint.clone().unwrap().contains("Device instances: view"));
    assert!(!format!("{error:?}").contains("token-"));
}
