//! Removes hub identities that a paused migration made ahead and that were never used: DPS then registers each device as it
//! arrives. At the registry's pace this takes minutes, so it is work of its own that a restart takes up again.
//!
//! Promises: an identity is deleted only as it was read a moment before, never when it has been used, and never of a
//! device that may have been told.

use std::sync::Arc;

use super::AtHub;
use crate::azure::hub::Hub;
use crate::engine::Inner;
use crate::engine::halt::Halt;
use crate::engine::run::Turn;
use crate::migration::model::{Actor, Migration, MigrationId, MigrationState};
use crate::migration::{CommandState, Device};
use crate::store::choices;
use crate::store::events::{self, EventKind, PROGRAM};

/// Rows looked through at once.
const BATCH: u32 = 500;

/// Removes what `by` asked for, with their rights.
pub(in crate::engine) async fn remove(inner: &Arc<Inner>, migration: &Migration, by: &Actor) -> Result<Turn, Halt> {
    let text = match remove_all(inner, migration, by).await {
        Ok(removed) => format!(
            "{removed} unused identities were removed from the hub, as {} asked; DPS registers each device as it arrives.",
            by.name
        ),
        Err(Halt::Azure(error)) if !error.is_transient() => {
            format!("Unused identities could not be removed from the hub: {error}")
        }
        Err(halt) => return Err(halt),
    };
    let mut tx = inner.store.begin_write().await?;
    choices::removal_over(&mut tx, migration.id).await?;
    events::append(&mut tx, migration.id, inner.clock.now(), PROGRAM, EventKind::Identities, &text).await?;
    tx.commit().await?;
    Ok(Turn::GoOn)
}

async fn remove_all(inner: &Arc<Inner>, migration: &Migration, by: &Actor) -> Result<u64, Halt> {
    let Some(target) = migration.plan.target.hub() else { return Ok(0) };
    let hub = AtHub::new(inner, target, &inner.people.tokens(&by.id))?.hub;
    let mut tx = inner.store.begin_write().await?;
    choices::register_on_arrival(&mut tx, migration).await?;
    tx.commit().await?;
    let (mut removed, mut after) = (0, String::new());
    loop {
        let batch = inner.store.devices_after(migration.id, &after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(removed) };
        last.id.as_str().clone_into(&mut after);
        for device in batch.iter().filter(|device| is_unused(device)) {
            still_wanted(inner, migration.id).await?;
            removed += u64::from(remove_one(&hub, device).await?);
            inner.store.change_device(migration.id, &device.id, |row| row.facts.registered = None).await?;
        }
    }
}

/// Whoever may have been told may be using it, whatever the hub shows yet.
fn is_unused(device: &Device) -> bool {
    device.facts.made_ahead() && device.command == CommandState::None && device.facts.provisioned.is_none()
}

/// False: it is gone, or has been used.
async fn remove_one(hub: &Hub, device: &Device) -> Result<bool, Halt> {
    let Some(identity) = hub.identity(&device.id).await? else { return Ok(false) };
    if identity.last_activity.is_some() {
        return Ok(false);
    }
    hub.delete_identity(&device.id, identity.etag.as_deref()).await?;
    Ok(true)
}

async fn still_wanted(inner: &Inner, id: MigrationId) -> Result<(), Halt> {
    match inner.store.migration(id).await? {
        Some(Migration { state: MigrationState::Paused(_), removal: Some(_), .. }) if !inner.cancel.is_cancelled() => {
            Ok(())
        }
        _ => Err(Halt::LookAgain),
    }
}
