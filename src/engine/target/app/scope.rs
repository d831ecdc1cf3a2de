//! The ID scope of the application that devices go to. No call tells it but the credentials of a device: of any that is
//! there, else of a temporary one.
//!
//! A temporary device is made only where there is no other, under an id that is recorded before it is made, and it is
//! removed on every path out. What a crash left is removed at the next turn, or by [`remove_left_over`].

use std::collections::HashSet;
use std::sync::Arc;

use super::AtApp;
use crate::azure::central::{Device, NewDevice};
use crate::azure::error::{EffectKnown, ErrorKind};
use crate::engine::Inner;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::target::At;
use crate::ids::{DeviceId, IdScope};
use crate::migration::Migration;
use crate::migration::model::PauseReason;
use crate::store::events::EventKind;

/// Devices asked for the scope before it is clear that they do not show it.
const MOST_ASKED: usize = 20;

/// Reads the scope, unless it is recorded, and removes what an earlier try left.
pub(in crate::engine) async fn find(run: &Run, at: &AtApp) -> Result<(), Halt> {
    let known = run.migration.app_scope.is_some();
    if let Some(probe) = run.store().probe(run.id()).await? {
        match remove(&run.inner, &run.migration, at, &probe).await {
            Err(halt) if known => may_stay(run, at, &probe, halt).await?,
            removed => removed?,
        }
    }
    if known {
        return Ok(());
    }
    match of_a_device(run, at).await? {
        Some(scope) => Ok(run.store().set_app_scope(run.id(), &scope).await?),
        None => by_a_probe(run, at).await,
    }
}

/// The scope that the credentials of some device of the application show. Those of simulated devices may lack it.
async fn of_a_device(run: &Run, at: &AtApp) -> Result<Option<IdScope>, Halt> {
    let mut simulated: Option<Device> = None;
    let mut asked = 0;
    let mut next = None;
    let mut pages = HashSet::new();
    loop {
        let page = at.central.devices_page(next.as_ref()).await?;
        for device in page.items {
            if device.simulated == Some(true) {
                simulated.get_or_insert(device);
                continue;
            }
            if let Some(scope) = shown_by(at, &device.id).await? {
                return Ok(Some(scope));
            }
            asked += 1;
            if asked >= MOST_ASKED {
                return Err(not_shown(at));
            }
        }
        run.still_wanted().await?;
        let Some(further) = page.next else { break };
        if !pages.insert(further.clone()) {
            return Err(not_shown(at));
        }
        next = Some(further);
    }
    match simulated {
        _ if asked > 0 => Err(not_shown(at)),
        Some(device) => shown_by(at, &device.id).await,
        None => Ok(None),
    }
}

fn not_shown(at: &AtApp) -> Halt {
    Halt::pause(
        PauseReason::Azure,
        format!("{} has devices and shows its ID scope with none of them.", at.target.app_display_name),
        "Nobody was told. Check your role there (device connectivity management), then press Resume.",
    )
}

/// What one device's credentials show; `None` if it is gone, or they cannot be read.
async fn shown_by(at: &AtApp, id: &DeviceId) -> Result<Option<IdScope>, Halt> {
    match at.central.device_credentials(id).await {
        Ok(credentials) => Ok(Some(credentials.id_scope).filter(|scope| !scope.as_str().is_empty())),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Malformed | ErrorKind::Rejected) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads and records it by a temporary device.
async fn by_a_probe(run: &Run, at: &AtApp) -> Result<(), Halt> {
    let probe = new_probe()?;
    run.store().set_probe(run.id(), Some(&probe)).await?;
    let app = &at.target.app_display_name;
    run.note(
        EventKind::Enrollment,
        &format!("{app} has no device: {probe} is made for a moment to read its ID scope."),
    )
    .await?;
    let new =
        NewDevice { display_name: "IoTC Migrator: removed in a moment".into(), template: None, organizations: None };
    if let Err(error) = at.central.create_device(&probe, &new).await {
        // Whether it comes into being yet is not known: it stays recorded, and is removed at the next try.
        if error.effect != EffectKnown::Unknown {
            run.store().set_probe(run.id(), None).await?;
        }
        return Err(error.into());
    }
    let shown = shown_by(at, &probe).await;
    if let Ok(Some(scope)) = &shown {
        run.store().set_app_scope(run.id(), scope).await?;
    }
    let removed = remove(&run.inner, &run.migration, at, &probe).await;
    match (shown?, removed) {
        (Some(_), Ok(())) => Ok(()),
        (Some(_), Err(halt)) => may_stay(run, at, &probe, halt).await,
        (None, removed) => removed.and(Err(not_shown(at))),
    }
}

/// A temporary device could not be removed though the scope is known. A passing trouble is waited out; what does not pass
/// holds nobody up, and is for [`remove_left_over`].
async fn may_stay(run: &Run, at: &AtApp, probe: &DeviceId, halt: Halt) -> Result<(), Halt> {
    match &halt {
        Halt::Azure(error) if !error.is_transient() && !error.needs_sign_in() => {}
        _ => return Err(halt),
    }
    let app = &at.target.app_display_name;
    let text = format!("{probe} could not be removed from {app}: {}. It is tried again.", halt.words());
    run.note(EventKind::Trouble, &text).await
}

fn new_probe() -> Result<DeviceId, Halt> {
    let mut bytes = [0_u8; 4];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| Halt::Transient { trouble: "this computer gives no random numbers".into(), after: None })?;
    let mark: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(DeviceId::new(format!("migrator-probe-{mark}")))
}

async fn remove(inner: &Inner, migration: &Migration, at: &AtApp, probe: &DeviceId) -> Result<(), Halt> {
    at.central.delete_device(probe).await?;
    Ok(inner.store.set_probe(migration.id, None).await?)
}

/// Removes temporary devices that are needed no more, or of migrations that nobody works on now.
pub(in crate::engine) async fn remove_left_over(inner: &Arc<Inner>) -> Result<(), Halt> {
    for id in inner.store.left_a_probe().await? {
        let (Some(migration), Some(probe)) = (inner.store.migration(id).await?, inner.store.probe(id).await?) else {
            continue;
        };
        let Some(actor) = &migration.runs_as else { continue };
        let removed = async {
            match At::new(inner, &migration.plan.target, &inner.people.tokens(&actor.id))? {
                At::App(at) => remove(inner, &migration, &at, &probe).await,
                At::Hub(_) => Ok(()),
            }
        };
        if let Err(halt) = removed.await {
            tracing::warn!(%id, device = %probe, trouble = halt.words(), "a temporary device could not be removed yet");
        }
    }
    Ok(())
}
