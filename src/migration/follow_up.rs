//! How migrations hang together: a rerun takes up the devices that another did not move, a fail back those that it moved.

use super::device::Outcome;
use super::model::{Migration, MigrationId, stored_names};

/// What a migration is to the one whose devices it takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The devices that failed go the same way once more.
    Rerun,
    /// Moved devices go back to where they came from.
    FailBack,
}
stored_names!(Relation { Rerun = "rerun", FailBack = "fail_back" });

impl Relation {
    /// The word of the pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Rerun => "Rerun",
            Self::FailBack => "Fail back",
        }
    }

    /// The devices of another migration that one of this kind takes up.
    #[must_use]
    pub fn takes(self, outcome: Outcome) -> bool {
        match self {
            Self::Rerun => matches!(outcome, Outcome::Failed(_) | Outcome::WentBack),
            Self::FailBack => outcome == Outcome::Moved,
        }
    }
}

/// The migration that another follows up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Which.
    pub id: MigrationId,
    /// As what it is followed up.
    pub relation: Relation,
}

/// The name of the `number`th follow-up of its kind in a family.
#[must_use]
pub fn name(root: &str, relation: Relation, number: u64) -> String {
    let mut suffix = format!(", {}", relation.label().to_lowercase());
    if number > 1 {
        suffix.push_str(&format!(" {number}"));
    }
    let room = Migration::NAME_MAX - suffix.chars().count();
    root.chars().take(room).chain(suffix.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{FailReason, SkipReason, WaitReason};

    #[test]
    fn a_rerun_takes_what_failed_and_a_fail_back_what_moved_and_neither_anything_else() {
        let outcomes = [
            Outcome::Failed(FailReason::Offline),
            Outcome::WentBack,
            Outcome::Moved,
            Outcome::Returned,
            Outcome::Pending,
            Outcome::Waiting(WaitReason::Offline),
            Outcome::Skipped(SkipReason::AlreadyAtTarget),
        ];
        let taken = |relation: Relation| outcomes.map(|outcome| relation.takes(outcome));
        assert_eq!(taken(Relation::Rerun), [true, true, false, false, false, false, false]);
        assert_eq!(taken(Relation::FailBack), [false, false, true, false, false, false, false]);
    }

    #[test]
    fn names_tell_follow_ups_apart_and_are_never_too_long() {
        assert_eq!(name("Pumps", Relation::Rerun, 1), "Pumps, rerun");
        assert_eq!(name("Pumps", Relation::FailBack, 2), "Pumps, fail back 2");
        let long = name(&"ä".repeat(200), Relation::FailBack, 12);
        assert_eq!(long.chars().count(), Migration::NAME_MAX);
        assert!(long.ends_with(", fail back 12"));
    }
}
