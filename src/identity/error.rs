//! Why a sign-in failed: one variant a refusal, each with what to do.

use std::time::Duration;

use super::aadsts::Remedy;
use super::refusal::EntraRefusal;
use super::vault::VaultError;
use crate::store::StoreError;

/// Why somebody is not signed in. `Display` says what happened; [`SignInError::advice`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// This browser's session knows of no such sign-in.
    #[error("This sign-in was not started in this browser, or is over already.")]
    NotStartedHere,
    /// The state that came back is not the one that was sent.
    #[error("The answer does not belong to the sign-in that was started here.")]
    StateMismatch,
    /// The sign-in took longer than [`super::ATTEMPT_LIFETIME`].
    #[error("The sign-in took longer than 10 minutes.")]
    Expired,
    /// The same answer came a second time.
    #[error("This answer from Entra was used already.")]
    AlreadyUsed,
    /// Entra refused.
    #[error("{0}")]
    Refused(Box<EntraRefusal>),
    /// The answer carries neither a code nor an error.
    #[error("Entra's answer carries no authorization code.")]
    NoCode,
    /// Entra could not be reached or is in trouble.
    #[error("Entra is not available: {message}.")]
    Unreachable {
        /// What happened.
        message: String,
        /// When Entra said to come back.
        retry_after: Option<Duration>,
    },
    /// Entra's answer is not of the documented shape.
    #[error("Entra's answer cannot be used: {0}.")]
    BadAnswer(String),
    /// Entra granted no refresh token.
    #[error("Entra granted no lasting access, so that a migration could not go on by itself.")]
    NoRefreshToken,
    /// The id token did not pass.
    #[error("Entra's statement of who signed in was not accepted: {0}.")]
    IdToken(#[from] IdTokenError),
    /// There are no random numbers.
    #[error("The system gives no random numbers.")]
    Random,
    /// The database failed.
    #[error("The sign-in could not be recorded.")]
    Store(#[from] StoreError),
    /// The vault failed.
    #[error("The sign-in could not be sealed.")]
    Vault(#[from] VaultError),
}

/// Why an id token did not pass, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is no signed JSON web token of the expected shape.
    #[error("it is not of the documented shape")]
    Malformed,
    /// It is not signed with RS256.
    #[error("it is not signed with RS256")]
    Algorithm,
    /// Its key is not among those that Entra publishes.
    #[error("its signing key is not among those that Entra publishes")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// It is for another application.
    #[error("it is for another application")]
    Audience,
    /// It comes from another tenant or service.
    #[error("it comes from another tenant or service")]
    Issuer,
    /// It has expired.
    #[error("it has expired {minutes} minutes ago")]
    Expired {
        /// By how much.
        minutes: i64,
    },
    /// It is not valid yet.
    #[error("it is not valid before {minutes} minutes from now")]
    NotYetValid {
        /// By how much.
        minutes: i64,
    },
    /// It belongs to another sign-in.
    #[error("it belongs to another sign-in")]
    Nonce,
}

impl SignInError {
    /// What the person can do about it, as a sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.advice.clone(),
            Self::NotStartedHere | Self::AlreadyUsed => {
                "If you are not signed in now, start again with Sign in, and keep to one browser.".to_owned()
            }
            Self::StateMismatch | Self::Expired | Self::NoCode | Self::BadAnswer(_) => {
                "Start again with Sign in.".to_owned()
            }
            Self::Unreachable { .. } => {
                "Check the network and the proxy (HTTPS_PROXY), then start again with Sign in.".to_owned()
            }
            Self::NoRefreshToken => {
                "Start again and accept \"Maintain access to data you have given it access to\".".to_owned()
            }
            Self::IdToken(IdTokenError::Expired { .. } | IdTokenError::NotYetValid { .. }) => {
                "Check the clock, date and time zone of this workstation, then start again with Sign in.".to_owned()
            }
            Self::IdToken(_) => {
                "Check client id and tenant in the settings, and that nothing between here and Entra changes traffic; \
                 then start again with Sign in."
                    .to_owned()
            }
            Self::Random => "Start again with Sign in; if it stays, restart the machine.".to_owned(),
            Self::Store(_) | Self::Vault(_) => {
                "Check the disk and the data folder (the log names the cause), then start again with Sign in."
                    .to_owned()
            }
        }
    }

    /// Whether a setting of the registration or of this program has to change: show the set-up page.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.remedy, Remedy::ChangeSetting | Remedy::ResourceUnknown),
            Self::IdToken(error) => matches!(error, IdTokenError::Audience | IdTokenError::Issuer),
            _ => false,
        }
    }
}
