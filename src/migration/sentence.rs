//! One sentence that says where a migration stands.

use super::counts::Counts;
use super::follow_up::Relation;
use super::model::{Migration, MigrationState, Plan, Source, Step};
use super::waves::Course;

/// Said while a job waits for a place among those that IoT Central runs at once.
pub const WAITS_FOR_TURN: &str = "Waiting for its turn: IoT Central runs five jobs at once";

const TO_APPROVE: &str = "to be approved at the target";

/// The sentence at the top of a migration's page. `current` is the step at work, if one is; `course`: where the waves are,
/// if there are any.
#[must_use]
pub fn sentence(migration: &Migration, counts: &Counts, current: Option<Step>, course: Option<&Course>) -> String {
    let relation = migration.relation();
    let nothing = counts.arrived() == 0;
    let tally = |counts: &Counts| tally(counts, relation);
    match &migration.state {
        MigrationState::Draft => {
            format!("Not started. Add the device keys to {}, then start it.", migration.plan.target.keeper())
        }
        MigrationState::Paused(pause) => format!("Paused: {}", pause.detail),
        MigrationState::Waiting if counts.unsettled() > 0 => {
            let not_reached = counts.waiting.saturating_sub(counts.to_approve);
            let parts =
                [(counts.unsettled(), "on the way"), (not_reached, "not reached"), (counts.to_approve, TO_APPROVE)];
            format!("Waiting for devices: {}.", listed(parts.into_iter()))
        }
        MigrationState::Waiting if counts.to_approve > 0 => {
            let not_reached = counts.waiting.saturating_sub(counts.to_approve);
            let parts = [(not_reached, "not reached"), (counts.to_approve, TO_APPROVE)];
            format!("Waiting for {}: {}.", devices(counts.waiting), listed(parts.into_iter()))
        }
        MigrationState::Waiting => format!("Waiting for {}: everything else is settled.", devices(counts.waiting)),
        MigrationState::Stopped => format!("Stopped: {}.", tally(counts)),
        MigrationState::Completed if counts.total() == 0 => match migration.plan.source {
            Source::App(_) => "Completed without a device: the group was empty.".into(),
            Source::Hub(_) => "Completed without a device: there was none in the hubs.".into(),
        },
        MigrationState::Completed if nothing => format!("Nothing was moved: {}.", tally(counts)),
        MigrationState::Completed => format!("Completed: {}.", tally(counts)),
        MigrationState::CompletedWithFailures if nothing => {
            format!("Completed with failures, and nothing was moved: {}.", tally(counts))
        }
        MigrationState::CompletedWithFailures => format!("Completed with failures: {}.", tally(counts)),
        MigrationState::Running => match current {
            Some(step) => {
                let doing = doing(step, counts, &migration.plan, arrived(relation));
                format!("Running: {}{doing}.", wave(&migration.plan, course))
            }
            None => "Running: about to begin.".into(),
        },
    }
}

/// Words as they begin a sentence.
#[must_use]
pub fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `wave 2 of 3, `, once the first has begun.
fn wave(plan: &Plan, course: Option<&Course>) -> String {
    match (&plan.waves, course) {
        (Some(waves), Some(course)) if course.last() > 0 => {
            format!("wave {} of {}, ", course.last(), course.in_all(waves))
        }
        _ => String::new(),
    }
}

fn doing(step: Step, counts: &Counts, plan: &Plan, arrived: &str) -> String {
    let (source, target) = (&plan.source, &plan.target);
    match step {
        Step::Snapshot => {
            let place = if source.hubs().is_some() { "hubs" } else { "group" };
            format!("reading the devices of the {place}, {} so far", counts.total())
        }
        Step::Enroll => format!("making the keys known to {}", target.keeper()),
        Step::Register => format!("registering the devices in {}", target.place()),
        Step::Command | Step::Track | Step::Verify => {
            format!("{} of {} {arrived}, {} on the way", counts.moved, counts.to_move(), counts.on_the_way)
        }
    }
}

/// The counts that are not zero, in words.
#[must_use]
pub fn tally(counts: &Counts, relation: Option<Relation>) -> String {
    let words = listed(
        [
            (counts.moved, arrived(relation)),
            (counts.failed, "failed"),
            (counts.waiting, "waiting"),
            (counts.unsettled(), "not settled"),
            (counts.already, "already at the target"),
            (counts.skipped, "skipped"),
            (counts.returned, "returned"),
            (counts.went_back, "went back"),
        ]
        .into_iter(),
    );
    if words.is_empty() { "no devices".into() } else { words }
}

/// What a device is called that is proven where it was to go: one that went back where it came from has returned.
#[must_use]
pub fn arrived(relation: Option<Relation>) -> &'static str {
    if relation == Some(Relation::FailBack) { "returned" } else { "moved" }
}

/// Those that are not zero: `2 moved, 1 failed`.
fn listed(parts: impl Iterator<Item = (u64, &'static str)>) -> String {
    let parts: Vec<String> =
        parts.filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    parts.join(", ")
}

fn devices(number: u64) -> String {
    if number == 1 { "1 device".into() } else { format!("{number} devices") }
}
