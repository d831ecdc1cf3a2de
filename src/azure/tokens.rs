//! How the clients ask for access tokens, without knowing who signs in or how.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

/// What an access token is for. One token is good for exactly one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Azure Resource Manager and Resource Graph.
    Arm,
    /// The data plane of IoT Central applications.
    Central,
}

/// Why the last token was no good, told when asking for another.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// The decoded JSON of a claims challenge, to be passed on to Entra as it is.
    pub claims: Option<String>,
}

/// Gives one person's access tokens.
#[async_trait]
pub trait TokenProvider: Send + Sync + fmt::Debug {
    /// A token for `resource`. With `refused`, a cached one is not good enough: a new one is fetched.
    ///
    /// # Errors
    /// [`TokenError`], which tells a passing trouble from one that only a person can end.
    async fn token(&self, resource: Resource, refused: Option<&Refusal>) -> Result<SecretString, TokenError>;
}

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// Only an interactive sign-in of this person helps (expired, revoked, consent or a claims challenge).
    #[error("{person} must sign in again: {reason}")]
    SignInNeeded {
        /// Display name or user name.
        person: String,
        /// In words for the page, with the AADSTS code where there is one.
        reason: String,
        /// Claims to pass on to the authorize request.
        claims: Option<String>,
        /// The resource that lacks consent, if that is the reason.
        consent_for: Option<Resource>,
    },
    /// Entra or the network is in trouble; try again.
    #[error("{message}")]
    Transient {
        /// What happened.
        message: String,
        /// When Entra said to come back.
        retry_after: Option<Duration>,
    },
    /// The registration or the tenant does not allow it; a person must change a setting.
    #[error("{message} {hint}")]
    Misconfigured {
        /// What happened.
        message: String,
        /// What to change.
        hint: String,
    },
}
