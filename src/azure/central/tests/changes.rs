//! What the client promises when it changes an application: groups, devices, attestations, properties.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::azure::central::{
    AttestationKind, CentralAttestation, DeviceChange, GroupKind, KeyPair, NewCentralEnrollmentGroup, NewDevice,
};
use crate::azure::testing::{KEY, OTHER_KEY, answer, answer_once, central, requests};
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::{DeviceId, EnrollmentGroupId, TemplateId};

const GROUP: &str = "/api/enrollmentGroups/moved-1";
const DEVICE: &str = "/api/devices/d";

fn new_group() -> NewCentralEnrollmentGroup {
    NewCentralEnrollmentGroup {
        id: EnrollmentGroupId::new("moved-1"),
        display_name: "Moved from contoso-hub".into(),
        primary: SecretString::from(KEY),
        secondary: SecretString::from(OTHER_KEY),
    }
}

fn new_device() -> NewDevice {
    NewDevice { display_name: "Boiler 7".into(), template: None, organizations: None }
}

fn symmetric() -> Value {
    json!({ "type": "symmetricKey", "symmetricKey": { "primaryKey": KEY, "secondaryKey": OTHER_KEY } })
}

fn not_found() -> Value {
    json!({ "error": { "code": "NotFound", "message": "There is none." } })
}

fn wrong_version() -> Value {
    json!({ "error": { "code": "NotFound", "message": "\"x\" is not a valid API version" } })
}

/// The body of the last request, with its method and content type.
async fn sent(server: &MockServer) -> (String, String, Value) {
    let request = server.received_requests().await.unwrap().pop().unwrap();
    let content_type = request.headers["content-type"].to_str().unwrap().to_owned();
    (request.method.to_string(), content_type, request.body_json().unwrap())
}

#[tokio::test]
async fn an_enrollment_group_is_created_with_exactly_its_two_keys() {
    let server = MockServer::start().await;
    let created = json!({ "id": "moved-1", "displayName": "Moved from contoso-hub", "enabled": true, "type": "iot",
                          "attestation": symmetric(), "etag": "e" });
    answer(&server, "PUT", GROUP, 200, created).await;
    let group = central(&server).create_enrollment_group(&new_group()).await.unwrap();
    assert_eq!((group.kind, group.enabled), (GroupKind::Iot, true));
    let body =
        json!({ "displayName": "Moved from contoso-hub", "enabled": true, "type": "iot", "attestation": symmetric() });
    assert_eq!(sent(&server).await, ("PUT".into(), "application/json".into(), body));
    assert!(!format!("{:?}", new_group()).contains(KEY));
}

#[tokio::test]
async fn a_group_whose_answer_was_lost_or_unreadable_is_not_put_again() {
    for (status, body) in [(500, json!({})), (503, json!({})), (200, json!({ "id": "moved-1" }))] {
        let server = MockServer::start().await;
        answer(&server, "PUT", GROUP, status, body).await;
        let error = central(&server).create_enrollment_group(&new_group()).await.unwrap_err();
        assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 1), "{status}");
    }
}

#[tokio::test]
async fn an_id_or_keys_that_are_taken_are_a_conflict_that_says_what_to_do() {
    let server = MockServer::start().await;
    answer(&server, "PUT", GROUP, 409, json!({ "error": { "code": "Conflict", "message": "exists" } })).await;
    let error = central(&server).create_enrollment_group(&new_group()).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Conflict) && error.effect == EffectKnown::NotDone);
    assert!(error.hint.unwrap().contains("another id"));
}

#[tokio::test]
async fn a_refused_group_names_the_permission_to_ask_for() {
    let server = MockServer::start().await;
    answer(&server, "PUT", GROUP, 403, json!({ "error": { "code": "Forbidden", "message": "no" } })).await;
    let error = central(&server).create_enrollment_group(&new_group()).await.unwrap_err();
    assert!(error.hint.unwrap().contains("Device connectivity management: manage"));
}

