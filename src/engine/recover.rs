//! What an earlier run of the program left half-known: single commands that were started and never recorded.
//!
//! A task begins with this, so whatever is still "started" was left by a run that died: nothing else is in flight.

use super::halt::Halt;
use super::resolve;
use super::run::Run;
use super::verify;
use super::{source, tell};
use crate::migration::{CommandState, Device, Via};

/// Settles what can be settled now; the rest is given the time in which an answer could still have come, is looked for
/// at the target meanwhile, and then told once more.
pub(super) async fn run(run: &Run) -> Result<(), Halt> {
    if half_known(run).await?.is_empty() {
        return Ok(());
    }
    verify::sweep(run).await?;
    for device in half_known(run).await? {
        let answer = match resolve::new_answer(run, &device).await {
            // It is asked again when the device's time has run out.
            Err(halt) if halt.may_be_of_one_device() => None,
            answer => answer?,
        };
        if let Some(answer) = answer {
            tell::record_answer(run, &device, &answer, "the command's history shows an answer").await?;
            continue;
        }
        let now = run.now();
        let patience = run.patience();
        let answering = source::patience(run, Via::Single).in_all();
        run.store()
            .change_device(run.id(), &device.id, |row| {
                let sent = row.facts.commanded.as_ref().map_or(now, |fact| fact.at);
                row.command = CommandState::Unclear;
                // A try that the program itself broke off says nothing of the device, so it uses up none of its tries: the
                // next one is as good as the first, also if the device is not connected then. Had a canary been told and
                // been lost without a trace even in the history, the next candidate would be risked, and nobody else.
                row.attempts = row.attempts.saturating_sub(1);
                row.detail = Some("the program stopped before its answer was recorded".into());
                row.deadline = Some(sent + answering + patience);
            })
            .await?;
    }
    Ok(())
}

async fn half_known(run: &Run) -> Result<Vec<Device>, Halt> {
    let mut devices = run.store().devices_outstanding(run.id()).await?;
    devices.retain(|device| device.command == CommandState::Started && device.via != Some(Via::Job));
    Ok(devices)
}
