//! What Entra remembers between requests: authorization codes, refresh tokens, consent, and what was revoked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::device::DeviceCode;
use super::keys::SigningKey;
use super::scope::ResourceKind;
use super::tenant::Authority;
use crate::sandbox::SandboxError;
use crate::sandbox::options::Platform;

/// Codes live ten minutes.
pub const CODE_LIFETIME: Duration = Duration::minutes(10);
/// A refresh token of a single-page application dies this long after the interactive sign-in, whatever came of it.
pub const SPA_LIFETIME: Duration = Duration::hours(24);
/// Other refresh tokens die when they have not been used for this long.
pub const IDLE_LIFETIME: Duration = Duration::days(90);

/// An interactive sign-in that waits to be redeemed. `Debug` shows no challenge or nonce.
#[derive(Clone)]
pub struct Code {
    /// Whose sign-in page it was.
    pub authority: Authority,
    /// The grant that comes of it.
    pub grant: Grant,
    /// Redirect URI of the authorize request.
    pub redirect_uri: String,
    /// PKCE challenge, if one was sent.
    pub challenge: Option<String>,
    /// Nonce to put into the ID token.
    pub nonce: Option<String>,
    /// Scopes of the authorize request.
    pub scope: String,
    /// Capabilities that the client declared with it.
    pub capabilities: Vec<String>,
    /// Whether it has been used.
    pub redeemed: bool,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("grant", &self.grant).field("redeemed", &self.redeemed).finish_non_exhaustive()
    }
}

/// What a code or a refresh token stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    /// Who signed in.
    pub oid: String,
    /// The tenant that the sign-in ended in.
    pub tid: String,
    /// The application.
    pub client_id: String,
    /// Platform of the redirect URI used.
    pub platform: Platform,
    /// When the person signed in.
    #[serde(with = "time::serde::rfc3339")]
    pub signed_in: OffsetDateTime,
    /// When this token was issued.
    #[serde(with = "time::serde::rfc3339")]
    pub issued: OffsetDateTime,
}

/// The directory's memory.
#[derive(Debug)]
pub struct Entra {
    pub(super) key: Arc<SigningKey>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) devices: HashMap<String, DeviceCode>,
    pub(super) refresh: HashMap<String, Grant>,
    pub(super) revoked: BTreeMap<String, i64>,
    pub(super) demanded: BTreeMap<String, i64>,
    pub(super) unconsented: BTreeSet<(String, ResourceKind)>,
}

impl Entra {
    /// A directory in which nobody has signed in yet.
    ///
    /// # Errors
    /// If no signing key can be made.
    pub fn new() -> Result<Self, SandboxError> {
        Ok(Self::with_key(SigningKey::of_this_process().map_err(|_| SandboxError::SigningKey)?))
    }

    fn with_key(key: Arc<SigningKey>) -> Self {
        Self {
            key,
            codes: HashMap::new(),
            devices: HashMap::new(),
            refresh: HashMap::new(),
            revoked: BTreeMap::new(),
            demanded: BTreeMap::new(),
            unconsented: BTreeSet::new(),
        }
    }

    /// Since when (Unix milliseconds) this person's tokens must come from a new sign-in.
    #[must_use]
    pub fn demanded_sign_in(&self, oid: &str) -> Option<i64> {
        self.demanded.get(oid).copied()
    }

    /// All codes and refresh tokens known.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.codes.keys().chain(self.refresh.keys()).chain(self.devices.keys()).map(String::as_str)
    }

    /// A new refresh token for this grant.
    pub(super) fn add_refresh(&mut self, grant: Grant) -> String {
        let token = format!("1.{}", secret());
        self.refresh.insert(token.clone(), grant);
        token
    }

    /// A new code.
    pub(super) fn add_code(&mut self, code: Code) -> String {
        let value = format!("0.{}", secret());
        self.codes.insert(value.clone(), code);
        value
    }

    /// A new device code.
    pub(super) fn add_device(&mut self, code: DeviceCode) -> String {
        let value = secret();
        self.devices.insert(value.clone(), code);
        value
    }

    /// What must outlive a restart. Codes do not: they live for minutes.
    pub fn to_saved(&self) -> Option<SavedEntra> {
        Some(SavedEntra {
            key: self.key.to_pkcs8().ok()?,
            refresh: self.refresh.clone(),
            revoked: self.revoked.clone(),
            demanded: self.demanded.clone(),
            unconsented: self.unconsented.clone(),
        })
    }

    /// The directory saved earlier; `None` if its key is unreadable.
    #[must_use]
    pub fn from_saved(saved: SavedEntra) -> Option<Self> {
        Some(Self {
            refresh: saved.refresh,
            revoked: saved.revoked,
            demanded: saved.demanded,
            unconsented: saved.unconsented,
            ..Self::with_key(Arc::new(SigningKey::from_pkcs8(&saved.key)?))
        })
    }
}

/// The part of [`Entra`] that is saved. `Debug` shows no keys or tokens.
#[derive(Serialize, Deserialize)]
pub struct SavedEntra {
    key: Vec<u8>,
    refresh: HashMap<String, Grant>,
    revoked: BTreeMap<String, i64>,
    demanded: BTreeMap<String, i64>,
    unconsented: BTreeSet<(String, ResourceKind)>,
}

impl std::fmt::Debug for SavedEntra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SavedEntra").field("grants", &self.refresh.len()).finish_non_exhaustive()
    }
}

fn secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}
