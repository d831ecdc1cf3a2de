//! Step *verify*: looks for devices at the target, and gives up on those whose time has run out.

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::halt::Halt;
use super::records::{Record, Records};
use super::run::Run;
use super::tell;
use crate::migration::device::Fact;
use crate::migration::evidence::{Arrival, Sighting, TwinSeen};
use crate::migration::{CommandState, Device, FailReason, Outcome, SkipReason, Via};

/// Up to this many devices are asked for one by one; more are found faster in the pages of their groups.
const ONE_BY_ONE: usize = 12;
/// Twins read at once; the client paces them.
const AT_ONCE: usize = 8;

/// Looks once for every device that may have been told.
pub(super) async fn sweep(run: &Run) -> Result<(), Halt> {
    let devices = run.store().devices_outstanding(run.id()).await?;
    look_for(run, devices).await
}

/// Looks once for devices that are waited for or given up: they may have turned up all the same.
pub(super) async fn sweep_the_lost(run: &Run) -> Result<(), Halt> {
    let devices = run.store().devices_that_may_turn_up(run.id()).await?;
    look_for(run, devices).await
}

async fn look_for(run: &Run, devices: Vec<Device>) -> Result<(), Halt> {
    let mut records = records_of(run, &devices).await?;
    let seen: Vec<(Device, Record)> =
        devices.into_iter().filter_map(|device| records.take(&device.id).map(|record| (device, record))).collect();
    stream::iter(seen)
        .map(|(device, record)| look_at(run, device, record).boxed())
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
}

/// The registration records of these devices, as far as DPS has them.
async fn records_of(run: &Run, devices: &[Device]) -> Result<Records, Halt> {
    let mut records = Records::default();
    if devices.len() > ONE_BY_ONE {
        records = Records::of(run, &run.store().target_groups(run.id()).await?).await?;
    }
    let missing: Vec<&Device> =
        devices.iter().filter(|device| records.get(&device.id).is_none()).take(ONE_BY_ONE).collect();
    for device in missing {
        if let Some(record) = run.dps.registration(&device.id).await? {
            records.add(&device.id, record);
        }
    }
    Ok(records)
}

/// Judges one device whose record was read; the hub is asked only where the record can matter.
async fn look_at(run: &Run, device: Device, record: Record) -> Result<(), Halt> {
    let hub = &run.migration.plan.target.hub_host;
    let provisioned_at = record.seen.updated;
    let mut sighting = Sighting { record: Some(record.seen.clone()), twin: None };
    if record.seen.leads_to(hub) {
        let twin = run.hub.twin(record.id_at_hub(&device.id)).await?;
        sighting.twin = twin.map(|twin| TwinSeen { connected: twin.is_connected(), activity: twin.last_activity });
    }
    let arrival = device.baseline.judge(&sighting, hub);
    if arrival == Arrival::NotSeen {
        return Ok(());
    }
    let now = run.now();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            let provisioned = Fact { at: provisioned_at.unwrap_or(now), evidence: format!("DPS assigned it to {hub}") };
            apply(row, arrival, provisioned, &sighting, now);
        })
        .await?;
    Ok(())
}

/// What a sighting makes of a device.
fn apply(row: &mut Device, arrival: Arrival, provisioned: Fact, sighting: &Sighting, now: crate::clock::Timestamp) {
    let fail = |row: &mut Device, reason, detail: String| {
        row.outcome = Outcome::Failed(reason);
        row.detail = Some(detail);
        row.next_try_at = None;
    };
    match arrival {
        Arrival::NotSeen => {}
        Arrival::Refused(why) => fail(row, FailReason::RegistrationRefused, why),
        Arrival::Elsewhere(hub) => fail(row, FailReason::WrongHub, format!("DPS assigned it to {hub}")),
        Arrival::Provisioned => {
            row.facts.provisioned.get_or_insert(provisioned);
        }
        Arrival::Connected { evidence } => {
            let activity = sighting.twin.as_ref().and_then(|twin| twin.activity);
            row.facts.provisioned.get_or_insert(provisioned);
            row.facts.connected = Some(Fact { at: activity.unwrap_or(now), evidence });
            row.outcome = Outcome::Moved;
            row.detail = None;
            row.next_try_at = None;
            row.deadline = None;
        }
        Arrival::AlreadyThere if row.facts.acknowledged.is_none() => {
            row.outcome = Outcome::Skipped(SkipReason::AlreadyAtTarget);
            row.detail = Some("it came back to the hub by the registration that it had before".into());
            row.next_try_at = None;
        }
        Arrival::AlreadyThere => {}
    }
}

/// Asks about the devices whose time has run out. Those told by a job that is still at work are left to it.
pub(super) async fn give_up_on_overdue(run: &Run) -> Result<(), Halt> {
    let now = run.now();
    for device in run.store().devices_outstanding(run.id()).await? {
        let in_job = device.via == Some(Via::Job) && device.command == CommandState::Started;
        if !in_job && device.deadline.is_some_and(|deadline| deadline <= now) {
            run.still_wanted().await?;
            tell::resolve(run, &device).await?;
        }
    }
    Ok(())
}
