//! Tells one device to move, by a single command, and records what came of it.
//!
//! "Started" is written before the command is sent; what is left as started after a crash is for [`super::recover`].

use std::time::Duration;

use serde_json::{Value, json};

use super::halt::Halt;
use super::run::Run;
use crate::azure::central::{CommandAnswer, MoveCommand};
use crate::azure::error::{AzureError, EffectKnown, ErrorKind};
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::device::{Device, Fact};
use crate::migration::model::{PauseReason, Plan};
use crate::migration::{CommandState, FailReason, Outcome, Via, WaitReason};

/// Seconds that a device has to answer: the most that IoT Central allows.
pub(super) const RESPONSE_SECONDS: u8 = 30;
/// Tries within the first minute before a device counts as waiting.
const QUICK_TRIES: u32 = 3;
/// Between the quick tries.
const QUICK_PAUSE: Duration = Duration::from_secs(20);
/// Between tries of a waiting device: there is no online signal, and a try costs a command.
const SLOW_PAUSE: Duration = Duration::from_secs(600);
/// How often a device whose answer stays unclear is told before that is its end.
const UNCLEAR_TRIES: u32 = 2;

/// What telling a device came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It may be on its way.
    MayMove,
    /// It could not be reached.
    Unreachable,
    /// It will not move; its row says why.
    Settled,
    /// IoT Central would not deliver the command; its row says why.
    NotDelivered,
}

/// Devices in a row whose commands IoT Central would not deliver: so many are no trouble of the devices.
const MOST_REFUSALS: usize = 3;

/// Counts the commands that IoT Central would not deliver, one after the other.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    in_a_row: usize,
}

impl Refusals {
    /// Takes note of what telling a device came to. Too many refusals in a row are a halt: the devices refused are told
    /// again after *Resume*.
    pub(super) async fn note(&mut self, run: &Run, id: &DeviceId, told: Told) -> Result<(), Halt> {
        if told != Told::NotDelivered {
            self.in_a_row = 0;
            return Ok(());
        }
        self.in_a_row += 1;
        if self.in_a_row < MOST_REFUSALS { Ok(()) } else { Err(self.halt(run, id).await?) }
    }

    /// Whether the last device's command was not delivered.
    pub(super) fn any(&self) -> bool {
        self.in_a_row > 0
    }

    /// The halt for refusals of which the last was that of `id`.
    pub(super) async fn halt(&self, run: &Run, id: &DeviceId) -> Result<Halt, Halt> {
        let row = run.store().device(run.id(), id).await?;
        let why = row.and_then(|row| row.detail).unwrap_or_else(|| format!("the last was {id}"));
        let command = run.command().job_path();
        let (app, template) = (&run.migration.plan.source.app_display_name, &run.migration.plan.source.template_name);
        Ok(Halt::pause(
            PauseReason::Azure,
            format!("{app} would not deliver the command {command} to {} devices in a row. {why}.", self.in_a_row),
            format!(
                "Check that the published template {template} has {command} and that you may run commands there, then \
                 press Resume: these devices are told again."
            ),
        ))
    }
}

/// The payload of DeviceMove: the same for the canary, single commands and the job, with the original tool's fields.
pub(super) fn payload(plan: &Plan, dps_portal_link: &str) -> Value {
    json!({
        "idScope": plan.target.id_scope.as_str(),
        "dpsName": plan.target.dps_name,
        "dpsId": dps_portal_link,
        "centralAppName": plan.source.app_name,
        "centralAppSubdomain": plan.source.subdomain.as_str(),
    })
}

impl Run {
    /// The payload of this migration's commands.
    pub(super) fn payload(&self) -> Value {
        let target = &self.migration.plan.target;
        let link = self.inner.azure.cloud().portal_link(&self.actor.id.tid, &target.dps_id);
        payload(&self.migration.plan, &link)
    }

    /// The command of this migration's template.
    pub(super) fn command(&self) -> MoveCommand {
        MoveCommand {
            component: self.migration.plan.source.component.clone(),
            command: "DeviceMove".into(),
            queued_if_offline: false,
            notice: None,
        }
    }
}

/// Tells `device` to move. Gives an error only for what concerns the whole migration; the row is then as before.
pub(super) async fn tell(run: &Run, device: &Device, via: Via, connect: u8) -> Result<Told, Halt> {
    let before = (device.command, device.attempts, device.next_try_at);
    let now = run.now();
    let patience = run.patience();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            row.command = CommandState::Started;
            row.via = Some(via);
            row.attempts += 1;
            row.next_try_at = None;
            row.deadline = Some(now + Duration::from_secs(u64::from(connect) + u64::from(RESPONSE_SECONDS)) + patience);
            row.facts.commanded = Some(Fact { at: now, evidence: "single command".into() });
        })
        .await?;
    let answer = run.central.run_command(&device.id, &run.command(), &run.payload(), connect, RESPONSE_SECONDS).await;
    match answer {
        Ok(answer) => record_answer(run, device, &answer, "the command was answered").await,
        Err(error) => record_error(run, device, error, before).await,
    }
}

