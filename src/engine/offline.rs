//! The end of waiting for devices that cannot be reached, where the person chose one.

use super::halt::Halt;
use super::run::Run;
use crate::store::devices::fail_offline;
use crate::store::events::{self, EventKind, PROGRAM};
use crate::store::migrations;

/// Settles the devices that are waited for because they could not be reached, once the time for trying them is over.
/// Whoever waits for approval has been reached, and is waited for further.
pub(super) async fn give_up(run: &Run) -> Result<(), Halt> {
    let (try_again, now) = (run.migration.plan.try_again, run.now());
    if !try_again.is_over(run.migration.started_at, now) {
        return Ok(());
    }
    let mut tx = run.store().begin_write().await?;
    if !migrations::lookup(&mut tx, run.id()).await?.is_some_and(|now| run.goes_on(&now)) {
        return Err(Halt::LookAgain);
    }
    let number = fail_offline(&mut tx, run.id()).await?;
    if number == 0 {
        return Ok(());
    }
    let (devices, are) = if number == 1 { ("device", "is") } else { ("devices", "are") };
    let text = format!(
        "Devices that could not be reached were tried {} after the start, as chosen: {number} {devices} {are} recorded as \
         failed: offline.",
        try_again.time.words()
    );
    events::append(&mut tx, run.id(), now, PROGRAM, EventKind::GivenUp, &text).await?;
    Ok(tx.commit().await?)
}
