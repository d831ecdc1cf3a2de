//! Tells one device to move, by a single command, and records what came of it.
//!
//! "Started" is written before the command is sent; what is left as started after a crash is for [`super::recover`].

use serde_json::{Value, json};

use super::admission;
use super::halt::Halt;
use super::run::Run;
use super::source::{self, Patience};
use crate::azure::central::CommandAnswer;
use crate::azure::error::{AzureError, EffectKnown, ErrorKind};
use crate::migration::device::{Device, Fact};
use crate::migration::model::{Plan, Target};
use crate::migration::sentence::capitalized;
use crate::migration::{CommandState, FailReason, Outcome, Unreached, Via, WaitReason};
use crate::store::{devices, migrations};

/// What telling a device came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It may be on its way.
    MayMove,
    /// It could not be reached.
    Unreachable,
    /// It will not move; its row says why.
    Settled,
    /// The source would not deliver the command; its row says why.
    NotDelivered,
}

impl Run {
    /// The payload of DeviceMove: the same for the canary, single commands and the job, with the original tool's fields
    /// (azure-api §6.1: the application that it names is the source for a move to a hub, else the target).
    pub(super) fn payload(&self) -> Result<Value, Halt> {
        let plan = &self.migration.plan;
        let id_scope = self.id_scope()?.as_str();
        Ok(match &plan.target {
            Target::Hub(hub) => json!({
                "idScope": id_scope,
                "dpsName": hub.dps_name,
                "dpsId": self.inner.azure.cloud().portal_link(&self.actor.id.tid, &hub.dps_id),
                "centralAppName": plan.source.app().map(|app| app.app_name.as_str()),
                "centralAppSubdomain": plan.source.app().map(|app| app.subdomain.as_str()),
            }),
            Target::App(app) => {
                let mut payload = json!({ "idScope": id_scope });
                // A direct method takes as little as it can: see azure-api §5.5 on what its payload may hold.
                if plan.source.app().is_some() {
                    payload["centralAppName"] = json!(app.app_name);
                    payload["centralAppSubdomain"] = json!(app.subdomain.as_str());
                }
                if let Some(model) = app.assign.as_ref().and_then(|assign| assign.model.as_ref()) {
                    payload["deviceTemplateId"] = json!(model.as_str());
                }
                payload
            }
        })
    }
}

/// Tells `device` to move, if it is still to be told. Gives an error only for what concerns the whole migration; where the
/// command was certainly not sent, the row is then as before.
pub(super) async fn tell(run: &Run, device: &Device, via: Via) -> Result<Told, Halt> {
    let payload = run.payload()?;
    if !admission::ensure(run, device).await? {
        return Ok(Told::Settled);
    }
    source::look_before(run, device).await?;
    let patience = source::patience(run, via);
    let Some(before) = claim(run, device, via, patience).await? else { return Ok(Told::Settled) };
    match source::command(run, device, &payload, patience).await {
        Ok(answer) => record_answer(run, device, &answer, "the command was answered").await,
        Err(error) => record_error(run, error, before).await,
    }
}

/// Writes that the device is about to be told, unless the migration was stopped or the device settled meanwhile. Gives the
/// row as it was.
async fn claim(run: &Run, device: &Device, via: Via, patience: Patience) -> Result<Option<Device>, Halt> {
    let mut tx = run.store().begin_write().await?;
    if !migrations::lookup(&mut tx, run.id()).await?.is_some_and(|now| run.goes_on(&now)) {
        return Err(Halt::LookAgain);
    }
    let Some(mut row) = devices::lookup(&mut tx, run.id(), &device.id).await? else { return Ok(None) };
    let tellable = matches!(row.command, CommandState::None | CommandState::Unreachable | CommandState::Again);
    if !row.outcome.is_open() || !tellable {
        return Ok(None);
    }
    let before = row.clone();
    let now = run.now();
    row.outcome = Outcome::Pending;
    row.command = CommandState::Started;
    row.via = Some(via);
    row.wave = row.wave.or(run.wave_when_told(via));
    row.attempts += 1;
    row.next_try_at = None;
    row.deadline = Some(now + patience.in_all() + run.patience());
    row.facts.commanded = Some(Fact { at: now, evidence: "single command".into() });
    devices::save(&mut tx, run.id(), &row).await?;
    tx.commit().await?;
    Ok(Some(before))
}

