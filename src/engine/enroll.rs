//! Step *enroll*: the source's keys are made known to the target, and the target's ID scope to us.
//!
//! A group is made only where nothing like it is there, under an id that is the same at every try. A group that is there
//! is never changed, and never deleted.

use super::halt::Halt;
use super::keys::{self, KeysView, NewGroup};
use super::run::Run;
use super::{source, target};
use crate::azure::error::ErrorKind;
use crate::ids::EnrollmentGroupId;
use crate::migration::coverage::{Covered, SourceGroup, Standing};
use crate::migration::model::{KeyHandling, PauseReason, Step, StepState};
use crate::migration::sentence::capitalized;
use crate::store::enrollments;
use crate::store::events::EventKind;

pub(super) async fn run(run: &Run) -> Result<(), Halt> {
    let keeper = run.migration.plan.target.keeper();
    run.begin(Step::Enroll, &format!("Making the source's keys known to {keeper}.")).await?;
    let view = ensure(run).await?;
    target::find_scope(run).await?;
    let text = record(run, &view).await?;
    run.end(Step::Enroll, StepState::Done, &text).await
}

/// Reads how the keys stand, makes what is missing where that is ours to do, and halts unless every group is covered then.
/// Asked again before devices are told: a group may have been deleted, or added in the source, since the step was done.
pub(super) async fn ensure(run: &Run) -> Result<KeysView, Halt> {
    let mut view = read(run).await?;
    if run.migration.keys == KeyHandling::Program {
        let missing: Vec<Covered> =
            view.coverage.uncovered(&run.migration.stated_unused).into_iter().cloned().collect();
        for group in &missing {
            if let Standing::Creatable(id) = &group.standing {
                create(run, &view, group, id).await?;
            }
        }
        if !missing.is_empty() {
            view = read(run).await?;
        }
    }
    must_be_covered(run, &view)?;
    record(run, &view).await?;
    Ok(view)
}

/// How the keys stand now.
async fn read(run: &Run) -> Result<KeysView, Halt> {
    let mut view = keys::read(&run.origin, &run.at, &run.migration.plan).await?;
    if let Some(in_use) = source::groups_in_use(run).await? {
        view.coverage.groups.retain(|group| in_use.contains(&group.source.id));
        let is_shown = |id: &&EnrollmentGroupId| view.coverage.groups.iter().any(|group| group.source.id == **id);
        let gone: Vec<&str> = in_use.iter().filter(|id| !is_shown(id)).map(EnrollmentGroupId::as_str).collect();
        if !gone.is_empty() {
            return Err(no_longer_shown(run, &gone));
        }
    }
    Ok(view)
}

/// Devices that are to move have keys of groups that were there when they were cleared, and are not now.
fn no_longer_shown(run: &Run, groups: &[&str]) -> Halt {
    let from = run.migration.plan.source.keeper_name();
    Halt::pause(
        PauseReason::Keys,
        format!("{from} no longer shows the enrollment group {}, whose keys devices have.", groups.join(", ")),
        "It was deleted or disabled, or its pasted keys were erased. Restore it, or paste its keys, then press Resume.",
    )
}

async fn create(run: &Run, view: &KeysView, group: &Covered, id: &EnrollmentGroupId) -> Result<(), Halt> {
    let Some(attestation) = attestation(view, &group.source) else { return Ok(()) };
    let mut tx = run.store().begin_write().await?;
    enrollments::record(&mut tx, run.id(), &group.source.id, id, true, false, run.now()).await?;
    tx.commit().await?;
    match target::create_group(run, id, &attestation).await {
        Ok(true) => {
            let place = run.migration.plan.target.keeper_name();
            let text = format!(
                "Enrollment group {id} made in {place} with what the devices of {} present.",
                group.source.name
            );
            run.note(EventKind::Enrollment, &text).await
        }
        // It exists: made by an earlier try, or by somebody else. Reading it again tells which.
        Ok(false) => Ok(()),
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Precondition) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What a group is made with.
fn attestation<'a>(view: &'a KeysView, group: &'a SourceGroup) -> Option<NewGroup<'a>> {
    if let Some(keys) = view.groups.iter().find(|own| own.id == group.id) {
        return Some(NewGroup::Keys(keys));
    }
    let mut certificates = view.certificates.iter().filter(|one| one.group == group.id);
    let primary = certificates.next()?;
    Some(NewGroup::Certificates { name: &group.name, primary, secondary: certificates.next() })
}

/// Halts unless every group has its equal or is stated unused.
fn must_be_covered(run: &Run, view: &KeysView) -> Result<(), Halt> {
    let app = run.migration.plan.source.keeper_name();
    let keeper = run.migration.plan.target.keeper();
    if view.coverage.is_empty() && run.origin.app().is_some() {
        return Err(Halt::pause(
            PauseReason::Keys,
            format!("{app} shows no enabled enrollment group for IoT devices, so no key of the devices is known."),
            "Check the application's enrollment groups and your role there, then press Resume.",
        ));
    }
    let uncovered = view.coverage.uncovered(&run.migration.stated_unused);
    if uncovered.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = uncovered.iter().map(|group| group.source.name.as_str()).collect();
    let names = names.join(", ");
    let blocked: Vec<String> = uncovered
        .iter()
        .filter_map(|group| match &group.standing {
            Standing::Blocked(obstacle) => Some(obstacle.words(keeper)),
            Standing::Creatable(_) | Standing::Equal(_) => None,
        })
        .collect();
    if blocked.is_empty() && run.migration.keys == KeyHandling::Program {
        let trouble =
            format!("{} does not show the enrollment group for {names} yet", run.migration.plan.target.keeper_name());
        return Err(Halt::Transient { trouble, after: None });
    }
    let detail =
        format!("{} does not have the keys of {names}. No device is told to move until it does.", capitalized(keeper));
    let why = if blocked.is_empty() { format!("Add the keys of {names} to {keeper}.") } else { blocked.join(" ") };
    Err(Halt::pause(PauseReason::Keys, detail, format!("{why} Then press Resume.")))
}

async fn record(run: &Run, view: &KeysView) -> Result<String, Halt> {
    let mut tx = run.store().begin_write().await?;
    let mut names = Vec::new();
    for group in &view.coverage.groups {
        if let Standing::Equal(id) = &group.standing {
            enrollments::record(&mut tx, run.id(), &group.source.id, id, false, true, run.now()).await?;
            names.push(format!("{} → {id}", group.source.name));
        }
    }
    tx.commit().await?;
    let keeper = run.migration.plan.target.keeper();
    Ok(match names.as_slice() {
        [] => format!("No device needs the keys of a group in {keeper}."),
        names => format!("Keys known to {keeper}: {}.", names.join(", ")),
    })
}
