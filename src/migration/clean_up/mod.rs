//! A clean-up: devices that are proven at the target are removed from their source, where an IoT Central application bills
//! them until they are deleted. It ends fail back for them.
//!
//! What it is, and what becomes of each of its devices; [`judge`] says which may be removed.

mod fate;
pub mod judge;
mod reason;

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

pub use fate::{Fate, Removal, RemovalCounts};
pub use reason::KeepReason;

use super::model::{Actor, MigrationId, Pause, Retry};
use crate::clock::Timestamp;

/// A clean-up's id; ordered by time of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CleanUpId(Uuid);

impl CleanUpId {
    /// A new id for a clean-up asked for at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.nanosecond())))
    }
}

impl fmt::Display for CleanUpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CleanUpId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Where a clean-up stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanUpState {
    /// The engine is at work.
    Running,
    /// The engine stands still until somebody does something, or signs in.
    Paused(Pause),
    /// Every chosen device is removed, or kept for a reason.
    Completed,
    /// A person stopped it: those whose turn had not come are kept.
    Stopped,
}

impl CleanUpState {
    /// The name under which the database keeps it. Never changes.
    #[must_use]
    pub fn stored(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused(_) => "paused",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
        }
    }

    /// The engine has, or may get, something to do.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Running | Self::Paused(_))
    }

    /// The words of the pages.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Paused(_) => "Paused",
            Self::Completed => "Completed",
            Self::Stopped => "Stopped",
        }
    }
}

/// A clean-up as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanUp {
    /// Its id.
    pub id: CleanUpId,
    /// Whose devices.
    pub migration: MigrationId,
    /// Who asked for it.
    pub asked_by: Actor,
    /// Whose rights are used: of whoever asked, or resumed it last.
    pub runs_as: Actor,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Where it stands.
    pub state: CleanUpState,
    /// When the engine tries again after a passing trouble, and what that was.
    pub retry: Option<Retry>,
    /// How long a device must have been proven at the target.
    pub soak: Soak,
    /// Grows with every change: two equal revisions show the same page.
    pub revision: i64,
}

/// How long a device must have been proven at the target before it is removed from its source, in whole hours.
///
/// At least one: a device is removed only if it was alive at the target in the last hour, so a shorter soak would add nothing
/// to the proof that it came; and firmware that forgets where it went shows that at a restart only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Soak(u32);

impl Soak {
    /// The shortest.
    pub const MIN: u32 = 1;
    /// The longest: thirty days.
    pub const MAX: u32 = 720;
    /// What is proposed.
    pub const DEFAULT: Self = Self(24);

    /// So many hours, if they are allowed.
    #[must_use]
    pub fn of_hours(hours: u32) -> Option<Self> {
        (Self::MIN..=Self::MAX).contains(&hours).then_some(Self(hours))
    }

    /// Its hours.
    #[must_use]
    pub fn hours(self) -> u32 {
        self.0
    }

    /// `1 hour`, `24 hours`.
    #[must_use]
    pub fn words(self) -> String {
        if self.0 == 1 { "1 hour".to_owned() } else { format!("{} hours", self.0) }
    }

    /// Its length.
    #[must_use]
    pub fn length(self) -> time::Duration {
        time::Duration::hours(i64::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_is_of_an_hour_at_least() {
        assert_eq!(Soak::of_hours(0), None);
        assert_eq!(Soak::of_hours(24), Some(Soak::DEFAULT));
        assert_eq!(Soak::of_hours(Soak::MAX + 1), None);
    }
}
