//! Azure's states in Azure's own words, for rows, events and the log.

use std::fmt;

use super::central::{AttestationKind, JobStatus};
use super::dps::RegistrationStatus;
use super::hub::{ConnectionState, Identity, Twin};

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Unknown(word) => word,
        })
    }
}

impl fmt::Display for AttestationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symmetric => "symmetric keys of its own",
            Self::X509 => "a certificate of its own",
            Self::Tpm => "a TPM",
            Self::Other(word) => word,
        })
    }
}

impl fmt::Display for RegistrationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unassigned => "unassigned",
            Self::Assigning => "assigning",
            Self::Assigned => "assigned",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
            Self::Other(word) => word,
        })
    }
}

impl Twin {
    /// The hub shows it connected. Minutes may have passed since.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connection_state == ConnectionState::Connected
    }
}

impl Identity {
    /// Nothing has ever used it: the hub shows neither a connection nor any activity.
    #[must_use]
    pub fn has_never_connected(&self) -> bool {
        self.connection_state != ConnectionState::Connected && self.last_activity.is_none()
    }
}
