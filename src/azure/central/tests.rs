//! What the IoT Central client promises.

mod changes;
mod evidence;
mod families;
mod x509;

use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::central::{
    AttestationKind, CentralAttestation, DeviceTemplate, GroupKind, JobDeviceStatus, JobRequest, JobStatus, MoveCommand,
};
use crate::azure::testing::{KEY, answer, central, requests};
use crate::azure::{EffectKnown, ErrorKind};
use crate::ids::{DeviceGroupId, DeviceId, JobId, TemplateId};

const COMMAND: &str = "/api/devices/d/components/migration/commands/DeviceMove";

fn move_command() -> MoveCommand {
    MoveCommand {
        component: Some("migration".into()),
        command: "DeviceMove".into(),
        queued_if_offline: false,
        notice: None,
    }
}

fn request() -> JobRequest {
    JobRequest {
        display_name: "Move".into(),
        description: "AUTOMATED-DEVICE-MOVE".into(),
        group: DeviceGroupId::new("g"),
        batch: Some(50),
        target: TemplateId::new("dtmi:t;1"),
        path: move_command().job_path(),
        value: json!({ "idScope": "0ne1" }),
    }
}

#[tokio::test]
async fn members_of_a_group_may_carry_nothing_but_their_id() {
    let server = MockServer::start().await;
    let at = "/api/deviceGroups/g/devices";
    let last = json!({ "value": [{ "id": "b", "template": "dtmi:t;1", "simulated": true }] });
    Mock::given(path(at))
        .and(query_param("$skiptoken", "x"))
        .respond_with(ResponseTemplate::new(200).set_body_json(last))
        .mount(&server)
        .await;
    let next = format!("{}{at}?api-version=2022-07-31&%24skiptoken=x", server.uri());
    answer(&server, "GET", at, 200, json!({ "value": [{ "id": "a" }], "nextLink": next })).await;
    let devices = central(&server).group_devices(&DeviceGroupId::new("g")).await.unwrap();
    assert_eq!((devices[0].id.as_str(), devices[0].simulated), ("a", None));
    assert_eq!((devices[1].id.as_str(), devices[1].simulated), ("b", Some(true)));
}

#[tokio::test]
async fn a_command_is_put_to_the_component_and_the_devices_own_status_comes_back() {
    let server = MockServer::start().await;
    let body = json!({ "request": { "idScope": "0ne1" }, "connectionTimeout": 0, "responseTimeout": 30 });
    let answer = json!({ "id": "c", "response": "0ne1", "responseCode": 403 });
    Mock::given(method("POST"))
        .and(path(COMMAND))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(201).set_body_json(answer))
        .mount(&server)
        .await;
    let payload = json!({ "idScope": "0ne1" });
    let answer = central(&server).run_command(&DeviceId::new("d"), &move_command(), &payload, 0, 30).await.unwrap();
    assert_eq!((answer.response_code, answer.is_accepted()), (Some(403), false));
}

#[tokio::test]
async fn a_device_that_is_offline_is_told_from_one_that_does_not_exist_and_one_that_did_not_answer() {
    for (status, code, message, expected) in [
        (404, "NotFound", "Could not connect to device in order to send command. You can contact", "DeviceOffline"),
        (404, "NotFound", "Device not found.", "NotFound"),
        (408, "RequestTimeout", "Request timeout waiting for the device", "DeviceTimeout"),
        (504, "RequestTimeout", "Request timeout waiting for the device", "DeviceTimeout"),
        (400, "RequestTimeout", "Request timeout waiting for the device", "DeviceTimeout"),
    ] {
        let server = MockServer::start().await;
        answer(&server, "POST", COMMAND, status, json!({ "error": { "code": code, "message": message } })).await;
        let error =
            central(&server).run_command(&DeviceId::new("d"), &move_command(), &Value::Null, 0, 30).await.unwrap_err();
        assert_eq!(format!("{:?}", error.kind), expected);
        let known = if expected == "DeviceTimeout" { EffectKnown::Unknown } else { EffectKnown::NotDone };
        assert_eq!(error.effect, known);
        assert_eq!(requests(&server).await, 1, "a command is not repeated");
    }
}

