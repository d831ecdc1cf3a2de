//! What the DPS client promises.

mod x509;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::dps::{
    Attestation, AttestationKind, NewEnrollmentGroup, NewIndividualEnrollment, RegistrationStatus,
};
use crate::azure::testing::{KEY, OTHER_KEY, answer, answer_once, dps, requests};
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::{DeviceId, EnrollmentGroupId, HubHost};

fn group(id: &str) -> Value {
    json!({
        "enrollmentGroupId": id, "attestation": { "type": "symmetricKey", "symmetricKey": null },
        "provisioningStatus": "enabled", "allocationPolicy": "static", "iotHubs": ["h.azure-devices.net"],
        "reprovisionPolicy": null, "etag": "\"IjAw\""
    })
}

fn new_group() -> NewEnrollmentGroup {
    NewEnrollmentGroup {
        id: EnrollmentGroupId::new("g"),
        primary: SecretString::from(KEY),
        secondary: SecretString::from(OTHER_KEY),
        hub: HubHost::new("h.azure-devices.net"),
        initial_tags: json!({ "from": "fleet" }).as_object().cloned(),
    }
}

#[tokio::test]
async fn enrollment_groups_are_read_page_by_page_even_over_an_empty_page() {
    let server = MockServer::start().await;
    let at = "/enrollmentGroups/query";
    let page = |items: Value, next: Option<&str>| {
        let template = ResponseTemplate::new(200).set_body_json(items);
        next.map_or(template.clone(), |next| template.insert_header("x-ms-continuation", next))
    };
    for (token, template) in [("two", page(json!([]), Some("three"))), ("three", page(json!([group("b")]), None))] {
        Mock::given(path(at)).and(header("x-ms-continuation", token)).respond_with(template).mount(&server).await;
    }
    let first = page(json!([group("a")]), Some("two"));
    Mock::given(path(at)).and(header_exists("x-ms-max-item-count")).respond_with(first).mount(&server).await;
    let groups = dps(&server).enrollment_groups().await.unwrap();
    assert_eq!(groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(groups[0].attestation_kind, AttestationKind::Symmetric);
    assert!(groups[0].reprovision.update_hub_assignment && groups[0].reprovision.migrate_device_data);
    assert_eq!(requests(&server).await, 3);
}

#[tokio::test]
async fn a_group_is_created_enabled_for_exactly_one_hub_with_both_keys_as_they_are() {
    let server = MockServer::start().await;
    let body = json!({
        "enrollmentGroupId": "g",
        "attestation": { "type": "symmetricKey", "symmetricKey": { "primaryKey": KEY, "secondaryKey": OTHER_KEY } },
        "capabilities": { "iotEdge": false }, "provisioningStatus": "enabled",
        "allocationPolicy": "static", "iotHubs": ["h.azure-devices.net"],
        "reprovisionPolicy": { "updateHubAssignment": true, "migrateDeviceData": true },
        "initialTwin": { "tags": { "from": "fleet" }, "properties": { "desired": {} } }
    });
    let template = ResponseTemplate::new(200).set_body_json(group("g"));
    Mock::given(method("PUT"))
        .and(path("/enrollmentGroups/g"))
        .and(body_json(body))
        .respond_with(template)
        .mount(&server)
        .await;
    let created = dps(&server).create_enrollment_group(&new_group()).await.unwrap();
    assert_eq!((created.enabled, created.edge, created.hubs.len()), (true, false, 1));
    let request = &server.received_requests().await.unwrap()[0];
    assert!(!request.headers.contains_key("if-match"));
    assert!(
        request.headers["authorization"].to_str().unwrap().contains("sr=contoso-dps.azure-devices-provisioning.net&")
    );
}

#[tokio::test]
async fn a_group_that_exists_is_a_conflict_with_advice() {
    let server = MockServer::start().await;
    answer(&server, "PUT", "/enrollmentGroups/g", 409, json!({ "errorCode": 409201, "message": "exists" })).await;
    let error = dps(&server).create_enrollment_group(&new_group()).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Conflict) && error.effect == EffectKnown::NotDone);
    assert_eq!(error.code.as_deref(), Some("409201"));
    assert!(error.hint.unwrap().contains("same keys"));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_group_whose_creation_may_have_happened_is_not_created_again() {
    let server = MockServer::start().await;
    answer(&server, "PUT", "/enrollmentGroups/g", 503, json!({})).await;
    let error = dps(&server).create_enrollment_group(&new_group()).await.unwrap_err();
    assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 1));
}

#[tokio::test]
async fn keys_of_a_group_are_asked_for_by_a_post_without_body() {
    let server = MockServer::start().await;
    let keys = json!({ "type": "symmetricKey", "symmetricKey": { "primaryKey": KEY, "secondaryKey": OTHER_KEY } });
    answer(&server, "POST", "/enrollmentGroups/g/attestationmechanism", 200, keys).await;
    let Attestation::Symmetric { primary, secondary } =
        dps(&server).group_keys(&EnrollmentGroupId::new("g")).await.unwrap()
    else {
        panic!("symmetric")
    };
    assert_eq!((primary.expose_secret(), secondary.expose_secret()), (KEY, OTHER_KEY));
    assert!(server.received_requests().await.unwrap()[0].body.is_empty());
}

