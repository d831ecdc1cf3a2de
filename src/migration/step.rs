//! The durable stages that the engine takes a migration through.

use super::model::stored_names;
use crate::clock::Timestamp;

/// A durable stage of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Who is to move, and what the target knew of each before.
    Snapshot,
    /// The source's keys are made available at the target.
    Enroll,
    /// Hub identities ahead of arrival, where the key is certain.
    Register,
    /// The canary, then the rest, are told.
    Command,
    /// What became of the commands.
    Track,
    /// Proof at the target.
    Verify,
}
stored_names!(Step {
    Snapshot = "snapshot",
    Enroll = "enroll",
    Register = "register",
    Command = "command",
    Track = "track",
    Verify = "verify",
});

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Done.
    Done,
    /// Nothing to do for this migration.
    NotNeeded,
}
stored_names!(StepState { Pending = "pending", Running = "running", Done = "done", NotNeeded = "not_needed" });

/// A step of one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// Which.
    pub step: Step,
    /// How far.
    pub state: StepState,
    /// When it began, if it has.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// One line on what it did, or is waiting for.
    pub note: Option<String>,
}
