//! What is proven of a device: each fact with when it happened and what proves it.

use super::model::stored_names;
use crate::clock::Timestamp;

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
