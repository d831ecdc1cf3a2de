//! Devices of an application, with their credentials and individual attestation.

use secrecy::SecretString;
use serde::Deserialize;

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::error::Result;
use crate::azure::lenient::or_default;
use crate::azure::page::{NextPage, Page};
use crate::ids::{DeviceId, IdScope, TemplateId};

const VIEW: &str = "Device instances: view";
const CONNECTIVITY: &str = "Device connectivity management: read";
const LIST: &str = "list devices";

/// A device. As a member of a group it may carry only its id: what was not said is `None`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Its template's `@id`; `None` also for an unassigned device.
    pub template: Option<TemplateId>,
    /// False if blocked or waiting for approval.
    pub enabled: Option<bool>,
    /// True once it has connected.
    pub provisioned: Option<bool>,
    /// True if it is no real device.
    pub simulated: Option<bool>,
    /// The organizations it is of.
    pub organizations: Option<Vec<String>>,
    /// Its version.
    pub etag: Option<String>,
    /// `GatewayDevice`, `EdgeDevice` and the like, where said.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kinds: Vec<String>,
}

/// What a device can connect with, as far as the application tells.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCredentials {
    /// The application's ID scope.
    pub id_scope: IdScope,
    /// The device's keys: of its individual attestation, else derived from the *default* group, whichever group the
    /// device really uses.
    pub symmetric_key: Option<KeyPair>,
}

/// A pair of symmetric keys, base64.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPair {
    /// The primary key.
    pub primary_key: SecretString,
    /// The secondary key.
    pub secondary_key: SecretString,
}

/// How a device with an attestation of its own proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttestationKind {
    /// Symmetric keys.
    Symmetric,
    /// Certificates.
    X509,
    /// A trusted platform module.
    Tpm,
    /// A kind this program does not know.
    Other(String),
}

#[derive(Deserialize)]
struct Attestation {
    #[serde(rename = "type")]
    kind: String,
}

fn device(id: &DeviceId) -> Path {
    Path::new("/api/devices").id(id.as_str())
}

impl Central {
    /// A page of the application's devices.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn devices_page(&self, next: Option<&NextPage>) -> Result<Page<Device>> {
        self.page(LIST, VIEW, Path::new("/api/devices"), next).await
    }

    /// All devices of the application: up to 200,000.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn devices(&self) -> Result<Vec<Device>> {
        self.all(LIST, VIEW, Path::new("/api/devices")).await
    }

    /// One device.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`]; `NotFound` if there is none.
    pub async fn device(&self, id: &DeviceId) -> Result<Device> {
        let call = Call::get("read the device", device(id)).target(id.as_str());
        self.channel.json(self.call(call, VIEW)).await
    }

    /// The attestation that a device has for itself; `None` if it belongs to a group (404).
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn device_attestation(&self, id: &DeviceId) -> Result<Option<AttestationKind>> {
        let call = Call::get("read the device's attestation", device(id).then("/attestation")).target(id.as_str());
        let found: Option<Attestation> = self.channel.find(self.call(call, CONNECTIVITY)).await?;
        Ok(found.map(|attestation| match attestation.kind.to_ascii_lowercase().as_str() {
            "symmetrickey" => AttestationKind::Symmetric,
            "x509" => AttestationKind::X509,
            "tpm" => AttestationKind::Tpm,
            _ => AttestationKind::Other(attestation.kind),
        }))
    }

    /// What a device connects with, and the application's ID scope.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn device_credentials(&self, id: &DeviceId) -> Result<DeviceCredentials> {
        let call = Call::get("read the device's credentials", device(id).then("/credentials")).target(id.as_str());
        self.channel.json(self.call(call, CONNECTIVITY)).await
    }
}
