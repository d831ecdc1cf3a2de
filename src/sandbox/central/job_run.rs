//! The engine behind jobs: at most five run at once, batch after batch, paced, until done, stopped or past the threshold.
//!
//! A job has one runner at a time. Stopping and resuming gives it another one under the next number; the one before quits
//! as soon as it looks, but what it has sent is answered to it, and counts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use super::commands::{self, Asked, Outcome};
use super::filter::Filter;
use super::job_check::{self, Kind, split_path};
use super::model::{Job, JobDeviceStatus, JobStatus, JobWork};
use super::{properties, templates};
use crate::sandbox::device::Via;
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Rate;
use crate::sandbox::world::App;

/// Jobs of an application that run at once.
pub(super) const MOST_RUNNING: usize = 5;
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

/// What a runner works on.
#[derive(Clone)]
struct Runner {
    shared: Shared,
    sub: String,
    id: String,
    number: u32,
}

/// A batch while it is worked off.
struct Batch {
    devices: Vec<String>,
    failed: AtomicUsize,
}

/// Gives a pending job a new runner.
pub(super) fn begin(shared: &Shared, sub: &str, id: &str) {
    let number = shared.world(|world| {
        let work = &mut world.apps.get_mut(sub)?.jobs.get_mut(id)?.work;
        work.run += 1;
        Some(work.run)
    });
    let Some(number) = number else { return };
    let runner = Runner { shared: shared.clone(), sub: sub.to_owned(), id: id.to_owned(), number };
    shared.spawn(async move { runner.run().await });
}

impl Runner {
    async fn run(&self) {
        loop {
            self.shared.clock().sleep(START).await;
            match self.start() {
                None => return,
                Some(true) => break,
                Some(false) => {}
            }
        }
        let Some(data) = self.look(|job| job.definition["data"].as_array().cloned()) else { return };
        while let Some(batch) = self.next_batch() {
            let mut work = FuturesUnordered::new();
            for device in &batch.devices {
                if work.len() >= AT_ONCE {
                    work.next().await;
                }
                work.push(self.one(device, &batch, &data));
            }
            while work.next().await.is_some() {}
        }
    }

    /// Reads the job, if this is its runner still.
    fn look<R>(&self, f: impl FnOnce(&Job) -> Option<R>) -> Option<R> {
        self.shared.look(|world| {
            let job = world.apps.get(&self.sub)?.jobs.get(&self.id)?;
            if job.work.run == self.number { f(job) } else { None }
        })
    }

    /// Starts a pending job if there is room: looks at the group now. `None`: there is nothing to start any more.
    fn start(&self) -> Option<bool> {
        let now = self.shared.clock().now();
        self.shared.world(|world| {
            let app = world.apps.get_mut(&self.sub)?;
            let is_mine = |job: &&Job| job.work.run == self.number && job.status == JobStatus::Pending;
            let job = app.jobs.get(&self.id).filter(is_mine)?;
            if app.jobs.values().filter(|job| job.status == JobStatus::Running).count() >= MOST_RUNNING {
                return Some(false);
            }
            let devices = job.devices.clone().unwrap_or_else(|| members(app, &job.definition));
            let job = app.jobs.get_mut(&self.id)?;
            job.status = JobStatus::Running;
            job.start = job.start.or(Some(now));
            job.devices = Some(devices);
            job.work.open = job.count(JobDeviceStatus::Pending);
            job.work.failed = job.count(JobDeviceStatus::Failed);
            if job.work.open == 0 {
                job.status = JobStatus::Complete;
                job.end = Some(now);
            }
            Some(true)
        })
    }

