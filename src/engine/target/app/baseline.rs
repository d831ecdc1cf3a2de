//! The part of the snapshot that asks the target application: what it knew of every device before anybody was told.

use futures_util::FutureExt;

use super::AtApp;
use crate::engine::each::settle_each;
use crate::engine::halt::Halt;
use crate::engine::keys::{self, KeysView};
use crate::engine::run::Run;
use crate::engine::signs::Signs;
use crate::engine::source;
use crate::engine::target::baseline::{Settled, record};
use crate::migration::app_evidence::AppSeen;
use crate::migration::evidence::Baseline;
use crate::migration::{Device, SkipReason};
use crate::store::devices::Example;

/// What was read once for all devices.
struct Known {
    view: KeysView,
    home: Signs,
}

/// What the application knows now of every device that is to move.
pub(in crate::engine) async fn take_all(run: &Run, at: &AtApp) -> Result<(), Halt> {
    let devices = run.store().devices_without_baseline(run.id()).await?;
    if devices.is_empty() {
        return Ok(());
    }
    let known =
        Known { view: keys::read(&run.origin, &run.at, &run.migration.plan).await?, home: source::signs(run).await? };
    settle_each(
        run,
        devices,
        |device| take_one(run, at, &known, device).boxed(),
        || another_can_be_read(run, at).boxed(),
    )
    .await
}

async fn take_one(run: &Run, at: &AtApp, known: &Known, device: Device) -> Result<(), Halt> {
    run.still_wanted().await?;
    let mut seen = at.see(&device.id).await?;
    // Only of one that was there before is anything newer to be told from what was there before.
    if let Some(seen) = seen.as_mut().filter(|seen| seen.provisioned && !seen.simulated) {
        seen.newest = at.newest(&device.id, seen).await?;
    }
    let settled = match &seen {
        Some(seen) => settled(run, at, known, &device, seen).await?,
        None => None,
    };
    let baseline = Baseline { taken_at: Some(run.now()), app: seen, ..Baseline::default() };
    record(run, &device, baseline, settled).await
}

/// Why a device that the application knows is not to be told, if it is not.
async fn settled(
    run: &Run,
    at: &AtApp,
    known: &Known,
    device: &Device,
    seen: &AppSeen,
) -> Result<Option<Settled>, Halt> {
    if seen.simulated {
        return Ok(Some((SkipReason::NameTaken, None)));
    }
    if seen.is_closed() {
        return Ok(Some((SkipReason::BlockedAtTarget, None)));
    }
    if seen.provisioned && is_here(known, device, seen).await? {
        let app = &at.target.app_display_name;
        let why = format!("{app} shows a newer sign of life of it than {}", known.home.place());
        return Ok(Some((SkipReason::AlreadyAtTarget, Some(why))));
    }
    if seen.provisioned
        && let Some(before) = moved_before(run, at, device).await?
    {
        let why = format!("“{before}” moved it there, and {} shows it disconnected", known.home.place());
        return Ok(Some((SkipReason::AlreadyAtTarget, Some(why))));
    }
    Ok((!admits(at, &known.view, device).await?).then_some((SkipReason::OtherEnrollment, None)))
}

/// An earlier migration that moved it there, if its hub does not have it back. Without a template the application shows no
/// sign of it, and to tell it again would only find it offline.
async fn moved_before(run: &Run, at: &AtApp, device: &Device) -> Result<Option<String>, Halt> {
    match &device.home {
        Some(home) if !home.connected => {
            Ok(run.store().moved_into_before(run.id(), device, &at.target.subdomain).await?)
        }
        _ => Ok(None),
    }
}

/// Its newest sign of life is at the target. Both times are Azure's; where none is to be seen at the source, nothing is said.
async fn is_here(known: &Known, device: &Device, seen: &AppSeen) -> Result<bool, Halt> {
    if seen.newest.is_none() || !known.home.shows_any() {
        return Ok(false);
    }
    Ok(seen.newest > known.home.newest(device).await?)
}

/// An individual attestation wins over groups: it must have keys that the device derives from one of its groups. One that is
/// to be carried over is compared when it is.
async fn admits(at: &AtApp, view: &KeysView, device: &Device) -> Result<bool, Halt> {
    if device.own_keys.is_some() {
        return Ok(true);
    }
    let Some(own) = at.central.device_attestation_with_keys(&device.id).await? else { return Ok(true) };
    let Some(own) = own.keys.as_ref().and_then(|own| keys::key_pair(&own.primary_key, &own.secondary_key)) else {
        return Ok(false);
    };
    Ok(keys::is_derived(&view.groups, &device.id, &own))
}

/// All that is read for a baseline can be read now of a device whose baseline was taken.
async fn another_can_be_read(run: &Run, at: &AtApp) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::WithBaseline).await? else { return Ok(false) };
    if let Some(seen) = at.see(&id).await? {
        at.newest(&id, &seen).await?;
    }
    at.central.device_attestation_with_keys(&id).await?;
    source::history_can_be_read(run, &id).await?;
    Ok(true)
}
