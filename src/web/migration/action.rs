//! What people can do with a migration, and when each deed is offered.

use crate::migration::model::stored_names;
use crate::migration::{Counts, Migration, MigrationState, PauseReason};

/// A deed. Its stored name is the last part of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Settle the waiting devices as failed.
    FinishNow,
    /// Try the waiting devices at once.
    TryAgain,
    /// Go on after a pause.
    Resume,
    /// Tell no more devices.
    Stop,
    /// Delete the hub identities that were made ahead and never used.
    RemoveIdentities,
    /// Approve devices in the target application as they arrive.
    Approve,
    /// Go on with the viewer's rights in place of a colleague's.
    TakeOver,
}
stored_names!(Action {
    FinishNow = "finish-now",
    TryAgain = "try-again",
    Resume = "resume",
    Stop = "stop",
    RemoveIdentities = "remove-identities",
    Approve = "approve",
    TakeOver = "take-over",
});

impl Action {
    /// What its page says once it is done.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::FinishNow => "The waiting devices are recorded as failed.",
            Self::Approve => "Devices of this migration are approved as they arrive.",
            Self::TakeOver => "The migration goes on with your rights.",
            Self::TryAgain => "The waiting devices are tried again now.",
            Self::Resume => "The migration goes on.",
            Self::Stop => "The migration is stopped. Devices told before may still move.",
            Self::RemoveIdentities => "The unused hub identities are removed. Press Resume to go on.",
        }
    }
}

impl Action {
    /// What its page says first if Azure refuses.
    #[must_use]
    pub fn refused(self) -> &'static str {
        match self {
            Self::Stop => "The migration was not stopped.",
            Self::TakeOver => "It was not taken over.",
            Self::FinishNow | Self::TryAgain | Self::Resume | Self::RemoveIdentities | Self::Approve => {
                "Nothing was done."
            }
        }
    }
}

/// The deeds that the page offers now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offered {
    /// *Finish now*, and how many devices it would record as failed.
    pub finish_now: Option<u64>,
    /// Why it would record them as failed.
    pub finish_as: &'static str,
    /// *Try again now*.
    pub try_again: bool,
    /// *Resume*.
    pub resume: bool,
    /// *Sign in again*: the migration stands still until the viewer, whose rights it uses, does so.
    pub sign_in: bool,
    /// A way to the page on which a draft goes on.
    pub keys: bool,
    /// A way to the DPS in the portal: the keys have to be seen to there.
    pub dps: bool,
    /// *Stop*.
    pub stop: bool,
    /// *Remove unused identities*, and how many there are.
    pub remove_identities: Option<u64>,
    /// *Approve arriving devices*: some wait for that.
    pub approve: bool,
    /// *Take over*: it goes on with somebody else's rights.
    pub take_over: bool,
}

impl Offered {
    /// What a migration of these counts offers. `runs_as_viewer`: the viewer's rights are the ones used; `unused`: hub
    /// identities made ahead for devices that never came.
    #[must_use]
    pub fn of(migration: &Migration, counts: &Counts, runs_as_viewer: bool, unused: u64) -> Self {
        let state = &migration.state;
        let pause = if let MigrationState::Paused(pause) = state { Some(pause.reason) } else { None };
        let waiting = state.is_active() && counts.waiting > 0;
        Self {
            finish_now: waiting.then_some(counts.waiting),
            finish_as: match counts.to_approve {
                0 => "offline",
                number if number == counts.waiting => "not approved",
                _ => "offline, or not approved",
            },
            try_again: counts.waiting > counts.to_approve && state.is_active() && pause.is_none(),
            resume: pause.is_some() && runs_as_viewer,
            sign_in: pause == Some(PauseReason::SignIn) && runs_as_viewer,
            keys: *state == MigrationState::Draft,
            dps: pause == Some(PauseReason::Keys),
            stop: state.is_active(),
            remove_identities: (pause == Some(PauseReason::CanaryLost) && unused > 0 && migration.removal.is_none())
                .then_some(unused),
            approve: state.is_active()
                && runs_as_viewer
                && migration.approved_by.is_none()
                && (pause == Some(PauseReason::Approval) || counts.to_approve > 0),
            take_over: state.is_active() && !runs_as_viewer,
        }
    }

    /// Whether there is a button to show beside the links of a message.
    #[must_use]
    pub fn any(&self) -> bool {
        self.finish_now.is_some() || self.try_again || self.stop || self.remove_identities.is_some() || self.approve
    }
}