/// Records what the device itself answered.
pub(super) async fn record_answer(run: &Run, device: &Device, answer: &CommandAnswer, how: &str) -> Result<Told, Halt> {
    let now = run.now();
    let patience = run.patience();
    let accepted = answer.response_code.is_none_or(|code| (200..300).contains(&code));
    let status = answer.response_code.map_or_else(|| "no status".to_owned(), |code| format!("status {code}"));
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if accepted {
                row.command = CommandState::Answered;
                row.facts.acknowledged = Some(Fact { at: now, evidence: format!("{how}: {status}") });
                row.deadline = Some(now + patience);
                reopen(row);
            } else {
                row.command = CommandState::Refused;
                row.outcome = Outcome::Failed(FailReason::Refused);
                row.detail = Some(format!("the device answered {status}"));
            }
        })
        .await?;
    Ok(if accepted { Told::MayMove } else { Told::Settled })
}

/// A waiting device that may have been told is on its way again.
pub(super) fn reopen(row: &mut Device) {
    if matches!(row.outcome, Outcome::Waiting(_)) {
        row.outcome = Outcome::Pending;
        row.detail = None;
    }
}

async fn record_error(
    run: &Run,
    device: &Device,
    error: AzureError,
    before: (CommandState, u32, Option<Timestamp>),
) -> Result<Told, Halt> {
    let now = run.now();
    let patience = run.patience();
    match error.kind {
        ErrorKind::DeviceOffline => {
            run.store().change_device(run.id(), &device.id, |row| unreachable(row, now)).await?;
            Ok(Told::Unreachable)
        }
        ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Conflict | ErrorKind::Precondition => {
            run.store()
                .change_device(run.id(), &device.id, |row| {
                    row.command = CommandState::None;
                    row.outcome = Outcome::Failed(FailReason::CommandRefused);
                    row.detail = Some(error.to_string());
                })
                .await?;
            Ok(Told::NotDelivered)
        }
        _ if error.effect == EffectKnown::Unknown || matches!(error.kind, ErrorKind::DeviceTimeout) => {
            run.store()
                .change_device(run.id(), &device.id, |row| {
                    row.command = CommandState::Unclear;
                    row.detail = Some("it may have been told: no answer came".into());
                    row.deadline = Some(now + patience);
                    reopen(row);
                })
                .await?;
            Ok(Told::MayMove)
        }
        _ => {
            run.store()
                .change_device(run.id(), &device.id, |row| {
                    (row.command, row.attempts, row.next_try_at) = before;
                    if row.command == CommandState::None {
                        row.facts.commanded = None;
                        row.deadline = None;
                        row.via = None;
                    }
                })
                .await?;
            Err(error.into())
        }
    }
}

/// It could not be reached: tried again soon, then waited for.
pub(super) fn unreachable(row: &mut Device, now: Timestamp) {
    row.command = CommandState::Unreachable;
    row.deadline = None;
    if row.attempts < QUICK_TRIES {
        row.next_try_at = Some(now + QUICK_PAUSE);
        row.detail = Some("could not connect; tried again within a minute".into());
    } else {
        row.outcome = Outcome::Waiting(WaitReason::Offline);
        row.next_try_at = Some(now + SLOW_PAUSE);
        row.detail = Some("IoT Central could not connect to it".into());
    }
}

/// Asks what became of a device that may have been told, and was not seen at the target: the command's history first,
/// then one more command.
pub(super) async fn resolve(run: &Run, device: &Device) -> Result<Told, Halt> {
    if device.command != CommandState::Answered
        && let Some(answer) = last_answer(run, device).await?
    {
        return record_answer(run, device, &answer, "the command's history shows an answer").await;
    }
    if device.command == CommandState::Answered || device.attempts > UNCLEAR_TRIES {
        let reason = if device.command == CommandState::Answered { FailReason::NotSeen } else { FailReason::NoAnswer };
        run.store()
            .change_device(run.id(), &device.id, |row| {
                row.outcome = Outcome::Failed(reason);
                row.detail = Some(match reason {
                    FailReason::NotSeen if row.facts.provisioned.is_some() => {
                        "DPS registered it, but the hub never saw it".into()
                    }
                    FailReason::NotSeen => "it answered, but neither DPS nor the hub saw it in time".into(),
                    _ => "it neither answered nor turned up".into(),
                });
            })
            .await?;
        return Ok(Told::Settled);
    }
    let via = device.via.filter(|via| *via == Via::Canary).unwrap_or(Via::Single);
    tell(run, device, via, 0).await
}

/// The newest answer in the history of the device's command.
pub(super) async fn last_answer(run: &Run, device: &Device) -> Result<Option<CommandAnswer>, Halt> {
    match run.central.command_history(&device.id, &run.command()).await {
        Ok(history) => Ok(history.into_iter().find(|answer| answer.response_code.is_some())),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::DeviceOffline | ErrorKind::Rejected) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