#[tokio::test]
async fn a_registration_is_read_with_azures_times() {
    let server = MockServer::start().await;
    let record = json!({
        "registrationId": "d", "deviceId": "d", "assignedHub": "h.azure-devices.net", "status": "assigned",
        "substatus": "initialAssignment", "createdDateTimeUtc": "2026-01-01T10:00:00.123Z",
        "lastUpdatedDateTimeUtc": "2026-01-01T10:00:01.456Z", "errorCode": null, "payload": {}
    });
    answer(&server, "GET", "/registrations/d", 200, record).await;
    answer(&server, "GET", "/registrations/none", 404, json!({ "errorCode": 404202, "message": "none" })).await;
    let client = dps(&server);
    let record = client.registration(&DeviceId::new("d")).await.unwrap().unwrap();
    assert_eq!(record.status, RegistrationStatus::Assigned);
    assert_eq!(record.last_updated, Some(time::macros::datetime!(2026-01-01 10:00:01.456 UTC)));
    assert!(client.registration(&DeviceId::new("none")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_groups_failed_registrations_say_why() {
    let server = MockServer::start().await;
    let record = json!([{ "registrationId": "d", "status": "failed", "errorCode": 400209, "errorMessage": "blocked" }]);
    answer(&server, "POST", "/registrations/g/query", 200, record).await;
    let records = dps(&server).group_registrations(&EnrollmentGroupId::new("g")).await.unwrap();
    assert_eq!(records[0].error_code.as_deref(), Some("400209"));
    assert_eq!(records[0].status, RegistrationStatus::Failed);
}

#[tokio::test]
async fn deleting_quotes_the_etag_and_what_is_gone_is_deleted() {
    let server = MockServer::start().await;
    answer_once(&server, "DELETE", "/enrollmentGroups/g", ResponseTemplate::new(204)).await;
    answer(&server, "DELETE", "/enrollmentGroups/g", 404, json!({ "errorCode": 404201 })).await;
    let client = dps(&server);
    client.delete_enrollment_group(&EnrollmentGroupId::new("g"), Some("abc")).await.unwrap();
    client.delete_enrollment_group(&EnrollmentGroupId::new("g"), None).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        (&requests[0].headers["if-match"], &requests[1].headers["if-match"]),
        (&"\"abc\"".parse().unwrap(), &"*".parse().unwrap())
    );
}

#[tokio::test]
async fn an_individual_enrollment_carries_its_registration() {
    let server = MockServer::start().await;
    let found = json!({
        "registrationId": "d", "attestation": { "type": "tpm" }, "provisioningStatus": "disabled",
        "capabilities": { "iotEdge": true }, "registrationState": { "status": "assigned", "assignedHub": "h.azure-devices.net" }
    });
    answer(&server, "GET", "/enrollments/d", 200, found).await;
    let enrollment = dps(&server).individual_enrollment(&DeviceId::new("d")).await.unwrap().unwrap();
    assert_eq!((enrollment.enabled, enrollment.edge, enrollment.device_id.as_str()), (false, true, "d"));
    assert_eq!(enrollment.registration.unwrap().status, RegistrationStatus::Assigned);
}

fn new_enrollment(id: &str) -> NewIndividualEnrollment {
    NewIndividualEnrollment {
        id: DeviceId::new(id),
        primary: SecretString::from(KEY),
        secondary: SecretString::from(OTHER_KEY),
        hub: HubHost::new("h.azure-devices.net"),
    }
}

#[tokio::test]
async fn of_enrollments_that_are_created_together_those_count_as_created_that_no_error_may_be_of() {
    let three = ["a", "b", "c"].map(new_enrollment);
    let refused =
        |id: Value| json!({ "isSuccessful": false, "errors": [{ "registrationId": id, "errorCode": 409201 }] });
    for (status, answered, created) in [
        (200, json!({ "isSuccessful": true, "errors": null }), vec!["a", "b", "c"]),
        (200, refused(json!("B")), vec!["a", "c"]),
        (400, refused(json!("a")), vec!["b", "c"]),
        (200, refused(json!(null)), vec![]),
        (200, json!({ "isSuccessful": false }), vec![]),
    ] {
        let server = MockServer::start().await;
        answer(&server, "POST", "/enrollments", status, answered.clone()).await;
        let ids = dps(&server).create_individual_enrollments(&three).await.unwrap();
        assert_eq!(ids.iter().map(DeviceId::as_str).collect::<Vec<_>>(), created, "{answered}");
        let body: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
        assert_eq!(body["mode"], "create");
        let first = &body["enrollments"][0];
        assert_eq!((&first["registrationId"], &first["deviceId"]), (&json!("a"), &json!("a")));
        assert_eq!(first["attestation"]["symmetricKey"]["primaryKey"], KEY);
    }
}

#[tokio::test]
async fn a_bulk_call_that_is_refused_as_a_whole_creates_nothing_and_of_more_than_ten_nothing_is_sent() {
    let server = MockServer::start().await;
    let fault = json!({ "errorCode": 400004, "message": "Malformed", "trackingId": "t" });
    answer(&server, "POST", "/enrollments", 400, fault).await;
    dps(&server).create_individual_enrollments(&[new_enrollment("a")]).await.unwrap_err();
    let many: Vec<_> = (0..11).map(|number| new_enrollment(&format!("d-{number}"))).collect();
    let error = dps(&server).create_individual_enrollments(&many).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Rejected) && error.effect == EffectKnown::NotDone, "{error}");
    assert_eq!(requests(&server).await, 1);
}
