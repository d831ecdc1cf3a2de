//! Looks for devices in an application that they go to: lets them in where somebody asked for that, and gives them the
//! template that was chosen.

use futures_util::FutureExt;

use super::{AtApp, approval};
use crate::azure::central::DeviceChange;
use crate::azure::error::{AzureError, ErrorKind};
use crate::engine::each::each;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::target::sighting::{self, Proof};
use crate::engine::turns::{Question, in_turn};
use crate::migration::app_evidence::{AppSeen, judge, must_begin_anew};
use crate::migration::device::Fact;
use crate::migration::evidence::Arrival;
use crate::migration::{Device, Outcome};
use crate::store::devices::Example;

/// Devices that are not on their way, and such as wait for approval, asked about at one sweep: a call each, of those that
/// commands need too.
const OTHERS: usize = 12;
const AWAITING: usize = 60;

/// Looks once for each device that is on its way, and for some of the others, in turn.
pub(in crate::engine) async fn look_for(run: &Run, at: &AtApp, devices: Vec<Device>) -> Result<(), Halt> {
    let (mut wanted, others): (Vec<Device>, Vec<Device>) =
        devices.into_iter().partition(|device| device.outcome == Outcome::Pending);
    let (awaiting, others): (Vec<Device>, Vec<Device>) = others.into_iter().partition(approval::is_awaited);
    let turn = run.inner.turns.next(run.id(), Question::Sweep);
    wanted.extend(in_turn(awaiting, turn, AWAITING));
    wanted.extend(in_turn(others, turn, OTHERS));
    let look = |device: Device| {
        async move {
            run.still_looking().await?;
            look_at(run, at, device).await.map(drop)
        }
        .boxed()
    };
    for (device, halt) in each(wanted, look).await?.of_devices(another_can_be_seen(run, at).boxed()).await? {
        tracing::warn!(device = %device.id, trouble = halt.words(), "one device could not be looked for; the others were");
    }
    Ok(())
}

/// A device that is proven there can be asked about now.
pub(in crate::engine) async fn another_can_be_seen(run: &Run, at: &AtApp) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Proven).await? else { return Ok(false) };
    if let Some(seen) = at.see(&id).await? {
        at.newest(&id, &seen).await?;
    }
    Ok(true)
}

/// Asks the application about one device.
pub(in crate::engine) async fn look_at(run: &Run, at: &AtApp, device: Device) -> Result<Arrival, Halt> {
    let Some(mut seen) = at.see(&device.id).await? else { return Ok(Arrival::NotSeen) };
    let told = device.may_have_been_told();
    // Without a template no sign of life of a device that was there before can be seen.
    let mut note = None;
    if told && seen.provisioned && seen.enabled {
        note = give_template(run, at, &mut seen, &device).await?;
    }
    let before = device.baseline.app.as_ref();
    if seen.provisioned && before.is_some_and(|before| before.provisioned) {
        seen.newest = at.newest(&device.id, &seen).await?;
    }
    if must_begin_anew(before, &seen) {
        run.store().change_device(run.id(), &device.id, |row| row.baseline.app = Some(seen)).await?;
        return Ok(Arrival::NotSeen);
    }
    if seen.enabled && !seen.provisioned && approval::is_awaited(&device) {
        approval::is_let_in(run, &device).await?;
        return Ok(Arrival::NotSeen);
    }
    let arrival = judge(before, Some(&seen), told);
    if arrival == Arrival::NotSeen {
        return Ok(arrival);
    }
    record(run, at, &device, &arrival, &seen, note).await?;
    if arrival == Arrival::AwaitsApproval
        && told
        && approval::is_wished(run).await?
        && approval::approve(run, at, &device).await?
    {
        return Ok(Arrival::NotSeen);
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

/// Gives a device that has come the template that was chosen, unless it has one. That the application does not take it for
/// this device is said on its row, and holds nobody back; nor does a trouble that lasts: once the device's time is over, that it
/// has come counts for more.
pub(super) async fn give_template(
    run: &Run,
    at: &AtApp,
    seen: &mut AppSeen,
    device: &Device,
) -> Result<Option<String>, AzureError> {
    let Some(assign) = &at.target.assign else { return Ok(None) };
    match &seen.template {
        Some(own) if *own == assign.template => return Ok(None),
        Some(own) => return Ok(Some(format!("it has the template {own} there, which was not changed"))),
        None => {}
    }
    let change = DeviceChange { template: Some(assign.template.clone()), ..DeviceChange::default() };
    match at.central.change_device(&device.id, &change).await {
        Ok(changed) => {
            seen.template = changed.template.or_else(|| Some(assign.template.clone()));
            Ok(None)
        }
        Err(error) => match error.kind {
            ErrorKind::Rejected | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Precondition => {
                Ok(Some(format!("the template {} could not be assigned: {error}", assign.template_name)))
            }
            _ if error.is_transient() && is_overdue(run, device) => {
                Ok(Some(format!("the template {} could not be assigned: {error}", assign.template_name)))
            }
            _ => Err(error),
        },
    }
}

fn is_overdue(run: &Run, device: &Device) -> bool {
    device.deadline.is_some_and(|deadline| deadline <= run.now())
}
