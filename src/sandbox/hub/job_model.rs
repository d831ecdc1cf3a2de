//! Scheduled jobs as a hub keeps and shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::wire::iso;
use crate::sandbox::world::{Hub, Moment};

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobStatus {
    /// Its time has not come.
    Scheduled,
    /// Its time has come, but others run.
    Queued,
    /// Under way.
    Running,
    /// All devices are done.
    Completed,
    /// It could not be carried out.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// State of one device of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceJobStatus {
    /// Not yet begun.
    Pending,
    /// Under way.
    Running,
    /// It answered, or its twin was changed.
    Completed,
    /// See the error.
    Failed,
    /// The job ended before its turn came.
    Canceled,
}

/// A scheduled job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// `scheduleDeviceMethod` or `scheduleUpdateTwin`.
    pub kind: String,
    /// `cloudToDeviceMethod` or `updateTwin`, and `queryCondition`.
    pub definition: Map<String, Value>,
    /// When it was made.
    pub created: Moment,
    /// When it is to begin.
    pub start: Moment,
    /// How long it may take.
    pub most_seconds: i64,
    /// State.
    pub status: JobStatus,
    /// When it ended.
    pub end: Option<Moment>,
    /// Why it failed.
    pub failure: Option<String>,
    /// The devices that the condition met when it began.
    pub devices: BTreeMap<String, DeviceJob>,
}

/// One device of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceJob {
    /// State.
    pub status: DeviceJobStatus,
    /// When the row was made.
    pub created: Moment,
    /// When its turn came.
    pub start: Option<Moment>,
    /// Last change.
    pub updated: Moment,
    /// What the device answered.
    pub outcome: Option<Value>,
    /// Code and description.
    pub error: Option<(String, String)>,
}

impl Job {
    /// Whether it counts against the number of jobs that a hub runs at once.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.status, JobStatus::Queued | JobStatus::Running)
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.status, JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled)
    }

    /// Ends the job; devices whose turn has not come are left out.
    pub fn finish(&mut self, status: JobStatus, now: Moment) {
        self.status = status;
        self.end = Some(now);
        for device in self.devices.values_mut().filter(|device| device.status == DeviceJobStatus::Pending) {
            device.status = DeviceJobStatus::Canceled;
            device.updated = now;
        }
    }

    /// As the wire shows it.
    #[must_use]
    pub fn show(&self, id: &str) -> Value {
        let count =
            |wanted: &[DeviceJobStatus]| self.devices.values().filter(|device| wanted.contains(&device.status)).count();
        let mut shown = json!({
            "jobId": id, "type": self.kind, "status": self.status,
            "createdTime": iso(self.created), "startTime": iso(self.start),
            "maxExecutionTimeInSeconds": self.most_seconds,
            "deviceJobStatistics": {
                "deviceCount": self.devices.len(),
                "failedCount": count(&[DeviceJobStatus::Failed, DeviceJobStatus::Canceled]),
                "succeededCount": count(&[DeviceJobStatus::Completed]),
                "runningCount": count(&[DeviceJobStatus::Running]),
                "pendingCount": count(&[DeviceJobStatus::Pending]),
            },
        });
        for (name, value) in &self.definition {
            shown[name] = value.clone();
        }
        if let Some(end) = self.end {
            shown["endTime"] = json!(iso(end));
        }
        if let Some(failure) = &self.failure {
            shown["failureReason"] = json!(failure);
        }
        shown
    }
}

impl DeviceJob {
    /// A device whose turn has not come.
    #[must_use]
    pub fn pending(now: Moment) -> Self {
        let status = DeviceJobStatus::Pending;
        Self { status, created: now, start: None, updated: now, outcome: None, error: None }
    }

    fn show(&self, job_id: &str, job: &Job, device_id: &str) -> Value {
        let mut shown = json!({
            "jobId": job_id, "jobType": job.kind, "deviceId": device_id, "status": self.status,
            "createdDateTimeUtc": iso(self.created), "lastUpdatedDateTimeUtc": iso(self.updated),
        });
        if let Some(start) = self.start {
            shown["startTimeUtc"] = json!(iso(start));
        }
        if self.start.is_some() && !matches!(self.status, DeviceJobStatus::Pending | DeviceJobStatus::Running) {
            shown["endTimeUtc"] = json!(iso(self.updated));
        }
        if let Some(outcome) = &self.outcome {
            shown["outcome"] = json!({"deviceMethodResponse": outcome});
        }
        if let Some((code, description)) = &self.error {
            shown["error"] = json!({"code": code, "description": description});
        }
        shown
    }
}

/// The rows of `devices.jobs` with the keys by which they are ordered.
pub(super) fn device_jobs(hub: &Hub) -> impl Iterator<Item = (String, Value)> {
    hub.jobs.iter().flat_map(|(id, job)| {
        job.devices.iter().map(move |(device, row)| (format!("{id}\0{device}"), row.show(id, job, device)))
    })
}
