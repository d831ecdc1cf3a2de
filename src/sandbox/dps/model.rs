//! What a provisioning service keeps: enrollment groups, individual enrollments, registration records.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::sas;
use crate::sandbox::world::{Dps, Moment};
use crate::sandbox::x509::Certificate;

/// How devices prove themselves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attestation {
    /// Two base64 keys; a group's keys are masters from which each device's keys are derived.
    SymmetricKey {
        /// First key.
        primary: String,
        /// Second key.
        secondary: String,
    },
    /// Certificates: of authorities for a group, of the device itself for an individual enrollment.
    X509 {
        /// Thumbprint of the first certificate.
        primary: Option<String>,
        /// Thumbprint of the second certificate.
        secondary: Option<String>,
        /// Names of certificates of the DPS, where the enrollment refers to them instead.
        ca_references: Vec<String>,
    },
    /// A TPM's endorsement key.
    Tpm {
        /// Base64.
        endorsement_key: String,
    },
}

impl std::fmt::Debug for Attestation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SymmetricKey { .. } => "SymmetricKey(…)",
            Self::X509 { .. } => "X509(…)",
            Self::Tpm { .. } => "Tpm(…)",
        })
    }
}

/// Which of two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slot {
    /// The primary one.
    Primary,
    /// The secondary one.
    Secondary,
}

impl Attestation {
    /// The two keys that the device `registration_id` has under this attestation: derived in a group, direct otherwise.
    #[must_use]
    pub fn device_keys(&self, registration_id: &str, derived: bool) -> Option<(String, String)> {
        let Self::SymmetricKey { primary, secondary } = self else { return None };
        if !derived {
            return Some((primary.clone(), secondary.clone()));
        }
        Some((sas::derive_key(primary, registration_id)?, sas::derive_key(secondary, registration_id)?))
    }

    /// Whether one of the certificates has this thumbprint.
    #[must_use]
    pub fn has_certificate(&self, thumbprint: &str) -> bool {
        let Self::X509 { primary, secondary, .. } = self else { return false };
        [primary, secondary].into_iter().flatten().any(|own| own.eq_ignore_ascii_case(thumbprint))
    }
}

/// What happens to a device that registers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reprovision {
    /// Evaluate the allocation again.
    pub update_hub_assignment: bool,
    /// Carry the twin to the new hub.
    pub migrate_device_data: bool,
}

impl Default for Reprovision {
    fn default() -> Self {
        Self { update_hub_assignment: true, migrate_device_data: true }
    }
}

/// What groups and individual enrollments have in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// How devices prove themselves.
    pub attestation: Attestation,
    /// The certificates of an X.509 attestation, as far as they were given whole.
    #[serde(default)]
    pub certificates: Certificates,
    /// Devices become IoT Edge devices.
    pub iot_edge: bool,
    /// `provisioningStatus`.
    pub enabled: bool,
    /// `hashed`, `geoLatency`, `static`, `custom`; `None` is the policy of the DPS.
    pub allocation: Option<String>,
    /// Host names; empty means all linked hubs.
    pub hubs: Vec<String>,
    /// Present if it was given.
    pub reprovision: Option<Reprovision>,
    /// Tags and desired properties for new devices.
    pub initial_twin: Option<Value>,
    /// Fields that are kept and shown as they were given.
    pub other: serde_json::Map<String, Value>,
    /// Changes with every update.
    pub etag: String,
    /// When it was made.
    pub created: Moment,
    /// When it was last changed.
    pub updated: Moment,
}

impl Settings {
    /// Enabled symmetric keys, everything else left at its default.
    #[must_use]
    pub fn symmetric(primary: String, secondary: String, now: Moment) -> Self {
        Self::with_attestation(Attestation::SymmetricKey { primary, secondary }, now)
    }

    /// The same with any attestation.
    #[must_use]
    pub fn with_attestation(attestation: Attestation, now: Moment) -> Self {
        Self {
            attestation,
            certificates: Certificates::default(),
            iot_edge: false,
            enabled: true,
            allocation: None,
            hubs: Vec::new(),
            reprovision: None,
            initial_twin: None,
            other: serde_json::Map::new(),
            etag: new_etag(),
            created: now,
            updated: now,
        }
    }
}

