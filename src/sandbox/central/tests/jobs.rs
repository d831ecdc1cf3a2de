//! Jobs that are stopped, that fail too often, and that do other things than commands.

use serde_json::{Value, json};

use super::job;
use crate::sandbox::central::model::{Job, JobDeviceStatus, JobStatus, JobWork};
use crate::sandbox::device;
use crate::sandbox::fleet::{self, BOILER, PUMP};
use crate::sandbox::options::SixthJob;
use crate::sandbox::testkit::Bench;
use crate::sandbox::world::World;

fn of<'a>(world: &'a World, id: &str) -> &'a Job {
    &world.apps["contoso-fleet"].jobs[id]
}

#[tokio::test]
async fn a_job_that_is_stopped_and_resumed_at_once_tells_each_device_once() {
    let bench = Bench::fleet(100);
    bench.carry_over("SAS-IoT-Devices").await;
    bench.central("PUT", "/jobs/pumps", job("pumps-all", PUMP, "migration.DeviceMove")).await;
    for done in [1, 10, 20] {
        bench.until("progress", |world| of(world, "pumps").count(JobDeviceStatus::Completed) >= done).await;
        assert_eq!(bench.central("POST", "/jobs/pumps/stop", Value::Null).await.status, 204);
        assert_eq!(bench.central("POST", "/jobs/pumps/resume", Value::Null).await.status, 204);
    }
    bench.until("the end of the job", |world| of(world, "pumps").end.is_some()).await;
    bench.shared.look(|world| {
        assert_eq!(of(world, "pumps").count(JobDeviceStatus::Completed), 40);
        let pumps = world.devices.values().filter(|device| device.id.starts_with("pump-"));
        assert!(pumps.into_iter().all(|pump| pump.times_commanded() == 1));
    });
}

#[tokio::test]
async fn a_job_is_cancelled_as_soon_as_too_many_devices_have_failed() {
    let bench = Bench::simple(500);
    for number in 1..=20 {
        device::set_online(&bench.shared, &format!("boiler-{number:04}"), false);
    }
    let put = |id: &'static str, threshold: Value| {
        let mut body = job("boilers-all", BOILER, "migration.DeviceMove");
        body["batch"] = json!({"type": "number", "value": 1});
        body["cancellationThreshold"] = threshold;
        bench.central("PUT", id, body)
    };
    assert_eq!(put("/jobs/five", json!({"type": "percentage", "value": 24.5})).await.status, 200);
    assert_eq!(put("/jobs/last", json!({"type": "number", "value": 19})).await.status, 200);
    assert_eq!(put("/jobs/each", json!({"type": "percentage", "value": 99, "batch": true})).await.status, 200);
    let ended = |world: &World| ["five", "last", "each"].iter().all(|id| of(world, id).end.is_some());
    bench.until("the end of the jobs", ended).await;
    bench.shared.look(|world| {
        let end = |id: &str| (of(world, id).status, of(world, id).count(JobDeviceStatus::Failed));
        assert_eq!(end("five"), (JobStatus::Cancelled, 5));
        assert_eq!(end("last"), (JobStatus::Cancelled, 20), "with its last device it was cancelled, not completed");
        assert_eq!(end("each"), (JobStatus::Cancelled, 1));
    });
    assert_eq!(put("/jobs/none", json!({"type": "percentage", "value": 101})).await.status, 400);
    assert_eq!(put("/jobs/none", json!({"type": "number", "value": 0})).await.status, 400);
}

#[tokio::test]
async fn a_job_writes_properties_and_changes_templates() {
    let bench = Bench::simple(500);
    let put = |id: &'static str, entry: Value| {
        bench.central("PUT", id, json!({"displayName": "x", "group": "boilers-all", "data": [entry]}))
    };
    let entry = |kind: &str, path: &str| json!({"type": kind, "target": BOILER, "path": path, "value": 30});
    assert_eq!(put("/jobs/a", entry("property", "serialNumber")).await.status, 422, "it cannot be written");
    assert_eq!(put("/jobs/a", entry("property", "migration.nothing")).await.status, 422);
    assert_eq!(put("/jobs/a", entry("PropertyJobData", "reportInterval")).await.status, 200);
    assert_eq!(put("/jobs/b", entry("CloudPropertyJobData", "customer")).await.status, 200);
    let migration = |template: &str| json!({"type": "deviceTemplateMigration", "template": template});
    assert_eq!(put("/jobs/c", json!({"type": "deviceTemplateMigration", "value": PUMP})).await.status, 400);
    assert_eq!(put("/jobs/c", migration("dtmi:nowhere;1")).await.status, 422);
    bench.until("properties", |world| ["a", "b"].iter().all(|id| of(world, id).end.is_some())).await;
    bench.shared.look(|world| {
        let device = &world.apps[fleet::MAIN_APP].devices["boiler-0001"];
        assert_eq!(device.properties["$metadata"]["reportInterval"]["desiredValue"], 30);
        assert_eq!(device.properties["customer"], 30);
    });
    assert_eq!(put("/jobs/c", migration(PUMP)).await.status, 200);
    bench.until("the end of the job", |world| of(world, "c").end.is_some()).await;
    bench.shared.look(|world| {
        let all = world.apps[fleet::MAIN_APP].devices.values();
        assert!(all.into_iter().all(|device| device.template.as_deref() == Some(PUMP)));
    });
}

#[tokio::test]
async fn a_sixth_job_waits_for_one_of_five_to_end_or_is_refused() {
    let bench = Bench::simple(100);
    let now = bench.shared.clock().now();
    bench.shared.world(|world| {
        let app = world.apps.get_mut(fleet::MAIN_APP).unwrap();
        for id in ["1", "2", "3", "4", "5"] {
            let running = Job {
                id: id.to_owned(),
                definition: json!({}),
                status: JobStatus::Running,
                created: now,
                start: Some(now),
                end: None,
                devices: None,
                work: JobWork::default(),
            };
            app.jobs.insert(id.to_owned(), running);
        }
    });
    let body = job("boilers-all", BOILER, "migration.DeviceMove");
    for (reading, status) in [(SixthJob::Conflict, 409), (SixthJob::TooManyRequests, 429), (SixthJob::Pending, 200)] {
        bench.shared.flip(|switches| switches.sixth_job = reading);
        assert_eq!(bench.central("PUT", "/jobs/6", body.clone()).await.status, status, "{reading:?}");
    }
    bench.shared.clock().sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(bench.shared.look(|world| of(world, "6").status), JobStatus::Pending);
    bench.shared.world(|world| {
        world.apps.get_mut(fleet::MAIN_APP).unwrap().jobs.get_mut("1").unwrap().status = JobStatus::Complete;
    });
    bench.until("the end of the sixth", |world| of(world, "6").end.is_some()).await;
}
