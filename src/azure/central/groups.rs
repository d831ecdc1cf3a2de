//! Device groups: saved queries over the devices of an application.

use serde::Deserialize;

use crate::azure::call::{Call, Path};
use crate::azure::central::{Central, Device};
use crate::azure::error::Result;
use crate::azure::lenient::or_default;
use crate::azure::page::{NextPage, Page};
use crate::ids::DeviceGroupId;

const PERMISSION: &str = "Device groups: view";
const MEMBERS: &str = "list the devices of the group";

/// A device group. Its members are whatever its filter matches at the moment of asking.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceGroup {
    /// Its id.
    pub id: DeviceGroupId,
    /// Its name for people.
    #[serde(default, deserialize_with = "or_default")]
    pub display_name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its query, `SELECT * FROM devices WHERE …`.
    pub filter: Option<String>,
    /// The organizations it is of.
    #[serde(default, deserialize_with = "or_default")]
    pub organizations: Vec<String>,
    /// Its version.
    pub etag: Option<String>,
}

impl Central {
    /// All device groups.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn device_groups(&self) -> Result<Vec<DeviceGroup>> {
        self.all("list device groups", PERMISSION, Path::new("/api/deviceGroups")).await
    }

    /// One device group.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`]; `NotFound` if there is none.
    pub async fn device_group(&self, id: &DeviceGroupId) -> Result<DeviceGroup> {
        let call = Call::get("read the device group", Path::new("/api/deviceGroups").id(id.as_str()));
        self.channel.json(self.call(call.target(id.as_str()), PERMISSION)).await
    }

    /// A page of a group's members. They may carry nothing but their id.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn group_devices_page(&self, id: &DeviceGroupId, next: Option<&NextPage>) -> Result<Page<Device>> {
        self.page(MEMBERS, PERMISSION, members(id), next).await
    }

    /// All members of a group. They may carry nothing but their id.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn group_devices(&self, id: &DeviceGroupId) -> Result<Vec<Device>> {
        self.all(MEMBERS, PERMISSION, members(id)).await
    }
}

fn members(id: &DeviceGroupId) -> Path {
    Path::new("/api/deviceGroups").id(id.as_str()).then("/devices")
}
