//! Secrets at rest: AES-256-GCM, with a label that a sealed value is bound to.
//!
//! Promises: what was sealed for one label opens under no other, so that a row copied to another person is of no use; a
//! changed byte is noticed; the key lies outside the database, and shows in no output.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::vault_file;

/// The environment variable that can hold the key: 32 bytes in base64.
pub const VAULT_KEY_VARIABLE: &str = "IOTC_MIGRATOR_VAULT_KEY";

pub(super) const KEY_LEN: usize = 32;

/// First byte of a sealed value, so that another form can follow one day.
const FORM: u8 = 1;

/// The key to secrets at rest. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    key: Arc<RandomizedNonceKey>,
}

/// What a sealed value is for. It opens only under an equal label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// The tenant, or empty.
    pub tenant: &'a str,
    /// The person's object id, or another owner.
    pub owner: &'a str,
    /// What is sealed, for example `refresh token`.
    pub purpose: &'a str,
}

impl Label<'_> {
    /// Lengths first, so that no two labels are the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.tenant, self.owner, self.purpose] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// Why there is no vault, or why it does not open a value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The variable does not hold a key.
    #[error(
        "{VAULT_KEY_VARIABLE} is not a key: it must be 32 random bytes in base64 (for example from `openssl rand -base64 32`)"
    )]
    BadVariable,
    /// The file does not hold a key.
    #[error(
        "{} is not a key file: it must hold exactly {KEY_LEN} bytes. Restore it, or remove it and have everybody sign in again",
        file.display()
    )]
    BadFile {
        /// The key file.
        file: PathBuf,
    },
    /// The file could not be read or made.
    #[error("the key file {} cannot be used: {cause}. Check who owns it and the folder", file.display())]
    File {
        /// The key file.
        file: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// A sealed value was changed, or sealed with another key or label.
    #[error("a stored secret cannot be opened: it was sealed with another key, or changed")]
    CannotOpen,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl Vault {
    /// Opens the vault with the key given, or else with the file `vault.key` in `data_dir`, which is made if there is none.
    ///
    /// # Errors
    /// The key is not one, or the file cannot be read, made or kept from other people.
    pub fn open(data_dir: &Path, env_key: Option<SecretString>) -> Result<Self, VaultError> {
        let key = match env_key {
            Some(text) => decode(&text)?,
            None => vault_file::read_or_make(&data_dir.join("vault.key"))?,
        };
        Self::with_key(&key)
    }

    fn with_key(key: &[u8]) -> Result<Self, VaultError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| VaultError::Crypto)?;
        Ok(Self { key: Arc::new(key) })
    }

    /// Seals `secret` for `label`: form, nonce, ciphertext and tag.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn seal(&self, label: Label<'_>, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut text = secret.to_vec();
        let nonce =
            self.key.seal_in_place_append_tag(Aad::from(label.bytes()), &mut text).map_err(|_| VaultError::Crypto)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len());
        sealed.push(FORM);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Opens what was sealed for `label`.
    ///
    /// # Errors
    /// [`VaultError::CannotOpen`]: it was changed, or sealed for another label or with another key.
    pub fn unseal(&self, label: Label<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (&[FORM], rest) = sealed.split_at_checked(1).ok_or(VaultError::CannotOpen)? else {
            return Err(VaultError::CannotOpen);
        };
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(VaultError::CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::CannotOpen)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(label.bytes()), &mut text)
            .map_err(|_| VaultError::CannotOpen)?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn decode(text: &SecretString) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let key = STANDARD.decode(text.expose_secret().trim()).map_err(|_| VaultError::BadVariable)?;
    let key = Zeroizing::new(key);
    if key.len() == KEY_LEN { Ok(key) } else { Err(VaultError::BadVariable) }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label<'_> = Label { tenant: "t1", owner: "ada", purpose: "refresh token" };

    fn vault(fill: u8) -> Vault {
        Vault::with_key(&[fill; KEY_LEN]).expect("a key of the right length")
    }

    #[test]
    fn what_was_sealed_opens_under_its_label_and_shows_nothing_before() {
        let sealed = vault(1).seal(LABEL, b"0.AXkA-secret").expect("sealed");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!(vault(1).unseal(LABEL, &sealed).expect("opens").as_slice(), b"0.AXkA-secret");
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let sealed = vault(1).seal(LABEL, b"secret").expect("sealed");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(vault(1).unseal(LABEL, &changed).is_err(), "byte {place}");
        }
        for length in 0..sealed.len() {
            assert!(vault(1).unseal(LABEL, &sealed[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_value_copied_to_another_person_or_purpose_does_not_open() {
        let sealed = vault(1).seal(LABEL, b"secret").expect("sealed");
        for label in [
            Label { tenant: "t2", ..LABEL },
            Label { owner: "grace", ..LABEL },
            Label { purpose: "session", ..LABEL },
            Label { tenant: "t1ada", owner: "", ..LABEL },
        ] {
            assert!(vault(1).unseal(label, &sealed).is_err(), "{label:?}");
        }
        assert!(vault(2).unseal(LABEL, &sealed).is_err(), "another key");
    }

    #[test]
    fn the_same_secret_is_never_sealed_to_the_same_bytes() {
        assert_ne!(vault(1).seal(LABEL, b"secret").expect("sealed"), vault(1).seal(LABEL, b"secret").expect("sealed"));
    }

    #[test]
    fn a_key_of_the_environment_must_be_32_bytes_in_base64() {
        let folder = tempfile::tempdir().expect("a folder");
        for bad in ["", "short", "c2hvcnQ=", "!!!!"] {
            let refused = Vault::open(folder.path(), Some(bad.into())).expect_err(bad);
            assert!(matches!(refused, VaultError::BadVariable));
            assert!(!refused.to_string().contains("c2hvcnQ="));
        }
        let good = STANDARD.encode([7; KEY_LEN]);
        let sealed = vault(7).seal(LABEL, b"secret").expect("sealed");
        let opened = Vault::open(folder.path(), Some(good.into())).expect("opens");
        assert_eq!(opened.unseal(LABEL, &sealed).expect("same key").as_slice(), b"secret");
        assert!(!folder.path().join("vault.key").exists(), "no file is made when the environment has the key");
    }
}
