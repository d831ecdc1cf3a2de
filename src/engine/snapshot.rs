//! Step *snapshot*: who is to move, and what the target knew of each before.
//!
//! Everything here only reads Azure; rows are upserts, so a repeat after a crash finds its own work.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;

use super::each::settle_each;
use super::halt::Halt;
use super::run::Run;
use super::target;
use crate::azure::central::{AttestationKind, Device as CentralDevice};
use crate::azure::error::ErrorKind;
use crate::ids::DeviceId;
use crate::migration::model::{CentralSource, PauseReason, Step, StepState};
use crate::migration::{Outcome, OwnKeys, SkipReason};
use crate::store::devices::{self, Example, Found};
use crate::store::migrations;

pub(super) async fn run(run: &Run) -> Result<(), Halt> {
    run.begin(Step::Snapshot, "Reading the devices of the group.").await?;
    members(run).await?;
    clear(run).await?;
    target::take_baselines(run).await?;
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
        let found: Vec<Found> = completed(run, page.items, &everybody)
            .await?
            .into_iter()
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
    if run.migration.plan.tell_unassigned {
        unassigned_too(run, &everybody).await?;
        let outside = everybody.values().filter(|device| device.template.is_some()).count() as u64;
        let mut tx = run.store().begin_write().await?;
        migrations::set_outside(&mut tx, run.id(), outside.saturating_sub(selected.len() as u64), 0).await?;
        return Ok(tx.commit().await?);
    }
    let unassigned = everybody.values().filter(|device| device.template.is_none()).count() as u64;
    let outside = (everybody.len() as u64).saturating_sub(unassigned).saturating_sub(selected.len() as u64);
    let mut tx = run.store().begin_write().await?;
    migrations::set_outside(&mut tx, run.id(), outside, unassigned).await?;
    Ok(tx.commit().await?)
}

/// Devices without a template are in no group: they get their rows from the list of all devices.
async fn unassigned_too(run: &Run, everybody: &HashMap<DeviceId, CentralDevice>) -> Result<(), Halt> {
    let mut tx = run.store().begin_write().await?;
    for device in everybody.values().filter(|device| device.template.is_none()) {
        let found = Found { unassigned: true, ..found(device.clone()) };
        devices::insert(&mut tx, run.id(), &run.migration.plan.source.subdomain, &found).await?;
    }
    migrations::touch(&mut tx, run.id()).await?;
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

/// Members as the list of all devices shows them: in the group they may carry their ids only. One that the list does not
/// show (it came since, or the list is old) is read itself; one that is not there any more is left out.
pub(super) async fn completed(
    run: &Run,
    members: Vec<CentralDevice>,
    everybody: &HashMap<DeviceId, CentralDevice>,
) -> Result<Vec<CentralDevice>, Halt> {
    let mut complete = Vec::with_capacity(members.len());
    for member in members {
        let bare = member.template.is_none() || member.enabled.is_none() || member.simulated.is_none();
        match everybody.get(&member.id) {
            Some(full) if bare => complete.push(full.clone()),
            None if bare => match run.central.device(&member.id).await {
                Ok(full) => complete.push(full),
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => {}
                Err(error) => return Err(error.into()),
            },
            _ => complete.push(member),
        }
    }
    Ok(complete)
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
    Found {
        id: device.id,
        display_name: device.display_name,
        organizations: device.organizations.unwrap_or_default(),
        outcome,
        unassigned: false,
        joined_later: false,
    }
}

/// DPS's rule: at most 128 alphanumerics and `- . _ :`, the last one alphanumeric or `-`.
fn is_registration_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    (1..=128).contains(&id.len())
        && id.chars().all(allowed)
        && id.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
}

/// Devices with an attestation of their own are not admitted by a group's keys: they are found before anybody is told.
/// What DPS recorded of each is read at the same time, since it costs the same call a device of another budget.
async fn clear(run: &Run) -> Result<(), Halt> {
    loop {
        let batch = run.store().devices_to_clear(run.id(), 200).await?;
        if batch.is_empty() {
            return Ok(());
        }
        settle_each(run, batch, |device| clear_one(run, device.id).boxed(), || another_can_be_read(run).boxed())
            .await?;
    }
}

async fn clear_one(run: &Run, id: DeviceId) -> Result<(), Halt> {
    let individual = async { Ok::<_, Halt>(run.central.device_attestation(&id).await?) };
    let (individual, record) = tokio::try_join!(individual, target::record_before(run, &id))?;
    run.store()
        .change_device(run.id(), &id, |row| {
            row.baseline.record = record;
            match individual {
                None => row.cleared = true,
                Some(AttestationKind::Symmetric) if run.migration.plan.carry_individual => {
                    row.cleared = true;
                    row.own_keys = Some(OwnKeys::Due);
                }
                Some(kind) => {
                    row.outcome = Outcome::Skipped(SkipReason::IndividualAttestation);
                    row.detail = Some(format!("attested by {kind}"));
                }
            }
        })
        .await?;
    Ok(())
}

/// A device that was read before can be read now.
pub(super) async fn another_can_be_read(run: &Run) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Cleared).await? else { return Ok(false) };
    run.central.device_attestation(&id).await?;
    target::record_before(run, &id).await?;
    Ok(true)
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
