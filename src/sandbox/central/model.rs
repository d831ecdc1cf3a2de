//! What an application keeps: device groups, devices, enrollment groups, jobs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::templates;
use crate::sandbox::device::Presence;
use crate::sandbox::dps::model::{Attestation, Certificates};
use crate::sandbox::wire::iso;
use crate::sandbox::world::{App, Moment, World};
use crate::sandbox::x509::Certificate;

/// A device group: a saved query.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Id.
    pub id: String,
    /// Name.
    pub display_name: String,
    /// May be empty.
    pub description: String,
    /// `SELECT * FROM devices WHERE …`
    pub filter: String,
    /// Organisations.
    pub organizations: Vec<String>,
    /// Without quotes.
    pub etag: String,
}

impl Group {
    /// A group with this filter.
    #[must_use]
    pub fn new(id: &str, display_name: &str, filter: &str) -> Self {
        Self {
            id: id.to_owned(),
            display_name: display_name.to_owned(),
            description: String::new(),
            filter: filter.to_owned(),
            organizations: Vec::new(),
            etag: new_etag(),
        }
    }
}

/// A device as the application knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppDevice {
    /// Id.
    pub id: String,
    /// Name.
    pub display_name: String,
    /// Without quotes.
    pub etag: String,
    /// `@id` of a template; `None` is an unassigned device.
    pub template: Option<String>,
    /// False: blocked, or waiting for approval.
    pub enabled: bool,
    /// It has registered at least once.
    pub provisioned: bool,
    /// Runs inside the application.
    pub simulated: bool,
    /// Organisations.
    pub organizations: Vec<String>,
    /// Individual attestation.
    pub attestation: Option<Attestation>,
    /// Properties, with components as nested objects and `$metadata` on each level.
    pub properties: Map<String, Value>,
    /// Commands run, by `component.command` or `command`.
    pub commands: BTreeMap<String, Vec<CommandRecord>>,
    /// Its connection.
    pub presence: Presence,
}

/// One command in a device's history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommandRecord {
    /// Id.
    pub id: String,
    /// What was asked.
    pub request: Value,
    /// What the device said.
    pub response: Value,
    /// With which status; `None`: it did not answer.
    pub response_code: Option<u16>,
    /// Seconds that the caller gave the device to connect.
    #[serde(default)]
    pub connection_timeout: u64,
    /// Seconds that the caller gave the device to answer.
    #[serde(default)]
    pub response_timeout: u64,
    /// A job asked, not a person.
    #[serde(default)]
    pub by_job: bool,
    /// The device was reached and did not answer in time.
    #[serde(default)]
    pub timed_out: bool,
}

impl AppDevice {
    /// A registered, enabled device that has not connected yet.
    #[must_use]
    pub fn new(id: &str, display_name: &str, template: Option<&str>, now: Moment) -> Self {
        let mut device = Self {
            id: id.to_owned(),
            display_name: display_name.to_owned(),
            etag: String::new(),
            template: template.map(str::to_owned),
            enabled: true,
            provisioned: false,
            simulated: false,
            organizations: Vec::new(),
            attestation: None,
            properties: Map::new(),
            commands: BTreeMap::new(),
            presence: Presence::default(),
        };
        device.touch(now);
        device
    }

    /// Changes the etag.
    pub fn touch(&mut self, now: Moment) {
        self.etag = format!("{:x}-{}", now.unix_timestamp_nanos(), new_etag());
    }

    /// The device reports a property.
    pub fn report(&mut self, name: &str, value: &Value, now: Moment) {
        self.properties.insert(name.to_owned(), value.clone());
        let metadata = self.properties.entry("$metadata").or_insert_with(|| json!({}));
        metadata[name] = json!({"lastUpdateTime": iso(now)});
    }
}

/// An enrollment group of an application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppEnrollmentGroup {
    /// Id.
    pub id: String,
    /// Name.
    pub display_name: String,
    /// Devices may register by it.
    pub enabled: bool,
    /// `type: iotEdge` rather than `iot`.
    pub edge: bool,
    /// Master keys or authorities.
    pub attestation: Attestation,
    /// The certificates of the authorities, as far as they can be read.
    #[serde(default)]
    pub certificates: Certificates,
    /// Whether possession of the first and the second certificate is proven. Others let nobody in.
    #[serde(default)]
    pub verified: [bool; 2],
    /// The codes that a proof of possession must contain.
    #[serde(default)]
    pub codes: [Option<String>; 2],
    /// What callers wrote beside the keys, where that is kept.
    #[serde(default)]
    pub foreign: Map<String, Value>,
    /// Without quotes.
    pub etag: String,
}

