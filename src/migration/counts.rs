//! How many devices of a migration are where: numbers that add up to the total.

use super::device::{CommandState, Device, Outcome};
use super::follow_up::Relation;
use super::model::stored_names;
use super::reason::SkipReason;

/// Where a device counts. Each device counts in exactly one place, so the numbers add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Proven at the target.
    Moved,
    /// Told, or about to be, and neither seen at the target nor given up.
    OnTheWay,
    /// Not told yet.
    Pending,
    /// Waited for.
    Waiting,
    /// Did not move.
    Failed,
    /// Left the target again.
    WentBack,
    /// Proven back at the source.
    Returned,
    /// Was at the target before.
    Already,
    /// Was not to move, for another reason.
    Skipped,
}
stored_names!(Place {
    Moved = "moved",
    OnTheWay = "on_the_way",
    Pending = "pending",
    Waiting = "waiting",
    Failed = "failed",
    WentBack = "went_back",
    Returned = "returned",
    Already = "already",
    Skipped = "skipped",
});

impl Place {
    /// The place of an outcome; `told` tells *pending* and *on the way* apart. A command that could not be delivered told
    /// nobody.
    #[must_use]
    pub fn of(outcome: Outcome, told: bool) -> Self {
        match outcome {
            Outcome::Pending if told => Self::OnTheWay,
            Outcome::Pending => Self::Pending,
            Outcome::Waiting(_) => Self::Waiting,
            Outcome::Moved => Self::Moved,
            Outcome::Failed(_) => Self::Failed,
            Outcome::Skipped(SkipReason::AlreadyAtTarget) => Self::Already,
            Outcome::Skipped(_) => Self::Skipped,
            Outcome::Returned => Self::Returned,
            Outcome::WentBack => Self::WentBack,
        }
    }

    /// The place of a device.
    #[must_use]
    pub fn of_device(device: &Device) -> Self {
        Self::of(device.outcome, !matches!(device.command, CommandState::None | CommandState::Unreachable))
    }

    /// The place as people see it in a migration that is this to another: who arrives by a fail back has returned.
    #[must_use]
    pub fn seen_in(self, relation: Option<Relation>) -> Self {
        match (self, relation) {
            (Self::Moved, Some(Relation::FailBack)) => Self::Returned,
            _ => self,
        }
    }

    /// The words of the pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Moved => "Moved",
            Self::OnTheWay => "On the way",
            Self::Pending => "Pending",
            Self::Waiting => "Waiting",
            Self::Failed => "Failed",
            Self::WentBack => "Went back",
            Self::Returned => "Returned",
            Self::Already => "Already at the target",
            Self::Skipped => "Skipped",
        }
    }
}

/// Devices by place. The fields but the last three add up to [`Counts::total`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not told yet.
    pub pending: u64,
    /// Told, or about to be, and neither seen at the target nor given up.
    pub on_the_way: u64,
    /// Waited for.
    pub waiting: u64,
    /// Proven at the target.
    pub moved: u64,
    /// Did not move.
    pub failed: u64,
    /// Were not to move, but for those already at the target.
    pub skipped: u64,
    /// Were at the target before.
    pub already: u64,
    /// Proven back at the source.
    pub returned: u64,
    /// Left the target again.
    pub went_back: u64,
    /// In the application, but of another template or outside the group: no rows.
    pub outside: u64,
    /// In the application without a template, so in no group: no rows.
    pub unassigned: u64,
    /// Of the waiting ones: those that have come to the target, and wait there for approval.
    pub to_approve: u64,
}

impl Counts {
    /// How many devices count in a place.
    #[must_use]
    pub fn at(&self, place: Place) -> u64 {
        match place {
            Place::Moved => self.moved,
            Place::OnTheWay => self.on_the_way,
            Place::Pending => self.pending,
            Place::Waiting => self.waiting,
            Place::Failed => self.failed,
            Place::WentBack => self.went_back,
            Place::Returned => self.returned,
            Place::Already => self.already,
            Place::Skipped => self.skipped,
        }
    }

    /// Adds `number` devices to a place.
    pub fn add(&mut self, place: Place, number: u64) {
        *match place {
            Place::Moved => &mut self.moved,
            Place::OnTheWay => &mut self.on_the_way,
            Place::Pending => &mut self.pending,
            Place::Waiting => &mut self.waiting,
            Place::Failed => &mut self.failed,
            Place::WentBack => &mut self.went_back,
            Place::Returned => &mut self.returned,
            Place::Already => &mut self.already,
            Place::Skipped => &mut self.skipped,
        } += number;
    }

    /// Every device that has a row.
    #[must_use]
    pub fn total(&self) -> u64 {
        Place::ALL.iter().map(|place| self.at(*place)).sum()
    }

    /// Devices that are neither settled nor waited for.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        self.pending + self.on_the_way
    }

    /// Devices that were proven at the target, also those that a fail back has brought home since.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.moved + self.returned
    }

    /// Devices that were to move.
    #[must_use]
    pub fn to_move(&self) -> u64 {
        self.total() - self.skipped - self.already
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_counts_once_in_the_total() {
        let mut counts = Counts { outside: 100, unassigned: 100, ..Counts::default() };
        for (power, place) in Place::ALL.iter().enumerate() {
            counts.add(*place, 1 << power);
        }
        assert_eq!(counts.total(), (1 << Place::ALL.len()) - 1);
    }

    #[test]
    fn a_device_that_was_there_before_is_neither_moved_nor_merely_skipped() {
        assert_eq!(Place::of(Outcome::Skipped(SkipReason::AlreadyAtTarget), false), Place::Already);
        assert_eq!(Place::of(Outcome::Skipped(SkipReason::Simulated), false), Place::Skipped);
    }
}
