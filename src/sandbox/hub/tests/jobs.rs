//! Scheduled jobs on the wire.

use serde_json::{Value, json};

use crate::sandbox::fleet;
use crate::sandbox::hub::job_model::JobStatus;
use crate::sandbox::testkit::{Answer, Bench, HUB};

fn bench(sku: &str) -> Bench {
    Bench::new(1000, |clock| {
        let mut world = fleet::simple_world(clock, 0, sku, 1);
        fleet::add_hub_devices(&mut world, "contoso-dps", HUB, "meters", "meter", 3, clock.now());
        world
    })
}

async fn put(bench: &Bench, id: &str, body: Value) -> Answer {
    bench.hub("service", "PUT", &format!("/jobs/v2/{id}"), &[], body).await
}

async fn ended(bench: &Bench, id: &str) -> Value {
    bench.until("the end of the job", |world| world.hubs[HUB].jobs[id].has_ended()).await;
    bench.hub("service", "GET", &format!("/jobs/v2/{id}"), &[], Value::Null).await.body
}

fn method(condition: &str) -> Value {
    json!({
        "type": "scheduleDeviceMethod", "queryCondition": condition, "maxExecutionTimeInSeconds": 300,
        "cloudToDeviceMethod": {"methodName": "blink", "payload": {}, "responseTimeoutInSeconds": 30},
    })
}

#[tokio::test]
async fn a_method_job_asks_the_devices_of_its_condition_and_tells_what_each_answered() {
    let bench = bench("S1");
    bench.shared.world(|world| world.devices.get_mut("meter-0002").unwrap().online = false);
    let made = put(&bench, "j-1", method("deviceId IN ['meter-0001', 'meter-0002']")).await;
    assert_eq!((made.status, made.body["type"].as_str()), (200, Some("scheduleDeviceMethod")));
    assert_eq!(put(&bench, "j-1", method("*")).await.status, 409);
    let job = ended(&bench, "j-1").await;
    assert_eq!(job["status"], "completed");
    let expected =
        json!({"deviceCount": 2, "failedCount": 1, "succeededCount": 1, "runningCount": 0, "pendingCount": 0});
    assert_eq!(job["deviceJobStatistics"], expected);
    let query = json!({"query": "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j-1' AND devices.jobs.status = 'failed'"});
    let rows = bench.hub("service", "POST", "/devices/query", &[], query).await;
    assert_eq!(rows.headers["x-ms-item-type"], "DeviceJob");
    assert_eq!(
        (rows.body[0]["deviceId"].as_str(), rows.body[0]["error"]["code"].as_str()),
        (Some("meter-0002"), Some("404103"))
    );
    let query = json!({"query": "SELECT deviceId, outcome FROM devices.jobs WHERE status = 'completed'"});
    let rows = bench.hub("service", "POST", "/devices/query", &[], query).await;
    assert_eq!(rows.body[0]["outcome"]["deviceMethodResponse"]["status"], 501, "the device does not know the method");
}

#[tokio::test]
async fn a_twin_job_changes_the_twins_of_all_devices() {
    let bench = bench("S1");
    let patch = json!({"etag": "*", "tags": {"wave": 1}});
    put(&bench, "j", json!({"type": "scheduleUpdateTwin", "queryCondition": "*", "updateTwin": patch})).await;
    assert_eq!(ended(&bench, "j").await["deviceJobStatistics"]["succeededCount"], 3);
    assert!(bench.shared.look(|world| world.hubs[HUB].identities.values().all(|it| it.twin.tags["wave"] == 1)));
}

#[tokio::test]
async fn a_small_hub_runs_one_job_at_a_time_and_a_job_may_be_cancelled() {
    let bench = bench("S1");
    let later = crate::sandbox::wire::iso(bench.shared.clock().now() + std::time::Duration::from_secs(3600 * 24));
    let mut waiting = method("*");
    waiting["startTime"] = json!(later);
    assert_eq!(put(&bench, "later", waiting).await.body["status"], "scheduled");
    bench.shared.world(|world| {
        let jobs = &mut world.hubs.get_mut(HUB).unwrap().jobs;
        let mut running = jobs["later"].clone();
        running.status = JobStatus::Running;
        jobs.insert("running".to_owned(), running);
    });
    let refused = put(&bench, "second", method("*")).await;
    assert_eq!(
        (refused.status, refused.headers["iothub-errorcode"].to_str().unwrap()),
        (429, "ThrottlingMaxActiveJobCountExceeded")
    );
    let cancelled = bench.hub("service", "POST", "/jobs/v2/later/cancel", &[], Value::Null).await;
    assert_eq!(cancelled.body["status"], "cancelled");
    let found = bench
        .hub("service", "GET", "/jobs/v2/query?jobStatus=cancelled&jobType=scheduleDeviceMethod", &[], Value::Null)
        .await;
    assert_eq!((found.body.as_array().unwrap().len(), found.body[0]["jobId"].as_str()), (1, Some("later")));
}
