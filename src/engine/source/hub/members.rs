//! The devices of the hubs: who is to move, and what the hubs themselves show against it.

use std::collections::{HashMap, HashSet};

use super::FromHub;
use crate::azure::hub::{Hub, Twin};
use crate::clock::Timestamp;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::source::is_registration_id;
use crate::ids::DeviceId;
use crate::migration::model::PauseReason;
use crate::migration::{Outcome, SkipReason};
use crate::store::devices::{self, Found};
use crate::store::migrations;

/// Rows written in one transaction.
const BATCH: usize = 500;
/// Up to so many chosen devices are read one by one: a twin costs a message of the hub's day, too.
const ONE_BY_ONE: usize = 1_000;
/// Every field that is needed is in it, and every hub understands it.
const EVERYBODY: &str = "SELECT * FROM devices";

/// A device in one of the hubs.
struct Member {
    host: String,
    connected: bool,
    activity: Option<Timestamp>,
    outcome: Outcome,
}

/// A row for every device of the hubs, or every one that was chosen: also for those of them that are not there any more.
pub(in crate::engine) async fn read_all(run: &Run, at: &FromHub) -> Result<(), Halt> {
    let chosen = match run.migration.parent {
        Some(_) => Some(run.store().chosen_devices(run.id()).await?),
        None => None,
    };
    let members = match &chosen {
        Some(ids) if ids.len() <= ONE_BY_ONE => read_each(run, at, ids).await?,
        _ => read_everybody(run, at).await?,
    };
    let (members, chosen) = match chosen {
        Some(ids) => with_missing(run, at, members, ids).await?,
        None => (members, None),
    };
    let mut ids = chosen.unwrap_or_else(|| members.keys().cloned().collect());
    ids.sort_by(|one, two| one.as_str().cmp(two.as_str()));
    let nowhere = at.hubs.first().map_or("", |(host, _)| host);
    for batch in ids.chunks(BATCH) {
        run.still_wanted().await?;
        let mut tx = run.store().begin_write().await?;
        for id in batch {
            let (host, found) = match members.get(id) {
                Some(member) => (member.host.as_str(), found(id, member)),
                None => (nowhere, Found::gone(id)),
            };
            devices::insert(&mut tx, run.id(), host, &found).await?;
        }
        migrations::touch(&mut tx, run.id()).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn read_everybody(run: &Run, at: &FromHub) -> Result<HashMap<DeviceId, Member>, Halt> {
    let mut members = HashMap::new();
    for (host, hub) in &at.hubs {
        read_hub(run, hub, host, &mut members).await?;
    }
    Ok(members)
}

/// Lists lag, and a hub may spell an id otherwise than where the device came from: each that is missing is asked for, by the
/// name that its DPS has for it. Gives the chosen ids as the hubs spell them.
async fn with_missing(
    run: &Run,
    at: &FromHub,
    mut members: HashMap<DeviceId, Member>,
    chosen: Vec<DeviceId>,
) -> Result<(HashMap<DeviceId, Member>, Option<Vec<DeviceId>>), Halt> {
    let mut ids = Vec::with_capacity(chosen.len());
    for id in chosen {
        if members.contains_key(&id) {
            ids.push(id);
            continue;
        }
        run.still_wanted().await?;
        let record = match &at.dps {
            Some(dps) => dps.registration(&id).await?,
            None => None,
        };
        let spelled = record.and_then(|record| record.device_id).unwrap_or_else(|| id.clone());
        let found = read_each(run, at, std::slice::from_ref(&spelled)).await?;
        ids.push(if found.is_empty() { id } else { spelled });
        members.extend(found);
    }
    Ok((members, Some(ids)))
}

/// A twin costs less of a hub's rates than a page of its list does.
async fn read_each(run: &Run, at: &FromHub, ids: &[DeviceId]) -> Result<HashMap<DeviceId, Member>, Halt> {
    let mut members = HashMap::new();
    for id in ids {
        run.still_wanted().await?;
        for (host, hub) in &at.hubs {
            if let Some(twin) = hub.twin(id).await? {
                add(&mut members, host, &twin);
            }
        }
    }
    Ok(members)
}

async fn read_hub(run: &Run, hub: &Hub, host: &str, members: &mut HashMap<DeviceId, Member>) -> Result<(), Halt> {
    let mut next = None;
    let mut pages = HashSet::new();
    loop {
        let page = hub.query_devices_page(EVERYBODY, next.as_ref()).await?;
        for twin in page.items {
            add(members, host, &twin);
        }
        run.still_wanted().await?;
        let Some(further) = page.next else { return Ok(()) };
        if !pages.insert(further.clone()) {
            return Err(Halt::pause(
                PauseReason::Azure,
                format!("The hub {host} lists its devices in a circle."),
                "Nobody was told. Press Resume to read them again; if it stays so, report it to Azure's support.",
            ));
        }
        next = Some(further);
    }
}

/// An id that two of the hubs have is one device, which is where it was active last.
fn add(members: &mut HashMap<DeviceId, Member>, host: &str, twin: &Twin) {
    let new = Member {
        host: host.to_owned(),
        connected: twin.is_connected(),
        activity: twin.last_activity,
        outcome: outcome(twin),
    };
    match members.get(&twin.device_id) {
        Some(known) if (known.connected, known.activity) >= (new.connected, new.activity) => {}
        _ => drop(members.insert(twin.device_id.clone(), new)),
    }
}

/// What the list itself shows. That a device is disabled, or never connected, is read again when it is cleared, because
/// lists lag.
fn outcome(twin: &Twin) -> Outcome {
    if twin.is_edge() {
        Outcome::Skipped(SkipReason::Edge)
    } else if twin.is_child() {
        Outcome::Skipped(SkipReason::GatewayChild)
    } else if !is_registration_id(twin.device_id.as_str()) {
        Outcome::Skipped(SkipReason::IdNotAllowed)
    } else {
        Outcome::Pending
    }
}

fn found(id: &DeviceId, member: &Member) -> Found {
    Found {
        id: id.clone(),
        display_name: None,
        organizations: Vec::new(),
        outcome: member.outcome,
        unassigned: false,
        joined_later: false,
    }
}