    /// The devices to do next; `None` if the job is not running any more, or all that is left is in flight.
    fn next_batch(&self) -> Option<Batch> {
        self.look(|job| {
            let devices = job.devices.as_ref().filter(|_| job.status == JobStatus::Running)?;
            let size = batch_size(&job.definition["batch"], devices.len());
            let is_free = |(id, status): &&(String, JobDeviceStatus)| {
                *status == JobDeviceStatus::Pending && !job.work.in_flight.contains(id)
            };
            let devices: Vec<String> = devices.iter().filter(is_free).take(size).map(|(id, _)| id.clone()).collect();
            (!devices.is_empty()).then(|| Batch { devices, failed: AtomicUsize::new(0) })
        })
    }

    /// Does to one device what the job says. A job stopped meanwhile leaves it pending.
    async fn one(&self, device: &str, batch: &Batch, data: &[Value]) {
        let shared = &self.shared;
        while let Err(wait) = shared.throttles().take(&format!("central/{}/job-commands", self.sub), 1, PACE) {
            shared.clock().sleep(wait).await;
        }
        if !self.claim(device) {
            return;
        }
        let template = shared.look(|world| world.apps.get(&self.sub)?.devices.get(device)?.template.clone());
        let mut done = template.is_some();
        for entry in data.iter().filter(|entry| job_check::concerns(entry, template.as_deref())) {
            done &= match job_check::kind(entry) {
                Some(Kind::Command) => self.command(device, entry).await,
                Some(kind) => self.change(device, kind, entry),
                None => false,
            };
        }
        self.settle(device, done, batch);
    }

    /// Takes a device that nobody has taken, if the job is running and this is its runner.
    fn claim(&self, device: &str) -> bool {
        self.shared.world(|world| {
            let job = world.apps.get_mut(&self.sub).and_then(|app| app.jobs.get_mut(&self.id));
            let Some(job) = job.filter(|job| job.work.run == self.number && job.status == JobStatus::Running) else {
                return false;
            };
            let is_open = row(job, device).is_some_and(|status| *status == JobDeviceStatus::Pending);
            is_open && job.work.in_flight.insert(device.to_owned())
        })
    }

    /// Writes down a device's result, whoever is the runner by now. Has the job ended with it, or failed too often?
    fn settle(&self, device: &str, done: bool, batch: &Batch) {
        let now = self.shared.clock().now();
        let failed_in_batch = batch.failed.fetch_add(usize::from(!done), Ordering::Relaxed) + usize::from(!done);
        self.shared.world(|world| {
            let job = world.apps.get_mut(&self.sub).and_then(|app| app.jobs.get_mut(&self.id));
            let Some(job) = job else { return };
            job.work.in_flight.remove(device);
            let Some(open) = row(job, device).filter(|status| **status == JobDeviceStatus::Pending) else { return };
            *open = if done { JobDeviceStatus::Completed } else { JobDeviceStatus::Failed };
            let JobWork { open, failed, .. } = &mut job.work;
            *open = open.saturating_sub(1);
            *failed += usize::from(!done);
            let (open, failed) = (*open, *failed);
            let threshold = &job.definition["cancellationThreshold"];
            let exceeded = if threshold["batch"] == true {
                exceeds(threshold, failed_in_batch, batch.devices.len())
            } else {
                exceeds(threshold, failed, job.devices.as_ref().map_or(0, Vec::len))
            };
            if job.status != JobStatus::Cancelled && (open == 0 || exceeded && job.status == JobStatus::Running) {
                job.status = if exceeded { JobStatus::Cancelled } else { JobStatus::Complete };
                job.end = Some(now);
            }
        });
    }

    async fn command(&self, device: &str, entry: &Value) -> bool {
        let path = entry["path"].as_str().unwrap_or_default();
        let (component, command) = split_path(path);
        let queued = self.shared.look(|world| {
            let app = world.apps.get(&self.sub)?;
            let template = templates::find(app, entry["target"].as_str()?)?;
            templates::command(template, component, command).map(templates::is_queued)
        });
        if queued == Some(true) {
            return true;
        }
        let method = component.map_or_else(|| command.to_owned(), |component| format!("{component}*{command}"));
        let (shared, via) = (&self.shared, Via::Job { id: self.id.clone() });
        let value = &entry["value"];
        let outcome = commands::send(shared, &self.sub, device, &method, value, &via, Duration::ZERO, RESPOND).await;
        if outcome == Outcome::Offline {
            return false;
        }
        let asked = Asked { path, request: value, connect: Duration::ZERO, respond: RESPOND, by_job: true };
        let record = commands::record(shared, &self.sub, device, &asked, &outcome);
        record.response_code.is_some_and(|status| (200..300).contains(&status))
    }

