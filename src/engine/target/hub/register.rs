//! Step *register*: hub identities, where there is something to make or to compare.
//!
//! Identities are made ahead only where the key that every device presents is certain. An identity that is there already
//! is never overwritten: with the device's keys it counts as registered, with other keys the device is not told, because
//! what DPS does with such an identity is not documented.

use futures_util::FutureExt;
use secrecy::SecretString;

use super::AtHub;
use crate::azure::error::EffectKnown;
use crate::azure::hub::{BulkError, Identity, NewIdentity};
use crate::engine::each::settle_each;
use crate::engine::enroll;
use crate::engine::halt::Halt;
use crate::engine::keys::{self, GroupKeys, KeysView};
use crate::engine::run::Run;
use crate::ids::DeviceId;
use crate::migration::device::{Fact, MADE_AHEAD};
use crate::migration::model::{Step, StepState};
use crate::migration::{Device, FailReason, Outcome};
use crate::store::devices::Example;
use crate::store::events::EventKind;

/// The most that a bulk call takes.
const BULK: usize = 100;

pub(in crate::engine) async fn run(run: &Run, at: &AtHub) -> Result<(), Halt> {
    let view = enroll::ensure(run).await?;
    compare_existing(run, at, &view).await?;
    let ahead = if run.migration.plan.register_on_arrival { None } else { certain_keys(&view) };
    let Some(group) = ahead else {
        let why = match run.migration.plan.register_on_arrival {
            true => "as chosen",
            false => "which of several keys a device presents cannot be known",
        };
        return run
            .end(Step::Register, StepState::NotNeeded, &format!("DPS registers each device as it arrives: {why}."))
            .await;
    };
    create_missing(run, at, group).await?;
    let counts = run.store().counts(run.id()).await?;
    run.end(Step::Register, StepState::Done, &format!("{} identities are ready in the hub.", counts.pending)).await
}

/// The keys that every device presents, if that is certain.
fn certain_keys(view: &KeysView) -> Option<&GroupKeys> {
    let group = view.coverage.certain()?;
    view.groups.iter().find(|keys| keys.id == group.source.id)
}

/// Devices that the hub knew before: their keys must be ones that they present.
async fn compare_existing(run: &Run, at: &AtHub, view: &KeysView) -> Result<(), Halt> {
    let mut known = pending(run).await?;
    known.retain(|device| device.baseline.twin.is_some() && device.facts.registered.is_none());
    settle_each(
        run,
        known,
        |device| compare_one(run, at, view, device).boxed(),
        || another_can_be_read(run, at).boxed(),
    )
    .await
}

async fn compare_one(run: &Run, at: &AtHub, view: &KeysView, device: Device) -> Result<(), Halt> {
    run.still_wanted().await?;
    match at.hub.identity(device.baseline.id_at_hub(&device.id)).await? {
        Some(identity) => note_existing(run, &device.id, &identity, &view.groups).await,
        None => Ok(()),
    }
}

/// The registry can be read of a device whose identity was there.
async fn another_can_be_read(run: &Run, at: &AtHub) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Registered).await? else { return Ok(false) };
    at.hub.identity(&id).await?;
    Ok(true)
}

async fn note_existing(run: &Run, id: &DeviceId, identity: &Identity, groups: &[GroupKeys]) -> Result<(), Halt> {
    let own = identity.keys.as_ref().and_then(|own| keys::key_pair(&own.primary, &own.secondary));
    let same = own.is_some_and(|own| keys::is_derived(groups, id, &own));
    let open = identity.enabled && !identity.edge;
    let now = run.now();
    run.store()
        .change_device(run.id(), id, |row| match (same, open) {
            _ if !row.outcome.is_open() => {}
            (true, true) => {
                let evidence = "the hub has an identity with the device's keys".into();
                row.facts.registered = Some(Fact { at: now, evidence });
            }
            (true, false) => {
                row.outcome = Outcome::Failed(FailReason::IdentityClosed);
                row.detail = Some("the hub's identity would shut it out; it was not touched".into());
            }
            (false, _) => {
                row.outcome = Outcome::Failed(FailReason::KeyConflict);
                row.detail = Some("the hub's identity has other keys than the device; it was not touched".into());
            }
        })
        .await?;
    Ok(())
}

async fn create_missing(run: &Run, at: &AtHub, group: &GroupKeys) -> Result<(), Halt> {
    let missing: Vec<DeviceId> = pending(run)
        .await?
        .into_iter()
        .filter(|device| device.facts.registered.is_none())
        .map(|device| device.id)
        .collect();
    for batch in missing.chunks(BULK) {
        run.still_wanted().await?;
        let new: Vec<NewIdentity> = batch.iter().filter_map(|id| new_identity(group, id)).collect();
        let result = match at.hub.bulk_create(&new).await {
            Ok(result) => result,
            Err(error) => {
                if error.effect == EffectKnown::Unknown {
                    tracing::info!("the answer to a bulk create was lost; it is repeated and what exists is compared");
                }
                return Err(error.into());
            }
        };
        let failed: Vec<&str> = result.errors.iter().map(|error| error.device_id.as_str()).collect();
        for id in batch.iter().filter(|id| !failed.contains(&id.as_str())) {
            let fact = Fact { at: run.now(), evidence: MADE_AHEAD.into() };
            run.store().change_device(run.id(), id, |row| row.facts.registered = Some(fact)).await?;
        }
        for error in result.errors.iter().filter(|error| !error.is_throttled()) {
            refused(run, at, group, error).await?;
        }
        run.inner.arrivals.made(&at.target, batch.len(), run.now());
        let throttled = result.errors.iter().filter(|error| error.is_throttled()).count();
        let made = batch.len().saturating_sub(failed.len());
        run.note(EventKind::Identities, &format!("{made} identities made in the hub.")).await?;
        if throttled > 0 {
            let hub = &at.target.hub_name;
            let trouble =
                format!("{hub} puts off making {throttled} identities: its registry is throttled or full for now");
            return Err(Halt::Transient { trouble, after: None });
        }
    }
    Ok(())
}

fn new_identity(group: &GroupKeys, id: &DeviceId) -> Option<NewIdentity> {
    let derive = |key: &SecretString| crate::azure::sas::derive_device_key(key, id.as_str()).ok();
    Some(NewIdentity { id: id.clone(), primary: derive(&group.primary)?, secondary: derive(&group.secondary)? })
}

/// A device that the hub did not create: there already, or refused.
async fn refused(run: &Run, at: &AtHub, group: &GroupKeys, error: &BulkError) -> Result<(), Halt> {
    let id = &error.device_id;
    if error.is_already_there()
        && let Some(identity) = at.hub.identity(id).await?
    {
        return note_existing(run, id, &identity, std::slice::from_ref(group)).await;
    }
    run.store()
        .change_device(run.id(), id, |row| {
            // Only the identity ahead was refused: DPS makes one when the device arrives.
            let why: Vec<&str> = [&error.code, &error.status].into_iter().flatten().map(String::as_str).collect();
            row.detail = Some(format!("not registered ahead: {}", why.join(": ")));
        })
        .await?;
    Ok(())
}

/// Those with keys of their own are looked at when these are carried over.
async fn pending(run: &Run) -> Result<Vec<Device>, Halt> {
    let mut devices = run.store().devices_untold(run.id(), u32::MAX).await?;
    devices.retain(|device| device.own_keys.is_none());
    Ok(devices)
}
