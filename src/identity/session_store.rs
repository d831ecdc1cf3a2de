//! Sessions in the database, sealed, and the cookie that names them.
//!
//! Promises: the database holds no session id and nothing readable of a session; a session unused for
//! [`SESSION_LIFETIME`] is gone; one that was ended never comes back, even if a slow request of it still saves.
//!
//! The cookie has no lifetime of its own: it goes with the browser, which on a shared workstation is what people expect.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use time::Duration;
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};

use super::session::USER;
use super::vault::{Label, Vault};
use crate::clock::Clock;
use crate::ids::PersonId;
use crate::store::Store;
use crate::store::sessions::SessionHash;

/// How long a session lives without being used.
pub const SESSION_LIFETIME: Duration = Duration::hours(24);

/// Uses are noted this coarsely, so that a page that polls does not write all the time.
const USE_GRAIN: Duration = Duration::minutes(5);

/// The layer that gives requests their session.
pub type SessionLayer = SessionManagerLayer<SealedSessions>;

/// Makes the layer for a server on `port`: its number is in the cookie's name, because cookies of `localhost` are shared
/// by all ports. Not `Secure`, since `http://localhost` is where the registration sends people back to.
#[must_use]
pub fn session_layer(store: Store, vault: Vault, clock: Clock, port: u16) -> SessionLayer {
    SessionManagerLayer::new(SealedSessions { store, vault, clock })
        .with_name(format!("iotc_migrator_{port}"))
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_path("/")
        .with_secure(false)
        .with_expiry(Expiry::OnSessionEnd)
}

/// The session store over our database.
#[derive(Debug, Clone)]
pub struct SealedSessions {
    store: Store,
    vault: Vault,
    clock: Clock,
}

impl SealedSessions {
    fn seal(&self, id: &Id, data: &HashMap<String, Value>) -> Result<Vec<u8>> {
        let text = zeroize::Zeroizing::new(serde_json::to_vec(data).map_err(|error| Error::Encode(error.to_string()))?);
        self.vault.seal(label(&id.to_string()), &text).map_err(|error| Error::Encode(error.to_string()))
    }

    /// A record that does not open (another key, a damaged file) is as good as none: the browser gets a new session.
    fn unseal(&self, id: &Id, sealed: &[u8]) -> Option<HashMap<String, Value>> {
        let text = self.vault.unseal(label(&id.to_string()), sealed).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

#[async_trait]
impl SessionStore for SealedSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let sealed = self.seal(&record.id, &record.data)?;
            let person = person_of(record);
            let added = self.store.add_session(&hash(&record.id), &sealed, person.as_ref(), self.clock.now()).await;
            if added.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let sealed = self.seal(&record.id, &record.data)?;
        let person = person_of(record);
        let saved = self.store.save_session(&hash(&record.id), &sealed, person.as_ref(), self.clock.now()).await;
        if !saved.map_err(backend)? {
            tracing::debug!("a session that has ended meanwhile was not saved");
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let (hash, now) = (hash(id), self.clock.now());
        let found = self.store.lookup_session(&hash, now - SESSION_LIFETIME).await.map_err(backend)?;
        let Some((sealed, last_used)) = found else { return Ok(None) };
        let Some(data) = self.unseal(id, &sealed) else { return Ok(None) };
        if now - last_used >= USE_GRAIN {
            self.store.touch_session(&hash, now).await.map_err(backend)?;
        }
        Ok(Some(Record { id: *id, data, expiry_date: now + SESSION_LIFETIME }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.store.delete_session(&hash(id)).await.map_err(backend)
    }
}

fn label(id: &str) -> Label<'_> {
    Label { tenant: "", owner: id, purpose: "session" }
}

fn hash(id: &Id) -> SessionHash {
    let mut hash = SessionHash::default();
    hash.copy_from_slice(digest(&SHA256, &id.0.to_le_bytes()).as_ref());
    hash
}

fn person_of(record: &Record) -> Option<PersonId> {
    record.data.get(USER).and_then(|value| serde_json::from_value(value.clone()).ok())
}

fn backend(error: crate::store::StoreError) -> Error {
    tracing::error!(error = ?error, "the session store failed");
    Error::Backend(error.to_string())
}
