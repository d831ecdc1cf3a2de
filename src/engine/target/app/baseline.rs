//! The part of the snapshot that asks the target application: what it knew of every device before anybody was told.

use futures_util::FutureExt;

use super::AtApp;
use crate::engine::each::settle_each;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::target::baseline::record;
use crate::migration::evidence::Baseline;
use crate::migration::{Device, SkipReason};
use crate::store::devices::Example;

/// What the application knows now of every device that is to move.
pub(in crate::engine) async fn take_all(run: &Run, at: &AtApp) -> Result<(), Halt> {
    let devices = run.store().devices_without_baseline(run.id()).await?;
    settle_each(run, devices, |device| take_one(run, at, device).boxed(), || another_can_be_read(run, at).boxed()).await
}

async fn take_one(run: &Run, at: &AtApp, device: Device) -> Result<(), Halt> {
    run.still_wanted().await?;
    let mut seen = at.see(&device.id).await?;
    // Only of one that was there before is anything newer to be told from what was there before.
    if let Some(seen) = seen.as_mut().filter(|seen| seen.provisioned) {
        seen.newest = at.newest(&device.id, seen).await?;
    }
    let closed = seen.as_ref().is_some_and(|seen| seen.is_closed());
    let settled = closed.then_some((SkipReason::BlockedAtTarget, None));
    let baseline = Baseline { taken_at: Some(run.now()), app: seen, ..Baseline::default() };
    record(run, &device, baseline, settled).await
}

/// A device whose baseline was taken can be asked about now.
async fn another_can_be_read(run: &Run, at: &AtApp) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::WithBaseline).await? else { return Ok(false) };
    at.see(&id).await?;
    run.central.command_history(&id, &run.command()).await?;
    Ok(true)
}
