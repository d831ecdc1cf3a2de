//! View model of the upper part of a migration's page: state, trouble, counts, what it waits for, steps, people.

use super::action::Offered;
use super::summary::{Badge, Summary};
use super::unreachable::unreachable;
use crate::clock::Timestamp;
use crate::migration::model::{Retry, Step, StepRecord, StepState, Target};
use crate::migration::sentence::WAITS_FOR_TURN;
use crate::migration::waves::Course;
use crate::migration::{Counts, Migration, MigrationState, PauseReason};
use crate::web::components::Kind;
use crate::web::moment::Moment;

/// What the view is made from, as read from the database.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The time.
    pub now: Timestamp,
    /// The record.
    pub migration: &'a Migration,
    /// Its counts.
    pub counts: &'a Counts,
    /// Its steps, in order.
    pub steps: &'a [StepRecord],
    /// Where its waves are, if it has any.
    pub course: Option<&'a Course>,
    /// When the next unreachable device is tried.
    pub next_due: Option<Timestamp>,
    /// Until when the last device on the way may turn up.
    pub last_deadline: Option<Timestamp>,
    /// Until when the sign-in lasts whose rights are used; absent where use prolongs it.
    pub signed_in_until: Option<Timestamp>,
    /// The rights used are those of the person who looks.
    pub runs_as_viewer: bool,
    /// A job of it waits for its turn in IoT Central.
    pub waits_for_turn: bool,
    /// Hub identities made ahead for devices that never came.
    pub unused_identities: u64,
}

/// The upper part of the page.
#[derive(Debug, Clone)]
pub struct StatusView {
    /// State, sentence, counts.
    pub summary: Summary,
    /// Why it stands still, or what it waits out.
    pub trouble: Option<Trouble>,
    /// Devices that have no part in it.
    pub beside: Option<String>,
    /// What it waits for, and until when.
    pub waits: Vec<Wait>,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// Whose sign-in is used, in words, while that matters.
    pub sign_in: Option<SignIn>,
    /// What can be done.
    pub offered: Offered,
    /// What the engine removes from the hub while it is paused.
    pub removing: Option<String>,
}

/// A message bar about the migration as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How bad.
    pub kind: Kind,
    /// A few words.
    pub title: &'static str,
    /// What happened; empty where the sentence of the state says it.
    pub what: String,
    /// What to do; empty if nothing.
    pub remedy: String,
    /// When it is tried again by itself.
    pub until: Option<Moment>,
}

/// Something waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What.
    pub what: &'static str,
    /// Until when, if that is known.
    pub at: Option<Moment>,
}

impl Wait {
    pub(super) fn until(what: &'static str, at: Timestamp, now: Timestamp) -> Self {
        Self { what, at: Some(Moment::ahead(at, now)) }
    }
}

/// Whose rights are used, and what comes after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Whose.
    pub uses: String,
    /// Until when they last, where use does not prolong them.
    pub until: Option<Moment>,
    /// What happens then.
    pub then: String,
}

/// A step.
#[derive(Debug, Clone)]
pub struct StepView {
    /// What it does, in words.
    pub name: &'static str,
    /// How far it is.
    pub badge: Badge,
    /// When it began.
    pub started: Option<Moment>,
    /// When it ended; on the day that it began only the time is said.
    pub ended: Option<Moment>,
    /// One line on what it did.
    pub note: Option<String>,
}

impl StatusView {
    /// Makes the view.
    #[must_use]
    pub fn of(facts: &Facts<'_>) -> Self {
        let Facts { migration, counts, steps, .. } = *facts;
        Self {
            summary: Summary::of(migration, counts, steps, facts.course),
            trouble: trouble(migration, facts.now),
            beside: beside(counts),
            waits: waits(facts),
            steps: steps.iter().map(|record| StepView::of(record, migration)).collect(),
            sign_in: sign_in(facts),
            offered: Offered::of(migration, counts, facts.runs_as_viewer, facts.unused_identities),
            removing: migration
                .removal
                .as_ref()
                .map(|by| removing(&by.name, migration.plan.target.name(), facts.unused_identities)),
        }
    }
}

fn trouble(migration: &Migration, now: Timestamp) -> Option<Trouble> {
    match (&migration.state, &migration.retry) {
        (MigrationState::Paused(pause), _) => Some(Trouble {
            kind: Kind::Warning,
            title: pause_title(pause.reason),
            // The sentence of the state has said it.
            what: String::new(),
            remedy: pause.remedy.clone(),
            until: None,
        }),
        (state, Some(Retry { at, trouble })) if state.is_active() => Some(Trouble {
            kind: Kind::Info,
            title: "Waiting for a passing trouble to end",
            what: trouble.clone(),
            remedy: "Nothing to do: it is tried again by itself.".into(),
            until: Some(Moment::ahead(*at, now)),
        }),
        _ => None,
    }
}

