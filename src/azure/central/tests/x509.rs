//! What the client promises about certificates of groups and devices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::azure::central::{AttestationKind, CentralAttestation, CertificateEntry, GroupCertificate, NewX509Group};
use crate::azure::error::Result;
use crate::azure::testing::{answer, central, certificate, requests};
use crate::azure::x509::Slots;
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::{DeviceId, EnrollmentGroupId};

const GROUP: &str = "/api/enrollmentGroups/moved-1";
const PRIMARY: &str = "/api/enrollmentGroups/moved-1/certificates/primary";
const ATTESTATION: &str = "/api/devices/dev-01/attestation";
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAEB\n-----END CERTIFICATE-----\n";

fn not_found() -> Value {
    json!({ "error": { "code": "NotFound", "message": "There is none." } })
}

fn conflict() -> Value {
    json!({ "error": { "code": "Conflict", "message": "exists" } })
}

async fn put(server: &MockServer) -> Result<GroupCertificate> {
    let id = EnrollmentGroupId::new("moved-1");
    central(server).put_group_certificate(&id, CertificateEntry::Primary, &certificate(1)).await
}

#[tokio::test]
async fn a_group_for_devices_with_certificates_is_created_empty() {
    let server = MockServer::start().await;
    let created = json!({ "id": "moved-1", "displayName": "Moved", "enabled": true, "type": "iot",
                          "attestation": { "type": "x509", "x509": { "signingCertificates": {} } } });
    answer(&server, "PUT", GROUP, 200, created).await;
    let new = NewX509Group { id: EnrollmentGroupId::new("moved-1"), display_name: "Moved".into() };
    let group = central(&server).create_x509_group(&new).await.unwrap();
    let CentralAttestation::X509 { thumbprints, .. } = &group.attestation else { panic!("{group:?}") };
    assert!(thumbprints.is_empty());
    let body: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    let expected = json!({ "displayName": "Moved", "enabled": true, "type": "iot", "attestation": { "type": "x509" } });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_id_that_is_taken_is_a_conflict_that_says_what_to_compare() {
    let server = MockServer::start().await;
    answer(&server, "PUT", GROUP, 409, conflict()).await;
    let new = NewX509Group { id: EnrollmentGroupId::new("moved-1"), display_name: "Moved".into() };
    let error = central(&server).create_x509_group(&new).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Conflict) && error.hint.unwrap().contains("same certificate"));
}

#[tokio::test]
async fn a_group_is_given_its_certificate_as_base64_of_a_pem_file() {
    let server = MockServer::start().await;
    answer(&server, "GET", PRIMARY, 404, not_found()).await;
    let kept = json!({ "verified": true, "info": { "sha1Thumbprint": "AB" }, "etag": "e" });
    answer(&server, "PUT", PRIMARY, 200, kept).await;
    let kept = put(&server).await.unwrap();
    assert_eq!((kept.verified, kept.sha1.as_deref()), (true, Some("AB")));
    let body: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
    assert_eq!(body, json!({ "verified": true, "certificate": STANDARD.encode(PEM) }));
}

#[tokio::test]
async fn a_certificate_that_a_group_has_is_never_replaced() {
    for there in [json!({ "verified": false, "info": { "sha1Thumbprint": "CD" } }), json!({ "verified": true })] {
        let server = MockServer::start().await;
        answer(&server, "GET", PRIMARY, 200, there).await;
        let error = put(&server).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Conflict) && error.hint.unwrap().contains("same thumbprint"));
        assert_eq!((error.effect, requests(&server).await), (EffectKnown::NotDone, 1), "only looked for");
    }
}

#[tokio::test]
async fn a_certificate_that_another_group_has_is_a_conflict_that_says_so() {
    let server = MockServer::start().await;
    answer(&server, "GET", PRIMARY, 200, json!({ "verified": false, "info": null })).await;
    answer(&server, "PUT", PRIMARY, 409, conflict()).await;
    let error = put(&server).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Conflict) && error.effect == EffectKnown::NotDone);
    assert!(error.hint.unwrap().contains("another enrollment group has it"));
}

#[tokio::test]
async fn a_certificate_whose_answer_was_lost_is_not_put_again() {
    for (status, body) in [(500, json!({})), (200, json!("text"))] {
        let server = MockServer::start().await;
        answer(&server, "GET", PRIMARY, 404, not_found()).await;
        answer(&server, "PUT", PRIMARY, status, body).await;
        let error = put(&server).await.unwrap_err();
        assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 2), "{status}");
    }
}

#[tokio::test]
async fn what_a_group_trusts_is_read_place_by_place() {
    let server = MockServer::start().await;
    let there = json!({ "verified": true, "info": { "sha1Thumbprint": "AB" }, "etag": "e" });
    answer(&server, "GET", PRIMARY, 200, there).await;
    answer(&server, "GET", &format!("{GROUP}/certificates/secondary"), 404, not_found()).await;
    let (client, id) = (central(&server), EnrollmentGroupId::new("moved-1"));
    let there = client.group_certificate(&id, CertificateEntry::Primary).await.unwrap();
    assert_eq!(there, Some(GroupCertificate { verified: true, sha1: Some("AB".into()), etag: Some("e".into()) }));
    assert_eq!(client.group_certificate(&id, CertificateEntry::Secondary).await.unwrap(), None);
}

/// Takes a device's certificate in this spelling only.
struct Takes(String);

impl wiremock::Respond for Takes {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let primary = &body["x509"]["clientCertificates"]["primary"];
        let taken = body["type"] == "x509" && *primary == json!({ "certificate": self.0 });
        ResponseTemplate::new(if taken { 200 } else { 422 }).set_body_json(json!({}))
    }
}

#[tokio::test]
async fn a_device_is_given_a_certificate_in_the_spelling_that_the_application_takes() {
    for (spelling, attempts) in [(STANDARD.encode(PEM), 1), ("MAEB".to_owned(), 2)] {
        let server = MockServer::start().await;
        Mock::given(method("PUT")).and(path(ATTESTATION)).respond_with(Takes(spelling)).mount(&server).await;
        let certificates = Slots::one(certificate(1));
        central(&server).put_device_certificates(&DeviceId::new("dev-01"), &certificates).await.unwrap();
        assert_eq!(requests(&server).await, attempts);
    }
}

#[tokio::test]
async fn a_device_whose_answer_was_lost_or_that_is_unknown_is_not_given_its_certificate_again() {
    for (status, effect) in [(500, EffectKnown::Unknown), (404, EffectKnown::NotDone), (403, EffectKnown::NotDone)] {
        let server = MockServer::start().await;
        answer(&server, "PUT", ATTESTATION, status, json!({})).await;
        let certificates = Slots::one(certificate(1));
        let error =
            central(&server).put_device_certificates(&DeviceId::new("dev-01"), &certificates).await.unwrap_err();
        assert_eq!((error.effect, requests(&server).await), (effect, 1), "{status}");
    }
}

#[tokio::test]
async fn a_devices_own_certificates_are_read_by_thumbprint() {
    let server = MockServer::start().await;
    let slots = json!({ "primary": { "info": { "sha1Thumbprint": "AB" } }, "secondary": {} });
    answer(&server, "GET", ATTESTATION, 200, json!({ "type": "x509", "x509": { "clientCertificates": slots } })).await;
    let read = central(&server).device_attestation_with_keys(&DeviceId::new("dev-01")).await.unwrap().unwrap();
    assert_eq!((read.kind, read.keys.is_none(), read.certificates.iter().count()), (AttestationKind::X509, true, 1));
    assert!(read.certificates.primary.unwrap().has_thumbprint("ab"));
}
