//! Step *verify*: looks for devices at the target, and gives up on those whose time has run out.

use std::sync::atomic::Ordering;

use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, stream};

use super::halt::Halt;
use super::records::{Record, Records};
use super::resolve;
use super::run::Run;
use crate::clock::Timestamp;
use crate::migration::device::Fact;
use crate::migration::evidence::{Arrival, Sighting, TwinSeen};
use crate::migration::{CommandState, Device, Outcome, SkipReason, Via};

/// Up to this many devices are asked for one by one; more are found faster in the pages of their groups.
const ONE_BY_ONE: usize = 12;
/// Records on a page of a group's.
const PAGE: usize = 100;
/// Twins read at once; the client paces them.
const AT_ONCE: usize = 8;

/// Looks once for every device that was tried and is not proven at the target, also for those that are waited for or
/// given up: any of them may have turned up.
pub(super) async fn sweep(run: &Run) -> Result<(), Halt> {
    let devices = run.store().devices_that_may_turn_up(run.id()).await?;
    look_for(run, devices).await
}

async fn look_for(run: &Run, devices: Vec<Device>) -> Result<(), Halt> {
    let mut records = records_of(run, &devices).await?;
    let seen: Vec<(Device, Record)> =
        devices.into_iter().filter_map(|device| records.take(&device.id).map(|record| (device, record))).collect();
    stream::iter(seen)
        .map(|(device, record)| look_at(run, device, record).map_ok(drop).boxed())
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
}

/// The registration records of these devices, as far as DPS has them. Reading the groups' pages costs a call a hundred
/// records, so few devices are asked for one by one; of those that no page shows, some are asked for at each sweep, in turn.
async fn records_of(run: &Run, devices: &[Device]) -> Result<Records, Halt> {
    let mut records = Records::default();
    let in_pages = run.records_in_pages.load(Ordering::Relaxed);
    if devices.len() > ONE_BY_ONE.max(in_pages / PAGE) {
        records = Records::of(run, &run.store().target_groups(run.id()).await?).await?;
        run.records_in_pages.store(records.len(), Ordering::Relaxed);
    }
    let missing: Vec<&Device> = devices.iter().filter(|device| records.get(&device.id).is_none()).collect();
    let most = if records.len() == 0 { missing.len() } else { ONE_BY_ONE };
    let start = run.next_to_ask.fetch_add(most, Ordering::Relaxed) % missing.len().max(1);
    for device in missing.iter().cycle().skip(start).take(most.min(missing.len())) {
        if let Some(record) = run.dps.registration(&device.id).await? {
            records.add(&device.id, record);
        }
    }
    Ok(records)
}

/// Asks the target about one device, whatever the pages said.
pub(super) async fn look_directly(run: &Run, device: &Device) -> Result<Arrival, Halt> {
    match run.dps.registration(&device.id).await? {
        Some(record) => look_at(run, device.clone(), record.into()).await,
        None => Ok(Arrival::NotSeen),
    }
}

/// Judges one device whose record was read; the hub is asked only where the record can matter.
async fn look_at(run: &Run, device: Device, record: Record) -> Result<Arrival, Halt> {
    let hub = &run.migration.plan.target.hub_host;
    let provisioned_at = record.seen.updated;
    let mut sighting = Sighting { record: Some(record.seen.clone()), twin: None };
    if record.seen.leads_to(hub) {
        let twin = run.hub.twin(record.id_at_hub(&device.id)).await?;
        sighting.twin = twin.map(|twin| TwinSeen { connected: twin.is_connected(), activity: twin.last_activity });
    }
    let arrival = device.baseline.judge(&sighting, hub);
    if arrival == Arrival::NotSeen {
        return Ok(arrival);
    }
    let now = run.now();
    let patience = run.patience();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            let provisioned = Fact { at: provisioned_at.unwrap_or(now), evidence: format!("DPS assigned it to {hub}") };
            if arrival == Arrival::Provisioned && row.facts.provisioned.is_none() && row.deadline.is_some() {
                row.deadline = row.deadline.max(Some(now + patience));
            }
            apply(row, &arrival, provisioned, &sighting, now);
        })
        .await?;
    Ok(arrival)
}

/// What a sighting makes of a device. A refusal is not its end before its time has run out: firmware tries again.
fn apply(row: &mut Device, arrival: &Arrival, provisioned: Fact, sighting: &Sighting, now: Timestamp) {
    match arrival {
        Arrival::NotSeen => {}
        Arrival::Refused(why) if row.outcome.is_open() => row.detail = Some(format!("DPS refused it: {why}")),
        Arrival::Elsewhere(hub) if row.outcome.is_open() => row.detail = Some(format!("DPS assigned it to {hub}")),
        Arrival::Refused(_) | Arrival::Elsewhere(_) => {}
        Arrival::Provisioned => {
            row.facts.provisioned.get_or_insert(provisioned);
        }
        Arrival::Connected { evidence } => {
            let activity = sighting.twin.as_ref().and_then(|twin| twin.activity);
            row.facts.provisioned.get_or_insert(provisioned);
            row.facts.connected = Some(Fact { at: activity.unwrap_or(now), evidence: evidence.clone() });
            row.outcome = Outcome::Moved;
            row.detail = None;
            row.next_try_at = None;
            row.deadline = None;
        }
        // Only of a device that was not reached: one that may have been told must be proven by a new registration.
        Arrival::AlreadyThere if row.command == CommandState::Unreachable => {
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
            resolve::resolve(run, &device).await?;
        }
    }
    Ok(())
}