fn pause_title(reason: PauseReason) -> &'static str {
    match reason {
        PauseReason::SignIn => "Paused until somebody signs in",
        PauseReason::Rights => "Paused: a right is missing",
        PauseReason::Keys => "Paused: the device keys are not at the target",
        PauseReason::Changed => "Paused: source or target has changed",
        PauseReason::NoCanary => "Paused: no device could be moved as the canary",
        PauseReason::CanaryLost => "Paused: the canary did not arrive",
        PauseReason::Approval => "Paused: devices wait for approval at the target",
        PauseReason::Wave => "Paused: too many devices of a wave failed",
        PauseReason::Azure => "Paused: Azure refused",
    }
}

fn removing(who: &str, hub: &str, left: u64) -> String {
    let identities = if left == 1 { "identity" } else { "identities" };
    format!(
        "Unused identities are being removed from {hub}, as {who} asked: {left} {identities} to look at. Resume ends that."
    )
}

/// Devices that are near the migration but no part of it, so that nobody looks for them in its counts.
fn beside(counts: &Counts) -> Option<String> {
    let outside = match counts.outside {
        0 => None,
        1 => Some("1 other device of the application is outside the group or has another template".to_owned()),
        n => Some(format!("{n} other devices of the application are outside the group or have another template")),
    };
    let unassigned = match counts.unassigned {
        0 => None,
        1 => Some("1 has no template, so it is in no group".to_owned()),
        n => Some(format!("{n} have no template, so they are in no group")),
    };
    match (outside, unassigned) {
        (Some(outside), Some(unassigned)) => Some(format!("Not part of this migration: {outside}; {unassigned}.")),
        (one, other) => one.or(other).map(|words| format!("Not part of this migration: {words}.")),
    }
}

fn waits(facts: &Facts<'_>) -> Vec<Wait> {
    let state = &facts.migration.state;
    if !matches!(state, MigrationState::Running | MigrationState::Waiting) {
        return Vec::new();
    }
    let due = facts.next_due.map(|at| Wait::until("The next unreachable device is tried again at", at, facts.now));
    let on_the_way = facts.counts.on_the_way > 0;
    let deadline = facts
        .last_deadline
        .filter(|_| on_the_way)
        .map(|at| Wait::until("The last device on the way may turn up until", at, facts.now));
    let turn = facts.waits_for_turn.then_some(Wait { what: WAITS_FOR_TURN, at: None });
    turn.into_iter().chain(deadline).chain(due).chain(unreachable(facts)).collect()
}

fn sign_in(facts: &Facts<'_>) -> Option<SignIn> {
    let migration = facts.migration;
    let person = migration.runs_as.as_ref().filter(|_| migration.state.is_active())?;
    let (whose, who) = match facts.runs_as_viewer {
        true => ("your sign-in".to_owned(), "you sign in"),
        false => (format!("the sign-in of {}", person.name), "they sign in"),
    };
    let until = facts.signed_in_until.map(|at| Moment::ahead(at, facts.now));
    Some(SignIn {
        uses: format!("It uses {whose}"),
        until,
        then: format!("after that it waits until {who} here again"),
    })
}

impl StepView {
    fn of(record: &StepRecord, migration: &Migration) -> Self {
        Self {
            name: step_name(record.step, &migration.plan.target),
            badge: step_badge(record.state, &migration.state),
            started: record.started_at.map(Moment::from),
            ended: ended(record),
            note: record.note.clone(),
        }
    }
}

/// A step that took less than a second needs no second time.
fn ended(record: &StepRecord) -> Option<Moment> {
    let ended = record.ended_at?;
    let Some(started) = record.started_at else { return Some(ended.into()) };
    (started.unix_timestamp() != ended.unix_timestamp()).then(|| Moment::after(started, ended))
}

fn step_name(step: Step, target: &Target) -> &'static str {
    match (step, target) {
        (Step::Snapshot, _) => "Read the devices",
        (Step::Enroll, Target::Hub(_)) => "Make the keys known to the DPS",
        (Step::Enroll, Target::App(_)) => "Make the keys known to the target application",
        (Step::Register, Target::Hub(_)) => "Register devices in the hub ahead",
        (Step::Register, Target::App(_)) => "Register devices ahead",
        (Step::Command, _) => "Tell the devices to move",
        (Step::Track, _) => "Collect their answers",
        (Step::Verify, _) => "Prove them at the target",
    }
}

/// A step that was at work when the migration paused or ended does not look as if it still were.
fn step_badge(step: StepState, state: &MigrationState) -> Badge {
    let (kind, icon, label) = match step {
        StepState::Pending if state.is_ended() => (Kind::Neutral, "neutral", "Not begun"),
        StepState::Pending => (Kind::Neutral, "clock", "Pending"),
        StepState::Running if state.is_ended() => (Kind::Neutral, "neutral", "Ended early"),
        StepState::Running if matches!(state, MigrationState::Paused(_)) => (Kind::Warning, "warning", "Paused"),
        StepState::Running => (Kind::Info, "info", "Running"),
        StepState::Done => (Kind::Success, "success", "Done"),
        StepState::NotNeeded => (Kind::Neutral, "neutral", "Not needed"),
    };
    Badge { kind, icon, label }
}
