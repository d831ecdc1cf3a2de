//! The keys that Entra signs id tokens with, and the issuer that it states, by discovery.
//!
//! Promises: keys come from the sign-in host and nowhere else; a key that is not known yet is looked for once more, but
//! not more often than once a minute; what was fetched is used for a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::Duration;
use url::Url;

use super::entra::TokenFailure;
use super::settings::{Authority, EntraSettings};
use super::wire::{self, Chain};
use crate::clock::{Clock, Timestamp};

/// Entra's keys change rarely, but Microsoft asks to look daily.
const LIFETIME: Duration = Duration::hours(24);
/// The least time between two searches for keys that are not there.
const SEARCH_INTERVAL: Duration = Duration::minutes(1);

/// An RSA key as published.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PublishedKey {
    pub kid: String,
    /// Modulus, base64url.
    pub n: String,
    /// Exponent, base64url.
    pub e: String,
    /// The issuer that the key is for, where Entra says: the shared address publishes keys of several.
    #[serde(default)]
    pub issuer: Option<String>,
}

/// What is known of an authority.
#[derive(Debug)]
pub(super) struct Published {
    /// The issuer; with `{tenantid}` where the authority is for any tenant.
    pub issuer: String,
    keys: Vec<PublishedKey>,
    fetched_at: Timestamp,
}

impl Published {
    pub fn key(&self, kid: &str) -> Option<&PublishedKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

#[derive(Debug, Default)]
struct Known {
    published: Option<Arc<Published>>,
    searched_at: Option<Timestamp>,
}

/// Keys by authority.
#[derive(Debug)]
pub(super) struct KeyRing {
    settings: EntraSettings,
    http: reqwest::Client,
    clock: Clock,
    known: Mutex<HashMap<Authority, Known>>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl KeyRing {
    pub fn new(settings: EntraSettings, http: reqwest::Client, clock: Clock) -> Self {
        Self { settings, http, clock, known: Mutex::default() }
    }

    /// What the authority publishes, with the key `kid` if it exists.
    pub async fn published(&self, authority: &Authority, kid: &str) -> Result<Arc<Published>, TokenFailure> {
        if let Some(published) = self.good_enough(authority, kid) {
            return Ok(published);
        }
        let published = Arc::new(self.fetch(authority).await?);
        self.lock().entry(authority.clone()).or_default().published = Some(Arc::clone(&published));
        Ok(published)
    }

    /// What is known already, unless it is old or lacks the key and may be searched again.
    fn good_enough(&self, authority: &Authority, kid: &str) -> Option<Arc<Published>> {
        let now = self.clock.now();
        let mut known = self.lock();
        let known = known.get_mut(authority)?;
        let published = Arc::clone(known.published.as_ref().filter(|known| now - known.fetched_at < LIFETIME)?);
        if published.key(kid).is_some() || known.searched_at.is_some_and(|last| now - last < SEARCH_INTERVAL) {
            return Some(published);
        }
        known.searched_at = Some(now);
        None
    }

    async fn fetch(&self, authority: &Authority) -> Result<Published, TokenFailure> {
        let fetched_at = self.clock.now();
        let Discovery { issuer, jwks_uri } = self.get(self.settings.discovery_url(authority)).await?;
        if jwks_uri.origin() != self.settings.login.origin() {
            return Err(TokenFailure::BadAnswer("its signing keys are on another host than the sign-in".to_owned()));
        }
        let set: KeySet = self.get(jwks_uri).await?;
        // Keys of other kinds, which do not parse, are of no use here.
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        Ok(Published { issuer, keys, fetched_at })
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, TokenFailure> {
        let (facts, body) = wire::get(&self.http, url).await.map_err(|error| {
            tracing::warn!(cause = %Chain(&error), "Entra's signing keys could not be read");
            TokenFailure::Unreachable { message: error.to_string(), retry_after: None }
        })?;
        match facts.status {
            200 => serde_json::from_slice(&body).map_err(|_| {
                TokenFailure::BadAnswer("its signing keys are not the JSON that Entra documents".to_owned())
            }),
            // An unknown tenant is answered with 400.
            400..500 if !facts.is_trouble() => {
                Err(TokenFailure::BadAnswer(format!("it does not know this tenant (HTTP {})", facts.status)))
            }
            _ => Err(TokenFailure::Unreachable {
                message: format!("it answered HTTP {} when asked for its signing keys", facts.status),
                retry_after: facts.retry_after,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Authority, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
