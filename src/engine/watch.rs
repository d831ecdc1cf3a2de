//! Later checks: for a day after a device was proven at the target it is looked at again, and what changed is said.
//!
//! Newer activity than at the proof makes it *sending*. A registration that now leads elsewhere, or an identity that is
//! gone, makes it *went back*, until it is seen again. Being disconnected proves neither, so it is only noted on the row.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use super::halt::Halt;
use super::records::Records;
use super::run::Run;
use super::{job, settle, verify};
use crate::azure::hub::TwinSummary;
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::device::Fact;
use crate::migration::evidence::RecordSeen;
use crate::migration::{Device, MigrationId, MigrationState, Outcome};
use crate::store::events::EventKind;

/// Between two checks.
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// How long a moved device is looked after.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs until the engine stops.
pub(super) async fn watch(inner: Arc<Inner>) {
    loop {
        tokio::select! {
            () = inner.cancel.cancelled() => return,
            () = inner.clock.sleep(PAUSE) => {}
        }
        let since = inner.clock.now() - DAY;
        match inner.store.migrations_to_look_after(since).await {
            Ok(ids) => {
                for id in ids {
                    tokio::select! {
                        () = inner.cancel.cancelled() => return,
                        checked = check(&inner, id, since) => {
                            if let Err(halt) = checked {
                                tracing::info!(%id, ?halt, "moved devices could not be checked; the next check tries again");
                            }
                        }
                    }
                }
            }
            Err(error) => tracing::error!(error = ?error, "moved devices could not be listed"),
        }
    }
}

async fn check(inner: &Arc<Inner>, id: MigrationId, since: Timestamp) -> Result<(), Halt> {
    let Some(migration) = inner.store.migration(id).await? else { return Ok(()) };
    let run = Run::new(inner, migration)?;
    if run.migration.state == MigrationState::Stopped {
        job::stop_left_over(&run).await?;
    }
    if run.migration.state.is_ended() {
        verify::sweep(&run).await?;
    }
    let devices = inner.store.devices_moved_since(id, since).await?;
    let records = Records::of(&run, &inner.store.target_groups(id).await?).await?;
    let twins: HashMap<DeviceId, TwinSummary> = run
        .hub
        .query_devices("SELECT deviceId, connectionState, lastActivityTime FROM devices")
        .await?
        .into_iter()
        .map(|twin| (twin.device_id.clone(), twin))
        .collect();
    for device in &devices {
        let record = records.get(&device.id);
        let id_at_hub = record.map_or(&device.id, |record| record.id_at_hub(&device.id));
        check_one(&run, device, record, id_at_hub, twins.get(id_at_hub)).await?;
    }
    settle::reconsider(inner, id).await
}

async fn check_one(
    run: &Run,
    device: &Device,
    record: Option<&RecordSeen>,
    id_at_hub: &DeviceId,
    twin: Option<&TwinSummary>,
) -> Result<(), Halt> {
    let led_away = record.is_some_and(|record| record.leads_elsewhere(&run.migration.plan.target.hub_host));
    // The list of twins lags: that one is missing there is looked up before it is believed.
    let gone = twin.is_none() && run.hub.twin(id_at_hub).await?.is_none();
    if led_away || gone {
        let why =
            if led_away { "its registration now leads to another hub" } else { "its identity is no longer in the hub" };
        return went_back(run, device, why).await;
    }
    let Some(twin) = twin else { return Ok(()) };
    let newer =
        twin.last_activity.filter(|activity| device.facts.connected.as_ref().is_some_and(|fact| *activity > fact.at));
    let connected = twin.is_connected();
    let mut came_again = false;
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if let Some(activity) = newer {
                row.facts.sending = Some(Fact { at: activity, evidence: "the hub shows newer activity".into() });
            }
            if row.outcome == Outcome::WentBack && connected {
                row.outcome = Outcome::Moved;
                came_again = true;
            }
            if row.outcome == Outcome::Moved {
                row.detail = (!connected).then(|| "the hub shows it disconnected at the last check".into());
            }
        })
        .await?;
    if came_again {
        run.note(EventKind::Device, &format!("{} is at the target again.", device.id)).await?;
    }
    Ok(())
}

async fn went_back(run: &Run, device: &Device, why: &str) -> Result<(), Halt> {
    if device.outcome == Outcome::WentBack {
        return Ok(());
    }
    run.store()
        .change_device(run.id(), &device.id, |row| {
            row.outcome = Outcome::WentBack;
            row.detail = Some(why.into());
        })
        .await?;
    run.note(EventKind::Device, &format!("{} left the target again: {why}.", device.id)).await
}
