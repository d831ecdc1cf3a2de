//! What the client promises about enrollments by certificates.

use serde_json::{Value, json};
use time::macros::datetime;
use wiremock::MockServer;

use crate::azure::dps::{AttestationKind, NewX509Enrollment, NewX509Group, TrustedBy, X509};
use crate::azure::testing::{answer, certificate, dps, requests};
use crate::azure::x509::Slots;
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::{DeviceId, EnrollmentGroupId, HubHost};

/// What [`certificate`] is in base64.
const FIRST: &str = "MAEB";
const SECOND: &str = "MAEC";

fn new_group(trust: TrustedBy) -> NewX509Group {
    NewX509Group {
        id: EnrollmentGroupId::new("g"),
        trust,
        hub: HubHost::new("h.azure-devices.net"),
        initial_tags: json!({ "from": "fleet" }).as_object().cloned(),
    }
}

fn by_name() -> TrustedBy {
    TrustedBy::CaReferences(Slots::one("fleet-ca".into()))
}

fn answered(x509: &Value) -> Value {
    json!({ "enrollmentGroupId": "g", "attestation": { "type": "x509", "x509": x509 }, "etag": "e" })
}

#[tokio::test]
async fn a_group_is_created_to_trust_exactly_what_was_said() {
    let both = TrustedBy::SigningCertificates(Slots { primary: Some(certificate(1)), secondary: Some(certificate(2)) });
    let names = Slots { primary: Some("fleet-ca".into()), secondary: Some("next-ca".into()) };
    for (trust, x509) in [
        (by_name(), json!({ "caReferences": { "primary": "fleet-ca" } })),
        (TrustedBy::CaReferences(names), json!({ "caReferences": { "primary": "fleet-ca", "secondary": "next-ca" } })),
        (
            TrustedBy::SigningCertificates(Slots::one(certificate(1))),
            json!({ "signingCertificates": { "primary": { "certificate": FIRST } } }),
        ),
        (
            both,
            json!({ "signingCertificates": {
                "primary": { "certificate": FIRST }, "secondary": { "certificate": SECOND } } }),
        ),
    ] {
        let server = MockServer::start().await;
        answer(&server, "PUT", "/enrollmentGroups/g", 200, answered(&x509)).await;
        let created = dps(&server).create_x509_group(&new_group(trust)).await.unwrap();
        assert_eq!(created.attestation_kind, AttestationKind::X509);
        let request = &server.received_requests().await.unwrap()[0];
        assert!(!request.headers.contains_key("if-match"));
        let body: Value = request.body_json().unwrap();
        let expected = json!({
            "enrollmentGroupId": "g", "attestation": { "type": "x509", "x509": x509 },
            "capabilities": { "iotEdge": false }, "provisioningStatus": "enabled",
            "allocationPolicy": "static", "iotHubs": ["h.azure-devices.net"],
            "reprovisionPolicy": { "updateHubAssignment": true, "migrateDeviceData": true },
            "initialTwin": { "tags": { "from": "fleet" }, "properties": { "desired": {} } }
        });
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn a_group_that_exists_or_may_exist_is_not_created_again() {
    for (status, conflict, effect) in [(409, true, EffectKnown::NotDone), (503, false, EffectKnown::Unknown)] {
        let server = MockServer::start().await;
        answer(&server, "PUT", "/enrollmentGroups/g", status, json!({})).await;
        let error = dps(&server).create_x509_group(&new_group(by_name())).await.unwrap_err();
        assert_eq!(matches!(error.kind, ErrorKind::Conflict), conflict);
        assert_eq!(error.hint.is_some_and(|hint| hint.contains("same certificates")), conflict);
        assert_eq!((error.effect, requests(&server).await), (effect, 1));
    }
}

#[tokio::test]
async fn a_device_is_enrolled_by_its_own_certificate() {
    let server = MockServer::start().await;
    answer(&server, "PUT", "/enrollments/dev-01", 200, json!({ "registrationId": "dev-01" })).await;
    let new = NewX509Enrollment {
        id: DeviceId::new("dev-01"),
        certificates: Slots::one(certificate(1)),
        hub: HubHost::new("h.azure-devices.net"),
    };
    dps(&server).create_x509_enrollment(&new).await.unwrap();
    let body: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    let expected = json!({
        "registrationId": "dev-01", "deviceId": "dev-01",
        "attestation": { "type": "x509", "x509": { "clientCertificates": { "primary": { "certificate": FIRST } } } },
        "capabilities": { "iotEdge": false }, "provisioningStatus": "enabled",
        "allocationPolicy": "static", "iotHubs": ["h.azure-devices.net"],
        "reprovisionPolicy": { "updateHubAssignment": true, "migrateDeviceData": true }
    });
    assert_eq!(body, expected);
}

/// What is read of a group and of an individual enrollment with this `x509`.
async fn read(x509: Value) -> (Option<X509>, Option<X509>) {
    let server = MockServer::start().await;
    let attestation = json!({ "type": "x509", "x509": x509 });
    let group = json!({ "enrollmentGroupId": "g", "attestation": attestation });
    answer(&server, "GET", "/enrollmentGroups/g", 200, group).await;
    let enrollment = json!({ "registrationId": "d", "attestation": attestation });
    answer(&server, "POST", "/enrollments/query", 200, json!([enrollment])).await;
    let client = dps(&server);
    let group = client.enrollment_group(&EnrollmentGroupId::new("g")).await.unwrap().unwrap();
    (group.x509, client.individual_enrollments().await.unwrap().remove(0).x509)
}

#[tokio::test]
async fn what_a_dps_tells_of_certificates_is_read() {
    let info = json!({
        "subjectName": "CN=Fleet CA", "sha1Thumbprint": "AB", "sha256Thumbprint": "CD", "issuerName": "CN=Root",
        "notBeforeUtc": "2026-01-01T00:00:00Z", "notAfterUtc": "2027-01-01T00:00:00Z", "serialNumber": "1", "version": 3
    });
    let given = json!({ "primary": { "certificate": FIRST, "info": info }, "secondary": { "certificate": null, "info": null } });
    let (group, _) =
        read(json!({ "signingCertificates": given, "clientCertificates": null, "caReferences": null })).await;
    let group = group.unwrap();
    let known = group.signing_certificates.primary.unwrap();
    assert_eq!((known.sha1.as_deref(), known.sha256.as_deref()), (Some("AB"), Some("CD")));
    assert_eq!(
        (known.subject.as_deref(), known.not_after),
        (Some("CN=Fleet CA"), Some(datetime!(2027-01-01 0:00 UTC)))
    );
    assert_eq!(known.certificate, Some(certificate(1)));
    assert!(group.signing_certificates.secondary.is_none() && group.ca_references == Slots::default());
    let (_, own) = read(json!({ "clientCertificates": given })).await;
    assert!(own.unwrap().client_certificates.primary.unwrap().has_thumbprint("ab"));
    let (group, _) = read(json!({ "caReferences": { "primary": "fleet-ca", "secondary": "" } })).await;
    assert_eq!(group.unwrap().ca_references, Slots::one("fleet-ca".into()));
}

#[tokio::test]
async fn an_enrollment_that_tells_nothing_of_its_certificates_is_read_all_the_same() {
    for nothing in
        [json!({}), json!({ "signingCertificates": {} }), json!({ "signingCertificates": { "primary": {} } })]
    {
        assert_eq!(read(nothing).await, (Some(X509::default()), Some(X509::default())));
    }
    for unread in [json!(null), json!("text"), json!({ "signingCertificates": [1] }), json!({ "caReferences": 7 })] {
        assert_eq!(read(unread).await, (None, None));
    }
}
