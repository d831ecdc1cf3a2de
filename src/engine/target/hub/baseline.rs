//! The part of the snapshot that asks the target: what it knew of every device before anybody was told.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt;

use super::AtHub;
use super::records::key;
use crate::azure::dps::{Attestation, IndividualEnrollment};
use crate::azure::error::ErrorKind;
use crate::azure::hub::TwinSummary;
use crate::engine::each::settle_each;
use crate::engine::halt::Halt;
use crate::engine::keys;
use crate::engine::run::Run;
use crate::engine::source;
use crate::engine::target::baseline::record;
use crate::ids::DeviceId;
use crate::migration::evidence::{Baseline, TwinSeen};
use crate::migration::{Device, Outcome, SkipReason};
use crate::store::devices::Example;

/// How long a device that is at the target has to show it.
const ACTIVITY: Duration = Duration::from_secs(30);

/// What was read once for all devices.
struct Known {
    view: keys::KeysView,
    /// The hub's twins. The list may lag: of a device that it shows, or that DPS has a record of, the twin itself is read.
    twins: HashMap<DeviceId, TwinSummary>,
    /// Individual enrollments by registration id.
    enrollments: HashMap<String, IndividualEnrollment>,
}

/// What the target knows now of every device that is to move.
pub(in crate::engine) async fn take_all(run: &Run, at: &AtHub) -> Result<(), Halt> {
    let devices = run.store().devices_without_baseline(run.id()).await?;
    if devices.is_empty() {
        return Ok(());
    }
    let query = "SELECT deviceId, connectionState, lastActivityTime FROM devices";
    let twins = at.hub.query_devices(query).await?;
    let enrollments = at.dps.individual_enrollments().await?;
    let known = Known {
        view: keys::read(&run.origin, &run.at, &run.migration.plan).await?,
        twins: twins.into_iter().map(|twin| (twin.device_id.clone(), twin)).collect(),
        enrollments: enrollments.into_iter().map(|one| (key(&one.registration_id), one)).collect(),
    };
    settle_each(
        run,
        devices,
        |device| take_one(run, at, &known, device).boxed(),
        || another_can_be_read(run, at).boxed(),
    )
    .await
}

async fn take_one(run: &Run, at: &AtHub, known: &Known, device: Device) -> Result<(), Halt> {
    run.still_wanted().await?;
    let seen = device.baseline.record.clone();
    let at_hub = device.baseline.id_at_hub(&device.id);
    let twin = match seen.is_some() || known.twins.contains_key(at_hub) {
        true => at
            .hub
            .twin(at_hub)
            .await?
            .map(|twin| TwinSeen { connected: twin.is_connected(), activity: twin.last_activity }),
        false => None,
    };
    let refused = match known.enrollments.get(&key(&device.id)).filter(|_| device.own_keys.is_none()) {
        Some(enrollment) => !admits(at, &known.view, enrollment, &device.id).await?,
        None => false,
    };
    let baseline = Baseline { taken_at: Some(run.now()), record: seen, twin, app: None };
    let settled = if baseline.already_there(&at.target.hub_host) {
        Some((SkipReason::AlreadyAtTarget, Some(there("the hub shows it connected"))))
    } else {
        refused.then_some((SkipReason::OtherEnrollment, None))
    };
    record(run, &device, baseline, settled).await
}

/// All that is read for a baseline can be read now of a device whose baseline was taken.
async fn another_can_be_read(run: &Run, at: &AtHub) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::WithBaseline).await? else { return Ok(false) };
    at.hub.twin(&id).await?;
    source::history_can_be_read(run, &id).await?;
    at.dps.individual_enrollment(&id).await?;
    Ok(true)
}

fn there(evidence: &str) -> String {
    format!("DPS assigned it to this hub before, and {evidence}")
}

/// Hubs that never show a device as connected still show its activity: of devices that were sent here before, those whose
/// activity goes on while we wait are here.
pub(in crate::engine) async fn second_look(run: &Run, at: &AtHub) -> Result<(), Halt> {
    let hub = &at.target.hub_host;
    let mut doubtful = run.store().devices_untold(run.id(), u32::MAX).await?;
    doubtful.retain(|device| device.baseline.may_be_there(hub));
    if doubtful.is_empty() {
        return Ok(());
    }
    run.inner.clock.sleep(ACTIVITY).await;
    for device in doubtful {
        run.still_wanted().await?;
        let twin = match at.hub.twin(device.baseline.id_at_hub(&device.id)).await.map_err(Halt::from) {
            Ok(Some(twin)) => twin,
            Ok(None) => continue,
            // A second look adds to what is known; without it the device is told, which does no harm where it is.
            Err(halt) if halt.may_be_of_one_device() => continue,
            Err(halt) => return Err(halt),
        };
        let before = device.baseline.twin.as_ref().and_then(|twin| twin.activity);
        if twin.is_connected() || twin.last_activity > before {
            run.store()
                .change_device(run.id(), &device.id, |row| {
                    row.outcome = Outcome::Skipped(SkipReason::AlreadyAtTarget);
                    row.detail = Some(there("the hub shows it active"));
                })
                .await?;
        }
    }
    Ok(())
}

/// An individual enrollment wins over groups: it must be open, lead to the chosen hub only, and have the keys that the
/// device derives from one of its groups.
async fn admits(at: &AtHub, view: &keys::KeysView, found: &IndividualEnrollment, id: &DeviceId) -> Result<bool, Halt> {
    let hub = at.target.hub_host.as_str();
    let leads_there = matches!(found.hubs.as_slice(), [only] if only.same_as(hub));
    if !found.enabled || found.edge || !leads_there || !found.device_id.same_as(id.as_str()) {
        return Ok(false);
    }
    let (primary, secondary) = match at.dps.individual_keys(id).await {
        Ok(Attestation::Symmetric { primary, secondary }) => (primary, secondary),
        Ok(Attestation::Other(_)) => return Ok(false),
        // It was removed since the list was read: the group admits the device.
        Err(error) if matches!(error.kind, ErrorKind::NotFound) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let Some(wanted) = keys::key_pair(&primary, &secondary) else { return Ok(false) };
    Ok(keys::is_derived(&view.groups, id, &wanted))
}
