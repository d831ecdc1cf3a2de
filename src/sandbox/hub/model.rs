//! What a hub keeps of a device: identity, keys, twin.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::twin::Twin;
use crate::sandbox::device::Presence;
use crate::sandbox::world::Moment;

/// How the hub recognises a device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authentication {
    /// Symmetric keys, base64.
    Sas {
        /// First key.
        primary: String,
        /// Second key.
        secondary: String,
    },
    /// Thumbprints of the device's own certificates.
    SelfSigned {
        /// First thumbprint.
        primary: Option<String>,
        /// Second thumbprint.
        secondary: Option<String>,
    },
    /// Any certificate of an authority that the hub trusts.
    CertificateAuthority,
    /// It cannot connect.
    None,
}

impl std::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.type_name())
    }
}

impl Authentication {
    /// The wire's word.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Sas { .. } => "sas",
            Self::SelfSigned { .. } => "selfSigned",
            Self::CertificateAuthority => "certificateAuthority",
            Self::None => "none",
        }
    }
}

/// One device of a hub. Ids are compared with regard to case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Device id.
    pub device_id: String,
    /// Distinguishes this identity from an earlier one of the same id.
    pub generation_id: String,
    /// Counts changes of the identity.
    pub version: u64,
    /// `status`.
    pub enabled: bool,
    /// `statusReason`.
    pub status_reason: Option<String>,
    /// When `status` last changed.
    pub status_updated: Option<Moment>,
    /// How it is recognised.
    pub authentication: Authentication,
    /// An IoT Edge device.
    pub iot_edge: bool,
    /// Its own scope (edge) or its parent's (leaf); may be empty.
    pub device_scope: String,
    /// Scopes of its parents.
    pub parent_scopes: Vec<String>,
    /// When it was made; the query index shows it a moment later.
    pub created: Moment,
    /// Its connection.
    pub presence: Presence,
    /// The model it announced.
    pub model_id: Option<String>,
    /// Its twin.
    pub twin: Twin,
    /// Its modules by module id.
    #[serde(default)]
    pub modules: BTreeMap<String, Module>,
}

/// A module of a device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Module {
    /// Module id.
    pub module_id: String,
    /// Distinguishes this module from an earlier one of the same id.
    pub generation_id: String,
    /// Counts changes of its identity.
    pub version: u64,
    /// Who takes care of it, for example `iotEdge`.
    pub managed_by: Option<String>,
    /// How it is recognised.
    pub authentication: Authentication,
    /// Its twin.
    pub twin: Twin,
}

impl Module {
    /// A new module.
    #[must_use]
    pub fn new(module_id: &str, authentication: Authentication, now: Moment) -> Self {
        Self {
            module_id: module_id.to_owned(),
            generation_id: generation(now),
            version: 1,
            managed_by: None,
            authentication,
            twin: Twin::new(now),
        }
    }

    /// The identity's etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        etag(&self.generation_id, self.version)
    }
}

impl Identity {
    /// A new enabled device.
    #[must_use]
    pub fn new(device_id: &str, authentication: Authentication, now: Moment) -> Self {
        Self {
            device_id: device_id.to_owned(),
            generation_id: generation(now),
            version: 1,
            enabled: true,
            status_reason: None,
            status_updated: None,
            authentication,
            iot_edge: false,
            device_scope: String::new(),
            parent_scopes: Vec::new(),
            created: now,
            presence: Presence::default(),
            model_id: None,
            twin: Twin::new(now),
            modules: BTreeMap::new(),
        }
    }

    /// The identity's etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        etag(&self.generation_id, self.version)
    }

    /// The device reports a property.
    pub fn report(&mut self, name: &str, value: &Value, now: Moment) {
        self.twin.report(name, value, now);
    }

    /// The scope by which children of an IoT Edge device name it.
    #[must_use]
    pub fn own_scope(&self) -> String {
        format!("ms-azure-iot-edge://{}-{}", self.device_id, self.generation_id)
    }
}

/// Ticks of 100 ns since the year 1.
fn generation(now: Moment) -> String {
    (now.unix_timestamp_nanos() / 100 + 621_355_968_000_000_000).to_string()
}

fn etag(generation: &str, version: u64) -> String {
    encode(&format!("{}{version:04}", &generation[generation.len().saturating_sub(6)..]))
}

pub(super) fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
