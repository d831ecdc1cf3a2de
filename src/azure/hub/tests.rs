//! What the IoT Hub client promises.

mod methods;

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::hub::{AuthType, ConnectionState, NewIdentity, Thumbprints};
use crate::azure::testing::{KEY, Keys, OTHER_KEY, answer, fast, hub, hub_at, requests};
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::DeviceId;

fn identities(count: usize) -> Vec<NewIdentity> {
    let identity = |n| NewIdentity {
        id: DeviceId::new(format!("d{n}")),
        primary: SecretString::from(KEY),
        secondary: SecretString::from(OTHER_KEY),
    };
    (0..count).map(identity).collect()
}

#[tokio::test]
async fn some_devices_failing_in_bulk_is_a_result_whatever_the_status() {
    for status in [200, 400] {
        let server = MockServer::start().await;
        let result = json!({
            "isSuccessful": false,
            "errors": [
                { "deviceId": "d0", "errorCode": "DeviceAlreadyExists", "errorStatus": "exists", "moduleId": null },
                { "deviceId": "d1", "errorCode": 409001, "errorStatus": null }
            ],
            "warnings": null
        });
        answer(&server, "POST", "/devices", status, result).await;
        let result = hub(&server).bulk_create(&identities(3)).await.unwrap();
        assert_eq!(result.errors.len(), 2);
        assert!(result.errors.iter().all(|error| error.is_already_there()));
    }
}

#[tokio::test]
async fn a_bad_request_that_is_no_bulk_result_is_an_error() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/devices", 400, json!({ "Message": "ErrorCode:ArgumentInvalid;bad" })).await;
    let error = hub(&server).bulk_create(&identities(1)).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Rejected));
    assert_eq!((error.code.as_deref(), error.message.as_str()), (Some("ArgumentInvalid"), "bad"));
}

#[tokio::test]
async fn identities_are_created_enabled_with_the_keys_given() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/devices", 200, json!({ "isSuccessful": true, "errors": [], "warnings": [] })).await;
    hub(&server).bulk_create(&identities(1)).await.unwrap();
    let body: serde_json::Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    let keys = json!({ "primaryKey": KEY, "secondaryKey": OTHER_KEY });
    let authentication = json!({ "type": "sas", "symmetricKey": keys });
    assert_eq!(
        body,
        json!([{ "id": "d0", "importMode": "create", "status": "enabled", "authentication": authentication,
                 "capabilities": { "iotEdge": false } }])
    );
}

#[tokio::test]
async fn too_many_devices_or_one_twice_are_refused_before_anything_is_sent() {
    let server = MockServer::start().await;
    let mut twice = identities(1);
    twice.extend(identities(1));
    for wrong in [identities(101), twice] {
        let error = hub(&server).bulk_create(&wrong).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Rejected));
    }
    assert_eq!(requests(&server).await, 0);
}

#[tokio::test]
async fn a_bulk_call_whose_answer_was_lost_is_not_repeated() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/devices", 500, json!({})).await;
    let error = hub(&server).bulk_create(&identities(2)).await.unwrap_err();
    assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 1));
}

#[tokio::test]
async fn a_bulk_call_counts_for_each_of_its_devices() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/devices", 200, json!({ "errors": [] })).await;
    answer(&server, "GET", "/devices/d", 404, json!({ "errorCode": 404001 })).await;
    let clock = fast();
    let client = hub_at(&server.uri(), clock, Arc::new(Keys::default())).with_capacity("S1", 1);
    let before = clock.now();
    client.bulk_create(&identities(100)).await.unwrap();
    assert!(client.identity(&DeviceId::new("d")).await.unwrap().is_none());
    assert!((clock.now() - before).as_seconds_f64() >= 60.0, "80 a minute for a hub that allows 100");
}

