//! Looks for devices at a hub: first for a registration record, then, where that can matter, at the twin.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::AtHub;
use super::records::{self, Records};
use crate::engine::each::each;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::target::sighting::{self, Proof};
use crate::engine::turns::{Question, in_turn};
use crate::ids::DeviceId;
use crate::migration::Device;
use crate::migration::device::Fact;
use crate::migration::evidence::{Arrival, RecordSeen, Sighting, TwinSeen};
use crate::store::devices::Example;

/// Up to this many devices are asked for one by one; more are found faster in the pages of their groups.
const ONE_BY_ONE: usize = 12;
/// Records on a page of a group's.
const PAGE: usize = 100;

/// Looks once for each of these devices.
pub(in crate::engine) async fn look_for(run: &Run, at: &AtHub, devices: Vec<Device>) -> Result<(), Halt> {
    let (records, missing) = listed(run, at, &devices).await?;
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
                None => records::of_device(at, &device.id).await?,
            };
            match record {
                Some(record) => look_at(run, at, device, record).await.map(drop),
                None => Ok(()),
            }
        }
        .boxed()
    };
    for (device, halt) in each(worth_it, look).await?.of_devices(another_can_be_seen(run, at).boxed()).await? {
        tracing::warn!(device = %device.id, trouble = halt.words(), "one device could not be looked for; the others were");
    }
    Ok(())
}

/// A device that is proven at the target can be asked about now.
pub(in crate::engine) async fn another_can_be_seen(run: &Run, at: &AtHub) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Proven).await? else { return Ok(false) };
    records::of_device(at, &id).await?;
    at.hub.twin(&id).await?;
    Ok(true)
}

/// The records that the groups' pages show, and which devices are worth asking for. Reading pages costs a call a hundred
/// records, so few devices are asked for one by one; of those that no page shows, some are asked for at each sweep, in turn.
async fn listed(run: &Run, at: &AtHub, devices: &[Device]) -> Result<(Records, Vec<DeviceId>), Halt> {
    let mut records = Records::default();
    let in_pages = run.records_in_pages.load(Ordering::Relaxed);
    if devices.len() > ONE_BY_ONE.max(in_pages / PAGE) {
        records = Records::of(at, &run.store().target_groups(run.id()).await?).await?;
        run.records_in_pages.store(records.len(), Ordering::Relaxed);
    }
    let missing: Vec<&DeviceId> =
        devices.iter().map(|device| &device.id).filter(|id| records.get(id).is_none()).collect();
    let most = if records.len() == 0 { missing.len() } else { ONE_BY_ONE };
    let asked_for =
        in_turn(missing.into_iter().cloned().collect(), run.inner.turns.next(run.id(), Question::Sweep), most);
    Ok((records, asked_for))
}

/// Asks the target about one device, whatever the pages said.
pub(in crate::engine) async fn look_directly(run: &Run, at: &AtHub, device: &Device) -> Result<Arrival, Halt> {
    match records::of_device(at, &device.id).await? {
        Some(record) => look_at(run, at, device.clone(), record).await,
        None => Ok(Arrival::NotSeen),
    }
}

/// Judges one device whose record was read; the hub is asked only where the record can matter.
async fn look_at(run: &Run, at: &AtHub, device: Device, record: RecordSeen) -> Result<Arrival, Halt> {
    let hub = &at.target.hub_host;
    let provisioned_at = record.updated;
    let mut sighting = Sighting { record: Some(record.clone()), twin: None };
    if record.leads_to(hub) {
        let twin = at.hub.twin(record.id_at_hub(&device.id)).await?;
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
            let activity = sighting.twin.as_ref().and_then(|twin| twin.activity);
            let proof = Proof { provisioned, connected_at: activity.unwrap_or(now) };
            sighting::apply(row, &arrival, proof, "DPS");
        })
        .await?;
    Ok(arrival)
}
