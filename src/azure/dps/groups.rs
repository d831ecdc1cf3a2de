//! Enrollment groups of a DPS.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::dps::{Dps, X509};
use crate::azure::error::{ErrorKind, Result};
use crate::azure::keys::Right;
use crate::azure::lenient::{if_readable, or_default};
use crate::ids::{EnrollmentGroupId, HubHost};

const READ: &[Right] = &[Right::EnrollmentRead];
const WRITE: &[Right] = &[Right::EnrollmentWrite];
/// What reading keys needs is not documented: reading, or writing too.
const READ_KEYS: &[Right] = &[Right::EnrollmentRead, Right::EnrollmentWrite];

/// An enrollment group, without keys: [`Dps::group_keys`] has them.
#[derive(Debug, Clone)]
pub struct DpsGroup {
    /// Its id.
    pub id: EnrollmentGroupId,
    /// What its devices prove themselves with.
    pub attestation_kind: AttestationKind,
    /// Whom it trusts, if its devices prove themselves with certificates and that is told.
    pub x509: Option<X509>,
    /// Whether devices may use it.
    pub enabled: bool,
    /// Whether it makes IoT Edge devices.
    pub edge: bool,
    /// `hashed`, `geoLatency`, `static`, `custom`; `None` for the DPS's own policy.
    pub allocation: Option<String>,
    /// The hubs it may assign; empty for all linked ones.
    pub hubs: Vec<HubHost>,
    /// What happens to a device that provisions again.
    pub reprovision: Reprovision,
    /// Its version.
    pub etag: Option<String>,
}

/// What the devices of an enrollment prove themselves with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttestationKind {
    /// Symmetric keys.
    Symmetric,
    /// Certificates.
    X509,
    /// A trusted platform module (individual enrollments only).
    Tpm,
    /// A kind this program does not know.
    Other(String),
}

/// An attestation with its keys.
#[derive(Debug, Clone)]
pub enum Attestation {
    /// Symmetric keys, base64.
    Symmetric {
        /// The primary key.
        primary: SecretString,
        /// The secondary key.
        secondary: SecretString,
    },
    /// Anything else.
    Other(AttestationKind),
}

/// What happens to a device that provisions again. Both are true by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reprovision {
    /// Its hub is chosen anew.
    pub update_hub_assignment: bool,
    /// Its twin goes with it.
    pub migrate_device_data: bool,
}

impl Default for Reprovision {
    fn default() -> Self {
        Self { update_hub_assignment: true, migrate_device_data: true }
    }
}

/// A symmetric enrollment group to create: enabled, not Edge, leading to exactly one hub.
#[derive(Debug, Clone)]
pub struct NewEnrollmentGroup {
    /// Its id.
    pub id: EnrollmentGroupId,
    /// Its primary key, base64 of 16–64 bytes.
    pub primary: SecretString,
    /// Its secondary key.
    pub secondary: SecretString,
    /// The hub that its devices go to, one of those linked to the DPS.
    pub hub: HubHost,
    /// Tags that a device's twin gets when it first arrives.
    pub initial_tags: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    enrollment_group_id: String,
    attestation: WireAttestation,
    provisioning_status: Option<String>,
    capabilities: Option<super::individuals::Capabilities>,
    allocation_policy: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    iot_hubs: Vec<HubHost>,
    iot_hub_host_name: Option<HubHost>,
    #[serde(default, deserialize_with = "or_default")]
    reprovision_policy: Reprovision,
    etag: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAttestation {
    #[serde(rename = "type")]
    pub kind: String,
    symmetric_key: Option<WireKeys>,
    #[serde(default, deserialize_with = "if_readable")]
    pub x509: Option<X509>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireKeys {
    primary_key: Option<SecretString>,
    secondary_key: Option<SecretString>,
}

fn group(id: &EnrollmentGroupId) -> Path {
    Path::new("/enrollmentGroups").id(id.as_str())
}

impl Dps {
    /// All enrollment groups, without keys.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn enrollment_groups(&self) -> Result<Vec<DpsGroup>> {
        let query = json!({ "query": "SELECT * FROM enrollmentGroups" });
        let path = Path::new("/enrollmentGroups/query");
        let groups: Vec<Wire> = self.all("list enrollment groups", READ, path, Some(query)).await?;
        Ok(groups.into_iter().map(DpsGroup::from).collect())
    }

    /// One enrollment group, without keys; `None` if there is none of that id.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn enrollment_group(&self, id: &EnrollmentGroupId) -> Result<Option<DpsGroup>> {
        let call = Call::get("read the enrollment group", group(id)).target(id.as_str());
        let found: Option<Wire> = self.channel.find(self.call(call, READ)).await?;
        Ok(found.map(DpsGroup::from))
    }

