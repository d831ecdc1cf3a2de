//! Step *snapshot*: who is to move, and what the target knew of each before.
//!
//! Everything here only reads Azure; rows are upserts, so a repeat after a crash finds its own work.

use futures_util::FutureExt;

use super::each::settle_each;
use super::halt::Halt;
use super::run::Run;
use super::{source, target};
use crate::migration::model::{Step, StepState};

pub(super) async fn run(run: &Run) -> Result<(), Halt> {
    run.begin(Step::Snapshot, &format!("Reading the devices of {}.", run.migration.plan.source.selection())).await?;
    source::read_all(run).await?;
    clear(run).await?;
    target::take_baselines(run).await?;
    let counts = run.store().counts(run.id()).await?;
    let text = format!(
        "{} devices found: {} to move, {} already at the target, {} skipped.",
        counts.total(),
        counts.pending,
        counts.already,
        counts.skipped
    );
    run.end(Step::Snapshot, StepState::Done, &text).await
}

/// What the target knows of devices that came back after the snapshot, because their certificates were supplied.
pub(super) async fn complete(run: &Run) -> Result<(), Halt> {
    if run.store().devices_without_baseline(run.id()).await?.is_empty() {
        return Ok(());
    }
    target::take_baselines(run).await
}

/// What each device proves itself with is read before anybody is told: only who will be let in at the target is.
async fn clear(run: &Run) -> Result<(), Halt> {
    loop {
        let batch = run.store().devices_to_clear(run.id(), 200).await?;
        if batch.is_empty() {
            return Ok(());
        }
        settle_each(
            run,
            batch,
            |device| source::clear(run, device).boxed(),
            || source::another_can_be_read(run).boxed(),
        )
        .await?;
    }
}
