//! IoT Central on the wire.

mod access;
mod admission;
mod arrivals;
mod certificates;
mod devices;
mod enrollment;
mod families;
mod history;
mod jobs;
mod lists;
mod properties;

use serde_json::{Value, json};

use crate::sandbox::device::Place;
use crate::sandbox::entra::tokens::{Audience, issue_access};
use crate::sandbox::fleet::{self, ADA, BOB, BOILER, CAROL, CONTOSO, PUMP};
use crate::sandbox::testkit::{Bench, HUB, SCOPE, call};

const MOVE: &str = "/devices/boiler-0002/components/migration/commands/DeviceMove";

fn job(group: &str, template: &str, path: &str) -> Value {
    json!({"displayName": "Move", "group": group, "data": [{"type": "command", "target": template, "path": path, "value": {"idScope": SCOPE}}]})
}

#[tokio::test]
async fn all_members_of_a_group_are_found_by_following_next_links() {
    let bench = Bench::fleet(100);
    let mut path = "/deviceGroups/boilers-all/devices".to_owned();
    let mut ids = Vec::new();
    loop {
        let page = bench.central("GET", &path, Value::Null).await;
        let value = page.body["value"].as_array().unwrap();
        assert!(value.len() <= 25);
        ids.extend(value.iter().map(|device| device["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["nextLink"].as_str() else { break };
        let token = next.split("$skiptoken=").nth(1).unwrap();
        assert!(next.starts_with(
            "https://contoso-fleet.azureiotcentral.com/api/deviceGroups/boilers-all/devices?api-version=2022-07-31"
        ));
        path = format!("/deviceGroups/boilers-all/devices?$skiptoken={token}");
    }
    ids.dedup();
    assert_eq!(ids.len(), 194);
    let broken = bench.central("GET", "/devices?$skiptoken=nonsense", Value::Null).await;
    assert_eq!(broken.status, 400);
}

#[tokio::test]
async fn errors_carry_their_code_twice_and_the_request_id_in_the_message() {
    let bench = Bench::simple(100);
    let missing = bench.central("GET", "/devices/nobody", Value::Null).await;
    assert_eq!((missing.status, missing.headers["x-ms-error-code"].to_str().unwrap()), (404, "NotFound"));
    assert_eq!(missing.body["error"]["code"], "NotFound");
    assert!(missing.body["error"]["message"].as_str().unwrap().contains("Request ID: "));
    assert!(missing.body["error"]["requestId"].is_null());
}

#[tokio::test]
async fn people_without_a_role_are_refused_and_operators_see_no_keys() {
    let bench = Bench::simple(100);
    assert_eq!(bench.central_as(BOB, "GET", "/devices", Value::Null).await.status, 403);
    assert_eq!(bench.central_as(CAROL, "GET", "/devices", Value::Null).await.status, 200);
    assert_eq!(bench.central_as(CAROL, "GET", "/enrollmentGroups", Value::Null).await.status, 403);
    assert_eq!(bench.central_as(CAROL, "GET", "/devices/boiler-0001/credentials", Value::Null).await.status, 403);
    assert_eq!(bench.central_as(ADA, "GET", "/enrollmentGroups", Value::Null).await.status, 200);
}

#[tokio::test]
async fn tokens_of_another_resource_and_unknown_versions_are_refused() {
    let bench = Bench::fleet(100);
    let router = || super::router(bench.shared.clone());
    let host = "contoso-fleet.azureiotcentral.com";
    let arm = format!("Bearer {}", issue_access(&bench.shared, ADA, CONTOSO, Audience::Arm));
    let fine = format!("Bearer {}", issue_access(&bench.shared, ADA, CONTOSO, Audience::Central));
    let get = |host: &'static str, uri: &'static str, token: String| {
        let router = router();
        async move { call(router, host, "GET", uri, &[("authorization", &token)], Value::Null).await }
    };
    assert_eq!(get(host, "/api/devices?api-version=2022-07-31", arm).await.status, 401);
    assert_eq!(get(host, "/api/devices", fine.clone()).await.status, 400);
    let version = get(host, "/api/devices?api-version=2020-01-01", fine.clone()).await;
    assert_eq!(version.status, 404);
    assert!(version.text.contains("is not a valid API version"));
    let gone = get("contoso-archive.azureiotcentral.com", "/api/devices?api-version=2022-07-31", fine).await;
    assert_eq!(gone.status, 404);
    assert!(gone.text.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn the_twenty_first_call_of_a_second_is_throttled_without_a_hint() {
    let bench = Bench::simple(1);
    let mut statuses = Vec::new();
    for _ in 0..60 {
        let answer = bench.central("GET", "/devices/boiler-0001", Value::Null).await;
        assert!(answer.headers.get("retry-after").is_none());
        statuses.push(answer.status);
    }
    assert!(statuses[..20].iter().all(|status| *status == 200));
    assert!(statuses.contains(&429));
}

#[tokio::test]
async fn credentials_show_the_default_group_key_even_for_a_device_of_another_group() {
    let bench = Bench::fleet(100);
    let shown = bench.central("GET", "/devices/boiler-0151/credentials", Value::Null).await.body;
    let derived = crate::sandbox::sas::derive_key(&fleet::key("contoso-fleet/SAS-IoT-Devices/primary"), "boiler-0151");
    assert_eq!(shown["symmetricKey"]["primaryKey"].as_str(), derived.as_deref());
    assert_eq!(shown["idScope"], "0ne00A00001");
    assert_eq!(bench.central("GET", "/devices/boiler-0001/attestation", Value::Null).await.status, 404);
}

#[tokio::test]
async fn an_enrollment_group_with_taken_id_or_keys_conflicts_and_unknown_key_fields_are_refused() {
    let bench = Bench::simple(100);
    let body = |primary: &str, extra: Value| {
        let mut keys = json!({"primaryKey": primary, "secondaryKey": fleet::key("s")});
        super::super::wire::merge_patch(&mut keys, &extra);
        json!({"displayName": "g", "type": "iot", "enabled": true, "attestation": {"type": "symmetricKey", "symmetricKey": keys}})
    };
    let put = |id: &'static str, body: Value| bench.central("PUT", id, body);
    assert_eq!(put("/enrollmentGroups/new-one", body(&fleet::key("p"), json!({"x": 1}))).await.status, 400);
    assert_eq!(put("/enrollmentGroups/new_one", body(&fleet::key("p"), json!({}))).await.status, 400);
    assert_eq!(put("/enrollmentGroups/new-one", body("short", json!({}))).await.status, 400);
    assert_eq!(put("/enrollmentGroups/new-one", body(&fleet::key("p"), json!({}))).await.status, 200);
    assert_eq!(put("/enrollmentGroups/new-one", body(&fleet::key("p2"), json!({}))).await.status, 409);
    assert_eq!(put("/enrollmentGroups/other", body(&fleet::key("p"), json!({}))).await.status, 409);
}

#[tokio::test]
async fn a_command_is_answered_with_201_and_the_device_leaves_at_once() {
    let bench = Bench::simple(200);
    bench.carry_over("SAS-IoT-Devices").await;
    let body = json!({"request": {"idScope": SCOPE}});
    let answer = bench.central("POST", MOVE, body.clone()).await;
    assert_eq!((answer.status, answer.body["responseCode"].as_u64()), (201, Some(200)));
    let again = bench.central("POST", MOVE, body).await;
    assert_eq!(again.status, 404);
    assert!(again.text.contains("Could not connect to device in order to send command."));
    let history = bench.central("GET", MOVE, Value::Null).await;
    assert_eq!(history.body["value"][0]["responseCode"], 200);
    bench.until("arrival", |world| world.devices["boiler-0002"].place == Place::Hub { host: HUB.to_owned() }).await;
    assert_eq!(bench.shared.look(|world| world.devices["boiler-0002"].times_commanded()), 1);
}

#[tokio::test]
async fn a_lost_answer_is_a_timeout_although_the_device_moves() {
    let bench = Bench::fleet(500);
    bench.carry_over("SAS-IoT-Devices").await;
    let id = bench.shared.look(|world| {
        let lost = |device: &&crate::sandbox::device::Device| device.kind == crate::sandbox::device::Kind::AnswerLost;
        world.devices.values().find(lost).unwrap().id.clone()
    });
    let path = format!("/devices/{id}/components/migration/commands/DeviceMove");
    let answer = bench.central("POST", &path, json!({"request": {"idScope": SCOPE}, "responseTimeout": 5})).await;
    assert_eq!((answer.status, answer.body["error"]["code"].as_str()), (504, Some("RequestTimeout")));
    bench.until("arrival", |world| matches!(world.devices[&id].place, Place::Hub { .. })).await;
}

#[tokio::test]
async fn a_job_needs_a_command_that_its_template_has_and_an_id_of_its_own() {
    let bench = Bench::fleet(100);
    let put = |id: &'static str, body: Value| bench.central("PUT", id, body);
    assert_eq!(put("/jobs/a", job("pumps-all", PUMP, "migration.Nothing")).await.status, 422);
    assert_eq!(put("/jobs/a", job("pumps-all", "dtmi:no;1", "migration.DeviceMove")).await.status, 422);
    assert_eq!(put("/jobs/a", job("nowhere", PUMP, "migration.DeviceMove")).await.status, 404);
    assert_eq!(put("/jobs/a", json!({"group": "pumps-all", "data": []})).await.status, 400);
    let made = put("/jobs/a", job("pumps-all", PUMP, "migration.DeviceMove")).await;
    assert_eq!((made.status, made.body["status"].as_str()), (200, Some("pending")));
    assert_eq!(put("/jobs/a", job("pumps-all", PUMP, "migration.DeviceMove")).await.status, 409);
}

#[tokio::test]
async fn a_job_moves_a_whole_group_and_counts_it() {
    let bench = Bench::fleet(200);
    bench.carry_over("SAS-IoT-Devices").await;
    assert_eq!(bench.central("PUT", "/jobs/pumps", job("pumps-all", PUMP, "migration.DeviceMove")).await.status, 200);
    bench.until("the end of the job", |world| world.apps["contoso-fleet"].jobs["pumps"].end.is_some()).await;
    let shown = bench.central("GET", "/jobs/pumps", Value::Null).await.body;
    assert_eq!(shown["status"], "complete");
    assert_eq!(shown["progress"], json!({"total": 40, "pending": 0, "completed": 40, "failed": 0}));
    assert!(bench.central("GET", "/jobs", Value::Null).await.body["value"][0]["progress"].is_null());
    let at_hub = |world: &crate::sandbox::world::World| {
        let pumps = world.devices.values().filter(|device| device.id.starts_with("pump-"));
        pumps.filter(|device| matches!(device.place, Place::Hub { .. })).count()
    };
    bench.until("all pumps at the hub", |world| at_hub(world) == 40).await;
}

#[tokio::test]
async fn a_stopped_job_leaves_the_rest_pending_until_it_is_resumed() {
    let bench = Bench::fleet(50);
    bench.carry_over("SAS-IoT-Devices").await;
    let mut body = job("boilers-all", BOILER, "migration.DeviceMove");
    body["batch"] = json!({"type": "number", "value": 5});
    bench.central("PUT", "/jobs/b", body).await;
    let pending = |world: &crate::sandbox::world::World| {
        world.apps["contoso-fleet"].jobs["b"].count(super::model::JobDeviceStatus::Pending)
    };
    bench
        .until("the first batches", |world| {
            world.apps["contoso-fleet"].jobs["b"].devices.is_some() && pending(world) < 190
        })
        .await;
    assert_eq!(bench.central("POST", "/jobs/b/stop", Value::Null).await.status, 204);
    assert_eq!(bench.central("GET", "/jobs/b", Value::Null).await.body["status"], "stopped");
    assert!(bench.shared.look(pending) > 0);
    assert_eq!(bench.central("POST", "/jobs/b/resume", Value::Null).await.status, 204);
    bench
        .until("going on", |world| world.apps["contoso-fleet"].jobs["b"].status == super::model::JobStatus::Running)
        .await;
}