    fn change(&self, device: &str, kind: Kind, entry: &Value) -> bool {
        let now = self.shared.clock().now();
        self.shared.world(|world| {
            let Some(app) = world.apps.get_mut(&self.sub) else { return false };
            let path = entry["path"].as_str().unwrap_or_default();
            let template = entry["target"].as_str().and_then(|id| templates::find(app, id)).cloned();
            let Some(device) = app.devices.get_mut(device) else { return false };
            if kind == Kind::TemplateMigration {
                device.template = entry["template"].as_str().map(str::to_owned);
            } else {
                properties::write_at(&mut device.properties, template.as_ref(), path, &entry["value"]);
            }
            device.touch(now);
            true
        })
    }
}

/// A device's row. Rows are in the order of their ids, as the group's members were found.
fn row<'a>(job: &'a mut Job, device: &str) -> Option<&'a mut JobDeviceStatus> {
    let rows = job.devices.as_mut()?;
    let at = rows.binary_search_by(|(id, _)| id.as_str().cmp(device)).ok()?;
    rows.get_mut(at).map(|(_, status)| status)
}

/// The members of the job's group that it is about. Devices of other templates get no row.
fn members(app: &App, definition: &Value) -> Vec<(String, JobDeviceStatus)> {
    let group = definition["group"].as_str().and_then(|id| app.groups.get(id));
    let Some(filter) = group.and_then(|group| Filter::parse(&group.filter).ok()) else { return Vec::new() };
    let data = definition["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_meant = |template: Option<&str>| data.iter().any(|entry| job_check::concerns(entry, template));
    let found = app.devices.values().filter(|device| is_meant(device.template.as_deref()) && filter.matches(device));
    found.map(|device| (device.id.clone(), JobDeviceStatus::Pending)).collect()
}

/// A number of devices, or a percentage of `total`, at least one. Without a setting all are one batch.
fn batch_size(setting: &Value, total: usize) -> usize {
    let Some(value) = setting["value"].as_f64() else { return total.max(1) };
    let wanted = if setting["type"] == "percentage" { as_float(total) * value / 100.0 } else { value };
    (1..total).find(|size| as_float(*size) >= wanted).unwrap_or(total).max(1)
}

fn exceeds(threshold: &Value, failed: usize, total: usize) -> bool {
    let Some(value) = threshold["value"].as_f64() else { return false };
    if threshold["type"] == "percentage" {
        as_float(failed) * 100.0 > value * as_float(total)
    } else {
        as_float(failed) > value
    }
}

fn as_float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_percentage_is_of_all_devices_and_a_fraction_counts() {
        let threshold = json!({"type": "percentage", "value": 2.5});
        assert!(!exceeds(&threshold, 1, 40) && exceeds(&threshold, 2, 40));
        assert!(exceeds(&json!({"type": "number", "value": 1}), 2, 1000));
        assert!(!exceeds(&Value::Null, 1000, 1000));
    }

    #[test]
    fn a_batch_is_rounded_up_and_never_empty() {
        assert_eq!(batch_size(&json!({"type": "percentage", "value": 10}), 25), 3);
        assert_eq!(batch_size(&json!({"type": "number", "value": 5}), 25), 5);
        assert_eq!(batch_size(&json!({"type": "number", "value": 0.5}), 25), 1);
        assert_eq!(batch_size(&Value::Null, 25), 25);
    }
}
