//! Entra sign-in, tokens per resource, sessions.

mod aadsts;
mod error;
mod extract;
mod local_path;
mod refusal;
mod session;
mod session_store;
mod settings;
mod sign_in;
mod vault;
mod vault_file;

use std::sync::Arc;

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

/// Who is who, and their tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: EntraSettings,
    http: reqwest::Client,
    clock: Clock,
    store: Store,
    vault: Vault,
    sign_ins: watch::Sender<u64>,
}

impl Identity {
    /// Puts it together. `http` must follow no redirects.
    #[must_use]
    pub fn new(settings: EntraSettings, http: reqwest::Client, clock: Clock, store: Store, vault: Vault) -> Self {
        Self { inner: Arc::new(Inner { settings, http, clock, store, vault, sign_ins: watch::Sender::new(0) }) }
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn begin_sign_in(&self, wish: SignInWish) -> Result<SignInStart, SignInError> {
        let _ = wish;
        todo!()
    }

    /// Finishes a sign-in with what the session remembered ([`UserSession::take_attempt`]) and what Entra sent back.
    ///
    /// # Errors
    /// [`SignInError`], one variant a refusal.
    pub async fn finish_sign_in(&self, attempt: Option<Attempt>, callback: Callback) -> Result<Finished, SignInError> {
        let _ = (attempt, callback);
        todo!()
    }

    /// The person of that id, if they ever signed in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.inner.store.lookup_person(id).await
    }

    /// That person's tokens, for as long as the sign-in lasts.
    #[must_use]
    pub fn tokens(&self, person: &PersonId) -> Arc<dyn TokenProvider> {
        let _ = person;
        todo!()
    }

    /// When Entra ends the person's sign-in for certain; `None` where use prolongs it, or where there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn signed_in_until(&self, person: &PersonId) -> Result<Option<Timestamp>, StoreError> {
        let _ = person;
        todo!()
    }

    /// Ends this browser's session, and says where to send the browser so that Entra's session ends too.
    ///
    /// The person's grant goes as well, unless another session of theirs is live or `keep_grant` says that a migration
    /// of theirs needs it; then [`Self::release`] ends it later.
    ///
    /// # Errors
    /// The session or the database failed.
    pub async fn sign_out(&self, session: &UserSession, keep_grant: bool) -> Result<Url, SignOutError> {
        let _ = (session, keep_grant);
        todo!()
    }

    /// Forgets the grant of a person who has signed out meanwhile. For the end of a migration that kept it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn release(&self, person: &PersonId) -> Result<(), StoreError> {
        let _ = person;
        todo!()
    }

    /// Counts sign-ins: `changed()` returns when somebody signs in.
    #[must_use]
    pub fn sign_ins(&self) -> watch::Receiver<u64> {
        self.inner.sign_ins.subscribe()
    }

    /// Removes sessions that have expired. For now and then.
    ///
    /// # Errors
    /// The database failed.
    pub async fn clean_up(&self) -> Result<(), StoreError> {
        todo!()
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
