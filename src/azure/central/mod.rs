//! The data plane of an IoT Central application.
//!
//! Facts: azure-rest-api-specs `iotcentral/data-plane` 2022-07-31; the permissions are those of custom roles.

mod commands;
mod device_changes;
mod devices;
mod enrollment;
mod families;
mod groups;
mod jobs;
mod properties;
mod query;
mod relationships;
mod template;
mod x509;

pub use commands::CommandAnswer;
pub use device_changes::{DeviceChange, NewDevice};
pub use devices::{AttestationKind, Device, DeviceAttestation, DeviceCredentials, KeyPair};
pub use enrollment::{CentralAttestation, CentralEnrollmentGroup, GroupKind, NewCentralEnrollmentGroup};
pub use families::Family;
pub use groups::DeviceGroup;
pub use jobs::{Job, JobDevice, JobDeviceStatus, JobProgress, JobRequest, JobStatus};
pub use properties::DeviceProperties;
pub use template::{DeviceTemplate, MoveCommand};
pub use x509::{CertificateEntry, GroupCertificate, NewX509Group};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::azure::call::{Call, Path};
use crate::azure::channel::Channel;
use crate::azure::error::Result;
use crate::azure::pace::Scope;
use crate::azure::page::{AllPages, NextPage, Page};
use crate::clock::Timestamp;

const API: &str = "2022-07-31";

/// A client of one application that acts as one person.
#[derive(Debug, Clone)]
pub struct Central {
    channel: Channel,
    host: String,
}

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

impl Central {
    pub(crate) fn new(channel: Channel, host: String) -> Self {
        Self { channel, host }
    }

    /// The application's host name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The time now by the application's own clock, good to a minute, as its last answer told it.
    #[must_use]
    pub fn server_now(&self) -> Timestamp {
        self.channel.server_now()
    }

    /// Completes a call with what all calls to an application have.
    fn call(&self, call: Call, permission: &'static str) -> Call {
        self.call_of(API, call, permission)
    }

    /// As [`Self::call`], for what only this version of the API has.
    fn call_of(&self, version: &'static str, call: Call, permission: &'static str) -> Call {
        call.query("api-version", version).permission(permission).pace(Scope::Central(self.host.clone()), 1)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        permission: &'static str,
        path: Path,
        next: Option<&NextPage>,
    ) -> Result<Page<T>> {
        let list: List<T> = self.channel.json(self.call(Call::list(operation, path, next), permission)).await?;
        Ok(Page { items: list.value, next: NextPage::from_answer(list.next_link) })
    }

    async fn all<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        permission: &'static str,
        path: Path,
    ) -> Result<Vec<T>> {
        let mut pages = AllPages::new();
        loop {
            let page = self.page(operation, permission, path.clone(), pages.next()).await?;
            if let Some(items) = pages.add(page).map_err(self.channel.circle(operation))? {
                return Ok(items);
            }
        }
    }
}

#[cfg(test)]
mod tests;
