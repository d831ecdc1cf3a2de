//! Devices of an application, with their credentials and individual attestation.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::error::Result;
use crate::azure::lenient::{if_readable, or_default};
use crate::azure::page::{NextPage, Page};
use crate::azure::x509::{KnownCertificate, Slots, known};
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
    /// device really uses. `None` for a device that uses none.
    #[serde(default, deserialize_with = "key_pair")]
    pub symmetric_key: Option<KeyPair>,
}

/// A pair of symmetric keys, base64.
#[derive(Debug, Clone)]
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

/// The attestation that a device has for itself.
#[derive(Debug, Clone)]
pub struct DeviceAttestation {
    /// How the device proves itself.
    pub kind: AttestationKind,
    /// Its keys, if it has any and the application shows both.
    pub keys: Option<KeyPair>,
    /// Its certificates, if it has any; only SHA-1 thumbprints are shown.
    pub certificates: Slots<KnownCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAttestation {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "key_pair")]
    symmetric_key: Option<KeyPair>,
    #[serde(default, deserialize_with = "if_readable")]
    x509: WireX509,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireX509 {
    #[serde(deserialize_with = "known")]
    client_certificates: Slots<KnownCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireKeys {
    primary_key: Option<SecretString>,
    secondary_key: Option<SecretString>,
}

/// Both keys; with only one of them nothing can be compared or carried over, so that is as good as none.
pub(super) fn key_pair<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<KeyPair>, D::Error> {
    let keys = Option::<WireKeys>::deserialize(deserializer)?;
    let both = keys.and_then(|keys| keys.primary_key.zip(keys.secondary_key));
    Ok(both.map(|(primary_key, secondary_key)| KeyPair { primary_key, secondary_key }))
}

/// An attestation as IoT Central takes it; one field more and it is refused.
pub(super) fn symmetric(primary: &SecretString, secondary: &SecretString) -> Value {
    json!({
        "type": "symmetricKey",
        "symmetricKey": { "primaryKey": primary.expose_secret(), "secondaryKey": secondary.expose_secret() },
    })
}

pub(super) fn device(id: &DeviceId) -> Path {
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

    /// One device; `None` if the application has none of that id.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn find_device(&self, id: &DeviceId) -> Result<Option<Device>> {
        let call = Call::get("read the device", device(id)).target(id.as_str());
        self.channel.find(self.call(call, VIEW)).await
    }

    /// The kind of attestation that a device has for itself; `None` if it belongs to a group (404).
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn device_attestation(&self, id: &DeviceId) -> Result<Option<AttestationKind>> {
        Ok(self.device_attestation_with_keys(id).await?.map(|attestation| attestation.kind))
    }

    /// The attestation that a device has for itself, with keys; `None` if it belongs to a group (404).
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn device_attestation_with_keys(&self, id: &DeviceId) -> Result<Option<DeviceAttestation>> {
        let call = Call::get("read the device's attestation", device(id).then("/attestation")).target(id.as_str());
        let found: Option<WireAttestation> = self.channel.find(self.call(call, CONNECTIVITY)).await?;
        Ok(found.map(DeviceAttestation::from))
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

impl From<WireAttestation> for DeviceAttestation {
    fn from(wire: WireAttestation) -> Self {
        let kind = match wire.kind.to_ascii_lowercase().as_str() {
            "symmetrickey" => AttestationKind::Symmetric,
            "x509" => AttestationKind::X509,
            "tpm" => AttestationKind::Tpm,
            _ => AttestationKind::Other(wire.kind),
        };
        Self { kind, keys: wire.symmetric_key, certificates: wire.x509.client_certificates }
    }
}
