//! The engine behind jobs: at most five run at once, batch after batch, paced, until done, stopped or past the threshold.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use super::commands::{self, Outcome};
use super::filter::Filter;
use super::jobs::split_path;
use super::model::{JobDeviceStatus, JobStatus};
use super::{properties, templates};
use crate::sandbox::device::Via;
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Rate;
use crate::sandbox::world::{App, Moment};

const MOST_RUNNING: usize = 5;
/// How long a job is pending at least, and how often one that must wait looks again.
const START: Duration = Duration::from_secs(1);
/// How many devices of a batch are dealt with at a time.
const AT_ONCE: usize = 20;
/// Commands that all jobs of an application send together.
const PACE: Rate = Rate { amount: 20, per: Duration::from_secs(1), burst: 20 };
/// How long a job waits for a device's answer.
const RESPOND: Duration = Duration::from_secs(30);

/// Takes up jobs that had not ended when the state was saved.
pub fn resume(shared: &Shared) {
    let open = |status| matches!(status, JobStatus::Pending | JobStatus::Running);
    let jobs: Vec<(String, String)> = shared.world(|world| {
        let mut found = Vec::new();
        for (sub, app) in &mut world.apps {
            for (id, job) in app.jobs.iter_mut().filter(|(_, job)| open(job.status)) {
                job.status = JobStatus::Pending;
                found.push((sub.clone(), id.clone()));
            }
        }
        found
    });
    for (sub, id) in jobs {
        begin(shared, &sub, &id);
    }
}

/// Runs a pending job.
pub(super) fn begin(shared: &Shared, sub: &str, id: &str) {
    let (task, sub, id) = (shared.clone(), sub.to_owned(), id.to_owned());
    shared.spawn(async move { run(&task, &sub, &id).await });
}

async fn run(shared: &Shared, sub: &str, id: &str) {
    loop {
        shared.clock().sleep(START).await;
        let now = shared.clock().now();
        match shared.world(|world| world.apps.get_mut(sub).and_then(|app| start(app, id, now))) {
            None => return,
            Some(true) => break,
            Some(false) => {}
        }
    }
    let Some(data) = shared.look(|world| definition(world.apps.get(sub)?, id, "data")) else { return };
    let data: Vec<Value> = data.as_array().cloned().unwrap_or_default();
    while let Some(batch) = next_batch(shared, sub, id) {
        let mut work = FuturesUnordered::new();
        for device in &batch {
            if work.len() >= AT_ONCE {
                work.next().await;
            }
            work.push(one(shared, sub, id, device, &data));
        }
        while work.next().await.is_some() {}
        let now = shared.clock().now();
        shared.world(|world| {
            if let Some(app) = world.apps.get_mut(sub) {
                settle(app, id, &batch, now);
            }
        });
    }
}

fn definition(app: &App, id: &str, field: &str) -> Option<Value> {
    app.jobs.get(id)?.definition.get(field).cloned()
}

/// Starts a pending job if there is room: looks at the group now. `None`: there is nothing to start any more.
fn start(app: &mut App, id: &str, now: Moment) -> Option<bool> {
    let job = app.jobs.get(id).filter(|job| job.status == JobStatus::Pending)?;
    if app.jobs.values().filter(|job| job.status == JobStatus::Running).count() >= MOST_RUNNING {
        return Some(false);
    }
    let devices = job.devices.clone().unwrap_or_else(|| members(app, &job.definition));
    let job = app.jobs.get_mut(id)?;
    job.status = JobStatus::Running;
    job.start = job.start.or(Some(now));
    if devices.is_empty() {
        job.status = JobStatus::Complete;
        job.end = Some(now);
    }
    job.devices = Some(devices);
    Some(true)
}

/// The members of the job's group that have one of its templates. Devices of other templates get no row.
fn members(app: &App, definition: &Value) -> Vec<(String, JobDeviceStatus)> {
    let group = definition["group"].as_str().and_then(|id| app.groups.get(id));
    let Some(filter) = group.and_then(|group| Filter::parse(&group.filter).ok()) else { return Vec::new() };
    let data = definition["data"].as_array();
    let targets: BTreeSet<&str> = data.into_iter().flatten().filter_map(|entry| entry["target"].as_str()).collect();
    let is_target = |template: &Option<String>| template.as_deref().is_some_and(|template| targets.contains(template));
    let found = app.devices.values().filter(|device| is_target(&device.template) && filter.matches(device));
    found.map(|device| (device.id.clone(), JobDeviceStatus::Pending)).collect()
}

/// The devices to do next; `None` if the job is not running any more.
fn next_batch(shared: &Shared, sub: &str, id: &str) -> Option<Vec<String>> {
    shared.look(|world| {
        let job = world.apps.get(sub)?.jobs.get(id).filter(|job| job.status == JobStatus::Running)?;
        let devices = job.devices.as_ref()?;
        let size = share(&job.definition["batch"], devices.len()).unwrap_or(devices.len()).max(1);
        let pending = devices.iter().filter(|(_, status)| *status == JobDeviceStatus::Pending);
        let batch: Vec<String> = pending.take(size).map(|(id, _)| id.clone()).collect();
        (!batch.is_empty()).then_some(batch)
    })
}

