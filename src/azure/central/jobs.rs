//! Jobs: one command for every device of a group.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::error::Result;
use crate::azure::lenient::{moment, or_default};
use crate::azure::page::{NextPage, Page};
use crate::clock::Timestamp;
use crate::ids::{DeviceGroupId, DeviceId, JobId, TemplateId};

const VIEW: &str = "Jobs: view";
const CREATE: &str = "Jobs: create and execute";
const EXECUTE: &str = "Jobs: execute";
const DEVICES: &str = "list the devices of the job";

/// A command job to create.
#[derive(Debug, Clone)]
pub struct JobRequest {
    /// Its name for people.
    pub display_name: String,
    /// Its description.
    pub description: String,
    /// The group whose members are commanded.
    pub group: DeviceGroupId,
    /// Devices a batch; all at once if not given.
    pub batch: Option<u32>,
    /// The template whose devices are commanded; the group's others are left alone.
    pub target: TemplateId,
    /// `component.command`.
    pub path: String,
    /// The command's payload.
    pub value: Value,
}

/// A job.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id, chosen by whoever made it.
    pub id: JobId,
    /// Its name for people.
    #[serde(default, deserialize_with = "or_default")]
    pub display_name: String,
    /// Its description.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// How far it is.
    #[serde(default, deserialize_with = "or_default")]
    pub status: JobStatus,
    /// Its counts; lists and fresh jobs may not have them.
    pub progress: Option<JobProgress>,
    /// The group it is for.
    pub group: Option<DeviceGroupId>,
    /// What it does.
    #[serde(default, deserialize_with = "or_default")]
    pub data: Vec<JobData>,
    /// When it began.
    #[serde(default, deserialize_with = "moment")]
    pub start: Option<Timestamp>,
    /// When it ended.
    #[serde(default, deserialize_with = "moment")]
    pub end: Option<Timestamp>,
}

/// One thing that a job does.
#[derive(Debug, Clone, Deserialize)]
pub struct JobData {
    /// `command` and the like; older versions of the API write `CommandJobData` into `@type`.
    #[serde(alias = "@type", rename = "type")]
    pub kind: Option<String>,
    /// The template whose devices it is for.
    pub target: Option<TemplateId>,
    /// `component.command`.
    pub path: Option<String>,
    /// The payload.
    #[serde(default)]
    pub value: Value,
}

/// How far a job is. IoT Central documents no closed list of words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
pub enum JobStatus {
    /// Not begun.
    #[default]
    Pending,
    /// At work.
    Running,
    /// Done with every device, whatever the result of each.
    Complete,
    /// Stopped by somebody; can be resumed.
    Stopped,
    /// Ended by its cancellation threshold.
    Cancelled,
    /// Failed as a whole, or with failed devices.
    Failed,
    /// Another word: at work until nothing is pending.
    Unknown(String),
}

/// A job's counts of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct JobProgress {
    /// All.
    pub total: u64,
    /// Not done.
    pub pending: u64,
    /// Answered with success.
    pub completed: u64,
    /// Not reached, or answered with failure. No reason is given.
    pub failed: u64,
}

/// One device's part in a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobDevice {
    /// The device.
    pub id: DeviceId,
    /// Its result.
    #[serde(default, deserialize_with = "or_default")]
    pub status: JobDeviceStatus,
}

/// The result of one device of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
pub enum JobDeviceStatus {
    /// Not done.
    #[default]
    Pending,
    /// The device answered with success. It need not have arrived anywhere.
    Completed,
    /// Not reached, or answered with failure.
    Failed,
    /// Another word.
    Other(String),
}

impl From<String> for JobStatus {
    fn from(word: String) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pending" => Self::Pending,
            "running" => Self::Running,
            "complete" | "completed" => Self::Complete,
            "stopped" => Self::Stopped,
            "cancelled" | "canceled" => Self::Cancelled,
            "failed" => Self::Failed,
            _ => Self::Unknown(word),
        }
    }
}

impl From<String> for JobDeviceStatus {
    fn from(word: String) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pending" => Self::Pending,
            "complete" | "completed" => Self::Completed,
            "failed" => Self::Failed,
            _ => Self::Other(word),
        }
    }
}

impl Job {
    /// True if the job will do no more by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match &self.status {
            JobStatus::Pending | JobStatus::Running => false,
            JobStatus::Complete | JobStatus::Stopped | JobStatus::Cancelled | JobStatus::Failed => true,
            JobStatus::Unknown(_) => self.progress.is_some_and(|progress| progress.total > 0 && progress.pending == 0),
        }
    }
}

impl Central {
    /// Creates a job under an id of the caller's choice. Sent once: after an error whose effect is unknown, read
    /// [`Self::job`] before trying again.
    ///
    /// # Errors
    /// `Rejected` with status 422 if template and path do not fit; see [`crate::azure::AzureError`].
    pub async fn put_job(&self, id: &JobId, request: &JobRequest) -> Result<Job> {
        let mut body = json!({
            "displayName": request.display_name,
            "description": request.description,
            "group": request.group,
            "data": [{
                "type": "command",
                "target": request.target,
                "path": request.path,
                "value": request.value,
            }],
        });
        if let Some(devices) = request.batch {
            body["batch"] = json!({ "type": "number", "value": devices });
        }
        let call = Call::put_once("create the job", job(id)).target(id.as_str()).body(body);
        self.channel.json(self.call(call, CREATE)).await
    }

    /// One job; `None` if there is none of that id (any more: they are kept for 30 days).
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn job(&self, id: &JobId) -> Result<Option<Job>> {
        self.channel.find(self.call(Call::get("read the job", job(id)).target(id.as_str()), VIEW)).await
    }

    /// All jobs. Their progress may be missing here.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        self.all("list jobs", VIEW, Path::new("/api/jobs")).await
    }

    /// A page of a job's devices with their results.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn job_devices_page(&self, id: &JobId, next: Option<&NextPage>) -> Result<Page<JobDevice>> {
        self.page(DEVICES, VIEW, job(id).then("/devices"), next).await
    }

    /// All devices of a job with their results.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn job_devices(&self, id: &JobId) -> Result<Vec<JobDevice>> {
        self.all(DEVICES, VIEW, job(id).then("/devices")).await
    }

    /// Stops a job after its current batch. Sent once; read the job to see whether it stopped.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn stop_job(&self, id: &JobId) -> Result<()> {
        let call = Call::post_once("stop the job", job(id).then("/stop")).target(id.as_str());
        self.channel.done(self.call(call, EXECUTE)).await
    }

    /// Lets a stopped job go on. Sent once; read the job to see whether it did.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn resume_job(&self, id: &JobId) -> Result<()> {
        let call = Call::post_once("resume the job", job(id).then("/resume")).target(id.as_str());
        self.channel.done(self.call(call, EXECUTE)).await
    }
}

fn job(id: &JobId) -> Path {
    Path::new("/api/jobs").id(id.as_str())
}
