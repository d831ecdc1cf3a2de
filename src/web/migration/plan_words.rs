//! What is planned with keys and identities, and what was done: in the future before the start, in the past at the end.

use crate::migration::model::{Source, Step, StepRecord, StepState};
use crate::migration::{KeyHandling, Migration, MigrationState};
use crate::store::enrollments::EnrollmentCounts;

/// What happens, or happened, to the device keys.
pub(super) fn keys(migration: &Migration, groups: EnrollmentCounts, steps: &[StepRecord]) -> String {
    let by_hand = migration.keys == KeyHandling::ByHand;
    let keeper = migration.plan.target.keeper();
    if migration.state == MigrationState::Draft {
        return match by_hand {
            true => "To be added by hand before the start".into(),
            false => {
                let which = if migration.plan.source.hubs().is_some() { " whose keys a device has" } else { "" };
                format!("Will be compared with {keeper} at the start; groups that are missing{which} will be added")
            }
        };
    }
    let EnrollmentCounts { found, created } = groups;
    let noun = if found == 1 { "group" } else { "groups" };
    match (found + created, by_hand) {
        (0, _) if migration.state.is_ended() => "Not looked at: it ended before that".into(),
        (0, _) if done(steps, Step::Enroll) => "No group was needed".into(),
        (0, _) => format!("Being compared with {keeper}"),
        (_, true) => format!("{found} {noun} found in {keeper}, added by hand"),
        (_, false) => format!("{found} {noun} found in {keeper}, {created} created"),
    }
}

/// What a person stated of groups that are not carried over.
pub(super) fn stated(migration: &Migration) -> Option<String> {
    if migration.stated_unused.is_empty() {
        return None;
    }
    let what = match migration.plan.source {
        Source::App(_) => "stated to be unused by any selected device",
        Source::Hub(_) => "whose devices are left where they are",
    };
    Some(format!("{what}: {}", migration.stated_unused.join(", ")))
}

/// What happens, or happened, to the hub identities. The step knows better than the plan, which leaves it open.
pub(super) fn identities(migration: &Migration, steps: &[StepRecord]) -> &'static str {
    let on_arrival = migration.plan.register_on_arrival;
    let step = steps.iter().find(|record| record.step == Step::Register).map(|record| record.state);
    match (&migration.state, step) {
        (MigrationState::Draft, _) if on_arrival => "Will be made by DPS as each device arrives",
        (MigrationState::Draft, _) => {
            "Will be made ahead if it is certain which key each device presents, else by DPS as it arrives"
        }
        (state, Some(StepState::NotNeeded)) if state.is_ended() => "Made by DPS as each device arrived",
        (_, Some(StepState::NotNeeded)) => "Made by DPS as each device arrives",
        (_, Some(StepState::Done)) => "Made ahead in the hub",
        (state, _) if state.is_ended() => "None made: it ended before that",
        (_, Some(StepState::Running)) => "Being looked at in the hub",
        (_, _) if on_arrival => "Will be made by DPS as each device arrives",
        (_, _) => "To be made ahead if it is certain which key each device presents, else by DPS as it arrives",
    }
}

fn done(steps: &[StepRecord], step: Step) -> bool {
    steps.iter().any(|record| record.step == step && record.state == StepState::Done)
}
