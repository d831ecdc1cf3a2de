//! Later checks at a hub.
//!
//! A device has left when its registration leads elsewhere, when its identity is gone, or when the hub shows it disconnected
//! and the application that it came from shows newer telemetry than its last activity here: firmware that forgets its ID
//! scope keeps identity and registration. Being disconnected alone proves nothing.

use std::collections::{HashMap, HashSet};

use super::AtHub;
use super::records::Records;
use crate::azure::hub::TwinSummary;
use crate::clock::Timestamp;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::signs::Signs;
use crate::engine::turns::{Question, in_turn};
use crate::engine::watch::{self, Later};
use crate::ids::DeviceId;
use crate::migration::Device;
use crate::migration::device::Fact;
use crate::migration::evidence::RecordSeen;

pub(in crate::engine) async fn check(run: &Run, at: &AtHub, devices: &[Device]) -> Result<(), Halt> {
    let records = Records::of(at, &run.store().target_groups(run.id()).await?).await?;
    let twins: HashMap<DeviceId, TwinSummary> = at
        .hub
        .query_devices("SELECT deviceId, connectionState, lastActivityTime FROM devices")
        .await?
        .into_iter()
        .map(|twin| (twin.device_id.clone(), twin))
        .collect();
    let signs = watch::signs_at_the_source(run).await?;
    let turn = run.inner.turns.next(run.id(), Question::Later);
    let silent = devices.iter().filter(|device| !twins.get(&device.id).is_some_and(TwinSummary::is_connected));
    let asked: HashSet<&DeviceId> =
        in_turn(silent.map(|device| &device.id).collect(), turn, watch::SIGNS).into_iter().collect();
    for device in devices {
        let record = records.get(&device.id);
        let id_at_hub = record.map_or(&device.id, |record| record.id_at_hub(&device.id));
        let later = check_one(
            at,
            signs.as_ref().filter(|_| asked.contains(&device.id)),
            device,
            record,
            id_at_hub,
            twins.get(id_at_hub),
        )
        .await;
        watch::record(run, device, later).await?;
    }
    Ok(())
}

async fn check_one(
    at: &AtHub,
    signs: Option<&Signs>,
    device: &Device,
    record: Option<&RecordSeen>,
    id_at_hub: &DeviceId,
    listed: Option<&TwinSummary>,
) -> Result<Later, Halt> {
    if record.is_some_and(|record| record.leads_elsewhere(&at.target.hub_host)) {
        return Ok(Later::Left("its registration now leads to another hub".into()));
    }
    // The list of twins lags: that one is missing there, or not connected, is looked up before it is believed.
    let (connected, activity) = match listed.filter(|twin| twin.is_connected()) {
        Some(twin) => (true, twin.last_activity),
        None => match at.hub.twin(id_at_hub).await? {
            Some(twin) => (twin.is_connected(), twin.last_activity),
            None => return Ok(Later::Left("its identity is no longer in the hub".into())),
        },
    };
    if let Some(signs) = signs.filter(|_| !connected)
        && is_at_the_source(signs, device, activity).await?
    {
        let place = signs.place();
        return Ok(Later::Left(format!("{place} shows a newer sign of life of it than its last activity at the hub")));
    }
    let newer = activity.filter(|at| device.facts.connected.as_ref().is_some_and(|fact| *at > fact.at));
    Ok(Later::There {
        newer: newer.map(|at| Fact { at, evidence: "the hub shows newer activity".into() }),
        again: connected,
        note: (!connected).then(|| "the hub shows it disconnected at the last check".into()),
    })
}

/// Both times are Azure's: it sent something to the application after the hub last heard of it.
async fn is_at_the_source(signs: &Signs, device: &Device, activity: Option<Timestamp>) -> Result<bool, Halt> {
    let Some(activity) = activity else { return Ok(false) };
    Ok(signs.newest(device).await?.is_some_and(|sign| sign > activity))
}