#[tokio::test]
async fn a_job_is_put_once_with_its_batch_and_read_back_leniently() {
    let server = MockServer::start().await;
    let body = json!({
        "displayName": "Move", "description": "AUTOMATED-DEVICE-MOVE", "group": "g",
        "batch": { "type": "number", "value": 50 },
        "data": [{ "type": "command", "target": "dtmi:t;1", "path": "migration.DeviceMove", "value": { "idScope": "0ne1" } }]
    });
    let created = json!({ "id": "j", "status": "pending" });
    Mock::given(method("PUT"))
        .and(path("/api/jobs/j"))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(200).set_body_json(created))
        .mount(&server)
        .await;
    let read = json!({
        "id": "j", "status": "Canceled", "progress": { "total": 3, "completed": 2, "failed": 1 },
        "data": [{ "@type": "CommandJobData", "target": "dtmi:t;1", "path": "migration.DeviceMove" }], "end": null
    });
    answer(&server, "GET", "/api/jobs/j", 200, read).await;
    let client = central(&server);
    let job = client.put_job(&JobId::new("j"), &request()).await.unwrap();
    assert_eq!((job.status.clone(), job.progress, job.is_over()), (JobStatus::Pending, None, false));
    let job = client.job(&JobId::new("j")).await.unwrap().unwrap();
    assert_eq!(job.status, JobStatus::Cancelled);
    assert_eq!(job.data[0].kind.as_deref(), Some("CommandJobData"));
    assert_eq!(job.progress.unwrap().pending, 0);
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_not_put_again() {
    let server = MockServer::start().await;
    answer(&server, "PUT", "/api/jobs/j", 500, json!({})).await;
    let error = central(&server).put_job(&JobId::new("j"), &request()).await.unwrap_err();
    assert_eq!((error.effect, requests(&server).await), (EffectKnown::Unknown, 1));
}

#[tokio::test]
async fn a_job_that_does_not_fit_the_template_says_what_to_publish() {
    let server = MockServer::start().await;
    answer(&server, "PUT", "/api/jobs/j", 422, json!({ "error": { "code": "InvalidBody", "message": "m" } })).await;
    let error = central(&server).put_job(&JobId::new("j"), &request()).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Rejected) && error.effect == EffectKnown::NotDone);
    assert!(error.hint.unwrap().contains("publish"));
}

#[tokio::test]
async fn there_is_no_job_is_an_answer_and_a_wrong_api_version_is_not() {
    let server = MockServer::start().await;
    let gone = json!({ "error": { "code": "NotFound", "message": "Job not found." } });
    answer(&server, "GET", "/api/jobs/gone", 404, gone).await;
    let version = json!({ "error": { "code": "NotFound", "message": "\"x\" is not a valid API version" } });
    answer(&server, "GET", "/api/jobs/odd", 404, version).await;
    assert!(central(&server).job(&JobId::new("gone")).await.unwrap().is_none());
    assert!(central(&server).job(&JobId::new("odd")).await.is_err());
}

#[tokio::test]
async fn each_devices_part_in_a_job_is_read_in_any_case() {
    let server = MockServer::start().await;
    let devices = json!({ "value": [
        { "id": "a", "status": "Completed" }, { "id": "b", "status": "failed" }, { "id": "c", "status": "odd" }, { "id": "d" }
    ] });
    answer(&server, "GET", "/api/jobs/j/devices", 200, devices).await;
    let devices = central(&server).job_devices(&JobId::new("j")).await.unwrap();
    let statuses: Vec<_> = devices.into_iter().map(|device| device.status).collect();
    let other = JobDeviceStatus::Other("odd".into());
    assert_eq!(statuses, [JobDeviceStatus::Completed, JobDeviceStatus::Failed, other, JobDeviceStatus::Pending]);
}

#[tokio::test]
async fn enrollment_groups_are_read_with_keys_that_do_not_show() {
    let server = MockServer::start().await;
    let groups = json!({ "value": [
        { "id": "SAS-IoT-Devices", "displayName": "s", "enabled": true, "type": "iot",
          "attestation": { "type": "symmetricKey", "symmetricKey": { "primaryKey": KEY, "secondaryKey": KEY } } },
        { "id": "x", "enabled": false, "type": "iotEdge", "attestation": { "type": "x509",
          "x509": { "signingCertificates": { "primary": { "info": { "sha1Thumbprint": "AB" } }, "secondary": null } } } },
        { "id": "y", "enabled": true, "type": "iot", "attestation": { "type": "x509", "x509": { "signingCertificates": {
          "primary": { "verified": true, "info": { "sha1Thumbprint": "CD" } },
          "secondary": { "verified": false, "info": { "sha1Thumbprint": "EF" } } } } } }
    ] });
    answer(&server, "GET", "/api/enrollmentGroups", 200, groups).await;
    let groups = central(&server).enrollment_groups().await.unwrap();
    assert!(matches!(groups[0].attestation, CentralAttestation::Symmetric { .. }));
    assert!(!format!("{groups:?}").contains(KEY));
    assert_eq!((groups[1].enabled, &groups[1].kind), (false, &GroupKind::IotEdge));
    let CentralAttestation::X509 { thumbprints, .. } = &groups[1].attestation else { panic!("{groups:?}") };
    assert_eq!(thumbprints, &["AB"]);
    let CentralAttestation::X509 { thumbprints, unverified } = &groups[2].attestation else { panic!("{groups:?}") };
    assert_eq!((thumbprints.as_slice(), unverified.as_slice()), (&["CD".to_owned()][..], &["EF".to_owned()][..]));
}

