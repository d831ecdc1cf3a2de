//! A migration: one run of the wizard, with what the person reviewed and where it stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::follow_up::{Parent, Relation};
pub use super::plan::{
    AppTarget, AssignedTemplate, Carry, CentralSource, HubSource, HubTarget, Plan, Source, SourceDps, SourceHub, Target,
};
pub use super::step::{Step, StepRecord, StepState};
use crate::clock::Timestamp;
use crate::ids::{IdScope, PersonId};

/// A migration's id; ordered by time of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MigrationId(Uuid);

impl MigrationId {
    /// A new id for a migration created at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.nanosecond())))
    }
}

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for MigrationId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Gives an enum the name under which the database keeps it, and the way back.
macro_rules! stored_names {
    ($type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name under which the database keeps it. Never changes.
            #[must_use]
            pub fn stored(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The value of a stored name.
            #[must_use]
            pub fn from_stored(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use stored_names;

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// IoT Central → IoT Hub, through a DPS.
    CentralToHub,
    /// IoT Central → IoT Central.
    CentralToCentral,
    /// IoT Hub → IoT Central.
    HubToCentral,
}
stored_names!(Mode {
    CentralToHub = "central_to_hub",
    CentralToCentral = "central_to_central",
    HubToCentral = "hub_to_central",
});

impl Mode {
    /// The label of the original tool.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::CentralToHub => "IoT Central → IoT Hub",
            Self::CentralToCentral => "IoT Central → IoT Central",
            Self::HubToCentral => "IoT Hub → IoT Central",
        }
    }
}

/// Who adds the source's keys to the target DPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHandling {
    /// The program creates the enrollment groups that are missing.
    Program,
    /// The person does it in the portal; the program writes nothing to the DPS.
    ByHand,
}
stored_names!(KeyHandling { Program = "program", ByHand = "by_hand" });

/// Where a migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MigrationState {
    /// Reviewed, not started.
    Draft,
    /// The engine is at work.
    Running,
    /// The engine stands still until somebody does something, or signs in.
    Paused(Pause),
    /// All else is settled; some devices have not been reachable yet.
    Waiting,
    /// Every device that was to move is proven at the target.
    Completed,
    /// Ended, and not every device moved.
    CompletedWithFailures,
    /// A person stopped it.
    Stopped,
}

impl MigrationState {
    /// The name under which the database keeps it. Never changes.
    #[must_use]
    pub fn stored(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused(_) => "paused",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::Stopped => "stopped",
        }
    }

    /// The engine has, or may get, something to do.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Running | Self::Paused(_) | Self::Waiting)
    }

    /// Nothing more will happen by itself.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self, Self::Completed | Self::CompletedWithFailures | Self::Stopped)
    }

    /// The words of the status page.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Running => "Running",
            Self::Paused(_) => "Paused",
            Self::Waiting => "Waiting for devices",
            Self::Completed => "Completed",
            Self::CompletedWithFailures => "Completed with failures",
            Self::Stopped => "Stopped",
        }
    }
}

/// Why a migration stands still, and what ends that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The kind.
    pub reason: PauseReason,
    /// What happened, to whom.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

/// The kinds of pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseReason {
    /// The person whose rights are used must sign in; ends by itself when they do.
    SignIn,
    /// A right is missing.
    Rights,
    /// The source's keys are not, or no longer, available at the target.
    Keys,
    /// Source or target is no longer what was reviewed.
    Changed,
    /// No canary answered.
    NoCanary,
    /// The canary answered and did not arrive.
    CanaryLost,
    /// The canary waits for approval in the target application.
    Approval,
    /// Too many devices of a wave failed.
    Wave,
    /// Azure refused something that no repetition mends.
    Azure,
}
stored_names!(PauseReason {
    SignIn = "sign_in",
    Rights = "rights",
    Keys = "keys",
    Changed = "changed",
    NoCanary = "no_canary",
    CanaryLost = "canary_lost",
    Approval = "approval",
    Wave = "wave",
    Azure = "azure",
});

/// Somebody, with the name to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub id: PersonId,
    /// Display name at that time.
    pub name: String,
}

/// A migration as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its id.
    pub id: MigrationId,
    /// The name that the person gave.
    pub name: String,
    /// From where to where.
    pub mode: Mode,
    /// What was reviewed.
    pub plan: Plan,
    /// Who adds the keys to the DPS.
    pub keys: KeyHandling,
    /// Who made it; its tenant says who may see it.
    pub created_by: Actor,
    /// When.
    pub created_at: Timestamp,
    /// Whose rights are used, once started: of whoever started it, or took it over.
    pub runs_as: Option<Actor>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When those rights were put in the place of somebody else's, if they were.
    pub taken_over_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Where it stands.
    pub state: MigrationState,
    /// When the engine tries again after a passing trouble, and what that was.
    pub retry: Option<Retry>,
    /// Who asked that unused hub identities be removed, while that is under way.
    pub removal: Option<Actor>,
    /// The ID scope of the target application, once it was read; a hub's is part of the plan.
    pub app_scope: Option<IdScope>,
    /// Who asked that devices be approved in the target application as they arrive.
    pub approved_by: Option<String>,
    /// The migration whose devices it takes up, if it follows one up: it takes those that were chosen, and no others.
    pub parent: Option<Parent>,
    /// Source groups of which the person stated that no selected device uses them.
    pub stated_unused: Vec<String>,
    /// Grows with every change: two equal revisions show the same page.
    pub revision: i64,
}

/// A passing trouble that the engine waits out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// When it tries again.
    pub at: Timestamp,
    /// What happened.
    pub trouble: String,
}

impl Migration {
    /// The longest name that is kept.
    pub const NAME_MAX: usize = 120;

    /// What it is to the migration that it follows up, if it does.
    #[must_use]
    pub fn relation(&self) -> Option<Relation> {
        self.parent.map(|parent| parent.relation)
    }
}
