//! Looks for devices in an application that they go to: lets them in where somebody asked for that, and gives them the
//! template that was chosen.

use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::AtApp;
use crate::azure::central::DeviceChange;
use crate::azure::error::AzureError;
use crate::engine::each::each;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::target::sighting::{self, Proof};
use crate::migration::app_evidence::{AppSeen, judge};
use crate::migration::device::Fact;
use crate::migration::evidence::Arrival;
use crate::migration::{CommandState, Device, Outcome, WaitReason};
use crate::store::devices::Example;
use crate::store::events::EventKind;

/// Devices that are not on their way, asked about at one sweep: a call each, of those that commands need too.
const OTHERS: usize = 12;

/// Looks once for each device that is on its way, and for some of the others, in turn.
pub(in crate::engine) async fn look_for(run: &Run, at: &AtApp, devices: Vec<Device>) -> Result<(), Halt> {
    let (mut wanted, others): (Vec<Device>, Vec<Device>) =
        devices.into_iter().partition(|device| device.outcome == Outcome::Pending || awaits_approval(device));
    let start = run.next_to_ask.fetch_add(OTHERS, Ordering::Relaxed) % others.len().max(1);
    wanted.extend(others.iter().cycle().skip(start).take(OTHERS.min(others.len())).cloned());
    let look = |device: Device| async move { look_at(run, at, device).await.map(drop) }.boxed();
    for (device, halt) in each(wanted, look).await?.of_devices(another_can_be_seen(run, at).boxed()).await? {
        tracing::warn!(device = %device.id, trouble = halt.words(), "one device could not be looked for; the others were");
    }
    Ok(())
}

fn awaits_approval(device: &Device) -> bool {
    device.outcome == Outcome::Waiting(WaitReason::Approval)
}

/// A device that is proven there can be asked about now.
pub(in crate::engine) async fn another_can_be_seen(run: &Run, at: &AtApp) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Proven).await? else { return Ok(false) };
    Ok(at.see(&id).await?.is_some())
}

/// Asks the application about one device.
pub(in crate::engine) async fn look_at(run: &Run, at: &AtApp, device: Device) -> Result<Arrival, Halt> {
    let Some(mut seen) = at.see(&device.id).await? else { return Ok(Arrival::NotSeen) };
    let before = device.baseline.app.as_ref();
    if seen.provisioned && before.is_some_and(|before| before.provisioned) {
        seen.newest = at.newest(&device.id, &seen).await?;
    }
    let told = !matches!(device.command, CommandState::None | CommandState::Unreachable);
    let arrival = judge(before, Some(&seen), told);
    if arrival == Arrival::AwaitsApproval && told && approves(run).await? {
        approve(run, at, &device).await?;
        return Ok(Arrival::NotSeen);
    }
    if seen.enabled && !seen.provisioned && awaits_approval(&device) {
        is_let_in(run, &device).await?;
        return Ok(Arrival::NotSeen);
    }
    if arrival != Arrival::NotSeen {
        let note = match &arrival {
            Arrival::Connected { .. } => give_template(at, &device, &seen).await?,
            _ => None,
        };
        record(run, at, &device, &arrival, &seen, note).await?;
    }
    Ok(arrival)
}

async fn record(
    run: &Run,
    at: &AtApp,
    device: &Device,
    arrival: &Arrival,
    seen: &AppSeen,
    note: Option<String>,
) -> Result<(), Halt> {
    let now = run.now();
    let app = &at.target.app_display_name;
    run.store()
        .change_device(run.id(), &device.id, |row| {
            let provisioned = Fact { at: now, evidence: format!("{app} took it in") };
            let proof = Proof { provisioned, connected_at: seen.newest.unwrap_or(now) };
            sighting::apply(row, arrival, proof, app);
            if row.outcome == Outcome::Moved {
                row.detail = note;
            }
        })
        .await?;
    Ok(())
}

/// Somebody asked that this migration's devices be approved as they arrive; also a moment ago.
async fn approves(run: &Run) -> Result<bool, Halt> {
    Ok(run.store().migration(run.id()).await?.is_some_and(|migration| migration.approved_by.is_some()))
}

async fn approve(run: &Run, at: &AtApp, device: &Device) -> Result<(), Halt> {
    let change = DeviceChange { enabled: Some(true), ..DeviceChange::default() };
    at.central.change_device(&device.id, &change).await?;
    run.note(EventKind::Device, &format!("{} is approved in {}.", device.id, at.target.app_display_name)).await?;
    is_let_in(run, device).await
}

/// It may come in now: it has as long for that as one that has just answered.
async fn is_let_in(run: &Run, device: &Device) -> Result<(), Halt> {
    let deadline = run.now() + run.patience();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome.is_open() {
                row.outcome = Outcome::Pending;
                row.deadline = Some(deadline);
                row.detail = Some("approved there; it has to come once more".into());
            }
        })
        .await?;
    Ok(())
}

/// Gives an arrived device the template that was chosen, unless it has one. A refusal is said on its row, and holds nobody
/// back.
async fn give_template(at: &AtApp, device: &Device, seen: &AppSeen) -> Result<Option<String>, AzureError> {
    let Some(assign) = &at.target.assign else { return Ok(None) };
    match &seen.template {
        Some(own) if *own == assign.template => return Ok(None),
        Some(own) => return Ok(Some(format!("it has the template {own} there, which was not changed"))),
        None => {}
    }
    let change = DeviceChange { template: Some(assign.template.clone()), ..DeviceChange::default() };
    match at.central.change_device(&device.id, &change).await {
        Ok(_) => Ok(None),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => Ok(Some(format!("the template {} could not be assigned: {error}", assign.template_name))),
    }
}
