//! Enrollments whose devices prove themselves with certificates.
//!
//! A device is let into a group if its certificate's chain leads to one that the group trusts; its registration id is the
//! common name of its certificate. DPS registers it at the hub as known by its own certificate's thumbprint.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::azure::dps::groups::leading_to;
use crate::azure::dps::{Dps, DpsGroup};
use crate::azure::error::{AzureError, ErrorKind, Result};
use crate::azure::lenient::or_default;
use crate::azure::x509::{CertificateDer, KnownCertificate, Slots, known};
use crate::ids::{DeviceId, EnrollmentGroupId, HubHost};

const EXISTS: &str = "It exists already. With the same certificates it can be used; with others, choose another id.";

/// What an enrollment tells of its certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct X509 {
    /// Names of certificates that the DPS keeps, which a group trusts: [`crate::azure::Arm::dps_certificate`] has them.
    #[serde(deserialize_with = "names")]
    pub ca_references: Slots<String>,
    /// Certificates that came with a group, which it trusts.
    #[serde(deserialize_with = "known")]
    pub signing_certificates: Slots<KnownCertificate>,
    /// The device's own, of an individual enrollment.
    #[serde(deserialize_with = "known")]
    pub client_certificates: Slots<KnownCertificate>,
}

/// Whom an enrollment group to create trusts. There must be a primary one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedBy {
    /// Certificates that the DPS keeps under these names, verified.
    CaReferences(Slots<String>),
    /// These certificates, of roots or of authorities below one.
    SigningCertificates(Slots<CertificateDer>),
}

/// An enrollment group to create for devices with certificates: enabled, not Edge, leading to exactly one hub.
#[derive(Debug, Clone)]
pub struct NewX509Group {
    /// Its id.
    pub id: EnrollmentGroupId,
    /// Whose certificates let a device in.
    pub trust: TrustedBy,
    /// The hub that its devices go to, one of those linked to the DPS.
    pub hub: HubHost,
    /// Tags that a device's twin gets when it first arrives.
    pub initial_tags: Option<Map<String, Value>>,
}

/// An enrollment of one device to create, for exactly these certificates of its own: enabled, leading to one hub.
#[derive(Debug, Clone)]
pub struct NewX509Enrollment {
    /// The id it registers with, and has at the hub: the common name of its certificate.
    pub id: DeviceId,
    /// Its certificates. There must be a primary one.
    pub certificates: Slots<CertificateDer>,
    /// The hub that it goes to, one of those linked to the DPS.
    pub hub: HubHost,
}

impl Dps {
    /// Creates a group for devices with certificates. A group of that id that exists already is a `Conflict`, and left as
    /// it is; so it is too after a lost answer, when that group can be this call's own: read it and compare.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn create_x509_group(&self, new: &NewX509Group) -> Result<DpsGroup> {
        let x509 = match &new.trust {
            TrustedBy::CaReferences(names) => json!({ "caReferences": references(names) }),
            TrustedBy::SigningCertificates(certificates) => {
                json!({ "signingCertificates": certificates.body(CertificateDer::base64) })
            }
        };
        let body = leading_to(&new.hub, attestation(x509));
        self.put_group(&new.id, body, new.initial_tags.as_ref()).await.map_err(advised)
    }

    /// Creates an enrollment of one device with certificates. One of that id that exists already is a `Conflict`, and left
    /// as it is; so it is too after a lost answer, when it can be this call's own: read it and compare.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn create_x509_enrollment(&self, new: &NewX509Enrollment) -> Result<()> {
        let x509 = json!({ "clientCertificates": new.certificates.body(CertificateDer::base64) });
        self.put_enrollment(&new.id, leading_to(&new.hub, attestation(x509))).await.map_err(advised)
    }
}

fn advised(error: AzureError) -> AzureError {
    if matches!(error.kind, ErrorKind::Conflict) { error.with_hint(EXISTS) } else { error }
}

fn attestation(x509: Value) -> Value {
    json!({ "type": "x509", "x509": x509 })
}

/// Only what is there: the service refuses an empty name.
fn references(names: &Slots<String>) -> Value {
    let mut body = json!({});
    for (slot, name) in [("primary", &names.primary), ("secondary", &names.secondary)] {
        if let Some(name) = name {
            body[slot] = json!(name);
        }
    }
    body
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Slots<String>, D::Error> {
    let names: Slots<String> = or_default(deserializer)?;
    let some = |name: Option<String>| name.filter(|name| !name.is_empty());
    Ok(Slots { primary: some(names.primary), secondary: some(names.secondary) })
}
