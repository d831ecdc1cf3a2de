//! X.509 certificates: read as clients send them, shown as Azure shows them, and checked for who signed whom.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::wire::iso;
use super::world::Moment;

/// A certificate and what is written in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// DER, base64.
    pub der: String,
    /// Distinguished name of its holder, for example `CN=Fleet CA`.
    pub subject: String,
    /// Distinguished name of its issuer.
    pub issuer: String,
    /// SHA-1 of the DER, upper-case hex.
    pub sha1: String,
    /// SHA-256 of the DER, upper-case hex.
    pub sha256: String,
    /// Upper-case hex.
    pub serial: String,
    /// 1 to 3.
    pub version: u32,
    /// Begin of its validity.
    pub not_before: Moment,
    /// End of its validity.
    pub not_after: Moment,
    /// Common name of its holder.
    pub common_name: String,
}

impl Certificate {
    /// Reads a certificate given as base64 of DER, as PEM, or as base64 of PEM.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = if text.contains("-----BEGIN") {
            text.as_bytes().to_vec()
        } else {
            STANDARD.decode(text.replace(['\r', '\n'], "")).ok()?
        };
        let der = match std::str::from_utf8(&bytes).ok().filter(|text| text.contains("-----BEGIN")) {
            Some(pem) => {
                // A chain may follow; the first certificate is the one that is meant.
                let body = pem.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END")?.0;
                STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?
            }
            None => bytes,
        };
        Self::from_der(&der)
    }

    /// Reads DER.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let moment = |time: x509_parser::time::ASN1Time| Moment::from_unix_timestamp(time.timestamp()).ok();
        let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        Some(Self {
            der: STANDARD.encode(der),
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            sha1: hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref()),
            sha256: hex(digest(&SHA256, der).as_ref()),
            serial: hex(parsed.raw_serial()),
            version: parsed.version().0 + 1,
            not_before: moment(parsed.validity().not_before)?,
            not_after: moment(parsed.validity().not_after)?,
            common_name: common_name.unwrap_or_default().to_owned(),
        })
    }

    /// Whether `authority` issued and signed this certificate.
    #[must_use]
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        let (Ok(own), Ok(above)) = (STANDARD.decode(&self.der), STANDARD.decode(&authority.der)) else { return false };
        let (Ok((_, own)), Ok((_, above))) = (X509Certificate::from_der(&own), X509Certificate::from_der(&above))
        else {
            return false;
        };
        own.issuer().as_raw() == above.subject().as_raw() && own.verify_signature(Some(above.public_key())).is_ok()
    }

    /// Whether it is valid at this moment.
    #[must_use]
    pub fn is_valid_at(&self, now: Moment) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// As enrollments show it (`X509CertificateInfo`).
    #[must_use]
    pub fn info(&self) -> Value {
        json!({
            "subjectName": self.subject, "sha1Thumbprint": self.sha1, "sha256Thumbprint": self.sha256,
            "issuerName": self.issuer, "notBeforeUtc": iso(self.not_before), "notAfterUtc": iso(self.not_after),
            "serialNumber": self.serial, "version": self.version,
        })
    }
}

/// The certificates that a client presented in its TLS handshake, its own first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain(pub Vec<Certificate>);

impl Chain {
    /// Reads a chain; `None` if one of the certificates cannot be read.
    #[must_use]
    pub fn of_der<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        certificates.into_iter().map(Certificate::from_der).collect::<Option<_>>().map(Self)
    }

    /// The client's own certificate.
    #[must_use]
    pub fn leaf(&self) -> Option<&Certificate> {
        self.0.first()
    }

    /// Whether the chain leads from the client's certificate to `authority`, link by link.
    #[must_use]
    pub fn leads_to(&self, authority: &Certificate) -> bool {
        let mut links = self.0.iter().peekable();
        while let Some(link) = links.next() {
            if link.is_signed_by(authority) {
                return true;
            }
            match links.peek() {
                Some(above) if link.is_signed_by(above) => {}
                _ => return false,
            }
        }
        false
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    #[test]
    fn a_certificate_is_read_in_every_form_and_knows_its_issuer() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Fleet CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name.push(DnType::CommonName, "dev-01");
        let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();

        let read = Certificate::read(&authority.pem()).unwrap();
        assert_eq!(Certificate::read(&STANDARD.encode(authority.der())), Some(read.clone()));
        assert_eq!(Certificate::read(&STANDARD.encode(authority.pem())), Some(read.clone()));
        assert_eq!((read.subject.contains("Fleet CA"), read.version), (true, 3));
        let chain = Chain::of_der([leaf.der().as_ref()]).unwrap();
        assert!(chain.leads_to(&read) && !chain.leads_to(&chain.0[0]));
        assert_eq!(chain.leaf().map(|leaf| leaf.common_name.as_str()), Some("dev-01"));
        assert!(Certificate::read("bm90IGEgY2VydGlmaWNhdGU=").is_none());
    }
}
