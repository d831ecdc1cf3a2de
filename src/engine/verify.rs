//! Step *verify*: looks for devices at the target, and gives up on those whose time has run out.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::each::each;
use super::halt::Halt;
use super::records::{self, Records};
use super::resolve;
use super::run::Run;
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::device::Fact;
use crate::migration::evidence::{Arrival, RecordSeen, Sighting, TwinSeen};
use crate::migration::{CommandState, Device, Outcome, SkipReason, Via};
use crate::store::devices::Example;

/// Up to this many devices are asked for one by one; more are found faster in the pages of their groups.
const ONE_BY_ONE: usize = 12;
/// Records on a page of a group's.
const PAGE: usize = 100;

/// Looks once for every device that was tried and is not proven at the target, also for those that are waited for or
/// given up: any of them may have turned up.
pub(super) async fn sweep(run: &Run) -> Result<(), Halt> {
    let devices = run.store().devices_that_may_turn_up(run.id()).await?;
    look_for(run, devices).await
}

async fn look_for(run: &Run, devices: Vec<Device>) -> Result<(), Halt> {
    let (records, missing) = listed(run, &devices).await?;
    let asked_for: HashSet<&DeviceId> = missing.iter().collect();
    let worth_it: Vec<Device> = devices
        .iter()
        .filter(|device| records.get(&device.id).is_some() || asked_for.contains(&device.id))
        .cloned()
        .collect();
    let look = |device: Device| {
        let listed = records.get(&device.id).cloned();
        async move {
            let record = match listed {
                Some(record) => Some(record),
                None => records::of_device(run, &device.id).await?,
            };
            match record {
                Some(record) => look_at(run, device, record).await.map(drop),
                None => Ok(()),
            }
        }
        .boxed()
    };
    for (device, halt) in each(worth_it, look).await?.of_devices(another_can_be_seen(run).boxed()).await? {
        tracing::warn!(device = %device.id, trouble = halt.words(), "one device could not be looked for; the others were");
    }
    Ok(())
}

/// A device that is proven at the target can be asked about now.
pub(super) async fn another_can_be_seen(run: &Run) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Proven).await? else { return Ok(false) };
    records::of_device(run, &id).await?;
    run.hub.twin(&id).await?;
    Ok(true)
}

/// The records that the groups' pages show, and which devices are worth asking for. Reading pages costs a call a hundred
/// records, so few devices are asked for one by one; of those that no page shows, some are asked for at each sweep, in turn.
async fn listed(run: &Run, devices: &[Device]) -> Result<(Records, Vec<DeviceId>), Halt> {
    let mut records = Records::default();
    let in_pages = run.records_in_pages.load(Ordering::Relaxed);
    if devices.len() > ONE_BY_ONE.max(in_pages / PAGE) {
        records = Records::of(run, &run.store().target_groups(run.id()).await?).await?;
        run.records_in_pages.store(records.len(), Ordering::Relaxed);
    }
    let missing: Vec<&DeviceId> =
        devices.iter().map(|device| &device.id).filter(|id| records.get(id).is_none()).collect();
    let most = if records.len() == 0 { missing.len() } else { ONE_BY_ONE };
    let start = run.next_to_ask.fetch_add(most, Ordering::Relaxed) % missing.len().max(1);
    let asked_for = missing.iter().cycle().skip(start).take(most.min(missing.len())).map(|id| (*id).clone()).collect();
    Ok((records, asked_for))
}

/// Asks the target about one device, whatever the pages said.
pub(super) async fn look_directly(run: &Run, device: &Device) -> Result<Arrival, Halt> {
    match records::of_device(run, &device.id).await? {
        Some(record) => look_at(run, device.clone(), record).await,
        None => Ok(Arrival::NotSeen),
    }
}

/// Judges one device whose record was read; the hub is asked only where the record can matter.
async fn look_at(run: &Run, device: Device, record: RecordSeen) -> Result<Arrival, Halt> {
    let hub = &run.migration.plan.target.hub_host;
    let provisioned_at = record.updated;
    let mut sighting = Sighting { record: Some(record.clone()), twin: None };
    if record.leads_to(hub) {
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
