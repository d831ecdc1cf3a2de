//! Step *verify*: looks for devices at the target, and gives up on those whose time has run out.

use super::halt::Halt;
use super::resolve;
use super::run::Run;
use super::target;
use crate::migration::{CommandState, Via};

/// Looks once for every device that was tried and is not proven at the target, also for those that are waited for or
/// given up: any of them may have turned up.
pub(super) async fn sweep(run: &Run) -> Result<(), Halt> {
    let devices = run.store().devices_that_may_turn_up(run.id()).await?;
    target::look_for(run, devices).await
}

/// Asks about the devices whose time has run out. Those told by a job that is still at work are left to it.
pub(super) async fn give_up_on_overdue(run: &Run) -> Result<(), Halt> {
    let now = run.now();
    for device in run.store().devices_outstanding(run.id()).await? {
        let in_job = device.via == Some(Via::Job) && device.command == CommandState::Started;
        if !in_job && device.deadline.is_some_and(|deadline| deadline <= now) {
            run.still_wanted().await?;
            resolve::resolve(run, &device).await?;
        }
    }
    Ok(())
}
