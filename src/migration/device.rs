//! One device of one migration: what is known of it, how it is known, and what became of it.

use super::evidence::{Baseline, TwinSeen};
use super::model::stored_names;
use super::reason::{FailReason, SkipReason, WaitReason};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, EnrollmentGroupId};

/// Something proven of a device: when, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// When it happened, by Azure's clock where Azure gave a time, else when we learnt it.
    pub at: Timestamp,
    /// What proves it, in words.
    pub evidence: String,
}

/// The facts of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its hub identity was made ahead, or was there with its keys; see [`Facts::made_ahead`].
    pub registered: Option<Fact>,
    /// It was told to move.
    pub commanded: Option<Fact>,
    /// It answered that it would.
    pub acknowledged: Option<Fact>,
    /// Its hub shows it gone. Whether a device left an IoT Central application is not observable.
    pub left: Option<Fact>,
    /// The target's DPS assigned it to the chosen hub, or the target application took it in, after the baseline.
    pub provisioned: Option<Fact>,
    /// The target saw it, after the baseline.
    pub connected: Option<Fact>,
    /// The target saw newer activity after it had connected.
    pub sending: Option<Fact>,
}

/// Evidence of an identity that this migration made: only such a one may be removed by it.
pub const MADE_AHEAD: &str = "identity made in the hub";

/// The kinds of facts, in the order of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// See [`Facts::registered`].
    Registered,
    /// See [`Facts::commanded`].
    Commanded,
    /// See [`Facts::acknowledged`].
    Acknowledged,
    /// See [`Facts::left`].
    Left,
    /// See [`Facts::provisioned`].
    Provisioned,
    /// See [`Facts::connected`].
    Connected,
    /// See [`Facts::sending`].
    Sending,
}
stored_names!(Stage {
    Registered = "registered",
    Commanded = "commanded",
    Acknowledged = "acknowledged",
    Left = "left",
    Provisioned = "provisioned",
    Connected = "connected",
    Sending = "sending",
});

impl Facts {
    /// The fact of a kind.
    #[must_use]
    pub fn get(&self, stage: Stage) -> Option<&Fact> {
        match stage {
            Stage::Registered => self.registered.as_ref(),
            Stage::Commanded => self.commanded.as_ref(),
            Stage::Acknowledged => self.acknowledged.as_ref(),
            Stage::Left => self.left.as_ref(),
            Stage::Provisioned => self.provisioned.as_ref(),
            Stage::Connected => self.connected.as_ref(),
            Stage::Sending => self.sending.as_ref(),
        }
    }

    /// The place of a fact of a kind.
    pub fn slot(&mut self, stage: Stage) -> &mut Option<Fact> {
        match stage {
            Stage::Registered => &mut self.registered,
            Stage::Commanded => &mut self.commanded,
            Stage::Acknowledged => &mut self.acknowledged,
            Stage::Left => &mut self.left,
            Stage::Provisioned => &mut self.provisioned,
            Stage::Connected => &mut self.connected,
            Stage::Sending => &mut self.sending,
        }
    }

    /// This migration made the hub identity; it did not find it there.
    #[must_use]
    pub fn made_ahead(&self) -> bool {
        self.registered.as_ref().is_some_and(|fact| fact.evidence == MADE_AHEAD)
    }

    /// The furthest fact proven.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        Stage::ALL.iter().rev().copied().find(|stage| self.get(*stage).is_some())
    }
}

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
