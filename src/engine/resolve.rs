//! What became of a device that may have been told and was not seen at the target in time.
//!
//! The order is the design's: the target itself, once more and directly; then the command's history; then one more
//! command. This only decides; a command is sent by [`super::singles`] or [`super::canary`], at their pace.

use super::halt::Halt;
use super::run::Run;
use super::tell;
use super::verify;
use crate::azure::central::CommandAnswer;
use crate::azure::error::ErrorKind;
use crate::migration::evidence::Arrival;
use crate::migration::{CommandState, Device, FailReason, Outcome};

/// How often a device may be told without an answer before that is its end.
const UNCLEAR_TRIES: u32 = 2;

/// Decides about one device whose time has run out.
pub(super) async fn resolve(run: &Run, device: &Device) -> Result<(), Halt> {
    let arrival = verify::look_directly(run, device).await?;
    let Some(device) = run.store().device(run.id(), &device.id).await? else { return Ok(()) };
    let overdue = device.outcome == Outcome::Pending && device.deadline.is_some_and(|deadline| deadline <= run.now());
    if !overdue {
        return Ok(());
    }
    match (&arrival, device.command) {
        (Arrival::Refused(why), _) => fail(run, &device, FailReason::RegistrationRefused, why).await,
        (Arrival::Elsewhere(hub), _) => {
            fail(run, &device, FailReason::WrongHub, &format!("DPS assigned it to {hub}")).await
        }
        (_, CommandState::Answered) => fail(run, &device, FailReason::NotSeen, not_seen(&device)).await,
        _ => ask_the_history(run, &device).await,
    }
}

fn not_seen(device: &Device) -> &'static str {
    match device.facts.provisioned {
        Some(_) => "DPS registered it, but the hub never saw it",
        None => "it answered, but neither DPS nor the hub saw it in time",
    }
}

async fn ask_the_history(run: &Run, device: &Device) -> Result<(), Halt> {
    if let Some(answer) = new_answer(run, device).await? {
        tell::record_answer(run, device, &answer, "the command's history shows an answer").await?;
        return Ok(());
    }
    if device.unclear >= UNCLEAR_TRIES {
        return fail(run, device, FailReason::NoAnswer, "it neither answered nor turned up").await;
    }
    let now = run.now();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome == Outcome::Pending {
                row.command = CommandState::Again;
                row.next_try_at = Some(now);
                row.deadline = None;
            }
        })
        .await?;
    Ok(())
}

async fn fail(run: &Run, device: &Device, reason: FailReason, why: &str) -> Result<(), Halt> {
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome == Outcome::Pending {
                row.outcome = Outcome::Failed(reason);
                row.detail = Some(why.to_owned());
            }
        })
        .await?;
    Ok(())
}

/// The answer to this migration's command, if its history shows one. Entries have no time and no documented order, so
/// those from before this migration only count as a number; where old and new ones differ, nothing is believed.
pub(super) async fn new_answer(run: &Run, device: &Device) -> Result<Option<CommandAnswer>, Halt> {
    let answers = answers(run, device).await?;
    let before = device.answers_before.unwrap_or_default() as usize;
    let accepted = answers.iter().filter(|answer| answer.is_accepted()).count();
    let alike = accepted == 0 || accepted == answers.len();
    Ok(if answers.len() > before && alike { answers.into_iter().next() } else { None })
}

/// The entries of the history that have a status.
pub(super) async fn answers(run: &Run, device: &Device) -> Result<Vec<CommandAnswer>, Halt> {
    match run.central.command_history(&device.id, &run.command()).await {
        Ok(history) => Ok(history.into_iter().filter(|answer| answer.response_code.is_some()).collect()),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::DeviceOffline | ErrorKind::Rejected) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error.into()),
    }
}
