//! Enrollment groups of an application. Their keys come in the clear.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::central::devices::{KeyPair, key_pair, symmetric};
use crate::azure::error::{ErrorKind, Result};
use crate::azure::lenient::or_default;
use crate::ids::EnrollmentGroupId;

const READ: &str = "Device connectivity management: read";
const MANAGE: &str = "Device connectivity management: manage";
const TAKEN: &str = "The application has an enrollment group of this id or with these keys already. With the same keys it can \
                     be used; with other keys, choose another id.";

/// An enrollment group of an application.
#[derive(Debug, Clone)]
pub struct CentralEnrollmentGroup {
    /// Its id.
    pub id: EnrollmentGroupId,
    /// Its name for people.
    pub display_name: String,
    /// Whether devices may use it.
    pub enabled: bool,
    /// What kind of devices it is for.
    pub kind: GroupKind,
    /// What its devices prove themselves with.
    pub attestation: CentralAttestation,
    /// Its version.
    pub etag: Option<String>,
}

/// What kind of devices an enrollment group is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupKind {
    /// Ordinary devices.
    Iot,
    /// IoT Edge devices.
    IotEdge,
    /// A kind this program does not know.
    Other(String),
}

/// What the devices of a group prove themselves with.
#[derive(Debug, Clone)]
pub enum CentralAttestation {
    /// Keys derived from these, base64.
    Symmetric {
        /// The group's primary key.
        primary: SecretString,
        /// The group's secondary key.
        secondary: SecretString,
    },
    /// Certificates signed by these; only SHA-1 thumbprints are shown.
    X509 {
        /// Of the primary and the secondary signing certificate, as far as there are any that let devices in.
        thumbprints: Vec<String>,
        /// Of those that let nobody in, because nobody has shown to have their keys.
        unverified: Vec<String>,
    },
    /// A kind this program does not know.
    Other(String),
}

/// A symmetric enrollment group to create: enabled, for ordinary devices.
#[derive(Debug, Clone)]
pub struct NewCentralEnrollmentGroup {
    /// Its id: letters, digits and hyphens.
    pub id: EnrollmentGroupId,
    /// Its name for people.
    pub display_name: String,
    /// Its primary key, base64.
    pub primary: SecretString,
    /// Its secondary key.
    pub secondary: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    display_name: String,
    enabled: Option<bool>,
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    kind: String,
    attestation: WireAttestation,
    etag: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAttestation {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "key_pair")]
    symmetric_key: Option<KeyPair>,
    #[serde(default)]
    x509: Value,
}

impl Central {
    /// All enrollment groups, with keys.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn enrollment_groups(&self) -> Result<Vec<CentralEnrollmentGroup>> {
        let path = Path::new("/api/enrollmentGroups");
        let groups: Vec<Wire> = self.all("list enrollment groups", READ, path).await?;
        Ok(groups.into_iter().map(CentralEnrollmentGroup::from).collect())
    }

    /// One enrollment group, with keys; `None` if there is none of that id.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn enrollment_group(&self, id: &EnrollmentGroupId) -> Result<Option<CentralEnrollmentGroup>> {
        let call = Call::get("read the enrollment group", group(id)).target(id.as_str());
        let found: Option<Wire> = self.channel.find(self.call(call, READ)).await?;
        Ok(found.map(CentralEnrollmentGroup::from))
    }

    /// Creates an enrollment group. Look for one of that id first: whether IoT Central refuses to replace it is not
    /// documented, and other keys would cut off all its devices. Sent once: after an error whose effect is unknown, read
    /// [`Self::enrollment_group`] and compare keys.
    ///
    /// # Errors
    /// `Conflict` if the id or the keys are taken; see [`crate::azure::AzureError`] for the rest.
    pub async fn create_enrollment_group(&self, new: &NewCentralEnrollmentGroup) -> Result<CentralEnrollmentGroup> {
        self.put_group(&new.id, &new.display_name, symmetric(&new.primary, &new.secondary)).await
    }

    pub(super) async fn put_group(
        &self,
        id: &EnrollmentGroupId,
        display_name: &str,
        attestation: Value,
    ) -> Result<CentralEnrollmentGroup> {
        let call = Call::put_once("create the enrollment group", group(id)).target(id.as_str()).body(json!({
            "displayName": display_name,
            "enabled": true,
            "type": "iot",
            "attestation": attestation,
        }));
        let created: Result<Wire> = self.channel.json(self.call(call, MANAGE)).await;
        match created {
            Ok(wire) => Ok(wire.into()),
            Err(error) if matches!(error.kind, ErrorKind::Conflict) => Err(error.with_hint(TAKEN)),
            Err(error) => Err(error),
        }
    }
}

pub(super) fn group(id: &EnrollmentGroupId) -> Path {
    Path::new("/api/enrollmentGroups").id(id.as_str())
}

impl From<Wire> for CentralEnrollmentGroup {
    fn from(wire: Wire) -> Self {
        let kind = match wire.kind.to_ascii_lowercase().as_str() {
            "iot" => GroupKind::Iot,
            "iotedge" => GroupKind::IotEdge,
            _ => GroupKind::Other(wire.kind),
        };
        Self {
            id: EnrollmentGroupId::from(wire.id),
            display_name: wire.display_name,
            enabled: wire.enabled.unwrap_or(true),
            kind,
            attestation: wire.attestation.into(),
            etag: wire.etag,
        }
    }
}

impl From<WireAttestation> for CentralAttestation {
    fn from(wire: WireAttestation) -> Self {
        match (wire.kind.to_ascii_lowercase().as_str(), wire.symmetric_key) {
            ("symmetrickey", Some(keys)) => {
                Self::Symmetric { primary: keys.primary_key, secondary: keys.secondary_key }
            }
            ("x509", _) => {
                let certificates = &wire.x509["signingCertificates"];
                let all = ["primary", "secondary"].into_iter().map(|which| &certificates[which]);
                let (unverified, verified): (Vec<_>, Vec<_>) = all.partition(|one| one["verified"] == false);
                let thumbprint = |one: &Value| one["info"]["sha1Thumbprint"].as_str().map(str::to_owned);
                let thumbprints = |all: Vec<&Value>| all.into_iter().filter_map(thumbprint).collect();
                Self::X509 { thumbprints: thumbprints(verified), unverified: thumbprints(unverified) }
            }
            _ => Self::Other(wire.kind),
        }
    }
}