/// Records what the device itself answered.
pub(super) async fn record_answer(run: &Run, device: &Device, answer: &CommandAnswer, how: &str) -> Result<Told, Halt> {
    let Some(code) = answer.response_code else {
        run.store()
            .change_device(run.id(), &device.id, |row| unclear(run, row, "it answered without a status"))
            .await?;
        return Ok(Told::MayMove);
    };
    let now = run.now();
    let patience = run.patience();
    let accepted = (200..300).contains(&code);
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if !row.outcome.is_open() {
                return;
            }
            if accepted {
                row.command = CommandState::Answered;
                row.facts.acknowledged = Some(Fact { at: now, evidence: format!("{how}: status {code}") });
                row.deadline = Some(now + patience);
                row.outcome = Outcome::Pending;
                row.detail = None;
            } else {
                row.command = CommandState::Refused;
                row.outcome = Outcome::Failed(FailReason::Refused);
                row.detail = Some(format!("the device answered status {code}"));
            }
        })
        .await?;
    Ok(if accepted { Told::MayMove } else { Told::Settled })
}

/// It may have been told: the target is looked at until its time has run out.
fn unclear(run: &Run, row: &mut Device, why: &str) {
    if !row.outcome.is_open() {
        return;
    }
    row.outcome = Outcome::Pending;
    row.command = CommandState::Unclear;
    row.unclear += 1;
    row.detail = Some(why.into());
    row.deadline = Some(run.now() + run.patience());
}

async fn record_error(run: &Run, error: AzureError, before: Device) -> Result<Told, Halt> {
    match error.kind {
        ErrorKind::DeviceOffline => {
            run.store()
                .change_device(run.id(), &before.id, |row| {
                    // What was not delivered is no fact, an earlier try that this program broke off included.
                    row.facts.commanded = before.facts.commanded.clone().filter(|_| row.unclear > 0);
                    unreachable(run, row);
                })
                .await?;
            Ok(Told::Unreachable)
        }
        ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Conflict | ErrorKind::Precondition => {
            let gone = source::gone(run, &before).await;
            let outcome = gone.unwrap_or(Outcome::Failed(FailReason::CommandRefused));
            run.store()
                .change_device(run.id(), &before.id, |row| {
                    if row.outcome.is_open() {
                        row.command = not_told(row);
                        row.outcome = outcome;
                        row.detail = Some(error.to_string());
                    }
                })
                .await?;
            Ok(if gone.is_some() { Told::Settled } else { Told::NotDelivered })
        }
        _ if error.effect == EffectKnown::Unknown || matches!(error.kind, ErrorKind::DeviceTimeout) => {
            run.store()
                .change_device(run.id(), &before.id, |row| unclear(run, row, "it may have been told: no answer came"))
                .await?;
            // A service in trouble would make every further command unclear too.
            if matches!(error.kind, ErrorKind::Unavailable { .. }) { Err(error.into()) } else { Ok(Told::MayMove) }
        }
        _ => {
            run.store()
                .change_device(run.id(), &before.id, |row| {
                    if row.outcome.is_open() && row.command == CommandState::Started {
                        *row = Device { facts: row.facts.clone(), ..before.clone() };
                        row.facts.commanded.clone_from(&before.facts.commanded);
                    }
                })
                .await?;
            Err(error.into())
        }
    }
}

/// This command was not delivered; an earlier one may have been.
fn not_told(row: &Device) -> CommandState {
    if row.unclear > 0 { CommandState::Unclear } else { CommandState::None }
}

/// It could not be reached: tried again soon, then waited for; a candidate for the canary is waited for at once, since the
/// next one is asked meanwhile.
fn unreachable(run: &Run, row: &mut Device) {
    if !row.outcome.is_open() {
        return;
    }
    row.command = CommandState::Unreachable;
    row.deadline = None;
    let Plan { try_again, source, .. } = &run.migration.plan;
    let unreached = try_again.unreached(row.attempts, run.migration.started_at, run.now());
    row.next_try_at = unreached.next();
    if matches!(unreached, Unreached::Soon(_)) && row.via != Some(Via::Canary) {
        row.detail = Some("could not connect; tried again within a minute".into());
    } else {
        row.outcome = Outcome::Waiting(WaitReason::Offline);
        row.detail = Some(capitalized(&format!("{} could not connect to it", source.service())));
    }
}
