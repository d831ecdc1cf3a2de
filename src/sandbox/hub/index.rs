//! The index behind queries, which learns of devices and of their connections later than twins show them: after a second or
//! two at best, after minutes at worst.

use std::time::Duration;

use super::model::Identity;
use crate::sandbox::device::{Sight, sight_of};
use crate::sandbox::world::{Moment, World};

/// How far the index is behind at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index {
    /// What happened later is not in it.
    then: Moment,
}

impl Index {
    pub(super) fn at(now: Moment, lag: Duration) -> Self {
        Self { then: now - lag }
    }

    /// Whether it has the identity yet.
    pub(super) fn has(self, identity: &Identity) -> bool {
        identity.created <= self.then
    }

    /// What it shows of the identity's connection to the hub `host`.
    pub(super) fn sight(self, world: &World, host: &str, identity: &Identity) -> Sight {
        identity.presence.before_change(self.then).unwrap_or_else(|| sight_of(world, host, identity, self.then))
    }
}
