//! Creating identities, up to a hundred a call.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::error::{ErrorKind, Result};
use crate::azure::hub::Hub;
use crate::azure::keys::Right;
use crate::azure::lenient::{code, or_default};
use crate::ids::DeviceId;

const LIMIT: usize = 100;

/// An identity to create: enabled, not Edge, with exactly the keys that the device will present.
#[derive(Debug, Clone)]
pub struct NewIdentity {
    /// The device.
    pub id: DeviceId,
    /// Its primary key, base64.
    pub primary: SecretString,
    /// Its secondary key.
    pub secondary: SecretString,
}

/// How a bulk call went. A device without an error was created.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct BulkResult {
    /// The devices that were not created.
    #[serde(default, deserialize_with = "or_default")]
    pub errors: Vec<BulkError>,
    /// The devices that were created, but not wholly.
    #[serde(default, deserialize_with = "or_default")]
    pub warnings: Vec<BulkWarning>,
}

/// Why a device was not created.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkError {
    /// The device.
    pub device_id: DeviceId,
    /// A name such as `DeviceAlreadyExists`, or a number in some versions.
    #[serde(default, rename = "errorCode", deserialize_with = "code")]
    pub code: Option<String>,
    /// In words.
    #[serde(default, rename = "errorStatus", deserialize_with = "code")]
    pub status: Option<String>,
}

impl BulkError {
    /// True if the hub has a device of that id.
    #[must_use]
    pub fn is_already_there(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code == "DeviceAlreadyExists" || code.starts_with("409"))
    }

    /// True if the hub was too busy for this device: it can be sent again.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.code.as_deref().is_some_and(|code| {
            ["429", "500", "503"].iter().any(|status| code.starts_with(status))
                || [
                    "ThrottlingException",
                    "ThrottlingBacklogTimeout",
                    "ServerError",
                    "ServiceUnavailable",
                    "ServerBusy",
                ]
                .contains(&code)
        })
    }
}

/// What is odd about a device that was created.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkWarning {
    /// The device.
    pub device_id: DeviceId,
    /// Such as `DeviceRegisteredWithoutTwin`.
    #[serde(default, rename = "warningCode", deserialize_with = "code")]
    pub code: Option<String>,
    /// In words.
    #[serde(default, rename = "warningStatus", deserialize_with = "code")]
    pub status: Option<String>,
}

impl Hub {
    /// Creates identities: 1–100, each id once. Partial success is a result; an identity that exists already is an error
    /// of its device and stays as it is. Sent once: after an error whose effect is unknown, read identities and compare
    /// keys.
    ///
    /// # Errors
    /// `Rejected` (nothing sent) for more than 100 or an id twice; see [`crate::azure::AzureError`] for the rest.
    pub async fn bulk_create(&self, identities: &[NewIdentity]) -> Result<BulkResult> {
        if identities.is_empty() {
            return Ok(BulkResult::default());
        }
        let cost = u32::try_from(identities.len()).unwrap_or(u32::MAX);
        let mut call = Call::post_once("create device identities", Path::new("/devices"))
            .target(self.host.as_str())
            .body(identities.iter().map(NewIdentity::body).collect())
            .pace(self.registry(), cost);
        call.bad_request_answers = true;
        let mut ids: Vec<&str> = identities.iter().map(|identity| identity.id.as_str()).collect();
        ids.sort_unstable();
        if ids.len() > LIMIT || ids.windows(2).any(|pair| pair[0] == pair[1]) {
            let message = "a bulk call takes at most 100 devices, each of them once; nothing was sent";
            return Err(self.channel.error(&call, ErrorKind::Rejected, message));
        }
        self.channel.json(Self::call(call, &[Right::RegistryWrite])).await
    }
}

impl NewIdentity {
    fn body(&self) -> Value {
        json!({
            "id": self.id,
            "importMode": "create",
            "status": "enabled",
            "authentication": {
                "type": "sas",
                "symmetricKey": {
                    "primaryKey": self.primary.expose_secret(),
                    "secondaryKey": self.secondary.expose_secret(),
                },
            },
            "capabilities": { "iotEdge": false },
        })
    }
}
