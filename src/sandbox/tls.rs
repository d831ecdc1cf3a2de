//! The sandbox's certificate authority and the certificates that it makes for Azure's host names.
//!
//! The authority is kept in the sandbox's directory, so that a client that trusts it goes on doing so. Validity is in
//! real time: clients check certificates by the machine's clock, not by the sandbox's.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use time::Duration;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::SandboxError;
use super::client_certificates::AnyCertificate;
use super::clock::SandboxClock;
use super::hosts::DPS_GLOBAL;

/// Makes certificates. `Debug` shows the file only.
pub struct Authority {
    file: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    made: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Authority {
    /// The authority kept in `dir`, or a new one.
    ///
    /// # Errors
    /// If the directory cannot be used or the cryptographic library refuses.
    pub fn open(dir: &Path) -> Result<Self, SandboxError> {
        let (file, key_file) = (dir.join("ca.pem"), dir.join("ca.key"));
        let kept = std::fs::read_to_string(&file).ok().zip(std::fs::read_to_string(&key_file).ok());
        if let Some((pem, key)) = kept
            && let Ok(key) = KeyPair::from_pem(&key)
        {
            let issuer = Issuer::new(authority_params(&key), key);
            return Ok(Self { file, pem, issuer, made: Mutex::default() });
        }
        let key = KeyPair::generate().map_err(refused)?;
        let params = authority_params(&key);
        let pem = params.self_signed(&key).map_err(refused)?.pem();
        write_private(&key_file, key.serialize_pem().as_bytes())?;
        std::fs::write(&file, &pem).map_err(|source| SandboxError::Directory { path: file.clone(), source })?;
        Ok(Self { file, pem, issuer: Issuer::new(params, key), made: Mutex::default() })
    }

    /// The authority's certificate as a PEM file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The authority's certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// What a server needs to answer as `host` over HTTP/1.1.
    ///
    /// # Errors
    /// If the cryptographic library refuses.
    pub fn server_config(&self, host: &str) -> Result<Arc<ServerConfig>, SandboxError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(host) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.make(host)?);
        made.insert(host.to_owned(), config.clone());
        Ok(config)
    }

    fn make(&self, host: &str) -> Result<ServerConfig, SandboxError> {
        let key = KeyPair::generate().map_err(refused)?;
        let mut params = CertificateParams::new([host.to_owned()]).map_err(refused)?;
        params.distinguished_name = name(host);
        // Clients refuse leaves that are valid for more than 825 days.
        (params.not_before, params.not_after) = validity(Duration::days(30), Duration::days(700));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(SerialNumber::from_slice(uuid::Uuid::new_v4().as_bytes()));
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(refused)?;
        let builder = if host == DPS_GLOBAL {
            builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider)))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key).map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The same for the same key, so that a kept authority can be taken up again without reading its certificate.
fn authority_params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Two authorities must not share a name, or clients that trust an old one are confused.
    let thumbprint = digest::digest(&digest::SHA256, key.public_key_raw());
    let short: String = thumbprint.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = name(&format!("Simulated Azure CA {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = validity(Duration::days(365), Duration::days(3650));
    params
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn validity(back: Duration, ahead: Duration) -> (time::OffsetDateTime, time::OffsetDateTime) {
    let now = SandboxClock::real_now();
    (now - back, now + ahead)
}

fn refused(error: impl fmt::Display) -> SandboxError {
    SandboxError::Certificate(error.to_string())
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), SandboxError> {
    let failed = |source| SandboxError::Directory { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_authority_is_taken_up_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::open(dir.path()).unwrap();
        let second = Authority::open(dir.path()).unwrap();
        assert_eq!(first.pem(), second.pem());
        second.server_config("contoso.azure-devices.net").unwrap();
    }
}