/// A number, or a percentage of `total`, rounded up.
fn share(setting: &Value, total: usize) -> Option<usize> {
    let value = usize::try_from(setting["value"].as_u64()?).ok()?;
    Some(if setting["type"] == "percentage" { (total * value).div_ceil(100) } else { value })
}

/// After a batch: has the job ended, or failed too often?
fn settle(app: &mut App, id: &str, batch: &[String], now: Moment) {
    let Some(job) = app.jobs.get_mut(id) else { return };
    let threshold = &job.definition["cancellationThreshold"];
    let failed = |devices: &[(String, JobDeviceStatus)], only: Option<&[String]>| {
        let counts = |(id, status): &&(String, JobDeviceStatus)| {
            *status == JobDeviceStatus::Failed && only.is_none_or(|only| only.contains(id))
        };
        devices.iter().filter(counts).count()
    };
    let devices = job.devices.as_deref().unwrap_or_default();
    let (total, failures) = if threshold["batch"] == true {
        (batch.len(), failed(devices, Some(batch)))
    } else {
        (devices.len(), failed(devices, None))
    };
    let exceeded = share(threshold, total).is_some_and(|most| failures > most);
    if job.count(JobDeviceStatus::Pending) == 0 {
        job.status = JobStatus::Complete;
        job.end = Some(now);
    } else if exceeded && job.status == JobStatus::Running {
        job.status = JobStatus::Cancelled;
        job.end = Some(now);
    }
}

/// Does to one device what the job says. A job stopped meanwhile leaves it pending.
async fn one(shared: &Shared, sub: &str, id: &str, device: &str, data: &[Value]) {
    let is_running = || {
        shared.look(|world| {
            let job = world.apps.get(sub).and_then(|app| app.jobs.get(id));
            job.is_some_and(|job| job.status == JobStatus::Running)
        })
    };
    while let Err(wait) = shared.throttles().take(&format!("central/{sub}/job-commands"), 1, PACE) {
        shared.clock().sleep(wait).await;
    }
    if !is_running() {
        return;
    }
    let template = shared.look(|world| world.apps.get(sub)?.devices.get(device)?.template.clone());
    let mut done = template.is_some();
    for entry in data.iter().filter(|entry| entry["target"].as_str() == template.as_deref()) {
        done &= match entry["type"].as_str() {
            Some("command") => command(shared, sub, id, device, entry).await,
            _ => change(shared, sub, device, entry),
        };
    }
    let status = if done { JobDeviceStatus::Completed } else { JobDeviceStatus::Failed };
    shared.world(|world| {
        let job = world.apps.get_mut(sub).and_then(|app| app.jobs.get_mut(id));
        let row = job.and_then(|job| {
            let rows = job.devices.as_mut()?;
            // Rows are in the order of their ids, as the group's members were found.
            let at = rows.binary_search_by(|(id, _)| id.as_str().cmp(device)).ok()?;
            rows.get_mut(at)
        });
        if let Some((_, own)) = row {
            *own = status;
        }
    });
}

async fn command(shared: &Shared, sub: &str, job: &str, device: &str, entry: &Value) -> bool {
    let path = entry["path"].as_str().unwrap_or_default();
    let (component, command) = split_path(path);
    let queued = shared.look(|world| {
        let app = world.apps.get(sub)?;
        let template = templates::find(app, entry["target"].as_str()?)?;
        templates::command(template, component, command).map(templates::is_queued)
    });
    if queued == Some(true) {
        return true;
    }
    let method = component.map_or_else(|| command.to_owned(), |component| format!("{component}*{command}"));
    let via = Via::Job { id: job.to_owned() };
    let outcome = commands::send(shared, sub, device, &method, &entry["value"], &via, Duration::ZERO, RESPOND).await;
    let answered = match outcome {
        Outcome::Offline => return false,
        Outcome::Silence => None,
        Outcome::Answered { status, payload } => Some((status, payload)),
    };
    let accepted = answered.as_ref().is_some_and(|(status, _)| (200..300).contains(status));
    commands::record(shared, sub, device, path, entry["value"].clone(), answered);
    accepted
}

fn change(shared: &Shared, sub: &str, device: &str, entry: &Value) -> bool {
    let now = shared.clock().now();
    shared.world(|world| {
        let Some(device) = world.apps.get_mut(sub).and_then(|app| app.devices.get_mut(device)) else { return false };
        if entry["type"] == "deviceTemplateMigration" {
            device.template = entry["value"].as_str().map(str::to_owned);
        } else {
            let name = entry["path"].as_str().unwrap_or_default().to_owned();
            let cloud = if entry["type"] == "cloudProperty" { vec![name.clone()] } else { Vec::new() };
            let given = [(name, entry["value"].clone())].into_iter().collect();
            properties::set(&mut device.properties, given, &cloud, false, now);
        }
        device.touch(now);
        true
    })
}