#[tokio::test]
async fn one_group_is_read_with_its_keys_and_there_is_none_is_an_answer() {
    let server = MockServer::start().await;
    let group =
        json!({ "id": "moved-1", "displayName": null, "enabled": null, "type": null, "attestation": symmetric() });
    answer(&server, "GET", GROUP, 200, group).await;
    let half =
        json!({ "id": "half", "attestation": { "type": "symmetricKey", "symmetricKey": { "primaryKey": KEY } } });
    answer(&server, "GET", "/api/enrollmentGroups/half", 200, half).await;
    answer(&server, "GET", "/api/enrollmentGroups/gone", 404, not_found()).await;
    answer(&server, "GET", "/api/enrollmentGroups/odd", 404, wrong_version()).await;
    let (client, id) = (central(&server), EnrollmentGroupId::new);
    let group = client.enrollment_group(&id("moved-1")).await.unwrap().unwrap();
    let CentralAttestation::Symmetric { secondary, .. } = group.attestation else { panic!("{group:?}") };
    assert_eq!(secondary.expose_secret(), OTHER_KEY);
    let half = client.enrollment_group(&id("half")).await.unwrap().unwrap();
    assert!(matches!(half.attestation, CentralAttestation::Other(_)), "half a pair can be compared with nothing");
    assert!(client.enrollment_group(&id("gone")).await.unwrap().is_none());
    assert!(client.enrollment_group(&id("odd")).await.is_err());
}

#[tokio::test]
async fn a_device_is_created_real_and_enabled_with_only_what_was_given() {
    let server = MockServer::start().await;
    answer(&server, "PUT", DEVICE, 200, json!({ "id": "d", "provisioned": false, "template": null })).await;
    let client = central(&server);
    let device = client.create_device(&DeviceId::new("d"), &new_device()).await.unwrap();
    assert_eq!((device.provisioned, device.template), (Some(false), None));
    let mut body = json!({ "displayName": "Boiler 7", "simulated": false, "enabled": true });
    assert_eq!(sent(&server).await, ("PUT".into(), "application/json".into(), body.clone()));
    let template = Some(TemplateId::new("dtmi:t;1"));
    let new = NewDevice { template, organizations: Some(vec!["plant-a".into()]), ..new_device() };
    client.create_device(&DeviceId::new("d"), &new).await.unwrap();
    body["template"] = json!("dtmi:t;1");
    body["organizations"] = json!(["plant-a"]);
    assert_eq!(sent(&server).await.2, body);
}

#[tokio::test]
async fn a_device_whose_creation_is_in_doubt_is_not_put_again() {
    let server = MockServer::start().await;
    answer(&server, "PUT", DEVICE, 500, json!({})).await;
    let error = central(&server).create_device(&DeviceId::new("d"), &new_device()).await.unwrap_err();
    assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 1));
}

#[tokio::test]
async fn a_change_sends_only_what_is_to_change() {
    let server = MockServer::start().await;
    answer(&server, "PATCH", DEVICE, 200, json!({ "id": "d", "enabled": true })).await;
    let (client, id) = (central(&server), DeviceId::new("d"));
    let template = Some(TemplateId::new("dtmi:t;1"));
    for (change, body) in [
        (DeviceChange { enabled: Some(true), ..DeviceChange::default() }, json!({ "enabled": true })),
        (DeviceChange { template, ..DeviceChange::default() }, json!({ "template": "dtmi:t;1" })),
        (
            DeviceChange { display_name: Some("n".into()), organizations: Some(Vec::new()), ..DeviceChange::default() },
            json!({ "displayName": "n", "organizations": [] }),
        ),
    ] {
        assert_eq!(client.change_device(&id, &change).await.unwrap().enabled, Some(true));
        assert_eq!(sent(&server).await, ("PATCH".into(), "application/json".into(), body));
    }
}

#[tokio::test]
async fn a_change_that_was_not_understood_is_not_blamed_on_a_missing_command() {
    let server = MockServer::start().await;
    answer(&server, "PATCH", DEVICE, 422, json!({ "error": { "code": "InvalidBody", "message": "m" } })).await;
    let error = central(&server).change_device(&DeviceId::new("d"), &DeviceChange::default()).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Rejected) && error.hint.is_none());
}

#[tokio::test]
async fn that_a_device_is_gone_is_what_deleting_wants_and_a_wrong_api_version_is_not() {
    let server = MockServer::start().await;
    answer_once(&server, "DELETE", DEVICE, ResponseTemplate::new(204)).await;
    answer(&server, "DELETE", DEVICE, 404, not_found()).await;
    answer(&server, "DELETE", "/api/devices/odd", 404, wrong_version()).await;
    let client = central(&server);
    client.delete_device(&DeviceId::new("d")).await.unwrap();
    client.delete_device(&DeviceId::new("d")).await.unwrap();
    client.delete_device(&DeviceId::new("odd")).await.unwrap_err();
}

