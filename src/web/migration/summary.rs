//! Where a migration stands, as both the list and its own page say it: state, sentence, counts.

use crate::migration::model::{Step, StepRecord, StepState};
use crate::migration::sentence::sentence;
use crate::migration::waves::Course;
use crate::migration::{Counts, Migration, MigrationState, Place, Relation};
use crate::web::components::{Kind, Progress};

/// A state or outcome: icon, colour and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    /// Colour.
    pub kind: Kind,
    /// Name of the icon.
    pub icon: &'static str,
    /// The words.
    pub label: &'static str,
}

/// The state, the sentence and the counts of a migration.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The state.
    pub badge: Badge,
    /// One sentence that says where it stands.
    pub sentence: String,
    /// Devices by place; absent while none is known.
    pub progress: Option<Progress>,
}

impl Summary {
    /// The summary of a migration. `course`: where its waves are, if it has any.
    #[must_use]
    pub fn of(migration: &Migration, counts: &Counts, steps: &[StepRecord], course: Option<&Course>) -> Self {
        let badge = state_badge(&migration.state, counts);
        let sentence = sentence(migration, counts, current_step(steps), course);
        let sentence = without_label(&sentence, migration.state.label());
        Self { badge, sentence, progress: progress(counts, migration.relation()) }
    }
}

/// The sentence as it reads beside a badge that has said the state already.
fn without_label(sentence: &str, label: &str) -> String {
    let Some(rest) = sentence.strip_prefix(label).and_then(|rest| rest.strip_prefix(": ")) else {
        return sentence.to_owned();
    };
    let mut letters = rest.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The furthest step that is at work.
fn current_step(steps: &[StepRecord]) -> Option<Step> {
    steps.iter().filter(|record| record.state == StepState::Running).map(|record| record.step).max()
}

/// A state as a badge. What moved nothing is never shown as a success.
fn state_badge(state: &MigrationState, counts: &Counts) -> Badge {
    let (kind, icon) = match state {
        MigrationState::Draft => (Kind::Neutral, "neutral"),
        MigrationState::Running => (Kind::Info, "info"),
        MigrationState::Paused(_) => (Kind::Warning, "warning"),
        MigrationState::Waiting => (Kind::Warning, "clock"),
        MigrationState::Completed if counts.arrived() == 0 => (Kind::Warning, "warning"),
        MigrationState::Completed => (Kind::Success, "success"),
        MigrationState::CompletedWithFailures => (Kind::Error, "error"),
        MigrationState::Stopped => (Kind::Neutral, "neutral"),
    };
    let label = match state {
        MigrationState::Completed if counts.arrived() == 0 => "Completed, nothing moved",
        state => state.label(),
    };
    Badge { kind, icon, label }
}

/// The order of the bar: what is at the target, what went wrong, what is open, what was never to move.
const BAR: [Place; 9] = [
    Place::Moved,
    Place::Already,
    Place::Failed,
    Place::WentBack,
    Place::Waiting,
    Place::OnTheWay,
    Place::Pending,
    Place::Returned,
    Place::Skipped,
];

fn progress(counts: &Counts, relation: Option<Relation>) -> Option<Progress> {
    let segment = |place: &Place| {
        let badge = place_badge(*place, relation);
        (badge.kind, badge.label.to_lowercase(), counts.at(*place))
    };
    (counts.total() > 0).then(|| Progress::new("Devices by outcome", BAR.iter().map(segment).collect()))
}

/// A place as a badge, on the pages of a migration that is this to another.
#[must_use]
pub fn place_badge(place: Place, relation: Option<Relation>) -> Badge {
    let (kind, icon) = match place {
        Place::Moved | Place::Already => (Kind::Success, "success"),
        Place::OnTheWay => (Kind::Info, "info"),
        Place::Waiting => (Kind::Warning, "clock"),
        Place::Failed | Place::WentBack => (Kind::Error, "error"),
        Place::Pending | Place::Returned | Place::Skipped => (Kind::Neutral, "neutral"),
    };
    Badge { kind, icon, label: place.seen_in(relation).label() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_that_moved_nothing_is_never_shown_as_a_success() {
        let none = Counts { skipped: 3, already: 2, ..Counts::default() };
        let badge = state_badge(&MigrationState::Completed, &none);
        assert_ne!(badge.kind, Kind::Success);
        assert_eq!(badge.label, "Completed, nothing moved");
        let some = Counts { moved: 1, ..none };
        assert_eq!(state_badge(&MigrationState::Completed, &some).kind, Kind::Success);
        assert_eq!(state_badge(&MigrationState::CompletedWithFailures, &some).kind, Kind::Error);
    }

    #[test]
    fn a_sentence_does_not_repeat_what_its_badge_says() {
        assert_eq!(without_label("Running: about to begin.", "Running"), "About to begin.");
        assert_eq!(without_label("Waiting for 2 devices.", "Waiting for devices"), "Waiting for 2 devices.");
    }

    #[test]
    fn the_bar_holds_every_place_once() {
        let mut counts = Counts { outside: 9, unassigned: 9, ..Counts::default() };
        for (power, place) in Place::ALL.iter().enumerate() {
            counts.add(*place, 1 << power);
        }
        assert_eq!(progress(&counts, None).map(|bar| bar.total()), Some(counts.total()));
    }
}
