//! What a hub keeps of a device: identity, keys, twin.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::device::Presence;
use crate::sandbox::wire::iso;
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
    /// Counts changes of the twin.
    pub twin_version: u64,
    /// Tags.
    pub tags: Value,
    /// Desired properties.
    pub desired: Section,
    /// Reported properties.
    pub reported: Section,
}

/// Desired or reported properties.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Section {
    /// Without `$metadata` and `$version`.
    pub values: Map<String, Value>,
    /// Counts changes.
    pub version: u64,
    /// Last change.
    pub updated: Moment,
}

impl Section {
    /// Empty, version 1.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self { values: Map::new(), version: 1, updated: now }
    }

    /// As twins show it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let updated = iso(self.updated);
        let mut metadata = json!({"$lastUpdated": updated});
        for name in self.values.keys() {
            metadata[name] = json!({"$lastUpdated": updated});
        }
        let mut all = self.values.clone();
        all.insert("$metadata".to_owned(), metadata);
        all.insert("$version".to_owned(), json!(self.version));
        Value::Object(all)
    }
}

impl Identity {
    /// A new enabled device.
    #[must_use]
    pub fn new(device_id: &str, authentication: Authentication, now: Moment) -> Self {
        Self {
            device_id: device_id.to_owned(),
            generation_id: (now.unix_timestamp_nanos() / 100 + 621_355_968_000_000_000).to_string(),
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
            twin_version: 2,
            tags: json!({}),
            desired: Section::new(now),
            reported: Section::new(now),
        }
    }

    /// The identity's etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        encode(&format!("{}{:04}", &self.generation_id[self.generation_id.len().saturating_sub(6)..], self.version))
    }

    /// The twin's etag, without quotes.
    #[must_use]
    pub fn twin_etag(&self) -> String {
        encode(&format!("{:08}", self.twin_version))
    }

    /// The device reports a property.
    pub fn report(&mut self, name: &str, value: &Value, now: Moment) {
        self.reported.values.insert(name.to_owned(), value.clone());
        self.reported.version += 1;
        self.reported.updated = now;
        self.twin_version += 1;
    }

    /// Sets tags and desired properties of a new or reset device.
    pub fn start_twin(&mut self, initial: &Value, now: Moment) {
        if let Some(tags) = initial.get("tags").filter(|tags| tags.is_object()) {
            self.tags = tags.clone();
        }
        if let Some(desired) = initial.pointer("/properties/desired").and_then(Value::as_object) {
            self.desired = Section { values: desired.clone(), version: 1, updated: now };
        }
    }
}

fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
