//! What the client promises about the certificates of a DPS.

use serde_json::{Value, json};
use time::macros::datetime;
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::arm::DpsCertificate;
use crate::azure::error::Result;
use crate::azure::testing::{answer, answer_once, arm, certificate, requests};
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::ArmId;

const DPS: &str = "/subscriptions/s1/resourceGroups/iot/providers/Microsoft.Devices/provisioningServices/d";

fn at(name: &str) -> String {
    format!("{DPS}/certificates/{name}")
}

fn known(name: &str) -> Value {
    json!({
        "id": at(name), "name": name, "type": "Microsoft.Devices/ProvisioningServices/Certificates", "etag": "AAAA=",
        "properties": {
            "subject": "CN=Fleet CA", "expiry": "Sat, 31 Oct 2037 20:18:51 GMT", "thumbprint": "AB", "isVerified": true,
            "created": "Thu, 12 Oct 2026 19:20:05 GMT", "certificate": "MAEB"
        }
    })
}

fn missing() -> Value {
    json!({ "error": { "code": "404000", "message": "The certificate was not found." } })
}

async fn create(server: &MockServer) -> Result<DpsCertificate> {
    arm(server).create_dps_certificate(&ArmId::new(DPS), "fleet-ca", &certificate(1)).await
}

#[tokio::test]
async fn certificates_are_read_as_the_provider_writes_them() {
    let server = MockServer::start().await;
    let bare = json!({ "id": at("b"), "name": "b", "properties": {
        "isVerified": null, "expiry": "2037-10-31T20:18:51Z", "certificate": "####" } });
    answer(&server, "GET", &format!("{DPS}/certificates"), 200, json!({ "value": [known("fleet-ca"), bare] })).await;
    let listed = arm(&server).dps_certificates(&ArmId::new(DPS)).await.unwrap();
    let [first, second] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((first.name.as_str(), first.verified, first.etag.as_deref()), ("fleet-ca", true, Some("AAAA=")));
    assert!(first.certificate.has_thumbprint("ab"));
    assert_eq!(first.certificate.subject.as_deref(), Some("CN=Fleet CA"));
    assert_eq!(first.certificate.certificate, Some(certificate(1)));
    for one in &listed {
        assert_eq!(one.certificate.not_after, Some(datetime!(2037-10-31 20:18:51 UTC)));
    }
    assert_eq!((second.verified, &second.certificate.certificate, &second.certificate.sha1), (false, &None, &None));
}

#[tokio::test]
async fn one_certificate_is_read_and_that_there_is_none_is_an_answer() {
    let server = MockServer::start().await;
    answer(&server, "GET", &at("fleet-ca"), 200, known("fleet-ca")).await;
    answer(&server, "GET", &at("a%2Fb%3F"), 404, missing()).await;
    let (client, dps) = (arm(&server), ArmId::new(DPS));
    assert!(client.dps_certificate(&dps, "fleet-ca").await.unwrap().unwrap().verified);
    assert_eq!(client.dps_certificate(&dps, "a/b?").await.unwrap(), None);
}

#[tokio::test]
async fn a_certificate_is_added_as_verified_where_there_is_none() {
    let server = MockServer::start().await;
    answer(&server, "GET", &at("fleet-ca"), 404, missing()).await;
    Mock::given(method("PUT"))
        .and(path(at("fleet-ca")))
        .and(query_param("api-version", "2022-02-05"))
        .and(body_json(json!({ "properties": { "certificate": "MAEB", "isVerified": true } })))
        .respond_with(ResponseTemplate::new(200).set_body_json(known("fleet-ca")))
        .mount(&server)
        .await;
    assert!(create(&server).await.unwrap().verified);
    let put = &server.received_requests().await.unwrap()[1];
    assert!(!put.headers.contains_key("if-match"), "with one, an existing certificate would be replaced");
    assert_eq!(put.headers["if-none-match"], "*");
}

#[tokio::test]
async fn a_certificate_that_is_there_is_never_replaced() {
    let server = MockServer::start().await;
    answer(&server, "GET", &at("fleet-ca"), 200, known("fleet-ca")).await;
    let error = create(&server).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Conflict) && error.hint.unwrap().contains("another name"));
    assert_eq!((error.effect, requests(&server).await), (EffectKnown::NotDone, 1), "only looked for");
}

#[tokio::test]
async fn a_certificate_that_came_meanwhile_is_a_conflict_too() {
    for status in [409, 412] {
        let server = MockServer::start().await;
        answer(&server, "GET", &at("fleet-ca"), 404, missing()).await;
        answer(&server, "PUT", &at("fleet-ca"), status, json!({ "code": "412002", "message": "m" })).await;
        let error = create(&server).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Conflict) && error.effect == EffectKnown::NotDone, "{error:?}");
        assert!(error.hint.unwrap().contains("same thumbprint"));
    }
}

#[tokio::test]
async fn a_certificate_whose_answer_was_lost_is_not_put_again() {
    for (status, body) in [(503, json!({})), (200, json!({ "name": "fleet-ca" }))] {
        let server = MockServer::start().await;
        answer(&server, "GET", &at("fleet-ca"), 404, missing()).await;
        answer(&server, "PUT", &at("fleet-ca"), status, body).await;
        let error = create(&server).await.unwrap_err();
        assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 2), "{status}");
    }
}

#[tokio::test]
async fn a_person_without_the_role_is_told_from_a_dps_that_is_full() {
    for (code, says) in [("AuthorizationFailed", "Contributor"), ("403001", "25 certificates"), ("IH403001", "25")] {
        let server = MockServer::start().await;
        answer(&server, "GET", &at("fleet-ca"), 404, missing()).await;
        let refused = ResponseTemplate::new(403).set_body_json(json!({ "error": { "code": code, "message": "m" } }));
        answer_once(&server, "PUT", &at("fleet-ca"), refused).await;
        let error = create(&server).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Forbidden));
        assert!(error.hint.clone().unwrap().contains(says), "{error:?}");
    }
}
