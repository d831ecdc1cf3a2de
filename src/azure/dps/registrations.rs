//! Registration records: the proof that a device came to the DPS.

use serde::Deserialize;

use crate::azure::call::{Call, Path};
use crate::azure::dps::Dps;
use crate::azure::error::Result;
use crate::azure::keys::Right;
use crate::azure::lenient::{code, moment, or_default};
use crate::azure::page::{AllPages, NextPage, Page};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, EnrollmentGroupId, HubHost};

const READ: &[Right] = &[Right::RegistrationStatusRead];
const LIST: &str = "list the registrations of the enrollment group";

/// What the DPS keeps of a device's last registration. Times are Azure's.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// The id it registered with. An individual enrollment's state may lack it.
    #[serde(default = "nameless")]
    pub registration_id: DeviceId,
    /// The id it has at the hub.
    pub device_id: Option<DeviceId>,
    /// The hub it was sent to.
    pub assigned_hub: Option<HubHost>,
    /// How it went.
    #[serde(default, deserialize_with = "or_default")]
    pub status: RegistrationStatus,
    /// `initialAssignment`, `deviceDataMigrated`, `deviceDataReset`, `reprovisionedToInitialAssignment`.
    pub substatus: Option<String>,
    /// When it first registered.
    #[serde(default, rename = "createdDateTimeUtc", deserialize_with = "moment")]
    pub created: Option<Timestamp>,
    /// When it last registered.
    #[serde(default, rename = "lastUpdatedDateTimeUtc", deserialize_with = "moment")]
    pub last_updated: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, deserialize_with = "code")]
    pub error_code: Option<String>,
    /// Why it failed, in words; may wrap the hub's own error.
    pub error_message: Option<String>,
    /// Its version.
    pub etag: Option<String>,
}

/// How a registration went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
pub enum RegistrationStatus {
    /// No hub (any more).
    #[default]
    Unassigned,
    /// At work.
    Assigning,
    /// It has a hub.
    Assigned,
    /// It went wrong.
    Failed,
    /// Its enrollment is disabled.
    Disabled,
    /// Another word.
    Other(String),
}

fn nameless() -> DeviceId {
    DeviceId::new("")
}

impl From<String> for RegistrationStatus {
    fn from(word: String) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "unassigned" => Self::Unassigned,
            "assigning" => Self::Assigning,
            "assigned" => Self::Assigned,
            "failed" => Self::Failed,
            "disabled" => Self::Disabled,
            _ => Self::Other(word),
        }
    }
}

impl Dps {
    /// The record of one device; `None` if it never registered here.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn registration(&self, id: &DeviceId) -> Result<Option<Registration>> {
        let call = Call::get("read the registration", Path::new("/registrations").id(id.as_str())).target(id.as_str());
        self.channel.find(self.call(call, READ)).await
    }

    /// A page of the records of an enrollment group's devices.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn group_registrations_page(
        &self,
        id: &EnrollmentGroupId,
        next: Option<&NextPage>,
    ) -> Result<Page<Registration>> {
        self.page(LIST, READ, records(id), None, next).await
    }

    /// All records of an enrollment group's devices.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn group_registrations(&self, id: &EnrollmentGroupId) -> Result<Vec<Registration>> {
        self.all(LIST, READ, records(id), None).await
    }

    /// Whether a device has registered by an enrollment group. A page may be empty and yet not the last.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn has_registrations(&self, id: &EnrollmentGroupId) -> Result<bool> {
        let mut pages = AllPages::new();
        loop {
            let page = self.group_registrations_page(id, pages.next()).await?;
            if !page.items.is_empty() {
                return Ok(true);
            }
            if pages.add(page).map_err(self.channel.circle(LIST))?.is_some() {
                return Ok(false);
            }
        }
    }
}

fn records(id: &EnrollmentGroupId) -> Path {
    Path::new("/registrations").id(id.as_str()).then("/query")
}