    /// The keys of an enrollment group.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`]; `NotFound` if there is no such group.
    pub async fn group_keys(&self, id: &EnrollmentGroupId) -> Result<Attestation> {
        self.attestation("read the enrollment group's keys", id.as_str(), group(id)).await
    }

    pub(super) async fn attestation(&self, operation: &'static str, target: &str, path: Path) -> Result<Attestation> {
        let call = Call::ask(operation, path.then("/attestationmechanism")).target(target);
        let answer = self.channel.json(self.call(call.clone(), READ_KEYS)).await;
        let wire: WireAttestation = match answer {
            // Before anything was sent: no policy has both rights.
            Err(error) if error.status.is_none() && matches!(error.kind, ErrorKind::Forbidden) => {
                self.channel.json(self.call(call, READ)).await?
            }
            answer => answer?,
        };
        Ok(wire.into())
    }

    /// Creates a group. A group of that id that exists already is a `Conflict`, and left as it is; so it is too after a
    /// lost answer, when that group can be this call's own: read it and compare.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn create_enrollment_group(&self, new: &NewEnrollmentGroup) -> Result<DpsGroup> {
        let body = leading_to(&new.hub, symmetric(&new.primary, &new.secondary));
        self.put_group(&new.id, body, new.initial_tags.as_ref()).await
    }

    pub(super) async fn put_group(
        &self,
        id: &EnrollmentGroupId,
        mut body: Value,
        initial_tags: Option<&Map<String, Value>>,
    ) -> Result<DpsGroup> {
        body["enrollmentGroupId"] = json!(id);
        if let Some(tags) = initial_tags {
            body["initialTwin"] = json!({ "tags": tags, "properties": { "desired": {} } });
        }
        let call = Call::put_once("create the enrollment group", group(id)).target(id.as_str()).body(body);
        let wire: Wire = self.channel.json(self.call(call, WRITE)).await?;
        Ok(wire.into())
    }

    /// Deletes a group; with `etag` only if it is still that version. That there is none (any more) is success.
    ///
    /// # Errors
    /// `Precondition` if it was changed meanwhile; see [`crate::azure::AzureError`].
    pub async fn delete_enrollment_group(&self, id: &EnrollmentGroupId, etag: Option<&str>) -> Result<()> {
        let call = Call::delete("delete the enrollment group", group(id)).target(id.as_str());
        match self.channel.done(self.call(call.if_match(etag), WRITE)).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => Ok(()),
            done => done,
        }
    }
}

/// An attestation of exactly these keys.
pub(super) fn symmetric(primary: &SecretString, secondary: &SecretString) -> Value {
    json!({
        "type": "symmetricKey",
        "symmetricKey": { "primaryKey": primary.expose_secret(), "secondaryKey": secondary.expose_secret() },
    })
}

/// What every enrollment has that is made here: it is open, not Edge, has exactly this attestation, and leads to one hub
/// only.
pub(super) fn leading_to(hub: &HubHost, attestation: Value) -> Value {
    json!({
        "attestation": attestation,
        "capabilities": { "iotEdge": false },
        "provisioningStatus": "enabled",
        "allocationPolicy": "static",
        "iotHubs": [hub],
        "reprovisionPolicy": { "updateHubAssignment": true, "migrateDeviceData": true },
    })
}

impl From<Wire> for DpsGroup {
    fn from(wire: Wire) -> Self {
        let hubs = if wire.iot_hubs.is_empty() { wire.iot_hub_host_name.into_iter().collect() } else { wire.iot_hubs };
        Self {
            id: EnrollmentGroupId::from(wire.enrollment_group_id),
            attestation_kind: AttestationKind::read(&wire.attestation.kind),
            x509: wire.attestation.x509,
            enabled: wire.provisioning_status.is_none_or(|status| status.eq_ignore_ascii_case("enabled")),
            edge: wire.capabilities.is_some_and(|capabilities| capabilities.iot_edge),
            allocation: wire.allocation_policy,
            hubs,
            reprovision: wire.reprovision_policy,
            etag: wire.etag,
        }
    }
}

impl From<WireAttestation> for Attestation {
    fn from(wire: WireAttestation) -> Self {
        let keys = wire.symmetric_key.and_then(|keys| keys.primary_key.zip(keys.secondary_key));
        match (AttestationKind::read(&wire.kind), keys) {
            (AttestationKind::Symmetric, Some((primary, secondary))) => Self::Symmetric { primary, secondary },
            (kind, _) => Self::Other(kind),
        }
    }
}

impl AttestationKind {
    pub(super) fn read(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "symmetrickey" => Self::Symmetric,
            "x509" => Self::X509,
            "tpm" => Self::Tpm,
            _ => Self::Other(word.to_owned()),
        }
    }
}
