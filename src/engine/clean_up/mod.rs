//! Clean-up: devices that are proven at the target are removed from their source, one after the other.
//!
//! Promises: what is removed is decided here, for each device in the moment before, whatever a form said; "started" is
//! written before the source is asked, and an answer that was lost is settled by looking whether the device is there still,
//! so a crash at any instruction leads to the same end as without it. What was removed is looked for in the source for a day.
//!
//! One task a clean-up at work, given by the supervisor. There is no lease: the data directory is locked by one program, and
//! that has one task for each.

mod ask;
mod control;
mod groups;
mod one;
mod reappear;
mod source;
mod target;
mod task;

pub use ask::{Choice, CleanUpAsked, CleanUpRefused, Unfit};
pub use groups::{GroupsRefused, GroupsRemoved, RemoveGroups};
pub(super) use reappear::look_for_removed;
pub(super) use task::run;
