//! Access tokens for one person at a time, made from the sealed refresh token.
//!
//! Promises: access tokens are in memory only; one request to Entra a person at a time; it runs to its end even if nobody
//! waits for it any more, so that a new refresh token is never lost; the newest refresh token is the one kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::aadsts::{self, Remedy};
use super::counter::{Counter, Landing, Minted, Order, Turn, landed};
use super::entra::{Ask, Entra, TokenFailure};
use super::refusal::EntraRefusal;
use super::settings::Authority;
use super::vault::{Label, Vault, VaultError};
use crate::azure::tokens::{Refusal, Resource, TokenError, TokenProvider};
use crate::clock::Clock;
use crate::ids::PersonId;
use crate::store::grants::Grant;
use crate::store::{Store, StoreError};

/// Where all tokens are handed out.
pub(super) struct Desk {
    pub entra: Entra,
    pub store: Store,
    pub vault: Vault,
    pub clock: Clock,
    counters: Mutex<HashMap<PersonId, Arc<Counter>>>,
}

/// One person's tokens, as the clients ask for them.
pub(super) struct PersonTokens {
    desk: Arc<Desk>,
    person: PersonId,
}

impl PersonTokens {
    pub fn new(desk: Arc<Desk>, person: PersonId) -> Self {
        Self { desk, person }
    }
}

impl fmt::Debug for PersonTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonTokens({})", self.person)
    }
}

#[async_trait]
impl TokenProvider for PersonTokens {
    async fn token(&self, resource: Resource, refused: Option<&Refusal>) -> Result<SecretString, TokenError> {
        let order = Order::new(resource, refused);
        let counter = self.desk.counter(&self.person);
        loop {
            match counter.turn(&order) {
                Turn::Done(outcome) => return outcome,
                Turn::Share(outcome) => return landed(outcome).await,
                // That outcome is of another order: only its end matters.
                Turn::Queue(outcome) => drop(landed(outcome).await),
                Turn::Fly(landing, outcome) => {
                    tokio::spawn(Arc::clone(&self.desk).fly(self.person.clone(), landing));
                    return landed(outcome).await;
                }
            }
        }
    }
}

/// How one request to Entra ended.
enum Answer {
    Minted(Minted),
    /// A newer sign-in replaced the grant meanwhile.
    Overtaken,
}

impl Desk {
    pub fn new(entra: Entra, store: Store, vault: Vault, clock: Clock) -> Self {
        Self { entra, store, vault, clock, counters: Mutex::default() }
    }

