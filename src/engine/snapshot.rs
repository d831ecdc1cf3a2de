//! Step *snapshot*: who is to move, and what the target knew of each before.
//!
//! Everything here only reads Azure; rows are upserts, so a repeat after a crash finds its own work.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::halt::Halt;
use super::keys;
use super::records::{Record, Records};
use super::resolve;
use super::run::Run;
use crate::azure::central::Device as CentralDevice;
use crate::azure::dps::{Attestation, IndividualEnrollment};
use crate::azure::hub::TwinSummary;
use crate::ids::DeviceId;
use crate::migration::evidence::{Baseline, TwinSeen};
use crate::migration::model::{CentralSource, PauseReason, Step, StepState};
use crate::migration::{Device, Outcome, SkipReason};
use crate::store::devices::{self, Found};
use crate::store::migrations;

/// How long a device that is at the target has to show it.
const ACTIVITY: Duration = Duration::from_secs(30);
/// Attestations read at once; the client paces them.
const AT_ONCE: usize = 8;

pub(super) async fn run(run: &Run) -> Result<(), Halt> {
    run.begin(Step::Snapshot, "Reading the devices of the group.").await?;
    members(run).await?;
    clear(run).await?;
    baselines(run).await?;
    second_look(run).await?;
    let counts = run.store().counts(run.id()).await?;
    let text = format!(
        "{} devices found: {} to move, {} already at the target, {} skipped.",
        counts.total(),
        counts.pending,
        counts.already,
        counts.skipped
    );
    run.end(Step::Snapshot, StepState::Done, &text).await
}

/// A row for every device of the group and template; the others are counted.
async fn members(run: &Run) -> Result<(), Halt> {
    let source = &run.migration.plan.source;
    let everybody: HashMap<DeviceId, CentralDevice> =
        run.central.devices().await?.into_iter().map(|device| (device.id.clone(), device)).collect();
    let mut selected = HashSet::new();
    let mut next = None;
    let mut pages = HashSet::new();
    loop {
        let page = run.central.group_devices_page(&source.group, next.as_ref()).await?;
        let found: Vec<Found> = page
            .items
            .into_iter()
            .map(|member| completed(member, &everybody))
            .filter(|device| device.template.as_ref() == Some(&source.template))
            .map(found)
            .collect();
        selected.extend(found.iter().map(|device| device.id.clone()));
        let mut tx = run.store().begin_write().await?;
        for device in &found {
            devices::insert(&mut tx, run.id(), &source.subdomain, device).await?;
        }
        migrations::touch(&mut tx, run.id()).await?;
        tx.commit().await?;
        run.still_wanted().await?;
        let Some(further) = page.next else { break };
        if !pages.insert(further.clone()) {
            return Err(circle(source));
        }
        next = Some(further);
    }
    let unassigned = everybody.values().filter(|device| device.template.is_none()).count() as u64;
    let outside = (everybody.len() as u64).saturating_sub(unassigned).saturating_sub(selected.len() as u64);
    let mut tx = run.store().begin_write().await?;
    migrations::set_outside(&mut tx, run.id(), outside, unassigned).await?;
    Ok(tx.commit().await?)
}

/// The group's pages lead back to one that was read: who belongs to it cannot be known.
fn circle(source: &CentralSource) -> Halt {
    Halt::pause(
        PauseReason::Azure,
        format!("{} lists the devices of the group {} in a circle.", source.app_display_name, source.group_name),
        "Nobody was told. Press Resume to read the group again; if it stays so, report it to Azure's support.",
    )
}

/// A member as the list of all devices shows it: members of a group may carry their ids only.
pub(super) fn completed(member: CentralDevice, everybody: &HashMap<DeviceId, CentralDevice>) -> CentralDevice {
    let bare = member.template.is_none() || member.enabled.is_none() || member.simulated.is_none();
    match everybody.get(&member.id) {
        Some(full) if bare => full.clone(),
        _ => member,
    }
}

fn found(device: CentralDevice) -> Found {
    let outcome = if device.kinds.iter().any(|kind| kind.eq_ignore_ascii_case("EdgeDevice")) {
        Outcome::Skipped(SkipReason::Edge)
    } else if device.simulated == Some(true) {
        Outcome::Skipped(SkipReason::Simulated)
    } else if device.enabled == Some(false) {
        Outcome::Skipped(SkipReason::Blocked)
    } else if !is_registration_id(device.id.as_str()) {
        Outcome::Skipped(SkipReason::IdNotAllowed)
    } else {
        Outcome::Pending
    };
    Found { id: device.id, display_name: device.display_name, outcome, joined_later: false }
}

/// DPS's rule: at most 128 alphanumerics and `- . _ :`, the last one alphanumeric or `-`.
fn is_registration_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    (1..=128).contains(&id.len())
        && id.chars().all(allowed)
        && id.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
}

/// Devices with an attestation of their own are not admitted by a group's keys: they are found before anybody is told.
async fn clear(run: &Run) -> Result<(), Halt> {
    loop {
        let batch = run.store().devices_to_clear(run.id(), 200).await?;
        if batch.is_empty() {
            return Ok(());
        }
        stream::iter(batch)
            .map(|device| clear_one(run, device.id).boxed())
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        run.still_wanted().await?;
    }
}

async fn clear_one(run: &Run, id: DeviceId) -> Result<(), Halt> {
    let individual = run.central.device_attestation(&id).await?;
    run.store()
        .change_device(run.id(), &id, |row| match individual {
            None => row.cleared = true,
            Some(kind) => {
                row.outcome = Outcome::Skipped(SkipReason::IndividualAttestation);
                row.detail = Some(format!("attested by {kind}"));
            }
        })
        .await?;
    Ok(())
}

