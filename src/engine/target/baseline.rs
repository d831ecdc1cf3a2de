//! Records what the target knew of a device before anybody was told, and what that settles at once.

use super::super::halt::Halt;
use super::super::run::Run;
use super::super::source;
use crate::migration::evidence::Baseline;
use crate::migration::{AnswersBefore, Device, Outcome, SkipReason};

/// A device that is not to be told, and more on why.
pub(super) type Settled = (SkipReason, Option<String>);

/// Records a baseline. Where the device may have been told before, what its command's history has already is noted, so that
/// it is not taken for an answer to us.
pub(super) async fn record(
    run: &Run,
    device: &Device,
    baseline: Baseline,
    settled: Option<Settled>,
) -> Result<(), Halt> {
    let known_there = baseline.record.is_some() || baseline.twin.is_some() || baseline.app.is_some();
    let told_before = known_there || run.store().was_told_before(run.id(), &device.id).await?;
    let answers_before = match told_before && settled.is_none() {
        true => Some(answers_so_far(run, device).await?),
        false => None,
    };
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if !row.outcome.is_open() {
                return;
            }
            row.baseline = baseline;
            row.answers_before = answers_before;
            if let Some((reason, detail)) = settled {
                row.outcome = Outcome::Skipped(reason);
                row.detail = detail.or(row.detail.take());
            }
        })
        .await?;
    Ok(())
}

async fn answers_so_far(run: &Run, device: &Device) -> Result<AnswersBefore, Halt> {
    let history = source::history(run, device).await?;
    let number = history.iter().filter(|entry| entry.response_code.is_some()).count();
    let ids = history.into_iter().filter_map(|entry| entry.id).collect();
    Ok(AnswersBefore { number: u32::try_from(number).unwrap_or(u32::MAX), ids })
}
