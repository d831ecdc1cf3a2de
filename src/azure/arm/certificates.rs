//! Certificates of authorities that a DPS keeps by name, for its enrollment groups to refer to.

use serde_json::json;

use crate::azure::arm::{API_DPS, Arm, resource_path, wire};
use crate::azure::call::{Call, Path};
use crate::azure::error::{AzureError, ErrorKind, Result};
use crate::azure::lenient::parse_moment;
use crate::azure::pace::Scope;
use crate::azure::retry::http_date;
use crate::azure::x509::{CertificateDer, KnownCertificate};
use crate::clock::Timestamp;
use crate::ids::ArmId;

const READ: &str = "the role Reader (or one with Microsoft.Devices/provisioningServices/certificates/read)";
const WRITE: &str = "the role Contributor (or one with Microsoft.Devices/provisioningServices/certificates/write)";
const CREATE: &str = "add the certificate to the DPS";
const EXISTS: &str = "The DPS has a certificate of this name already. With the same thumbprint, and verified, it can be used; \
                      else choose another name.";
const FULL: &str = "The DPS may be full: it takes 25 certificates. One that no enrollment group uses can be deleted.";

/// A certificate that a DPS keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpsCertificate {
    /// Its name, by which enrollment groups refer to it.
    pub name: String,
    /// Whether groups may trust it: somebody has shown to have its key, or was believed.
    pub verified: bool,
    /// The certificate. ARM tells its SHA-1 thumbprint only, and mostly gives it back whole.
    pub certificate: KnownCertificate,
    /// Its version.
    pub etag: Option<String>,
}

impl Arm {
    /// The certificates of a DPS: 25 at most.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn dps_certificates(&self, dps: &ArmId) -> Result<Vec<DpsCertificate>> {
        let path = resource_path(dps).then("/certificates");
        let wire: Vec<wire::Resource> = self.all("list the certificates of the DPS", path, API_DPS).await?;
        Ok(wire.into_iter().map(DpsCertificate::read).collect())
    }

    /// One certificate of a DPS; `None` if it has none of that name.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn dps_certificate(&self, dps: &ArmId, name: &str) -> Result<Option<DpsCertificate>> {
        let call = Call::get("read the certificate of the DPS", path(dps, name)).permission(READ);
        let found: Option<wire::Resource> = self.channel.find(self.certificate_call(call, dps)).await?;
        Ok(found.map(DpsCertificate::read))
    }

    /// Adds a certificate to a DPS, as one whose key's possession this person vouches for. One of that name that exists
    /// already is a `Conflict`, and left as it is. Sent once: after an error whose effect is unknown, read
    /// [`Self::dps_certificate`] and compare thumbprints.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn create_dps_certificate(
        &self,
        dps: &ArmId,
        name: &str,
        certificate: &CertificateDer,
    ) -> Result<DpsCertificate> {
        let call = Call::put_once(CREATE, path(dps, name))
            .permission(WRITE)
            // Only updates need `If-Match`, so without one nothing is replaced; this says the same once more.
            .header("If-None-Match", "*")
            .body(json!({ "properties": { "certificate": certificate.base64(), "isVerified": true } }));
        let call = self.certificate_call(call, dps);
        if self.dps_certificate(dps, name).await?.is_some() {
            let message = format!("there is a certificate {name} already");
            return Err(self.channel.error(&call, ErrorKind::Conflict, &message).with_hint(EXISTS));
        }
        match self.channel.json::<wire::Resource>(call).await {
            Ok(wire) => Ok(DpsCertificate::read(wire)),
            Err(error) if matches!(error.kind, ErrorKind::Precondition | ErrorKind::Conflict) => {
                Err(AzureError { kind: ErrorKind::Conflict, ..error }.with_hint(EXISTS))
            }
            // The provider's own codes are numbers; ARM's refusals of a person are names.
            Err(error) if error.status == Some(403) && error.code.as_deref().is_some_and(is_number) => {
                Err(error.with_hint(FULL))
            }
            Err(error) => Err(error),
        }
    }

    fn certificate_call(&self, call: Call, dps: &ArmId) -> Call {
        call.query("api-version", API_DPS).target(dps.as_str()).pace(Scope::Arm(self.person), 1)
    }
}

fn path(dps: &ArmId, name: &str) -> Path {
    resource_path(dps).then("/certificates").id(name)
}

/// `403001`, also spelled `IH403001`.
fn is_number(code: &str) -> bool {
    code.trim_start_matches("IH").bytes().all(|byte| byte.is_ascii_digit())
}

impl DpsCertificate {
    fn read(wire: wire::Resource) -> Self {
        let moment = |text: String| -> Option<Timestamp> { http_date(&text).or_else(|| parse_moment(&text)) };
        Self {
            verified: wire.properties["isVerified"].as_bool().unwrap_or(false),
            certificate: KnownCertificate {
                sha1: wire.text("thumbprint"),
                sha256: None,
                subject: wire.text("subject"),
                not_after: wire.text("expiry").and_then(moment),
                certificate: wire.properties["certificate"].as_str().and_then(CertificateDer::read),
            },
            name: wire.name,
            etag: wire.etag,
        }
    }
}
