//! Steps *command*, *track* and *verify*: one after the other for a device, at the same time for the fleet.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::halt::Halt;
use super::run::{Run, Turn};
use super::{canary, carry, enroll, job, offline, recover, settle, singles, source, verify, waves};
use crate::migration::model::{MigrationState, Step, StepState};

/// After so long without a halt a trouble counts as over: longer than a call is tried.
const CALM: Duration = Duration::from_secs(60);
/// Between two looks at the target while devices are on their way.
const LOOK: Duration = Duration::from_secs(3);

pub(super) async fn run(run: &Arc<Run>) -> Result<Turn, Halt> {
    recover::run(run).await?;
    job::settle_planned(run).await?;
    verify::sweep(run).await?;
    offline::give_up(run).await?;
    if run.migration.state == MigrationState::Running {
        run.begin(Step::Command, "Telling the devices to move.").await?;
        run.begin(Step::Verify, "Looking for the devices at the target.").await?;
    }
    if somebody_may_be_told(run).await? {
        // Hours may have passed since the keys were compared: a pause, a restart, devices that were waited for.
        enroll::ensure(run).await?;
    }
    canary::run(run).await?;
    waves::run(run).await?;
    tell_and_look(run).await?;
    let commanding =
        run.store().steps(run.id()).await?.iter().any(|s| s.step == Step::Command && s.state == StepState::Running);
    if commanding && run.store().devices_untold(run.id(), 1).await?.is_empty() {
        run.end(Step::Command, StepState::Done, "Every device that can be told was told.").await?;
    }
    verify::sweep(run).await?;
    // The end of the last wave is said before that of the migration.
    waves::run(run).await?;
    // Whom the migration waits for is said while names still follow.
    if run.store().counts(run.id()).await?.waiting > 0 {
        settle::settle(&run.inner, run.id()).await?;
    }
    source::note_departures(run).await?;
    // Behind everything else: nobody waits for names.
    if carry::run(run).await? {
        return Ok(Turn::GoOn);
    }
    settle::settle(&run.inner, run.id()).await
}

/// In this turn. A canary is looked for among devices that could not be reached as well, whether they are due or not.
async fn somebody_may_be_told(run: &Run) -> Result<bool, Halt> {
    Ok(!run.store().devices_untold(run.id(), 1).await?.is_empty()
        || !run.due(run.now(), 1).await?.is_empty()
        || canary::is_wanted(run).await?)
}

/// Tells devices and looks for them at once. When one side must halt, the other winds down first, so that no command's
/// answer is dropped.
async fn tell_and_look(run: &Arc<Run>) -> Result<(), Halt> {
    let told = CancellationToken::new();
    let stop = CancellationToken::new();
    let telling = async {
        let result = tell_everybody(run, &stop).await;
        told.cancel();
        if result.is_err() {
            stop.cancel();
        }
        result
    };
    let looking = async {
        let result = look(run, &told, &stop).await;
        if result.is_err() {
            stop.cancel();
        }
        result
    };
    let (telling, looking) = tokio::join!(telling, looking);
    telling?;
    looking
}

async fn tell_everybody(run: &Arc<Run>, stop: &CancellationToken) -> Result<(), Halt> {
    job::run(run, stop).await?;
    singles::run(run, stop).await
}

/// Looks until everybody was told and nobody is on the way any more, or somebody is to be told again.
async fn look(run: &Run, told: &CancellationToken, stop: &CancellationToken) -> Result<(), Halt> {
    let began = run.now();
    while !stop.is_cancelled() {
        run.still_wanted().await?;
        let everybody_told = told.is_cancelled();
        verify::sweep(run).await?;
        verify::give_up_on_overdue(run).await?;
        waves::look(run).await?;
        offline::give_up(run).await?;
        // The telling side may be about to meet the same trouble again: this side's success alone ends nothing.
        if run.now() - began > CALM && !stop.is_cancelled() {
            run.store().trouble_over(run.id()).await?;
        }
        if everybody_told && (run.store().outstanding(run.id()).await? == 0 || !run.due(run.now(), 1).await?.is_empty())
        {
            return Ok(());
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = run.inner.clock.sleep(LOOK) => {}
        }
    }
    Ok(())
}
