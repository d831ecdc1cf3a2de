//! Certificates: of the authorities that an enrollment group trusts, and of devices themselves. They are never given back.

use serde::Deserialize;
use serde_json::json;

use crate::azure::call::{Call, Path};
use crate::azure::central::devices::device;
use crate::azure::central::enrollment::group;
use crate::azure::central::{Central, CentralEnrollmentGroup};
use crate::azure::error::{ErrorKind, Result};
use crate::azure::lenient::{code, or_default};
use crate::azure::x509::{CertificateDer, Slots};
use crate::ids::{DeviceId, EnrollmentGroupId};

const READ: &str = "Device connectivity management: read";
const MANAGE: &str = "Device connectivity management: manage";
const EXISTS: &str = "The application has an enrollment group of this id already. If it trusts the same certificate it can be \
                      used; else choose another id.";
const OCCUPIED: &str = "The group has a certificate there already. With the same thumbprint, and verified, it can be used; \
                        else choose another group.";
const TAKEN: &str = "An application takes each certificate once: another enrollment group has it. Its devices can use that \
                     group, if it is enabled and the certificate is verified there.";

/// An enrollment group to create for devices with certificates: enabled, for ordinary devices. It trusts nobody until
/// [`Central::put_group_certificate`].
#[derive(Debug, Clone)]
pub struct NewX509Group {
    /// Its id: letters, digits and hyphens.
    pub id: EnrollmentGroupId,
    /// Its name for people.
    pub display_name: String,
}

/// Which of the two certificates of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateEntry {
    /// The first one.
    Primary,
    /// The second one.
    Secondary,
}

impl CertificateEntry {
    fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

/// What an application tells of a certificate that a group trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupCertificate {
    /// Whether devices below it are let in: somebody has shown to have its key, or was believed.
    pub verified: bool,
    /// SHA-1 of the DER, hex.
    pub sha1: Option<String>,
    /// Its version.
    pub etag: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "or_default")]
    verified: bool,
    #[serde(default, deserialize_with = "or_default")]
    info: Info,
    etag: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Info {
    #[serde(deserialize_with = "code")]
    sha1_thumbprint: Option<String>,
}

impl Central {
    /// Creates an enrollment group for devices with certificates. Look for one of that id first: whether IoT Central
    /// refuses to replace it is not documented. Sent once: after an error whose effect is unknown, read
    /// [`Self::enrollment_group`].
    ///
    /// # Errors
    /// `Conflict` if the id is taken; see [`crate::azure::AzureError`] for the rest.
    pub async fn create_x509_group(&self, new: &NewX509Group) -> Result<CentralEnrollmentGroup> {
        match self.put_group(&new.id, &new.display_name, json!({ "type": "x509" })).await {
            Err(error) if matches!(error.kind, ErrorKind::Conflict) => Err(error.with_hint(EXISTS)),
            created => created,
        }
    }

    /// What the application tells of a group's certificate; `None` if there is none, or no such group.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn group_certificate(
        &self,
        id: &EnrollmentGroupId,
        entry: CertificateEntry,
    ) -> Result<Option<GroupCertificate>> {
        let call = Call::get("read the enrollment group's certificate", path(id, entry)).target(id.as_str());
        let found: Option<Wire> = self.channel.find(self.call(call, READ)).await?;
        let some = |found: &GroupCertificate| found.verified || found.sha1.is_some();
        Ok(found.map(GroupCertificate::from).filter(some))
    }

    /// Gives a group a certificate to trust, as one whose key's possession this person vouches for. A certificate that is
    /// there already is a `Conflict`, and left as it is. Sent once: after an error whose effect is unknown, read
    /// [`Self::group_certificate`] and compare thumbprints.
    ///
    /// # Errors
    /// `Conflict` also if another group has the certificate; `NotFound` if there is no such group; see
    /// [`crate::azure::AzureError`] for the rest.
    pub async fn put_group_certificate(
        &self,
        id: &EnrollmentGroupId,
        entry: CertificateEntry,
        certificate: &CertificateDer,
    ) -> Result<GroupCertificate> {
        let call = Call::put_once("give the enrollment group its certificate", path(id, entry))
            .target(id.as_str())
            .body(json!({ "verified": true, "certificate": certificate.base64_of_pem() }));
        if self.group_certificate(id, entry).await?.is_some() {
            let message = format!("the group has a {} certificate already", entry.word());
            return Err(self.channel.error(&call, ErrorKind::Conflict, &message).with_hint(OCCUPIED));
        }
        match self.channel.json::<Wire>(self.call(call, MANAGE)).await {
            Ok(wire) => Ok(wire.into()),
            Err(error) if matches!(error.kind, ErrorKind::Conflict) => Err(error.with_hint(TAKEN)),
            Err(error) => Err(error),
        }
    }

    /// Gives a device certificates of its own, in place of what its group has or any attestation that it had. There must be
    /// a primary one. Not repeated once it may have been done: after an error whose effect is unknown, read
    /// [`Self::device_attestation_with_keys`] and compare thumbprints.
    ///
    /// # Errors
    /// `NotFound` if there is no such device; see [`crate::azure::AzureError`] for the rest.
    pub async fn put_device_certificates(&self, id: &DeviceId, certificates: &Slots<CertificateDer>) -> Result<()> {
        // How a device's certificate is written is not documented: as a group's is, or else as a DPS takes it.
        match self.put_certificates(id, certificates, CertificateDer::base64_of_pem).await {
            Err(error) if matches!(error.kind, ErrorKind::Rejected) => {
                self.put_certificates(id, certificates, CertificateDer::base64).await
            }
            done => done,
        }
    }

    async fn put_certificates(
        &self,
        id: &DeviceId,
        certificates: &Slots<CertificateDer>,
        write: fn(&CertificateDer) -> String,
    ) -> Result<()> {
        let call = Call::put_once("set the device's attestation", device(id).then("/attestation"))
            .target(id.as_str())
            .body(json!({ "type": "x509", "x509": { "clientCertificates": certificates.body(write) } }));
        self.channel.done(self.call(call, MANAGE)).await
    }
}

fn path(id: &EnrollmentGroupId, entry: CertificateEntry) -> Path {
    group(id).then("/certificates").id(entry.word())
}

impl From<Wire> for GroupCertificate {
    fn from(wire: Wire) -> Self {
        Self { verified: wire.verified, sha1: wire.info.sha1_thumbprint, etag: wire.etag }
    }
}
