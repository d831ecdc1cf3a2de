//! Creating, changing and deleting devices of an application.

use serde::Serialize;
use serde_json::json;

use crate::azure::call::Call;
use crate::azure::central::devices::{device, symmetric};
use crate::azure::central::{Central, Device, KeyPair};
use crate::azure::error::{ErrorKind, Result};
use crate::ids::{DeviceId, TemplateId};

const CREATE: &str = "Device instances: create";
const UPDATE: &str = "Device instances: update";
const DELETE: &str = "Device instances: delete";
const CONNECTIVITY: &str = "Device connectivity management: manage";

/// A real device to create, enabled.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Its name for people.
    pub display_name: String,
    /// Its template's `@id`; left to what the device announces if not given.
    pub template: Option<TemplateId>,
    /// The organizations it is of; the application's root if not given.
    pub organizations: Option<Vec<String>>,
}

/// What to change of a device; what is not given stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceChange {
    /// Approves (or unblocks) it, or blocks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Assigns it to a template, named by its `@id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateId>,
    /// Names it anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Puts it into these organizations instead of those it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizations: Option<Vec<String>>,
}

impl Central {
    /// Creates a device. One of that id that exists already is replaced: look for it first. Sent once, because between a
    /// lost answer and a repeat the device may have come and been given its template: after an error whose effect is
    /// unknown, read [`Self::find_device`].
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn create_device(&self, id: &DeviceId, new: &NewDevice) -> Result<Device> {
        let mut body = json!({ "displayName": new.display_name, "simulated": false, "enabled": true });
        if let Some(template) = &new.template {
            body["template"] = json!(template);
        }
        if let Some(organizations) = &new.organizations {
            body["organizations"] = json!(organizations);
        }
        let call = Call::put_once("create the device", device(id)).target(id.as_str()).body(body);
        self.channel.json(self.call(call, CREATE)).await
    }

    /// Changes what `change` gives, and nothing else.
    ///
    /// # Errors
    /// `NotFound` if there is no such device; see [`crate::azure::AzureError`] for the rest.
    pub async fn change_device(&self, id: &DeviceId, change: &DeviceChange) -> Result<Device> {
        let call = Call::patch("change the device", device(id)).target(id.as_str()).body(json!(change));
        self.channel.json(self.call(call, UPDATE)).await
    }

    /// Deletes a device. That there is none (any more) is success.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn delete_device(&self, id: &DeviceId) -> Result<()> {
        let call = Call::delete("delete the device", device(id)).target(id.as_str());
        match self.channel.done(self.call(call, DELETE)).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => Ok(()),
            done => done,
        }
    }

    /// Gives a device symmetric keys of its own, in place of those of its group or any that it had. Sent once: after an
    /// error whose effect is unknown, read [`Self::device_attestation_with_keys`].
    ///
    /// # Errors
    /// `NotFound` if there is no such device; see [`crate::azure::AzureError`] for the rest.
    pub async fn put_device_attestation(&self, id: &DeviceId, keys: &KeyPair) -> Result<()> {
        let call = Call::put_once("set the device's attestation", device(id).then("/attestation"))
            .target(id.as_str())
            .body(symmetric(&keys.primary_key, &keys.secondary_key));
        self.channel.done(self.call(call, CONNECTIVITY)).await
    }
}
