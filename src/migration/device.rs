//! One device of one migration: what is known of it, how it is known, and what became of it.

use super::evidence::{Baseline, TwinSeen};
pub use super::facts::{Fact, Facts, MADE_AHEAD, Stage};
use super::model::stored_names;
use super::reason::{FailReason, SkipReason, WaitReason};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, EnrollmentGroupId};

/// What became of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not settled yet.
    Pending,
    /// Not settled; something about the device itself must change first.
    Waiting(WaitReason),
    /// Proven at the target.
    Moved,
    /// Did not move.
    Failed(FailReason),
    /// Was not told to move.
    Skipped(SkipReason),
    /// Proven back at the source by a fail back.
    Returned,
    /// Left the target again, unasked.
    WentBack,
}

impl Outcome {
    /// The names under which the database keeps outcome and reason. Never change.
    #[must_use]
    pub fn stored(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Pending => ("pending", None),
            Self::Waiting(reason) => ("waiting", Some(reason.stored())),
            Self::Moved => ("moved", None),
            Self::Failed(reason) => ("failed", Some(reason.stored())),
            Self::Skipped(reason) => ("skipped", Some(reason.stored())),
            Self::Returned => ("returned", None),
            Self::WentBack => ("went_back", None),
        }
    }

    /// The outcome of stored names.
    #[must_use]
    pub fn from_stored(outcome: &str, reason: Option<&str>) -> Option<Self> {
        Some(match outcome {
            "pending" => Self::Pending,
            "waiting" => Self::Waiting(WaitReason::from_stored(reason?)?),
            "moved" => Self::Moved,
            "failed" => Self::Failed(FailReason::from_stored(reason?)?),
            "skipped" => Self::Skipped(SkipReason::from_stored(reason?)?),
            "returned" => Self::Returned,
            "went_back" => Self::WentBack,
            _ => return None,
        })
    }

    /// One word for the page.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Waiting(_) => "Waiting",
            Self::Moved => "Moved",
            Self::Failed(_) => "Failed",
            Self::Skipped(_) => "Skipped",
            Self::Returned => "Returned",
            Self::WentBack => "Went back",
        }
    }

    /// The reason in words, where the outcome has one.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Waiting(reason) => Some(reason.words()),
            Self::Failed(reason) => Some(reason.words()),
            Self::Skipped(reason) => Some(reason.words()),
            Self::Pending | Self::Moved | Self::Returned | Self::WentBack => None,
        }
    }

    /// What a person can do, where there is something.
    #[must_use]
    pub fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Waiting(reason) => Some(reason.remedy()),
            Self::Failed(reason) => Some(reason.remedy()),
            Self::Skipped(reason) => Some(reason.remedy()),
            Self::WentBack => {
                Some("Restarted firmware that forgets its scope returns to the old one: update it, then migrate again.")
            }
            Self::Pending | Self::Moved | Self::Returned => None,
        }
    }

    /// The device may still be told, or may still turn up.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Waiting(_))
    }
}

/// How far telling a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    /// Not told.
    None,
    /// A command was about to be sent; whether it was is not known until its answer is recorded.
    Started,
    /// The device answered 2xx.
    Answered,
    /// The device answered something else.
    Refused,
    /// The source could not connect to it.
    Unreachable,
    /// It may have been told: no answer came in time, or the answer was lost.
    Unclear,
    /// Nothing tells whether it was told: it is to be told once more.
    Again,
}
stored_names!(CommandState {
    None = "none",
    Started = "started",
    Answered = "answered",
    Refused = "refused",
    Unreachable = "unreachable",
    Unclear = "unclear",
    Again = "again",
});

/// By what a device was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// As the canary, singly.
    Canary,
    /// Singly.
    Single,
    /// By an IoT Central job.
    Job,
}
stored_names!(Via { Canary = "canary", Single = "single", Job = "job" });

/// How far carrying over the keys, or certificates, of a device is that has an attestation of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnKeys {
    /// The target does not know them yet: the device must not be told.
    Due,
    /// The target knows them.
    Done,
}
stored_names!(OwnKeys { Due = "due", Done = "done" });

/// What the history of a device's command had before a migration, so that it is not taken for an answer to us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswersBefore {
    /// How many answers.
    pub number: u32,
    /// The ids of all entries, where they have any.
    pub ids: Vec<String>,
}

impl Device {
    /// It comes from a hub: an application's subdomain is one label of a host.
    #[must_use]
    pub fn is_of_a_hub(&self) -> bool {
        self.source.contains('.')
    }

    /// Its hub, which shows it now as `seen`, had it connected after the snapshot began, and has it no more.
    #[must_use]
    pub fn has_left_since(&self, seen: &TwinSeen) -> bool {
        let was_there = self.home.as_ref().is_some_and(|home| home.connected || seen.activity > home.activity);
        was_there && !seen.connected
    }

    /// It may have been told to move, by its last command or by an earlier one that stayed without an answer.
    #[must_use]
    pub fn may_have_been_told(&self) -> bool {
        self.unclear > 0 || !matches!(self.command, CommandState::None | CommandState::Unreachable)
    }
}

/// A device of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Where it comes from: subdomain of the application, or host of the hub; in lower case.
    pub source: String,
    /// Its display name in the source.
    pub display_name: Option<String>,
    /// The organizations that it was of there.
    pub organizations: Vec<String>,
    /// What of name, organizations and properties was carried over, or could not be, in words; absent = nothing yet.
    pub carried: Option<Fact>,
    /// It had no template in the source, so it was in no group.
    pub unassigned: bool,
    /// It was not in the snapshot: a job took it along.
    pub joined_later: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// More on the outcome, from Azure or the device: a status, an error message, another migration's name.
    pub detail: Option<String>,
    /// What the target knew of it before.
    pub baseline: Baseline,
    /// What is proven.
    pub facts: Facts,
    /// How far telling it is.
    pub command: CommandState,
    /// By what it was told last.
    pub via: Option<Via>,
    /// How often it was told or tried.
    pub attempts: u32,
    /// How often it was told and no answer came.
    pub unclear: u32,
    /// What its command's history had before this migration; absent = not read.
    pub answers_before: Option<AnswersBefore>,
    /// When it is tried again.
    pub next_try_at: Option<Timestamp>,
    /// Until when it may turn up at the target.
    pub deadline: Option<Timestamp>,
    /// Its attestation was read, and can be met at the target.
    pub cleared: bool,
    /// What its hub showed of it before it was told, if it comes from one.
    pub home: Option<TwinSeen>,
    /// The source's enrollment group whose keys it has, where that is known.
    pub key_group: Option<EnrollmentGroupId>,
    /// It has keys or certificates of its own that are carried over; absent = its group's keys are.
    pub own_keys: Option<OwnKeys>,
    /// The wave by which it may be told, 0 for whoever was tried as the canary; absent = its wave has not begun, or there are
    /// none.
    pub wave: Option<u32>,
    /// When a clean-up removed it from its source, or found it gone there: it cannot fail back any more.
    pub removed_at: Option<Timestamp>,
}