#[tokio::test]
async fn an_identity_is_read_with_keys_and_never_active_is_none() {
    let server = MockServer::start().await;
    let identity = json!({
        "deviceId": "d", "generationId": "638712345678901234", "etag": "e", "status": "disabled",
        "connectionState": "Disconnected", "connectionStateUpdatedTime": "0001-01-01T00:00:00",
        "lastActivityTime": "0001-01-01T00:00:00Z", "capabilities": { "iotEdge": false },
        "authentication": { "type": "sas", "symmetricKey": { "primaryKey": KEY, "secondaryKey": OTHER_KEY } }
    });
    answer(&server, "GET", "/devices/d", 200, identity).await;
    let identity = hub(&server).identity(&DeviceId::new("d")).await.unwrap().unwrap();
    assert_eq!((identity.enabled, identity.last_activity, &identity.auth_type), (false, None, &AuthType::Sas));
    assert_eq!((identity.connection_state_updated, &identity.thumbprints), (None, &Thumbprints::default()));
    assert_eq!(identity.generation_id.as_deref(), Some("638712345678901234"));
    assert!(!format!("{identity:?}").contains(KEY));
    assert_eq!(identity.keys.unwrap().secondary.expose_secret(), OTHER_KEY);
}

#[tokio::test]
async fn a_device_known_by_its_certificates_is_read_with_their_thumbprints() {
    let server = MockServer::start().await;
    let thumbprints = json!({ "primaryThumbprint": "AB", "secondaryThumbprint": null });
    let identity = json!({
        "deviceId": "d", "connectionStateUpdatedTime": "2026-01-01T10:00:00.25Z",
        "authentication": { "type": "selfSigned", "symmetricKey": null, "x509Thumbprint": thumbprints }
    });
    answer(&server, "GET", "/devices/d", 200, identity).await;
    let twin = json!({ "deviceId": "d", "authenticationType": "selfSigned", "x509Thumbprint": thumbprints });
    answer(&server, "GET", "/twins/d", 200, twin).await;
    answer(&server, "GET", "/twins/bare", 200, json!({ "deviceId": "bare", "x509Thumbprint": "?" })).await;
    let (client, id) = (hub(&server), DeviceId::new("d"));
    let identity = client.identity(&id).await.unwrap().unwrap();
    assert_eq!((identity.auth_type, identity.keys.is_none()), (AuthType::SelfSigned, true));
    assert_eq!(identity.connection_state_updated, Some(time::macros::datetime!(2026-01-01 10:00:00.25 UTC)));
    let expected = Thumbprints { primary: Some("AB".into()), secondary: None };
    assert_eq!(identity.thumbprints, expected);
    assert_eq!(client.twin(&id).await.unwrap().unwrap().thumbprints, expected);
    assert_eq!(client.twin(&DeviceId::new("bare")).await.unwrap().unwrap().thumbprints, Thumbprints::default());
}

#[tokio::test]
async fn a_query_goes_on_over_an_empty_page() {
    let server = MockServer::start().await;
    let twin = json!([{ "deviceId": "d", "connectionState": "Connected", "lastActivityTime": "2026-01-01T10:00:00.2834391Z" }]);
    Mock::given(header("x-ms-continuation", "n"))
        .respond_with(ResponseTemplate::new(200).set_body_json(twin))
        .mount(&server)
        .await;
    let empty = ResponseTemplate::new(200).set_body_json(json!([])).insert_header("x-ms-continuation", "n");
    Mock::given(method("POST")).and(path("/devices/query")).respond_with(empty).mount(&server).await;
    let twins = hub(&server).query_devices("SELECT * FROM devices").await.unwrap();
    assert_eq!(twins[0].connection_state, ConnectionState::Connected);
    assert!(twins[0].last_activity.is_some() && twins[0].is_enabled() && !twins[0].is_edge());
}

#[tokio::test]
async fn a_device_the_hub_does_not_know_has_no_twin() {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(404).insert_header("iothub-errorcode", "DeviceNotFound");
    Mock::given(path("/twins/d")).respond_with(template).mount(&server).await;
    assert!(hub(&server).twin(&DeviceId::new("d")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_basic_hub_says_what_it_lacks() {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(403).insert_header("iothub-errorcode", "OperationNotAvailableInCurrentTier");
    Mock::given(path("/twins/d")).respond_with(template).mount(&server).await;
    let error = hub(&server).twin(&DeviceId::new("d")).await.unwrap_err();
    assert!(error.hint.unwrap().contains("Basic"));
}
