//! Certificates of authorities that a provisioning service knows by name. Enrollment groups refer to them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::wire::rfc1123;
use crate::sandbox::world::Moment;
use crate::sandbox::x509::Certificate;

/// The most that an instance holds.
pub const MOST: usize = 25;

/// A certificate with what ARM knows about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorityCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// Somebody has shown to have its key, or was believed.
    pub verified: bool,
    /// What the subject of a verification certificate must be.
    pub code: Option<String>,
    /// Changes with every update.
    pub etag: String,
    /// When it was made.
    pub created: Moment,
    /// When it was last changed.
    pub updated: Moment,
}

impl AuthorityCertificate {
    /// A certificate just uploaded.
    #[must_use]
    pub fn new(certificate: Certificate, verified: bool, now: Moment) -> Self {
        Self { certificate, verified, code: None, etag: super::model::new_etag(), created: now, updated: now }
    }

    /// Notes a change.
    pub fn touch(&mut self, now: Moment) {
        self.etag = super::model::new_etag();
        self.updated = now;
    }

    /// As ARM shows it; `id` is that of the provisioning service.
    #[must_use]
    pub fn show(&self, id: &str, name: &str) -> Value {
        let mut shown = json!({
            "id": format!("{id}/certificates/{name}"), "name": name, "etag": self.etag,
            "type": "Microsoft.Devices/ProvisioningServices/Certificates",
            "properties": {
                "subject": self.certificate.subject, "expiry": rfc1123(self.certificate.not_after),
                "thumbprint": self.certificate.sha1, "isVerified": self.verified,
                "created": rfc1123(self.created), "updated": rfc1123(self.updated),
                "certificate": self.certificate.der,
            },
        });
        if let Some(code) = &self.code {
            shown["properties"]["verificationCode"] = json!(code);
        }
        shown
    }
}