/// What the target knows now of every device that is to move.
async fn baselines(run: &Run) -> Result<(), Halt> {
    let ids = run.store().devices_without_baseline(run.id()).await?;
    if ids.is_empty() {
        return Ok(());
    }
    let view = keys::read(&run.central, &run.arm, &run.dps, &run.migration.plan).await?;
    let mut records = Records::of(run, &view.coverage.equal_ids()).await?;
    let twins: HashMap<DeviceId, TwinSummary> = run
        .hub
        .query_devices("SELECT deviceId, connectionState, lastActivityTime FROM devices")
        .await?
        .into_iter()
        .map(|twin| (twin.device_id.clone(), twin))
        .collect();
    let lower = |id: &DeviceId| id.as_str().to_ascii_lowercase();
    let enrollments = run.dps.individual_enrollments().await?;
    let individual: HashSet<String> = enrollments.iter().map(|enrollment| lower(&enrollment.registration_id)).collect();
    for id in ids {
        let record: Option<Record> = match records.take(&id) {
            Some(record) => Some(record),
            None if twins.contains_key(&id) || individual.contains(&lower(&id)) => {
                run.dps.registration(&id).await?.map(Record::from)
            }
            None => None,
        };
        let twin = match record.is_some() || twins.contains_key(&id) {
            true => run
                .hub
                .twin(record.as_ref().map_or(&id, |record| record.id_at_hub(&id)))
                .await?
                .map(|twin| TwinSeen { connected: twin.is_connected(), activity: twin.last_activity }),
            false => None,
        };
        let enrollment = enrollments.iter().find(|enrollment| lower(&enrollment.registration_id) == lower(&id));
        let refused = match enrollment {
            Some(enrollment) => !admits(run, &view, enrollment, &id).await?,
            None => false,
        };
        let baseline = Baseline { taken_at: Some(run.now()), record: record.map(|record| record.seen), twin };
        take(run, &id, baseline, refused).await?;
        run.still_wanted().await?;
    }
    Ok(())
}

/// Records a baseline, and what it settles at once. Where a device may have been told before, the answers that its
/// command's history has already are counted, so that they are not taken for answers to us.
async fn take(run: &Run, id: &DeviceId, baseline: Baseline, refused: bool) -> Result<(), Halt> {
    let there = baseline.already_there(&run.migration.plan.target.hub_host);
    let told_before =
        baseline.record.is_some() || baseline.twin.is_some() || run.store().was_told_before(run.id(), id).await?;
    let answers_before = match run.store().device(run.id(), id).await? {
        Some(device) if told_before && !there => resolve::answers(run, &device).await?.len(),
        _ => 0,
    };
    run.store()
        .change_device(run.id(), id, |row| {
            row.baseline = baseline;
            row.answers_before = u32::try_from(answers_before).ok();
            if there {
                settle_there(row, "the hub shows it connected");
            } else if refused {
                row.outcome = Outcome::Skipped(SkipReason::OtherEnrollment);
            }
        })
        .await?;
    Ok(())
}

fn settle_there(row: &mut Device, evidence: &str) {
    row.outcome = Outcome::Skipped(SkipReason::AlreadyAtTarget);
    row.detail = Some(format!("DPS assigned it to this hub before, and {evidence}"));
}

/// Hubs that never show a device as connected still show its activity: of devices that were sent here before, those whose
/// activity goes on while we wait are here.
async fn second_look(run: &Run) -> Result<(), Halt> {
    let hub = &run.migration.plan.target.hub_host;
    let mut doubtful = run.store().devices_untold(run.id(), u32::MAX).await?;
    doubtful.retain(|device| device.baseline.may_be_there(hub));
    if doubtful.is_empty() {
        return Ok(());
    }
    run.inner.clock.sleep(ACTIVITY).await;
    for device in doubtful {
        run.still_wanted().await?;
        let Some(twin) = run.hub.twin(&device.id).await? else { continue };
        let before = device.baseline.twin.as_ref().and_then(|twin| twin.activity);
        if twin.is_connected() || twin.last_activity > before {
            run.store().change_device(run.id(), &device.id, |row| settle_there(row, "the hub shows it active")).await?;
        }
    }
    Ok(())
}

/// An individual enrollment wins over groups: it must be open, lead to the chosen hub only, and have the keys that the
/// device derives from one of its groups.
async fn admits(run: &Run, view: &keys::KeysView, found: &IndividualEnrollment, id: &DeviceId) -> Result<bool, Halt> {
    let hub = run.migration.plan.target.hub_host.as_str();
    let leads_there = matches!(found.hubs.as_slice(), [only] if only.same_as(hub));
    if !found.enabled || found.edge || !leads_there || !found.device_id.same_as(id.as_str()) {
        return Ok(false);
    }
    let Attestation::Symmetric { primary, secondary } = run.dps.individual_keys(id).await? else { return Ok(false) };
    let Some(wanted) = keys::key_pair(&primary, &secondary) else { return Ok(false) };
    Ok(keys::derived(&view.groups, id).values().any(|(one, two)| keys::key_pair(one, two).as_ref() == Some(&wanted)))
}

#[cfg(test)]
mod tests {
    use super::is_registration_id;

    #[test]
    fn registration_ids_follow_the_rule_of_dps() {
        for good in ["sn-0007", "a", "A.b_c:d-", &"x".repeat(128)] {
            assert!(is_registration_id(good), "{good}");
        }
        for bad in ["", "a.", "a b", "a%b", "a#", "ä", &"x".repeat(129)] {
            assert!(!is_registration_id(bad), "{bad}");
        }
    }
}
