//! A clean-up: devices that are proven at the target are removed from their source, where an IoT Central application bills
//! them until they are deleted. It ends fail back for them.
//!
//! What it is, and what becomes of each of its devices; [`judge`] says which may be removed.

pub mod judge;

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::model::{Actor, MigrationId, Pause, Retry, stored_names};
use crate::clock::Timestamp;
use crate::ids::DeviceId;

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

    /// Its length.
    #[must_use]
    pub fn length(self) -> time::Duration {
        time::Duration::hours(i64::from(self.0))
    }
}

/// What becomes of a device of a clean-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its turn has not come.
    Pending,
    /// The source was about to be asked to delete it; whether it did is not known until that is recorded.
    Started,
    /// It was removed.
    Removed,
    /// It was gone already: somebody else had removed it.
    Gone,
    /// It was not removed.
    Kept(KeepReason),
    /// It was removed, and is in the source again.
    Reappeared,
}

impl Fate {
    /// The names under which the database keeps fate and reason. Never change.
    #[must_use]
    pub fn stored(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Pending => ("pending", None),
            Self::Started => ("started", None),
            Self::Removed => ("removed", None),
            Self::Gone => ("gone", None),
            Self::Kept(reason) => ("kept", Some(reason.stored())),
            Self::Reappeared => ("reappeared", None),
        }
    }

    /// The fate of stored names.
    #[must_use]
    pub fn from_stored(state: &str, reason: Option<&str>) -> Option<Self> {
        Some(match state {
            "pending" => Self::Pending,
            "started" => Self::Started,
            "removed" => Self::Removed,
            "gone" => Self::Gone,
            "kept" => Self::Kept(KeepReason::from_stored(reason?)?),
            "reappeared" => Self::Reappeared,
            _ => return None,
        })
    }

    /// Words for a badge.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Started => "Being removed",
            Self::Removed => "Removed",
            Self::Gone => "Was gone already",
            Self::Kept(_) => "Kept",
            Self::Reappeared => "In the source again",
        }
    }

    /// It is not in its source any more, as far as known.
    #[must_use]
    pub fn is_away(self) -> bool {
        matches!(self, Self::Removed | Self::Gone)
    }
}

/// A device of a clean-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Which.
    pub device: DeviceId,
    /// What became of it.
    pub fate: Fate,
    /// When that came to be, by this program's clock.
    pub at: Option<Timestamp>,
    /// More on it, in words.
    pub detail: Option<String>,
    /// What showed it alive at the target in the moment before it was removed.
    pub evidence: Option<String>,
    /// How often Azure answered about others and not about this one.
    pub tries: u32,
}

/// Removals by fate: they add up to [`RemovalCounts::total`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemovalCounts {
    /// Not settled.
    pub open: u64,
    /// Removed.
    pub removed: u64,
    /// Gone already.
    pub gone: u64,
    /// Not removed.
    pub kept: u64,
    /// Removed, and in the source again.
    pub reappeared: u64,
}

impl RemovalCounts {
    /// Adds `number` devices of a fate.
    pub fn add(&mut self, fate: Fate, number: u64) {
        *match fate {
            Fate::Pending | Fate::Started => &mut self.open,
            Fate::Removed => &mut self.removed,
            Fate::Gone => &mut self.gone,
            Fate::Kept(_) => &mut self.kept,
            Fate::Reappeared => &mut self.reappeared,
        } += number;
    }

    /// All devices of the clean-up.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.open + self.removed + self.gone + self.kept + self.reappeared
    }

    /// What came of it so far: `3 removed, 1 kept`.
    #[must_use]
    pub fn tally(&self) -> String {
        let parts = [
            (self.removed, "removed"),
            (self.gone, "gone already"),
            (self.kept, "kept"),
            (self.reappeared, "in the source again"),
            (self.open, "to go"),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
        if said.is_empty() { "no devices".to_owned() } else { said.join(", ") }
    }
}

