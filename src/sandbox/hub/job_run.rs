//! The engine behind scheduled jobs: waits for a job's time and for room, then takes its devices in turn at the pace of the
//! hub's tier.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::fault::Fault;
use super::job_model::{DeviceJob, DeviceJobStatus, Job, JobStatus};
use super::limits::{self, Class};
use super::methods;
use super::query_language;
use crate::sandbox::device::sight_of;
use crate::sandbox::hub::identity_json;
use crate::sandbox::state::Shared;
use crate::sandbox::world::{Moment, World};

/// How often a job that must wait looks again.
const PAUSE: Duration = Duration::from_millis(500);
/// How many devices of a job are waited for at a time.
const AT_ONCE: usize = 100;

/// Takes up jobs that had not ended when the state was saved. A device in the middle of its turn is not asked again.
pub fn resume(shared: &Shared) {
    let now = shared.clock().now();
    let jobs: Vec<(String, String)> = shared.world(|world| {
        let mut open = Vec::new();
        for (host, hub) in &mut world.hubs {
            for (id, job) in hub.jobs.iter_mut().filter(|(_, job)| !job.has_ended()) {
                for row in job.devices.values_mut().filter(|row| row.status == DeviceJobStatus::Running) {
                    row.status = DeviceJobStatus::Failed;
                    row.updated = now;
                    row.error = Some(("ServerError".to_owned(), "The answer was lost.".to_owned()));
                }
                open.push((host.clone(), id.clone()));
            }
        }
        open
    });
    for (host, id) in jobs {
        begin(shared, &host, &id);
    }
}

/// Carries out a job when its time comes.
pub(super) fn begin(shared: &Shared, host: &str, id: &str) {
    let (task, host, id) = (shared.clone(), host.to_owned(), id.to_owned());
    shared.spawn(async move { run(&task, &host, &id).await });
}

async fn run(shared: &Shared, host: &str, id: &str) {
    loop {
        let now = shared.clock().now();
        match shared.world(|world| start(world, host, id, now)) {
            None => return,
            Some(true) => break,
            Some(false) => shared.clock().sleep(PAUSE).await,
        }
    }
    let mut work = FuturesUnordered::new();
    while let Some((device, job)) = next(shared, host, id) {
        while let Err(wait) = turn(shared, host) {
            shared.clock().sleep(wait).await;
        }
        if work.len() >= AT_ONCE {
            work.next().await;
        }
        work.push(one(shared, host, id, device, job));
    }
    while work.next().await.is_some() {}
    let now = shared.clock().now();
    with_job(shared, host, id, |job| {
        if !job.has_ended() {
            job.finish(JobStatus::Completed, now);
        }
    });
}

fn with_job<R>(shared: &Shared, host: &str, id: &str, f: impl FnOnce(&mut Job) -> R) -> Option<R> {
    shared.world(|world| world.hubs.get_mut(host)?.jobs.get_mut(id).map(f))
}

fn turn(shared: &Shared, host: &str) -> Result<(), Duration> {
    shared.look(|world| world.hubs.get(host).map_or(Ok(()), |hub| limits::take(shared, hub, Class::JobDevice, 1)))
}

/// Starts a job if its time has come and there is room. `None`: there is nothing to start any more.
fn start(world: &mut World, host: &str, id: &str, now: Moment) -> Option<bool> {
    let hub = world.hubs.get(host)?;
    let job = hub.jobs.get(id).filter(|job| !job.has_ended())?;
    if job.status == JobStatus::Running {
        return Some(true);
    }
    let running = hub.jobs.values().filter(|job| job.status == JobStatus::Running).count();
    let (is_time, has_room) = (job.start <= now, running < limits::jobs_at_once(&hub.sku));
    let devices = if is_time && has_room { members(world, host, job, now) } else { Vec::new() };
    let job = world.hubs.get_mut(host)?.jobs.get_mut(id)?;
    if is_time {
        job.status = if has_room { JobStatus::Running } else { JobStatus::Queued };
    }
    job.devices.extend(devices.into_iter().map(|device| (device, DeviceJob::pending(now))));
    Some(is_time && has_room)
}

/// The devices that the job's condition meets now.
fn members(world: &World, host: &str, job: &Job, now: Moment) -> Vec<String> {
    let text = job.definition.get("queryCondition").and_then(Value::as_str).unwrap_or_default();
    let condition = query_language::parse_condition(text).ok();
    let identities = world.hubs.get(host).into_iter().flat_map(|hub| hub.identities.values());
    let meets = |identity: &&super::model::Identity| {
        let sight = sight_of(world, host, identity, now);
        condition.as_ref().is_none_or(|condition| condition.holds(&|path| identity_json::field(identity, sight, path)))
    };
    identities.filter(meets).map(|identity| identity.device_id.clone()).collect()
}

/// The next device whose turn it is, with the job; `None` when all have had theirs or the job's time is over.
fn next(shared: &Shared, host: &str, id: &str) -> Option<(String, Job)> {
    let now = shared.clock().now();
    with_job(shared, host, id, |job| {
        if job.status != JobStatus::Running
            || now > job.start.max(job.created) + time::Duration::seconds(job.most_seconds)
        {
            return None;
        }
        let mut pending = job.devices.iter_mut().filter(|(_, row)| row.status == DeviceJobStatus::Pending);
        let (device, row) = pending.next()?;
        (row.status, row.start, row.updated) = (DeviceJobStatus::Running, Some(now), now);
        let device = device.clone();
        let definition = Job { devices: std::collections::BTreeMap::new(), ..job.clone() };
        Some((device, definition))
    })
    .flatten()
}

async fn one(shared: &Shared, host: &str, id: &str, device: String, job: Job) {
    let result = if job.kind == "scheduleUpdateTwin" {
        update_twin(shared, host, &device, &job.definition["updateTwin"]).map(|()| None)
    } else {
        call_method(shared, host, &device, &job.definition["cloudToDeviceMethod"]).await.map(Some)
    };
    let now = shared.clock().now();
    with_job(shared, host, id, |job| {
        let Some(row) = job.devices.get_mut(&device) else { return };
        row.updated = now;
        match result {
            Ok(outcome) => (row.status, row.outcome) = (DeviceJobStatus::Completed, outcome),
            Err(fault) => {
                (row.status, row.error) = (DeviceJobStatus::Failed, Some((fault.code(), fault.message)));
            }
        }
    });
}

fn update_twin(shared: &Shared, host: &str, device: &str, patch: &Value) -> Result<(), Fault> {
    let now = shared.clock().now();
    shared.world(|world| {
        let identity = world.hubs.get_mut(host).and_then(|hub| hub.identities.get_mut(device));
        let identity = identity.ok_or_else(|| Fault::no_device(device))?;
        identity.twin.change(patch, false, now).map_err(Fault::bad_request)
    })
}

async fn call_method(shared: &Shared, host: &str, device: &str, method: &Value) -> Result<Value, Fault> {
    let name = method["methodName"].as_str().unwrap_or_default();
    let respond = Duration::from_secs(method["responseTimeoutInSeconds"].as_u64().unwrap_or(30));
    let connect = Duration::from_secs(method["connectTimeoutInSeconds"].as_u64().unwrap_or(0));
    let asked = methods::Asked { host, id: device, method: name, payload: &method["payload"], respond, connect };
    let (status, payload) = methods::deliver(shared, &asked).await?;
    Ok(json!({"status": status, "payload": payload}))
}
