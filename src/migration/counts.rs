//! How many devices of a migration are where: numbers that add up to the total.

/// Devices by outcome. The fields but the last two add up to [`Counts::total`].
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
}

impl Counts {
    /// Every device that has a row.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pending
            + self.on_the_way
            + self.waiting
            + self.moved
            + self.failed
            + self.skipped
            + self.already
            + self.returned
            + self.went_back
    }

    /// Devices that are neither settled nor waited for.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        self.pending + self.on_the_way
    }

    /// Devices that were to move.
    #[must_use]
    pub fn to_move(&self) -> u64 {
        self.total() - self.skipped - self.already
    }
}
