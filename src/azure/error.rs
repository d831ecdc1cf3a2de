//! What goes wrong between us and Azure, in one shape for all services.
//!
//! Promises: an error says what was tried, on whom, and what Azure answered; it says whether the effect may have taken
//! place all the same; it never carries a token, key or signature.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::azure::tokens::TokenError;

/// Result of a call to Azure.
pub type Result<T> = std::result::Result<T, AzureError>;

/// The service that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Azure Resource Manager, Resource Graph included.
    Arm,
    /// An IoT Central application.
    Central,
    /// A Device Provisioning Service (service API).
    Dps,
    /// An IoT hub (service API).
    Hub,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm => "Azure Resource Manager",
            Self::Central => "IoT Central",
            Self::Dps => "the Device Provisioning Service",
            Self::Hub => "IoT Hub",
        })
    }
}

/// What is known of the effect of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKnown {
    /// Azure refused it or never got it.
    NotDone,
    /// The answer was lost or unclear: it may have been done. Read before repeating.
    Unknown,
}

/// A failed call to Azure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AzureError {
    /// Who was called.
    pub service: Service,
    /// What was tried, in words that follow "could not": "list device groups".
    pub operation: &'static str,
    /// On whom: the application, DPS, hub, device or resource.
    pub target: String,
    /// What class of trouble it is.
    pub kind: ErrorKind,
    /// HTTP status of the last answer, if there was one.
    pub status: Option<u16>,
    /// Azure's own code (`AuthorizationFailed`, `DeviceNotOnline`, `409201`).
    pub code: Option<String>,
    /// Azure's message, or ours where Azure said nothing.
    pub message: String,
    /// The id under which Azure's support finds the request.
    pub request_id: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Whether the effect may have taken place.
    pub effect: EffectKnown,
    pub(crate) cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The class of an [`AzureError`]: what a caller decides by.
#[derive(Debug, Clone)]
pub enum ErrorKind {
    /// There was no access token to call with.
    SignIn(TokenError),
    /// 401 although the credential is fresh.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404: the thing does not exist or is not visible.
    NotFound,
    /// 409.
    Conflict,
    /// 412: somebody changed it meanwhile.
    Precondition,
    /// Azure understood and refused the request (400, 415, 422 and their like).
    Rejected,
    /// 429.
    Throttled {
        /// How long Azure asked to wait.
        retry_after: Option<Duration>,
    },
    /// Azure or the network is in trouble: 5xx, 408, no connection, half an answer.
    Unavailable {
        /// How long Azure asked to wait.
        retry_after: Option<Duration>,
    },
    /// Something that is not Azure's API answered (a web page, a redirect): the application is stopped or deleted, or a
    /// proxy is in between.
    NotJson,
    /// A host that does not belong to the configured cloud; nothing was sent to it.
    UntrustedHost,
    /// The device is not connected, so the command was not delivered.
    DeviceOffline,
    /// The command may have been delivered, but no answer came, in time or because the device hung up: it may have obeyed.
    DeviceTimeout,
    /// JSON that has not the documented shape.
    Malformed,
    /// Azure refuses the signature because the clock of this machine is wrong.
    ClockSkew {
        /// By how much, rounded, positive if this machine's clock is ahead.
        minutes: i64,
    },
}

impl AzureError {
    /// An error that was found on this side, before or after the call.
    pub(crate) fn local(
        service: Service,
        operation: &'static str,
        target: impl Into<String>,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> Self {
        Self {
            service,
            operation,
            target: target.into(),
            kind,
            status: None,
            code: None,
            message: message.into(),
            request_id: None,
            hint: None,
            effect: EffectKnown::NotDone,
            cause: None,
        }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// True if the same call may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            ErrorKind::Throttled { .. } | ErrorKind::Unavailable { .. } => true,
            ErrorKind::SignIn(token) => matches!(token, TokenError::Transient { .. }),
            _ => false,
        }
    }

    /// How long the service asked to wait, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            ErrorKind::Throttled { retry_after } | ErrorKind::Unavailable { retry_after } => *retry_after,
            ErrorKind::SignIn(TokenError::Transient { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }

    /// True if the hub's tier (Basic) has not what was asked for: no right and no wait helps.
    #[must_use]
    pub fn is_beyond_tier(&self) -> bool {
        self.service == Service::Hub && self.has_code(&["OperationNotAvailableInCurrentTier", "403010"])
    }

    /// True if Azure's code is one of these; services spell the same code as a name or as a number.
    pub(crate) fn has_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.iter().any(|c| code.eq_ignore_ascii_case(c)))
    }

    /// True if only the person's sign-in ends it.
    #[must_use]
    pub fn needs_sign_in(&self) -> bool {
        matches!(&self.kind, ErrorKind::SignIn(TokenError::SignInNeeded { .. }))
    }
}

impl fmt::Display for AzureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Could not {} ({}): {}", self.operation, self.target, self.message)?;
        match (&self.code, self.status) {
            (Some(code), Some(status)) => write!(f, " [{status} {code}]"),
            (Some(code), None) => write!(f, " [{code}]"),
            (None, Some(status)) => write!(f, " [{status}]"),
            (None, None) => Ok(()),
        }
    }
}

impl Error for AzureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
