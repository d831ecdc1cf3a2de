//! What becomes of a device of a clean-up, and how many devices became what.

use super::KeepReason;
use crate::clock::Timestamp;
use crate::ids::DeviceId;

/// What becomes of a device of a clean-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its turn has not come.
    Pending,
    /// The source was about to be asked to delete it; whether it did is not known until that is recorded.
    Started,
    /// It was removed.
    Removed,
    /// It was gone already: somebody else had removed it.
    Gone,
    /// It was not removed.
    Kept(KeepReason),
    /// It was removed, and is in the source again.
    Reappeared,
}

impl Fate {
    /// The names under which the database keeps fate and reason. Never change.
    #[must_use]
    pub fn stored(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Pending => ("pending", None),
            Self::Started => ("started", None),
            Self::Removed => ("removed", None),
            Self::Gone => ("gone", None),
            Self::Kept(reason) => ("kept", Some(reason.stored())),
            Self::Reappeared => ("reappeared", None),
        }
    }

    /// The fate of stored names.
    #[must_use]
    pub fn from_stored(state: &str, reason: Option<&str>) -> Option<Self> {
        Some(match state {
            "pending" => Self::Pending,
            "started" => Self::Started,
            "removed" => Self::Removed,
            "gone" => Self::Gone,
            "kept" => Self::Kept(KeepReason::from_stored(reason?)?),
            "reappeared" => Self::Reappeared,
            _ => return None,
        })
    }

    /// Words for a badge.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Started => "Being removed",
            Self::Removed => "Removed",
            Self::Gone => "Was gone already",
            Self::Kept(_) => "Kept",
            Self::Reappeared => "In the source again",
        }
    }

    /// It is not in its source any more, as far as known.
    #[must_use]
    pub fn is_away(self) -> bool {
        matches!(self, Self::Removed | Self::Gone)
    }
}

/// A device of a clean-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Which.
    pub device: DeviceId,
    /// What became of it.
    pub fate: Fate,
    /// When that came to be, by this program's clock.
    pub at: Option<Timestamp>,
    /// More on it, in words.
    pub detail: Option<String>,
    /// What showed it alive at the target in the moment before it was removed.
    pub evidence: Option<String>,
    /// How often Azure answered about others and not about this one.
    pub tries: u32,
}

/// Removals by fate: they add up to [`RemovalCounts::total`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemovalCounts {
    /// Not settled.
    pub open: u64,
    /// Removed.
    pub removed: u64,
    /// Gone already.
    pub gone: u64,
    /// Not removed.
    pub kept: u64,
    /// Removed, and in the source again.
    pub reappeared: u64,
}

impl RemovalCounts {
    /// Adds `number` devices of a fate.
    pub fn add(&mut self, fate: Fate, number: u64) {
        *match fate {
            Fate::Pending | Fate::Started => &mut self.open,
            Fate::Removed => &mut self.removed,
            Fate::Gone => &mut self.gone,
            Fate::Kept(_) => &mut self.kept,
            Fate::Reappeared => &mut self.reappeared,
        } += number;
    }

    /// All devices of the clean-up.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.open + self.removed + self.gone + self.kept + self.reappeared
    }

    /// What came of it so far: `3 removed, 1 kept`.
    #[must_use]
    pub fn tally(&self) -> String {
        let parts = [
            (self.removed, "removed"),
            (self.gone, "gone already"),
            (self.kept, "kept"),
            (self.reappeared, "in the source again"),
            (self.open, "to go"),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
        if said.is_empty() { "no devices".to_owned() } else { said.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_is_read_back_as_it_was_written() {
        let kept = KeepReason::ALL.iter().map(|reason| Fate::Kept(*reason));
        let others = [Fate::Pending, Fate::Started, Fate::Removed, Fate::Gone, Fate::Reappeared];
        for fate in kept.chain(others) {
            let (state, reason) = fate.stored();
            assert_eq!(Fate::from_stored(state, reason), Some(fate));
        }
        assert_eq!(Fate::from_stored("kept", None), None);
    }

    #[test]
    fn the_counts_add_up() {
        let mut counts = RemovalCounts::default();
        assert_eq!(counts.tally(), "no devices");
        let fates = [Fate::Removed, Fate::Kept(KeepReason::Silent), Fate::Pending, Fate::Started];
        for fate in fates {
            counts.add(fate, 2);
        }
        assert_eq!((counts.total(), counts.open), (8, 4));
        assert_eq!(counts.tally(), "2 removed, 2 kept, 4 to go");
    }
}
