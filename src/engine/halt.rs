//! What stops a migration's task: a trouble that passes, or one that somebody must end.

use std::time::Duration;

use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::tokens::TokenError;
use crate::migration::model::{Pause, PauseReason};
use crate::store::StoreError;

/// Why the engine does not go on with a migration for now.
#[derive(Debug)]
pub(super) enum Halt {
    /// Passes by itself.
    Transient {
        /// What happened.
        trouble: String,
        /// When Azure said to come back.
        after: Option<Duration>,
    },
    /// Somebody must do something.
    Pause(Pause),
    /// The program stops, or the migration was changed by somebody: look again.
    LookAgain,
    /// The database failed.
    Store(StoreError),
    /// Azure answered with this; [`Halt::judged`] says what it means for the migration.
    Azure(Box<AzureError>),
}

impl Halt {
    /// It may be the trouble of the one device that was asked about: Azure, or what is in between, failed at it. What
    /// concerns rights, sign-in, pace or the whole service is none.
    pub(super) fn may_be_of_one_device(&self) -> bool {
        let Self::Azure(error) = self else { return false };
        matches!(
            error.kind,
            ErrorKind::Unavailable { .. } | ErrorKind::NotJson | ErrorKind::Malformed | ErrorKind::Rejected
        )
    }

    /// What happened, in words for a row.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Azure(error) => error.to_string(),
            Self::Transient { trouble, .. } => trouble.clone(),
            Self::Pause(pause) => pause.detail.clone(),
            Self::LookAgain => "the program stopped".into(),
            Self::Store(error) => error.to_string(),
        }
    }

    /// The same halt, with Azure's error judged: it passes by itself, or somebody must do something.
    pub(super) fn judged(self) -> Self {
        match self {
            Self::Azure(error) => verdict(&error),
            other => other,
        }
    }

    /// A pause.
    pub(super) fn pause(reason: PauseReason, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Pause(Pause { reason, detail: detail.into(), remedy: remedy.into() })
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Halt {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}

impl From<AzureError> for Halt {
    fn from(error: AzureError) -> Self {
        Self::Azure(Box::new(error))
    }
}

fn verdict(error: &AzureError) -> Halt {
    tracing::warn!(error = %error, kind = ?error.kind, "azure stands in the way");
    let detail = error.to_string();
    let hint = error.hint.clone();
    let remedy = |otherwise: &str| match &hint {
        Some(hint) => format!("{hint} Then press Resume."),
        None => otherwise.to_owned(),
    };
    match &error.kind {
        ErrorKind::SignIn(token) => token_halt(token),
        ErrorKind::Throttled { .. } | ErrorKind::Unavailable { .. } | ErrorKind::NotJson | ErrorKind::DeviceTimeout => {
            let trouble = hint.map_or_else(|| detail.clone(), |hint| format!("{detail}. {hint}"));
            Halt::Transient { trouble, after: error.retry_after() }
        }
        ErrorKind::Forbidden | ErrorKind::Unauthorized => {
            Halt::pause(PauseReason::Rights, detail, remedy("Have the missing role assigned, then press Resume."))
        }
        ErrorKind::NotFound => Halt::pause(
            PauseReason::Changed,
            detail,
            remedy("Check that it still exists and that you can see it, then press Resume."),
        ),
        ErrorKind::Conflict
        | ErrorKind::Precondition
        | ErrorKind::Rejected
        | ErrorKind::UntrustedHost
        | ErrorKind::DeviceOffline
        | ErrorKind::Malformed
        | ErrorKind::ClockSkew { .. } => {
            Halt::pause(PauseReason::Azure, detail, remedy("Mend the cause, then press Resume."))
        }
    }
}

fn token_halt(error: &TokenError) -> Halt {
    match error {
        TokenError::SignInNeeded { person, reason, .. } => Halt::pause(
            PauseReason::SignIn,
            format!("{person} must sign in again: {reason}"),
            format!("The migration goes on by itself as soon as {person} signs in here."),
        ),
        TokenError::Transient { message, retry_after } => {
            Halt::Transient { trouble: message.clone(), after: *retry_after }
        }
        TokenError::Misconfigured { message, hint } => Halt::pause(PauseReason::Azure, message.clone(), hint.clone()),
    }
}