impl AppEnrollmentGroup {
    /// What devices may register by: the keys, or the certificates that are verified.
    #[must_use]
    pub fn trusted(&self) -> Attestation {
        let mut trusted = self.attestation.clone();
        if let Attestation::X509 { primary, secondary, .. } = &mut trusted {
            *primary = primary.take().filter(|_| self.verified[0]);
            *secondary = secondary.take().filter(|_| self.verified[1]);
        }
        trusted
    }

    /// The verified certificates that a device's own may lead to.
    pub fn authorities(&self) -> impl Iterator<Item = &Certificate> {
        let both = [&self.certificates.primary, &self.certificates.secondary].into_iter();
        both.zip(self.verified).filter_map(|(certificate, verified)| certificate.as_ref().filter(|_| verified))
    }

    /// Whether a device can be let in by either group. In which of its two places a key is, makes no difference to devices.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (&self.attestation, &other.attestation) {
            (Attestation::X509 { primary, secondary, .. }, other) => {
                [primary, secondary].into_iter().flatten().any(|own| other.has_certificate(own))
            }
            (
                Attestation::SymmetricKey { primary, secondary },
                Attestation::SymmetricKey { primary: p, secondary: s },
            ) => [primary, secondary].into_iter().any(|own| own == p || own == s),
            _ => false,
        }
    }
}

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Waits for its start.
    Pending,
    /// Runs.
    Running,
    /// All devices have a result.
    Complete,
    /// Stopped by a person.
    Stopped,
    /// Stopped by its threshold.
    Cancelled,
}

/// State of one device in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobDeviceStatus {
    /// Not tried yet.
    Pending,
    /// The device answered 2xx.
    Completed,
    /// Anything else. The reason is not kept.
    Failed,
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Id.
    pub id: String,
    /// The body it was made with.
    pub definition: Value,
    /// State.
    pub status: JobStatus,
    /// When it was made.
    pub created: Moment,
    /// When it began to run.
    pub start: Option<Moment>,
    /// When it ended.
    pub end: Option<Moment>,
    /// Its devices; `None` until it has begun and looked at the group.
    pub devices: Option<Vec<(String, JobDeviceStatus)>>,
    /// What is under way now. A restart ends it: devices that were in flight are pending again.
    #[serde(skip)]
    pub work: JobWork,
}

/// The part of a job that lives only as long as the process.
#[derive(Debug, Clone, Default)]
pub struct JobWork {
    /// Which runner the job has: one that was started under another number quits.
    pub run: u32,
    /// Devices handed out whose result is not there yet. They count as pending.
    pub in_flight: BTreeSet<String>,
    /// Devices without a result.
    pub open: usize,
    /// Devices that failed.
    pub failed: usize,
}

impl Job {
    /// How many devices are in a state.
    #[must_use]
    pub fn count(&self, status: JobDeviceStatus) -> usize {
        self.devices.iter().flatten().filter(|(_, own)| *own == status).count()
    }
}

/// A new etag, without quotes.
#[must_use]
pub fn new_etag() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Whether an application takes a device for one with IoT Edge, as its template says.
#[must_use]
pub fn is_edge(app: &App, id: &str) -> bool {
    let template = app.devices.get(id).and_then(|device| device.template.as_deref());
    template.and_then(|template| templates::find(app, template)).is_some_and(templates::is_edge)
}

/// The hub inside an application, which nobody but its devices sees.
#[must_use]
pub fn internal_hub(app: &App) -> String {
    format!("iotc-{}.azure-devices.net", app.application_id)
}

/// The application whose internal hub has this host name, by subdomain.
#[must_use]
pub fn app_behind(world: &World, host: &str) -> Option<String> {
    world.apps.iter().find(|(_, app)| internal_hub(app) == host).map(|(sub, _)| sub.clone())
}