#[tokio::test]
async fn a_device_without_an_attestation_of_its_own_belongs_to_a_group() {
    let server = MockServer::start().await;
    let missing = json!({ "error": { "code": "NotFound", "message": "none" } });
    answer(&server, "GET", "/api/devices/a/attestation", 404, missing).await;
    answer(&server, "GET", "/api/devices/b/attestation", 200, json!({ "type": "tpm" })).await;
    let client = central(&server);
    assert_eq!(client.device_attestation(&DeviceId::new("a")).await.unwrap(), None);
    assert_eq!(client.device_attestation(&DeviceId::new("b")).await.unwrap(), Some(AttestationKind::Tpm));
}

async fn template(model: Value) -> DeviceTemplate {
    let server = MockServer::start().await;
    let body = json!({ "@id": "dtmi:t;1", "@type": ["ModelDefinition"], "displayName": "T", "capabilityModel": model });
    answer(&server, "GET", "/api/deviceTemplates", 200, json!({ "value": [body] })).await;
    central(&server).device_templates().await.unwrap().remove(0)
}

fn device_move(extra: Value) -> Value {
    let mut command = json!({
        "@type": ["Command"], "name": "DeviceMove",
        "request": { "name": "data", "schema": { "@type": "Object", "fields": [{ "name": "idScope", "schema": "string" }] } }
    });
    command.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    command
}

#[tokio::test]
async fn the_documented_component_is_found_under_any_name_in_all_ways_of_writing_it() {
    let interface = json!({ "@id": "dtmi:azureiot:DeviceMigration;1", "contents": [device_move(json!({}))] });
    for component in [
        json!({ "@type": "Component", "name": "mover", "schema": interface }),
        json!({ "@type": ["Relationship", "Component"], "name": "mover", "schema": "dtmi:azureiot:DeviceMigration;1" }),
    ] {
        for model in [
            json!({ "@id": "dtmi:m;1", "contents": [component] }),
            json!({ "@id": "dtmi:m;1", "contents": [], "extends": { "@id": "x", "contents": [component] } }),
            json!({ "@id": "dtmi:m;1", "extends": ["dtmi:y;1", { "extends": [{ "contents": [component] }] }] }),
        ] {
            let template = template(model).await;
            assert_eq!((template.id.as_str(), template.model.unwrap().as_str()), ("dtmi:t;1", "dtmi:m;1"));
            let command = template.migration.unwrap();
            assert_eq!(
                (command.method_name(), command.job_path()),
                ("mover*DeviceMove".into(), "mover.DeviceMove".into())
            );
            assert_eq!((command.notice, command.queued_if_offline), (None, false));
        }
    }
}

#[tokio::test]
async fn what_is_unusual_about_a_move_command_is_said() {
    let component = |interface: &str, command: Value| json!({ "contents": [{ "@type": "Component", "name": "c", "schema": { "@id": interface, "contents": [command] } }] });
    let newer = template(component("dtmi:azureiot:DeviceMigration;2", device_move(json!({})))).await.migration.unwrap();
    assert!(newer.notice.unwrap().contains("version 2"));
    let own = template(component("dtmi:own:Move;1", device_move(json!({})))).await.migration.unwrap();
    assert!(own.notice.unwrap().contains("dtmi:own:Move;1"));
    let root = template(json!({ "contents": [device_move(json!({}))] })).await.migration.unwrap();
    assert_eq!((root.method_name().as_str(), root.notice.is_some()), ("DeviceMove", true));
    let queued = component("dtmi:azureiot:DeviceMigration;1", device_move(json!({ "durable": true })));
    assert!(template(queued).await.migration.unwrap().queued_if_offline);
}

#[tokio::test]
async fn templates_without_the_command_have_none() {
    let other = json!({ "@type": "Command", "name": "DeviceMove", "request": { "schema": "string" } });
    for model in [
        json!({}),
        json!({ "contents": [{ "@type": "Component", "name": "c" }, { "@type": "Component", "name": "d", "schema": "dtmi:x;1" }] }),
        json!({ "contents": [{ "@type": ["Component", "EdgeModule"], "name": "m", "schema": "dtmi:azureiot:DeviceMigration;1" }] }),
        json!({ "contents": [{ "@type": "Component", "name": "c", "schema": { "@id": "dtmi:x;1", "contents": [other] } }] }),
    ] {
        assert_eq!(template(model).await.migration, None);
    }
}
