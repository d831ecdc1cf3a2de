//! Certificates that a person supplies, since no service gives back those that it was given: what they are, and whether
//! they will do.
//!
//! Pure: the time to judge them by is given. A private key in what was supplied is refused at once and never kept.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

use crate::clock::Timestamp;
use crate::ids::DeviceId;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// A certificate and what is written in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// SHA-1 of the DER, upper-case hex: what Azure's pages call the thumbprint.
    pub sha1: String,
    /// SHA-256 of the DER, upper-case hex: by which a hub knows devices that came through a DPS.
    pub sha256: String,
    /// Its holder's distinguished name, for example `CN=Fleet CA, O=Contoso`.
    pub subject: String,
    /// Its holder's common name; of a device the registration id.
    pub common_name: Option<String>,
    /// Begin of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// Whether it may sign others: a root, or an authority below one.
    pub is_authority: bool,
}

/// Why what was supplied will not do, in words for the person who supplied it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// There is nothing.
    #[error("There is no certificate. Choose a .pem or .cer file, or paste what is in one.")]
    Nothing,
    /// It is something else.
    #[error(
        "This is no certificate that can be read. It must be in PEM form (it begins with \"-----BEGIN CERTIFICATE-----\") \
         or in DER form (a .cer file). A .pfx, .p12 or .p7b file must be converted first."
    )]
    NotACertificate,
    /// It has a private key in it.
    #[error(
        "This contains a private key, which nobody else may ever see; it was not kept. Supply the certificate alone: the \
         part from \"-----BEGIN CERTIFICATE-----\" to \"-----END CERTIFICATE-----\"."
    )]
    PrivateKey,
    /// One of several is none.
    #[error(
        "Certificate {number} of the {all} cannot be read. Between its lines \"-----BEGIN CERTIFICATE-----\" and \"-----END CERTIFICATE-----\" there must be what is in its .pem file."
    )]
    Part {
        /// Which, counted from one.
        number: usize,
        /// Of how many.
        all: usize,
    },
    /// There are several.
    #[error("This contains {0} certificates, and which of them is meant cannot be known. Supply one alone.")]
    Several(usize),
    /// It cannot sign others.
    #[error(
        "{subject} is the certificate of a single device, not of an authority that signs devices' certificates. Supply the \
         certificate of the root or intermediate authority."
    )]
    Leaf {
        /// Whose it is.
        subject: String,
    },
    /// It is of an authority, where a device's own is needed.
    #[error("{subject} is the certificate of an authority. Supply the certificate of the device {device} itself.")]
    Authority {
        /// Whose it is.
        subject: String,
        /// Whose it should be.
        device: DeviceId,
    },
    /// It is another device's.
    #[error(
        "{subject} is not the certificate of {device}: a device registers under the common name of its certificate, and here \
         that is {found}."
    )]
    OtherDevice {
        /// Whose it is.
        subject: String,
        /// Whose it should be.
        device: DeviceId,
        /// The common name, or what to say in its place.
        found: String,
    },
    /// Its time is over.
    #[error("{subject} expired on {day}. Devices would be turned away: supply the certificate that is in use now.", day = not_after.date())]
    Expired {
        /// Whose it is.
        subject: String,
        /// Since when.
        not_after: Timestamp,
    },
    /// Its time has not come.
    #[error("{subject} is valid from {day} only. Until then devices would be turned away.", day = not_before.date())]
    NotYetValid {
        /// Whose it is.
        subject: String,
        /// From when.
        not_before: Timestamp,
    },
}

