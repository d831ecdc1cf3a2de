//! One sign-in, from the wish to the person: what is asked of Entra, what the browser's session remembers meanwhile, and
//! what comes back.
//!
//! Promises: nothing that is secret shows in a `Debug` output.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::Duration;
use url::Url;

use super::local_path::LocalPath;
use super::settings::Authority;
use crate::clock::Timestamp;
use crate::ids::TenantId;
use crate::store::people::Person;

/// How long a sign-in may take from the link to the return. Entra's codes live about as long (RFC 6749 § 4.1.2).
pub const ATTEMPT_LIFETIME: Duration = Duration::minutes(10);

/// How somebody wants to sign in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SignInWish {
    /// Where to go on afterwards.
    pub return_to: LocalPath,
    /// The tenant to act in; without it the configured one.
    pub tenant: Option<TenantId>,
    /// What Entra shall ask, if anything.
    pub prompt: Option<Prompt>,
    /// The user name to offer. Not sent together with [`Prompt::SelectAccount`], which Entra refuses.
    pub login_hint: Option<String>,
    /// The decoded JSON of a claims challenge.
    pub claims: Option<String>,
    /// What to ask consent for.
    pub consent: Consent,
}

/// For which resources a sign-in asks consent. Tokens are asked for one by one later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consent {
    /// Azure Resource Manager and IoT Central, at once.
    #[default]
    Everything,
    /// Azure Resource Manager only: for tenants that do not know IoT Central, where the other would fail as a whole.
    ArmOnly,
}

/// What Entra asks of a person although it may know them already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Which account.
    SelectAccount,
    /// Consent, again.
    Consent,
    /// The password, again.
    Login,
}

impl Prompt {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
            Self::Login => "login",
        }
    }
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct SignInStart {
    /// Where to send the browser.
    pub authorize_url: Url,
    /// What the session must remember until the browser is back: [`super::UserSession::remember`].
    pub attempt: Attempt,
}

/// A sign-in under way. Belongs into the session of the browser that began it; good for one return only.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) authority: Authority,
    pub(super) wish: SignInWish,
    #[serde(with = "time::serde::timestamp")]
    pub(super) begun_at: Timestamp,
    /// Why IoT Central was left out, in words, if it was.
    pub(super) central_left_out: Option<String>,
}

impl Attempt {
    /// Where the person wanted to go on, also when the sign-in fails.
    #[must_use]
    pub fn return_to(&self) -> &LocalPath {
        &self.wish.return_to
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("authority", &self.authority)
            .field("begun_at", &self.begun_at)
            .finish_non_exhaustive()
    }
}

/// The query that Entra's redirect brings back.
#[derive(Default, Deserialize)]
pub struct Callback {
    /// The authorization code.
    pub code: Option<SecretString>,
    /// The state of the attempt.
    pub state: Option<String>,
    /// OAuth's error, for example `access_denied`.
    pub error: Option<String>,
    /// Begins with the AADSTS code.
    pub error_description: Option<String>,
    /// Names the code too: `…/error?code=65004`.
    pub error_uri: Option<String>,
}

impl Callback {
    /// Whether the query is a return from Entra at all.
    #[must_use]
    pub fn is_return(&self) -> bool {
        self.state.is_some() && (self.code.is_some() || self.error.is_some())
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("error", &self.error).finish_non_exhaustive()
    }
}

/// How a sign-in went on.
#[derive(Debug)]
pub enum Finished {
    /// Somebody is signed in.
    SignedIn(SignedIn),
    /// The tenant does not know IoT Central and refused the request as a whole: remember this attempt and send the
    /// browser there, it asks without IoT Central. Happens at most once in a sign-in.
    Again(SignInStart),
}

/// A sign-in that worked.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub person: Person,
    /// Where to go on.
    pub return_to: LocalPath,
    /// What the person should know, in words: a wrong clock, IoT Central left out.
    pub notices: Vec<String>,
}