#[tokio::test]
async fn there_is_no_such_device_is_told_from_a_wrong_api_version() {
    let server = MockServer::start().await;
    let nulls =
        json!({ "id": "d", "displayName": null, "template": null, "enabled": null, "type": null, "etag": null });
    answer(&server, "GET", DEVICE, 200, nulls).await;
    answer(&server, "GET", "/api/devices/gone", 404, not_found()).await;
    answer(&server, "GET", "/api/devices/odd", 404, wrong_version()).await;
    answer(&server, "GET", "/api/devices/nameless", 200, json!({ "displayName": "n" })).await;
    let client = central(&server);
    assert_eq!(client.find_device(&DeviceId::new("d")).await.unwrap().unwrap().enabled, None);
    assert!(client.find_device(&DeviceId::new("gone")).await.unwrap().is_none());
    assert!(matches!(client.find_device(&DeviceId::new("odd")).await.unwrap_err().kind, ErrorKind::Rejected));
    assert!(matches!(client.find_device(&DeviceId::new("nameless")).await.unwrap_err().kind, ErrorKind::Malformed));
}

#[tokio::test]
async fn odd_characters_in_an_id_never_lead_to_another_device() {
    let server = MockServer::start().await;
    let (client, id) = (central(&server), DeviceId::new("a/b ?#%é'"));
    answer(&server, "GET", "/api/devices/a%2Fb%20%3F%23%25%C3%A9%27", 200, json!({ "id": "a/b ?#%é'" })).await;
    answer(&server, "PUT", "/api/devices/a%2Fb%20%3F%23%25%C3%A9%27/attestation", 200, symmetric()).await;
    assert_eq!(client.find_device(&id).await.unwrap().unwrap().id, id);
    let keys = KeyPair { primary_key: SecretString::from(KEY), secondary_key: SecretString::from(OTHER_KEY) };
    client.put_device_attestation(&id, &keys).await.unwrap();
    client.delete_device(&DeviceId::new("..")).await.unwrap_err();
    assert_eq!(requests(&server).await, 2, "nothing is sent for an id that no path can carry");
}

#[tokio::test]
async fn a_device_is_given_keys_of_its_own_once() {
    let server = MockServer::start().await;
    answer(&server, "PUT", "/api/devices/d/attestation", 500, json!({})).await;
    let keys = KeyPair { primary_key: SecretString::from(KEY), secondary_key: SecretString::from(OTHER_KEY) };
    let error = central(&server).put_device_attestation(&DeviceId::new("d"), &keys).await.unwrap_err();
    assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 1));
    assert_eq!(sent(&server).await.2, symmetric());
}

#[tokio::test]
async fn a_devices_own_keys_are_read_where_they_are_shown() {
    let server = MockServer::start().await;
    for (id, body) in [
        ("own", symmetric()),
        ("hidden", json!({ "type": "symmetricKey" })),
        ("null", json!({ "type": "symmetricKey", "symmetricKey": { "primaryKey": KEY, "secondaryKey": null } })),
        ("x509", json!({ "type": "x509", "x509": {} })),
    ] {
        answer(&server, "GET", &format!("/api/devices/{id}/attestation"), 200, body).await;
    }
    answer(&server, "GET", "/api/devices/group/attestation", 404, not_found()).await;
    let client = central(&server);
    let read = async |id: &str| client.device_attestation_with_keys(&DeviceId::new(id)).await.unwrap();
    let own = read("own").await.unwrap();
    assert!(!format!("{own:?}").contains(KEY));
    assert_eq!((own.kind, own.keys.unwrap().primary_key.expose_secret()), (AttestationKind::Symmetric, KEY));
    for (id, kind) in
        [("hidden", AttestationKind::Symmetric), ("null", AttestationKind::Symmetric), ("x509", AttestationKind::X509)]
    {
        let attestation = read(id).await.unwrap();
        assert_eq!((attestation.kind, attestation.keys.is_none()), (kind, true));
    }
    assert!(read("group").await.is_none());
}

#[tokio::test]
async fn the_id_scope_is_read_from_a_device_without_keys() {
    let server = MockServer::start().await;
    for (id, body) in [
        ("absent", json!({ "idScope": "0ne1" })),
        ("null", json!({ "idScope": "0ne1", "symmetricKey": null, "tpm": { "endorsementKey": "k" } })),
        ("empty", json!({ "idScope": "0ne1", "symmetricKey": {} })),
    ] {
        answer(&server, "GET", &format!("/api/devices/{id}/credentials"), 200, body).await;
        let credentials = central(&server).device_credentials(&DeviceId::new(id)).await.unwrap();
        assert_eq!((credentials.id_scope.as_str(), credentials.symmetric_key.is_none()), ("0ne1", true));
    }
}
