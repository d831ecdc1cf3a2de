//! Certificates as the services take and tell them. DPS and IoT Central mostly keep them to themselves and tell
//! thumbprints: SHA-1 everywhere, SHA-256 at a DPS and, for devices that came through one, at a hub.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::azure::lenient::{code, moment, or_default};
use crate::clock::Timestamp;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const LINE: usize = 64;

/// A certificate, DER. What is in it is not looked at here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateDer(Vec<u8>);

impl CertificateDer {
    /// Takes a certificate that is known to be one.
    pub fn new(der: impl Into<Vec<u8>>) -> Self {
        Self(der.into())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As DPS and ARM take it: what a .cer file has, in base64.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// As IoT Central takes it: a PEM file, in base64 once more.
    pub(crate) fn base64_of_pem(&self) -> String {
        let body = self.base64();
        let mut pem = format!("{BEGIN}\n");
        for start in (0..body.len()).step_by(LINE) {
            pem.push_str(&body[start..body.len().min(start + LINE)]);
            pem.push('\n');
        }
        pem.push_str(END);
        pem.push('\n');
        STANDARD.encode(pem)
    }

    /// From base64 of DER, PEM, or base64 of PEM; a service may give any of them back.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let decode = |text: &str| STANDARD.decode(text.split_whitespace().collect::<String>()).ok();
        let of_pem = |pem: &str| decode(pem.split_once(BEGIN)?.1.split_once(END)?.0);
        let der = of_pem(text).or_else(|| {
            let bytes = decode(text)?;
            std::str::from_utf8(&bytes).ok().and_then(of_pem).or(Some(bytes))
        });
        // Every certificate is a DER sequence; services also show placeholders there.
        der.filter(|der| der.first() == Some(&0x30)).map(Self)
    }
}

/// The primary and the secondary of something; either may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Slots<T> {
    /// The primary one.
    pub primary: Option<T>,
    /// The secondary one.
    pub secondary: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { primary: None, secondary: None }
    }
}

impl<T> Slots<T> {
    /// Only a primary one.
    pub fn one(primary: T) -> Self {
        Self { primary: Some(primary), secondary: None }
    }

    /// Those that there are, the primary one first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.primary.iter().chain(&self.secondary)
    }

    /// The same of something made from each.
    pub fn map<U>(self, make: impl Fn(T) -> U) -> Slots<U> {
        Slots { primary: self.primary.map(&make), secondary: self.secondary.map(&make) }
    }
}

impl Slots<CertificateDer> {
    /// As enrollments and attestations take certificates, each written as `write` does.
    pub(crate) fn body(&self, write: impl Fn(&CertificateDer) -> String) -> Value {
        let mut body = json!({});
        for (name, slot) in [("primary", &self.primary), ("secondary", &self.secondary)] {
            if let Some(certificate) = slot {
                body[name] = json!({ "certificate": write(certificate) });
            }
        }
        body
    }
}

/// What a service tells of a certificate that it knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownCertificate {
    /// SHA-1 of the DER, hex.
    pub sha1: Option<String>,
    /// SHA-256 of the DER, hex; IoT Central does not tell it.
    pub sha256: Option<String>,
    /// Its holder's distinguished name; IoT Central does not tell it.
    pub subject: Option<String>,
    /// When its validity ends; IoT Central does not tell it.
    pub not_after: Option<Timestamp>,
    /// The certificate itself, where a service gives it back.
    pub certificate: Option<CertificateDer>,
}

impl KnownCertificate {
    /// True if this is one of its thumbprints, in whatever case and whichever digest.
    #[must_use]
    pub fn has_thumbprint(&self, thumbprint: &str) -> bool {
        [&self.sha1, &self.sha256].into_iter().flatten().any(|own| own.eq_ignore_ascii_case(thumbprint))
    }

    /// Nothing at all is told: services show an empty place like that.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "or_default")]
    info: WireInfo,
    #[serde(deserialize_with = "certificate")]
    certificate: Option<CertificateDer>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireInfo {
    #[serde(deserialize_with = "code")]
    sha1_thumbprint: Option<String>,
    #[serde(deserialize_with = "code")]
    sha256_thumbprint: Option<String>,
    #[serde(deserialize_with = "code")]
    subject_name: Option<String>,
    #[serde(deserialize_with = "moment")]
    not_after_utc: Option<Timestamp>,
}

/// A certificate in any spelling; absent, null and unreadable are `None`.
pub(crate) fn certificate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CertificateDer>, D::Error> {
    let text = Option::<Value>::deserialize(deserializer)?;
    Ok(text.as_ref().and_then(Value::as_str).and_then(CertificateDer::read))
}

/// Two places of certificates, of which an empty one is none.
pub(crate) fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Slots<KnownCertificate>, D::Error> {
    let slots = Option::<Slots<KnownCertificate>>::deserialize(deserializer)?.unwrap_or_default();
    let some = |slot: Option<KnownCertificate>| slot.filter(|known| !known.is_empty());
    Ok(Slots { primary: some(slots.primary), secondary: some(slots.secondary) })
}

impl<'de> Deserialize<'de> for KnownCertificate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { info, certificate } = Wire::deserialize(deserializer)?;
        Ok(Self {
            sha1: info.sha1_thumbprint,
            sha256: info.sha256_thumbprint,
            subject: info.subject_name,
            not_after: info.not_after_utc,
            certificate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_written_as_each_service_takes_it_and_read_in_every_spelling() {
        let certificate = CertificateDer::new([&[0x30][..], &[7; 99]].concat());
        let pem = String::from_utf8(STANDARD.decode(certificate.base64_of_pem()).unwrap()).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\nMAcH") && pem.ends_with("\n-----END CERTIFICATE-----\n"));
        assert!(pem.lines().all(|line| line.len() <= 64));
        let windows = pem.replace('\n', "\r\n");
        for text in [certificate.base64(), pem, windows.clone(), STANDARD.encode(&windows)] {
            assert_eq!(CertificateDer::read(&text), Some(certificate.clone()));
        }
        for text in ["", "####", "[valid certificate]", "bm8=", "-----BEGIN CERTIFICATE-----"] {
            assert_eq!(CertificateDer::read(text), None);
        }
    }

    #[test]
    fn an_empty_place_is_no_certificate() {
        let read = |value: Value| known(value).unwrap();
        for none in [json!(null), json!({}), json!({ "primary": null, "secondary": {} })] {
            assert_eq!(read(none), Slots::default());
        }
        let null = json!({ "sha1Thumbprint": null, "sha256Thumbprint": "" });
        for info in [json!(null), json!({}), null] {
            assert_eq!(read(json!({ "primary": { "certificate": null, "info": info } })), Slots::default());
        }
        let thumbprint = json!({ "primary": { "info": { "sha1Thumbprint": "AB", "notAfterUtc": "soon" } } });
        assert_eq!(read(thumbprint).primary.unwrap().sha1.as_deref(), Some("AB"));
    }

    #[test]
    fn either_thumbprint_names_a_certificate() {
        let known = KnownCertificate { sha1: Some("AB".into()), sha256: Some("CDEF".into()), ..Default::default() };
        assert!(known.has_thumbprint("ab") && known.has_thumbprint("CDEF") && !known.has_thumbprint(""));
    }
}