impl Certificate {
    /// Reads what holds exactly one certificate: PEM, DER, or either of them in base64.
    ///
    /// # Errors
    /// What it is instead.
    pub fn read(supplied: &[u8]) -> Result<Self, CertificateProblem> {
        let mut all = Self::read_all(supplied)?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (_, others) => Err(CertificateProblem::Several(others + 1)),
        }
    }

    /// Reads what holds certificates, a chain for example; there is at least one.
    ///
    /// # Errors
    /// What it is instead; one part that cannot be read spoils the whole.
    pub fn read_all(supplied: &[u8]) -> Result<Vec<Self>, CertificateProblem> {
        if supplied.trim_ascii().is_empty() {
            return Err(CertificateProblem::Nothing);
        }
        let text = std::str::from_utf8(supplied).map(|text| text.trim_start_matches('\u{feff}'));
        match text {
            Ok(pem) if pem.contains(BEGIN) => of_pem(pem),
            Ok(text) => match decode(text).ok_or(CertificateProblem::NotACertificate)? {
                pem if pem.starts_with(BEGIN.as_bytes()) => of_pem(&String::from_utf8_lossy(&pem)),
                der => Ok(vec![Self::of_der(&der)?]),
            },
            // No DER of a certificate is text: the length that it begins with is not.
            Err(_) => Ok(vec![Self::of_der(supplied)?]),
        }
    }

    fn of_der(bytes: &[u8]) -> Result<Self, CertificateProblem> {
        let (rest, parsed) = X509Certificate::from_der(bytes).map_err(|_| CertificateProblem::NotACertificate)?;
        let der = &bytes[..bytes.len() - rest.len()];
        // The first version knows no extension that would say so: of such, whoever signed itself is an authority.
        let is_old_root = parsed.version() == X509Version::V1 && parsed.subject() == parsed.issuer();
        let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        Ok(Self {
            der: der.to_vec(),
            sha1: thumbprint(&SHA1_FOR_LEGACY_USE_ONLY, der),
            sha256: thumbprint(&SHA256, der),
            subject: parsed.subject().to_string(),
            common_name: common_name.map(str::to_owned),
            not_before: moment(parsed.validity().not_before)?,
            not_after: moment(parsed.validity().not_after)?,
            is_authority: parsed.is_ca() || is_old_root,
        })
    }

    /// The certificate itself, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// True if this is its thumbprint, SHA-1 or SHA-256, however it is written (`AB:CD`, `ab cd`, `ABCD`).
    #[must_use]
    pub fn has_thumbprint(&self, thumbprint: &str) -> bool {
        let hex: String = thumbprint.chars().filter(char::is_ascii_hexdigit).collect();
        [&self.sha1, &self.sha256].into_iter().any(|own| own.eq_ignore_ascii_case(&hex))
    }

    /// Whether devices whose certificates it signed are let in because of it.
    ///
    /// # Errors
    /// It is a device's own, or not valid `now`.
    pub fn check_authority(&self, now: Timestamp) -> Result<(), CertificateProblem> {
        if self.is_authority {
            self.check_validity(now)
        } else {
            Err(CertificateProblem::Leaf { subject: self.called() })
        }
    }

    /// Whether this device is let in with it.
    ///
    /// # Errors
    /// It is an authority's or another device's, or not valid `now`.
    pub fn check_device(&self, device: &DeviceId, now: Timestamp) -> Result<(), CertificateProblem> {
        let own = self.common_name.as_deref();
        // Registration ids are compared without regard to case.
        if own.is_some_and(|name| device.same_as(name)) {
            return self.check_validity(now);
        }
        let (subject, device) = (self.called(), device.clone());
        if self.is_authority {
            return Err(CertificateProblem::Authority { subject, device });
        }
        let found = own.map_or_else(|| "not given".to_owned(), |name| format!("\"{name}\""));
        Err(CertificateProblem::OtherDevice { subject, device, found })
    }

    fn check_validity(&self, now: Timestamp) -> Result<(), CertificateProblem> {
        if now > self.not_after {
            return Err(CertificateProblem::Expired { subject: self.called(), not_after: self.not_after });
        }
        if now < self.not_before {
            return Err(CertificateProblem::NotYetValid { subject: self.called(), not_before: self.not_before });
        }
        Ok(())
    }

    /// What to call it.
    #[must_use]
    pub fn called(&self) -> String {
        if self.subject.is_empty() { format!("The certificate {}", self.sha1) } else { self.subject.clone() }
    }
}

/// The certificates of a PEM file. What stands between its parts is for people.
fn of_pem(pem: &str) -> Result<Vec<Certificate>, CertificateProblem> {
    if pem.contains("PRIVATE KEY-----") {
        return Err(CertificateProblem::PrivateKey);
    }
    let parts: Vec<&str> = pem.split(BEGIN).skip(1).filter(|part| is_certificate(part)).collect();
    let all = parts.len();
    let mut found = Vec::with_capacity(all);
    for (number, part) in (1..).zip(parts) {
        let problem =
            if all == 1 { CertificateProblem::NotACertificate } else { CertificateProblem::Part { number, all } };
        found.push(of_part(part).ok_or(problem)?);
    }
    if found.is_empty() { Err(CertificateProblem::NotACertificate) } else { Ok(found) }
}

/// Whether a part of a PEM file, without its first dashes, is called a certificate, or is cut off before it says.
fn is_certificate(part: &str) -> bool {
    part.split_once(DASHES).is_none_or(|(label, _)| matches!(label, "CERTIFICATE" | "X509 CERTIFICATE"))
}

fn of_part(part: &str) -> Option<Certificate> {
    let body = part.split_once(DASHES)?.1.split_once(DASHES)?.0;
    Certificate::of_der(&decode(body)?).ok()
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    STANDARD.decode(base64.split_whitespace().collect::<String>()).ok()
}

fn thumbprint(algorithm: &'static Algorithm, der: &[u8]) -> String {
    digest(algorithm, der).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02X}");
        hex
    })
}

fn moment(time: ASN1Time) -> Result<Timestamp, CertificateProblem> {
    Timestamp::from_unix_timestamp(time.timestamp()).map_err(|_| CertificateProblem::NotACertificate)
}

#[cfg(test)]
mod tests;