/// Why a device was not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeepReason {
    /// The migration does not hold it to be moved.
    NotMoved,
    /// It has not been proven at the target for long enough.
    Soaking,
    /// A migration that is at work has it.
    BeingMoved,
    /// An earlier clean-up has removed it.
    RemovedBefore,
    /// What the source has of its name is no real device.
    Simulated,
    /// The target does not have it, or would not let it in, or its registration leads elsewhere.
    NotAtTarget,
    /// The target has not heard of it in the last hour.
    Silent,
    /// The target application does not show when it last heard of it.
    NoTimes,
    /// The source has heard of it since it was proven at the target.
    SeenAtSource,
    /// It was changed in the source again and again while it was looked at.
    Changed,
    /// The source refused to delete it.
    Refused,
    /// Azure answered about others and not about this one.
    NotReadable,
    /// The clean-up was stopped while it was being removed, and whether it was cannot be read.
    Unclear,
    /// The clean-up was stopped before its turn.
    Stopped,
}
stored_names!(KeepReason {
    NotMoved = "not_moved",
    Soaking = "soaking",
    BeingMoved = "being_moved",
    RemovedBefore = "removed_before",
    Simulated = "simulated",
    NotAtTarget = "not_at_target",
    Silent = "silent",
    NoTimes = "no_times",
    SeenAtSource = "seen_at_source",
    Changed = "changed",
    Refused = "refused",
    NotReadable = "not_readable",
    Unclear = "unclear",
    Stopped = "stopped",
});

impl KeepReason {
    /// Short words for a table cell.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotMoved => "not moved",
            Self::Soaking => "proven at the target too recently",
            Self::BeingMoved => "being moved by a migration",
            Self::RemovedBefore => "removed before",
            Self::Simulated => "simulated device in the source",
            Self::NotAtTarget => "not at the target now",
            Self::Silent => "silent at the target",
            Self::NoTimes => "no times at the target",
            Self::SeenAtSource => "seen at the source since",
            Self::Changed => "changed meanwhile",
            Self::Refused => "deletion refused",
            Self::NotReadable => "could not be read",
            Self::Unclear => "not known whether it was removed",
            Self::Stopped => "clean-up stopped",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotMoved => "Only devices that this migration proved at the target are removed.",
            Self::Soaking => "Clean up again once it has been there for long enough.",
            Self::BeingMoved => "Wait for that migration to end, then clean up again.",
            Self::RemovedBefore => "Nothing to do.",
            Self::Simulated => "Delete it in IoT Central if nobody needs it.",
            Self::NotAtTarget => {
                "See that it is at the target before its way back is taken from it, then clean up again."
            }
            Self::Silent => {
                "Clean up again while it is connected: only a device that is alive at the target is removed."
            }
            Self::NoTimes => {
                "Give it a template with telemetry or reported properties there, so that its signs of life can be seen, or delete it by hand."
            }
            Self::SeenAtSource => {
                "It went back, or its firmware forgets where it went: without its entry in the source it would be lost. Update its firmware, and migrate it again."
            }
            Self::Changed => "Somebody works on it in the source. Clean up again later.",
            Self::Refused => "Look at it in the source.",
            Self::NotReadable => "Clean up again; if it stays so, report it to Azure's support.",
            Self::Unclear => "Look for it in the source.",
            Self::Stopped => "Clean up again to go on.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_is_read_back_as_it_was_written() {
        let kept = KeepReason::ALL.iter().map(|reason| Fate::Kept(*reason));
        let others = [Fate::Pending, Fate::Started, Fate::Removed, Fate::Gone, Fate::Reappeared];
        for fate in kept.chain(others) {
            let (state, reason) = fate.stored();
            assert_eq!(Fate::from_stored(state, reason), Some(fate));
        }
        assert_eq!(Fate::from_stored("kept", None), None);
    }

    #[test]
    fn a_soak_is_of_an_hour_at_least() {
        assert_eq!(Soak::of_hours(0), None);
        assert_eq!(Soak::of_hours(24), Some(Soak::DEFAULT));
        assert_eq!(Soak::of_hours(Soak::MAX + 1), None);
    }

    #[test]
    fn the_counts_add_up() {
        let mut counts = RemovalCounts::default();
        assert_eq!(counts.tally(), "no devices");
        let fates = [Fate::Removed, Fate::Kept(KeepReason::Silent), Fate::Pending, Fate::Started];
        for fate in fates {
            counts.add(fate, 2);
        }
        assert_eq!((counts.total(), counts.open), (8, 4));
        assert_eq!(counts.tally(), "2 removed, 2 kept, 4 to go");
    }
}