    pub fn counter(&self, person: &PersonId) -> Arc<Counter> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(person.clone()).or_insert_with(|| Arc::new(Counter::new(self.clock))))
    }

    pub fn seal(&self, person: &PersonId, refresh_token: &SecretString) -> Result<Vec<u8>, VaultError> {
        self.vault.seal(label(person), refresh_token.expose_secret().as_bytes())
    }

    async fn fly(self: Arc<Self>, person: PersonId, landing: Landing) {
        let minted = self.mint(&person, landing.order()).await;
        landing.land(minted);
    }

    /// Asks Entra; once more if a new sign-in came between, whose refresh token is the better one.
    async fn mint(&self, person: &PersonId, order: &Order) -> Result<Minted, TokenError> {
        for _ in 0..2 {
            if let Answer::Minted(minted) = self.mint_once(person, order).await? {
                return Ok(minted);
            }
        }
        Err(TokenError::Transient {
            message: "The sign-in changed while a token was fetched.".to_owned(),
            retry_after: None,
        })
    }

    async fn mint_once(&self, person: &PersonId, order: &Order) -> Result<Answer, TokenError> {
        let Some(grant) = self.store.lookup_grant(person).await.map_err(stored)? else {
            return Err(self.sign_in_needed(person, "nobody of that account is signed in".to_owned()).await);
        };
        if let Some(code) = grant.ended_code {
            let words = aadsts::meaning(code).map_or("The sign-in has ended.", |meaning| meaning.words);
            return Err(self.sign_in_needed(person, format!("{words} (AADSTS{code})")).await);
        }
        let Some(refresh_token) = self.open(person, &grant) else {
            return Err(self
                .sign_in_needed(person, "the stored sign-in cannot be read (another key?)".to_owned())
                .await);
        };
        let authority = Authority::of(&person.tid);
        let claims = order.claims.as_deref();
        let ask = Ask::Refresh { refresh_token: &refresh_token, resource: order.resource, claims };
        match self.entra.ask(&authority, &ask).await {
            Ok(granted) => {
                if let Some(newer) = &granted.refresh_token {
                    self.renew(person, &grant, newer).await;
                }
                Ok(Answer::Minted(Minted { token: granted.access_token, expires_at: granted.expires_at }))
            }
            Err(TokenFailure::Refused(refusal)) if self.is_overtaken(person, &grant, &refusal).await? => {
                Ok(Answer::Overtaken)
            }
            Err(failure) => Err(self.told(person, order.resource, failure).await),
        }
    }

    /// The old refresh token stays good, so that a failure to keep the new one is no reason to hold back the token.
    async fn renew(&self, person: &PersonId, grant: &Grant, newer: &SecretString) {
        let Ok(sealed) = self.seal(person, newer) else {
            tracing::error!(%person, "a refresh token could not be sealed; the older one is kept");
            return;
        };
        match self.store.renew_grant(person, grant.generation, &sealed).await {
            Ok(true) => {}
            Ok(false) => tracing::debug!(%person, "a refresh token was overtaken by a sign-in or sign-out"),
            Err(error) => {
                tracing::error!(%person, ?error, "a refresh token could not be stored; the older one is kept")
            }
        }
    }

    /// Whether the refused refresh token is no longer the newest. If it is, and the refusal is of the whole sign-in, that
    /// is noted, so that Entra is not asked again in vain.
    async fn is_overtaken(&self, person: &PersonId, grant: &Grant, refusal: &EntraRefusal) -> Result<bool, TokenError> {
        if let (Remedy::SignInAgain, Some(code)) = (refusal.remedy, refusal.code) {
            return Ok(!self.store.end_grant(person, grant.generation, code).await.map_err(stored)?);
        }
        let newest = self.store.lookup_grant(person).await.map_err(stored)?;
        Ok(newest.is_none_or(|newest| newest.generation != grant.generation))
    }

    fn open(&self, person: &PersonId, grant: &Grant) -> Option<SecretString> {
        let opened = self.vault.unseal(label(person), &grant.sealed).ok()?;
        std::str::from_utf8(&opened).ok().map(SecretString::from)
    }

    async fn told(&self, person: &PersonId, resource: Resource, failure: TokenFailure) -> TokenError {
        let refusal = match failure {
            TokenFailure::Refused(refusal) => refusal,
            TokenFailure::Unreachable { message, retry_after } => {
                return TokenError::Transient { message: format!("Entra gave no token: {message}."), retry_after };
            }
            TokenFailure::BadAnswer(message) => {
                let message = format!("Entra's answer cannot be used: {message}.");
                return TokenError::Transient { message, retry_after: None };
            }
        };
        if helped_by_sign_in(&refusal) {
            return TokenError::SignInNeeded {
                person: self.name_of(person).await,
                reason: format!("access to {}: {refusal}", name(resource)),
                consent_for: (refusal.remedy == Remedy::Consent).then_some(resource),
                claims: refusal.claims,
            };
        }
        let message = format!("No access to {} in tenant {}: {refusal}", name(resource), person.tid);
        match refusal.remedy {
            Remedy::Later => TokenError::Transient { message, retry_after: None },
            _ => TokenError::Misconfigured { message, hint: refusal.advice },
        }
    }

    async fn sign_in_needed(&self, person: &PersonId, reason: String) -> TokenError {
        TokenError::SignInNeeded { person: self.name_of(person).await, reason, claims: None, consent_for: None }
    }

    async fn name_of(&self, person: &PersonId) -> String {
        match self.store.lookup_person(person).await {
            Ok(Some(known)) if known.username.is_empty() => known.name,
            Ok(Some(known)) => format!("{} ({})", known.name, known.username),
            Ok(None) | Err(_) => person.to_string(),
        }
    }
}

/// Whether an interactive sign-in can end the refusal. Where Entra sends claims, it says so itself.
fn helped_by_sign_in(refusal: &EntraRefusal) -> bool {
    match refusal.remedy {
        Remedy::SignInAgain | Remedy::Interact | Remedy::Consent => true,
        Remedy::StartOver => refusal.error == "invalid_grant",
        Remedy::AskAdministrator => refusal.claims.is_some(),
        Remedy::ResourceUnknown | Remedy::ChangeSetting | Remedy::Later => false,
    }
}

fn label(person: &PersonId) -> Label<'_> {
    Label { tenant: person.tid.as_str(), owner: &person.oid, purpose: "refresh token" }
}

fn name(resource: Resource) -> &'static str {
    match resource {
        Resource::Arm => "Azure Resource Manager",
        Resource::Central => "IoT Central",
    }
}

fn stored(error: StoreError) -> TokenError {
    tracing::error!(?error, "a grant could not be read or written");
    TokenError::Transient {
        message: "The stored sign-in could not be read: the database failed.".to_owned(),
        retry_after: None,
    }
}