/// The two certificates of an X.509 attestation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    /// First certificate.
    pub primary: Option<Certificate>,
    /// Second certificate.
    pub secondary: Option<Certificate>,
}

impl Settings {
    /// Whether the enrollment refers to a certificate of the DPS by this name.
    #[must_use]
    pub fn refers_to(&self, name: &str) -> bool {
        let Attestation::X509 { ca_references, .. } = &self.attestation else { return false };
        ca_references.iter().any(|own| own == name)
    }

    /// The certificates in the enrollment and the verified ones that it refers to.
    pub fn certificates<'a>(&'a self, dps: &'a Dps) -> impl Iterator<Item = &'a Certificate> {
        let own = [&self.certificates.primary, &self.certificates.secondary].into_iter().flatten();
        let known = dps.certificates.iter().filter(|(name, one)| one.verified && self.refers_to(name));
        own.chain(known.map(|(_, one)| &one.certificate))
    }
}

/// An enrollment group. Kept under its id in lower case, since ids are compared without regard to case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// As given.
    pub id: String,
    /// The rest.
    pub settings: Settings,
}

/// An individual enrollment. Kept under its registration id in lower case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Enrollment {
    /// As given.
    pub registration_id: String,
    /// The device id in the hub, where it differs.
    pub device_id: Option<String>,
    /// The rest.
    pub settings: Settings,
}

/// State of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Never assigned.
    Unassigned,
    /// Under way.
    Assigning,
    /// Assigned to a hub.
    Assigned,
    /// Failed; see the error.
    Failed,
    /// The enrollment is disabled.
    Disabled,
}

/// How an assignment came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Substatus {
    /// The first one.
    InitialAssignment,
    /// The device moved between hubs with its twin.
    DeviceDataMigrated,
    /// The device moved between hubs and starts afresh.
    DeviceDataReset,
    /// It registered again and stayed.
    ReprovisionedToInitialAssignment,
}

/// The operation that a registration is in the middle of, or was last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// `4.{hash}.{guid}`.
    pub id: String,
    /// When the result is there.
    pub ready_at: Moment,
    /// Who asked, for the keys and thumbprints of the identity.
    pub matched: Matched,
}

/// The enrollment that a device satisfied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// The group; `None` for an individual enrollment.
    pub group: Option<String>,
    /// Which key it presented.
    pub slot: Option<Slot>,
    /// The thumbprint of the certificate it presented.
    pub leaf: Option<String>,
    /// The enrollment is disabled: the registration ends as `disabled`.
    #[serde(default)]
    pub is_disabled: bool,
}

/// A registration record, kept under the registration id in lower case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registration {
    /// As the device spells it.
    pub registration_id: String,
    /// Its id in the hub.
    pub device_id: String,
    /// Host name.
    pub assigned_hub: Option<String>,
    /// State.
    pub status: Status,
    /// How the assignment came about.
    pub substatus: Option<Substatus>,
    /// Code and words of the last failure.
    pub error: Option<(u32, String)>,
    /// The group by which it last registered; `None` is an individual enrollment.
    pub group: Option<String>,
    /// The key with which it first registered.
    pub first_slot: Option<Slot>,
    /// First registration.
    pub created: Moment,
    /// Last change.
    pub updated: Moment,
    /// Changes with every update.
    pub etag: String,
    /// What the device sent along.
    pub payload: Option<Value>,
    /// The last operation.
    pub operation: Option<Operation>,
}

/// A new etag: base64, as DPS shows it inside quotes.
#[must_use]
pub fn new_etag() -> String {
    use base64::Engine as _;
    let random = uuid::Uuid::new_v4();
    base64::engine::general_purpose::STANDARD.encode(format!("\"{}\"", &random.simple().to_string()[..16]))
}

/// The provisioning service with this ID scope, by name.
#[must_use]
pub fn by_scope<'a>(instances: impl IntoIterator<Item = (&'a String, &'a Dps)>, id_scope: &str) -> Option<String> {
    instances.into_iter().find(|(_, dps)| dps.id_scope == id_scope).map(|(name, _)| name.clone())
}
