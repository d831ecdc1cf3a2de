//! What must hold at the target just before a device is told: its own keys are known there, and where the target approves
//! devices first, and somebody asked for that, it is approved. Firmware made from the official samples does not come twice:
//! one that had to wait for approval would be lost.

use std::time::Duration;

use super::halt::Halt;
use super::individuals::Together;
use super::run::Run;
use super::{individuals, source, target};
use crate::migration::{Device, FailReason, Outcome};

/// How often one device is tried about which Azure does not answer, and the pause between two tries.
const TRIES: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(20);

/// Makes the target ready for this device. False: the device is not to be told now; its row says why.
pub(super) async fn ensure(run: &Run, device: &Device) -> Result<bool, Halt> {
    match prepare(run, device).await {
        // Azure answers about others: it is the trouble of this one.
        Err(halt) if halt.may_be_of_one_device() && source::another_can_be_read(run).await.unwrap_or(false) => {
            put_off(run, device, &halt).await?;
            Ok(false)
        }
        ready => ready,
    }
}

async fn prepare(run: &Run, device: &Device) -> Result<bool, Halt> {
    if !individuals::carry(run, device).await? {
        return Ok(false);
    }
    target::approve_ahead(run, device).await?;
    Ok(true)
}

/// It is tried again soon, and given up after some tries.
async fn put_off(run: &Run, device: &Device, halt: &Halt) -> Result<(), Halt> {
    let again = run.now() + BETWEEN;
    let why = format!("the target could not be made ready for it: {}", halt.words());
    run.store()
        .change_device(run.id(), &device.id, |row| {
            row.attempts += 1;
            row.detail = Some(why);
            if row.attempts < TRIES {
                row.next_try_at = Some(again);
            } else if row.outcome.is_open() {
                row.outcome = Outcome::Failed(FailReason::NotReadable);
            }
        })
        .await?;
    Ok(())
}

/// Makes the target ready for every device that a job is about to tell. False: for some it is not.
pub(super) async fn ensure_all(run: &Run) -> Result<bool, Halt> {
    let mut all = true;
    let mut together = Together::default();
    let devices = run.store().devices_untold(run.id(), u32::MAX).await?;
    for (number, device) in devices.iter().enumerate() {
        run.still_wanted().await?;
        together.carry(run, &devices[number..]).await?;
        all &= ensure(run, device).await?;
    }
    Ok(all)
}
