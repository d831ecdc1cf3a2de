//! Entra sign-in, tokens per resource, sessions.
//!
//! The way of a person through it: [`Identity::begin_sign_in`] makes the address of Entra's page and an [`Attempt`] that
//! the browser's [`UserSession`] remembers; [`Identity::finish_sign_in`] redeems what comes back; from then on
//! [`Identity::tokens`] gives access tokens, one resource each, from a refresh token that rests sealed in the database.
//!
//! Promises: access tokens are in memory only, refresh tokens at rest only sealed, and neither is in a log, a `Debug`
//! output or an error; an answer of Entra is believed only after every check; a person is the pair of tenant and object id.

mod aadsts;
mod counter;
mod entra;
mod error;
mod extract;
mod flow;
mod id_token;
mod keys;
mod local_path;
mod refusal;
mod session;
mod session_store;
mod settings;
mod sign_in;
mod tokens;
mod vault;
mod vault_file;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use url::Url;

pub use aadsts::{Meaning, Remedy, meaning};
pub use error::{IdTokenError, SignInError};
pub use extract::{MaybeUser, NotSignedIn, SIGN_IN_PATH, SignedInUser, sign_in_url};
pub use local_path::LocalPath;
pub use refusal::EntraRefusal;
pub use session::{SessionError, UserSession};
pub use session_store::{SESSION_LIFETIME, SealedSessions, SessionLayer, session_layer};
pub use settings::{EntraSettings, Platform, RedirectUri};
pub use sign_in::{ATTEMPT_LIFETIME, Attempt, Callback, Consent, Finished, Prompt, SignInStart, SignInWish, SignedIn};
pub use vault::{Label, VAULT_KEY_VARIABLE, Vault, VaultError};

pub use crate::store::people::Person;

use crate::azure::tokens::TokenProvider;
use crate::clock::{Clock, Timestamp};
use crate::ids::PersonId;
use crate::store::{Store, StoreError};
use entra::Entra;
use keys::KeyRing;
use tokens::{Desk, PersonTokens};

/// Who is who, and their tokens. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    settings: EntraSettings,
    clock: Clock,
    store: Store,
    keys: KeyRing,
    desk: Arc<Desk>,
    /// States of sign-ins that came back, and when: two answers to one sign-in can arrive at the same moment.
    spent: Mutex<HashMap<String, Timestamp>>,
    sign_ins: watch::Sender<u64>,
}

impl Identity {
    /// Puts it together. `http` must follow no redirects: a code or a token would follow them.
    #[must_use]
    pub fn new(settings: EntraSettings, http: reqwest::Client, clock: Clock, store: Store, vault: Vault) -> Self {
        let entra = Entra::new(settings.clone(), http.clone(), clock);
        let inner = Inner {
            keys: KeyRing::new(settings.clone(), http, clock),
            desk: Arc::new(Desk::new(entra, store.clone(), vault, clock)),
            settings,
            clock,
            store,
            spent: Mutex::default(),
            sign_ins: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The person of that id, if they ever signed in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.inner.store.lookup_person(id).await
    }

    /// That person's tokens, for as long as the sign-in lasts, and again after the next one.
    #[must_use]
    pub fn tokens(&self, person: &PersonId) -> Arc<dyn TokenProvider> {
        Arc::new(PersonTokens::new(Arc::clone(&self.inner.desk), person.clone()))
    }

    /// When Entra ends the person's sign-in for certain; `None` where use prolongs it, or where there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn signed_in_until(&self, person: &PersonId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.inner.store.lookup_grant(person).await?.and_then(|grant| grant.dies_at))
    }

    /// The claims that a resource demands of this person's next sign-in, if one does.
    #[must_use]
    pub fn wanted_claims(&self, person: &PersonId) -> Option<String> {
        self.inner.desk.counter(person).wanted_claims()
    }

    /// Counts sign-ins: `changed()` returns when somebody signs in.
    #[must_use]
    pub fn sign_ins(&self) -> watch::Receiver<u64> {
        self.inner.sign_ins.subscribe()
    }

    /// Ends this browser's session, and says where to send the browser so that Entra's session ends too; `None` if nobody
    /// was signed in.
    ///
    /// The person's access tokens go at once. The grant goes as well, unless another session of theirs is live or
    /// `keep_grant` says that a migration of theirs needs it; then [`Self::clean_up`] ends it later.
    ///
    /// # Errors
    /// The session or the database failed.
    pub async fn sign_out(&self, session: &UserSession, keep_grant: bool) -> Result<Option<Url>, SignOutError> {
        let user = session.user().await?;
        session.end().await?;
        let Some(id) = user else { return Ok(None) };
        self.inner.desk.counter(&id).signed_out();
        if !keep_grant {
            self.release(&id).await?;
        }
        let hint = self.person(&id).await?.and_then(|person| person.login_hint);
        Ok(Some(self.inner.settings.logout_url(&id.tid, hint.as_deref())))
    }

    /// Forgets the grant and the access tokens of a person who has no live session any more.
    async fn release(&self, person: &PersonId) -> Result<(), StoreError> {
        let oldest = self.inner.clock.now() - SESSION_LIFETIME;
        if self.inner.store.count_sessions_of(person, oldest).await? == 0 {
            self.inner.store.delete_grant(person).await?;
            self.inner.desk.counter(person).signed_out();
        }
        Ok(())
    }

    /// Removes sessions that have expired, and forgets the grants and access tokens of people who have neither a session
    /// nor a migration that uses their rights. For now and then; gives the number of sessions removed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn clean_up(&self) -> Result<u64, StoreError> {
        let now = self.inner.clock.now();
        let removed = self.inner.store.delete_sessions_unused_since(now - SESSION_LIFETIME).await?;
        // The session of a sign-in is written a moment after its grant.
        for person in self.inner.store.delete_unneeded_grants(now - ATTEMPT_LIFETIME).await? {
            self.inner.desk.counter(&person).signed_out();
            tracing::info!(%person, "the sign-in was forgotten: no session and no migration needs it any more");
        }
        Ok(removed)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

/// Why somebody could not be signed out.
#[derive(Debug, thiserror::Error)]
pub enum SignOutError {
    /// The session failed.
    #[error("the session could not be ended")]
    Session(#[from] SessionError),
    /// The database failed.
    #[error("the sign-in could not be forgotten")]
    Store(#[from] StoreError),
}
