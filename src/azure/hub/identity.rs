//! The identity registry, one device at a time. Reading uses up the budget of creating.

use secrecy::SecretString;
use serde::Deserialize;

use crate::azure::call::{Call, Path};
use crate::azure::error::{ErrorKind, Result};
use crate::azure::hub::{ConnectionState, Hub};
use crate::azure::keys::Right;
use crate::azure::lenient::{code, if_readable, moment, or_default};
use crate::clock::Timestamp;
use crate::ids::DeviceId;

/// A device's identity, with keys.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The device.
    pub device_id: DeviceId,
    /// Which of the devices that had this id one after the other it is: deleting and creating it again changes this.
    pub generation_id: Option<String>,
    /// Its version.
    pub etag: Option<String>,
    /// False if it may not connect.
    pub enabled: bool,
    /// As of a while ago; no proof.
    pub connection_state: ConnectionState,
    /// When that last changed, in Azure's clock; `None` for never. Only the registry tells it, twins do not.
    pub connection_state_updated: Option<Timestamp>,
    /// `None` if it never did anything.
    pub last_activity: Option<Timestamp>,
    /// How it proves itself.
    pub auth_type: AuthType,
    /// Its keys, if it has any.
    pub keys: Option<IdentityKeys>,
    /// The certificates that it may present, if it is known by them.
    pub thumbprints: Thumbprints,
    /// Whether it is an IoT Edge device.
    pub edge: bool,
}

/// A device's own keys, base64.
#[derive(Debug, Clone)]
pub struct IdentityKeys {
    /// The primary key.
    pub primary: SecretString,
    /// The secondary key.
    pub secondary: SecretString,
}

/// The certificates that a device may present, by thumbprint: hex of SHA-1 or SHA-256, as somebody registered it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Thumbprints {
    /// Of the primary certificate.
    #[serde(default, rename = "primaryThumbprint", deserialize_with = "code")]
    pub primary: Option<String>,
    /// Of the secondary certificate.
    #[serde(default, rename = "secondaryThumbprint", deserialize_with = "code")]
    pub secondary: Option<String>,
}

/// How a device proves itself to the hub.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
pub enum AuthType {
    /// With symmetric keys.
    Sas,
    /// With a certificate known by its thumbprint.
    SelfSigned,
    /// With a certificate of a known authority.
    CertificateAuthority,
    /// Not at all (modules only).
    #[default]
    None,
    /// A way this program does not know.
    Other(String),
}

impl From<String> for AuthType {
    fn from(word: String) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "sas" => Self::Sas,
            "selfsigned" => Self::SelfSigned,
            "certificateauthority" => Self::CertificateAuthority,
            "none" => Self::None,
            _ => Self::Other(word),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    device_id: DeviceId,
    #[serde(default, deserialize_with = "code")]
    generation_id: Option<String>,
    etag: Option<String>,
    status: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    connection_state: ConnectionState,
    #[serde(default, deserialize_with = "moment")]
    connection_state_updated_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    last_activity_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    authentication: WireAuthentication,
    #[serde(default, deserialize_with = "or_default")]
    capabilities: WireCapabilities,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAuthentication {
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    kind: AuthType,
    symmetric_key: Option<WireKeys>,
    #[serde(default, rename = "x509Thumbprint", deserialize_with = "if_readable")]
    thumbprints: Thumbprints,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireKeys {
    primary_key: Option<SecretString>,
    secondary_key: Option<SecretString>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCapabilities {
    #[serde(default, deserialize_with = "or_default")]
    pub iot_edge: bool,
}

fn device(id: &DeviceId) -> Path {
    Path::new("/devices").id(id.as_str())
}

impl Hub {
    /// The identity of a device, with keys; `None` if the hub has none of that id.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn identity(&self, id: &DeviceId) -> Result<Option<Identity>> {
        let call = Call::get("read the device's identity", device(id)).target(id.as_str()).pace(self.registry(), 1);
        let found: Option<Wire> = self.channel.find(Self::call(call, &[Right::RegistryRead])).await?;
        Ok(found.map(Identity::from))
    }

    /// Deletes an identity; with `etag` only if it is still that version. That there is none (any more) is success.
    ///
    /// # Errors
    /// `Precondition` if it was changed meanwhile; see [`crate::azure::AzureError`].
    pub async fn delete_identity(&self, id: &DeviceId, etag: Option<&str>) -> Result<()> {
        let call = Call::delete("delete the device's identity", device(id))
            .target(id.as_str())
            .if_match(etag)
            .pace(self.registry(), 1);
        match self.channel.done(Self::call(call, &[Right::RegistryWrite])).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => Ok(()),
            done => done,
        }
    }
}

impl From<Wire> for Identity {
    fn from(wire: Wire) -> Self {
        let keys = wire.authentication.symmetric_key.and_then(|keys| keys.primary_key.zip(keys.secondary_key));
        Self {
            device_id: wire.device_id,
            generation_id: wire.generation_id,
            etag: wire.etag,
            enabled: wire.status.is_none_or(|status| status.eq_ignore_ascii_case("enabled")),
            connection_state: wire.connection_state,
            connection_state_updated: wire.connection_state_updated_time,
            last_activity: wire.last_activity_time,
            auth_type: wire.authentication.kind,
            thumbprints: wire.authentication.thumbprints,
            keys: keys.map(|(primary, secondary)| IdentityKeys { primary, secondary }),
            edge: wire.capabilities.iot_edge,
        }
    }
}
