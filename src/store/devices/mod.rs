//! The devices table: one row a device of a migration.
//!
//! A row is changed by reading it, changing the value and writing it back inside one write transaction
//! ([`Store::change_device`]); nothing else writes facts or outcomes.

mod control;
mod leaving;
mod lists;
mod pages;
mod row;
mod waves;

use row::Row;

use super::codec::ns;
use super::{Store, StoreError, WriteTx};
use crate::ids::DeviceId;
use crate::migration::device::Stage;
use crate::migration::{Device, MigrationId, Outcome, SkipReason};

pub use control::{
    fail_offline, fail_untold, fail_waiting, reopen_certified, reopen_unanswered, retire_canaries, try_waiting,
};
pub use lists::Example;
pub use pages::{DeviceFilter, DevicePage, PAGE_SIZE};
pub use waves::{accept_failures, course, note_end, release};

/// A device as the snapshot finds it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: DeviceId,
    /// Its display name.
    pub display_name: Option<String>,
    /// The organizations that it is of.
    pub organizations: Vec<String>,
    /// Pending, or skipped with the reason that the source shows.
    pub outcome: Outcome,
    /// It has no template in the source.
    pub unassigned: bool,
    /// A job took it along after the snapshot.
    pub joined_later: bool,
}

/// Adds a device of `source` (subdomain of an application, or host of a hub), unless it has a row. One that another active
/// migration has, takes to this source, or takes from where this one goes, is added as skipped, naming that migration.
pub async fn insert(tx: &mut WriteTx, migration: MigrationId, source: &str, found: &Found) -> Result<(), StoreError> {
    let holder: Option<String> = sqlx::query_scalar(
        "select m.name from devices d join migrations m on m.id = d.migration_id join migrations own on own.id = ?3
         where d.device_id = ?2 and d.active = 1 and d.migration_id <> ?3 and
         (d.source = ?1
          or lower(coalesce(json_extract(m.plan, '$.target.subdomain'), json_extract(m.plan, '$.target.hub_host'))) = ?1
          or lower(coalesce(json_extract(own.plan, '$.target.subdomain'), json_extract(own.plan, '$.target.hub_host'))) = d.source)",
    )
    .bind(source.to_ascii_lowercase())
    .bind(found.id.as_str())
    .bind(migration.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let (outcome, detail) = match holder {
        Some(name) if found.outcome.is_open() => {
            (Outcome::Skipped(SkipReason::BeingMoved), Some(format!("being moved by “{name}”")))
        }
        _ => (found.outcome, None),
    };
    let removed = outcome.is_open() && super::follow_ups::is_removed(tx, migration, &found.id).await?;
    let outcome = if removed { Outcome::Skipped(SkipReason::Removed) } else { outcome };
    let (stored, reason) = outcome.stored();
    sqlx::query(
        "insert into devices (migration_id, device_id, display_name, source, active, joined_later, outcome, reason, detail, organizations, unassigned)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (migration_id, device_id) do nothing",
    )
    .bind(migration.to_string())
    .bind(found.id.as_str())
    .bind(&found.display_name)
    .bind(source.to_ascii_lowercase())
    .bind(outcome.is_open())
    .bind(found.joined_later)
    .bind(stored)
    .bind(reason)
    .bind(detail)
    .bind(serde_json::Value::from(found.organizations.clone()).to_string())
    .bind(found.unassigned)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The row of a device, inside a transaction.
pub async fn lookup(tx: &mut WriteTx, migration: MigrationId, id: &DeviceId) -> Result<Option<Device>, StoreError> {
    let row: Option<Row> = sqlx::query_as("select * from devices where migration_id = ? and device_id = ?")
        .bind(migration.to_string())
        .bind(id.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    row.map(Device::try_from).transpose()
}

/// Writes a device back. A settled device is free for other migrations.
pub async fn save(tx: &mut WriteTx, migration: MigrationId, device: &Device) -> Result<(), StoreError> {
    let (outcome, reason) = device.outcome.stored();
    let fact = |stage: Stage| {
        let fact = device.facts.get(stage);
        (fact.map(|fact| ns(fact.at)), fact.map(|fact| fact.evidence.clone()))
    };
    let record = device.baseline.record.as_ref();
    let twin = device.baseline.twin.as_ref();
    let app = device.baseline.app.as_ref();
    let mut query = sqlx::query(
        "update devices set outcome = ?, reason = ?, detail = ?, active = active and ?, cleared = ?, own_keys = ?, key_group = ?, home_connected = ?, home_activity = ?, carried_at = ?, carried = ?, baseline_at = ?, base_status = ?,
         base_hub = ?, base_updated = ?, base_twin = ?, base_connected = ?, base_activity = ?, command = ?, via = ?, attempts = ?, unclear = ?, answers_before = ?,
         answer_ids = ?, base_device = ?, base_provisioned = ?, base_enabled = ?, base_newest = ?, base_template = ?,
         next_try_at = ?, deadline = ?, wave = ?, registered_at = ?, registered_by = ?, commanded_at = ?, commanded_by = ?, acknowledged_at = ?,
         acknowledged_by = ?, left_at = ?, left_by = ?, provisioned_at = ?, provisioned_by = ?, connected_at = ?, connected_by = ?, sending_at = ?, sending_by = ?
         where migration_id = ? and device_id = ?",
    )
    .bind(outcome)
    .bind(reason)
    .bind(&device.detail)
    .bind(device.outcome.is_open())
    .bind(device.cleared)
    .bind(device.own_keys.map(crate::migration::OwnKeys::stored))
    .bind(device.key_group.as_ref().map(|id| id.as_str().to_owned()))
    .bind(device.home.as_ref().map(|home| home.connected))
    .bind(device.home.as_ref().and_then(|home| home.activity).map(ns))
    .bind(device.carried.as_ref().map(|fact| ns(fact.at)))
    .bind(device.carried.as_ref().map(|fact| fact.evidence.clone()))
    .bind(device.baseline.taken_at.map(ns))
    .bind(record.map(|record| record.status.clone()))
    .bind(record.and_then(|record| record.hub.as_ref()).map(|hub| hub.as_str().to_owned()))
    .bind(record.and_then(|record| record.updated).map(ns))
    .bind(twin.is_some())
    .bind(twin.map(|twin| twin.connected))
    .bind(twin.and_then(|twin| twin.activity).map(ns))
    .bind(device.command.stored())
    .bind(device.via.map(crate::migration::Via::stored))
    .bind(device.attempts)
    .bind(device.unclear)
    .bind(device.answers_before.as_ref().map(|answers| answers.number))
    .bind(device.answers_before.as_ref().map(|answers| answers.ids.join("\n")))
    .bind(record.and_then(|record| record.device.as_ref()).map(|id| id.as_str().to_owned()))
    .bind(app.map(|app| app.provisioned))
    .bind(app.map(|app| app.enabled))
    .bind(app.and_then(|app| app.newest).map(ns))
    .bind(app.and_then(|app| app.template.as_ref()).map(|template| template.as_str().to_owned()))
    .bind(device.next_try_at.map(ns))
    .bind(device.deadline.map(ns))
    .bind(device.wave);
    for stage in Stage::ALL {
        let (at, by) = fact(*stage);
        query = query.bind(at).bind(by);
    }
    query.bind(migration.to_string()).bind(device.id.as_str()).execute(&mut **tx).await?;
    if device.outcome == Outcome::Moved {
        super::follow_ups::note_return(tx, migration, &device.id).await?;
    }
    super::migrations::touch(tx, migration).await
}

/// No device of this migration is held any more.
pub(super) async fn release_all(tx: &mut WriteTx, migration: MigrationId) -> Result<(), StoreError> {
    sqlx::query("update devices set active = 0 where migration_id = ?")
        .bind(migration.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Store {
    /// Reads a device, lets `change` change it, writes it back: one transaction. Gives the device as written, or `None`
    /// when it has no row.
    pub async fn change_device(
        &self,
        migration: MigrationId,
        id: &DeviceId,
        change: impl FnOnce(&mut Device) + Send,
    ) -> Result<Option<Device>, StoreError> {
        let mut tx = self.begin_write().await?;
        let Some(mut device) = lookup(&mut tx, migration, id).await? else { return Ok(None) };
        let before = device.clone();
        change(&mut device);
        if device != before {
            save(&mut tx, migration, &device).await?;
        }
        tx.commit().await?;
        Ok(Some(device))
    }

    /// The row of a device.
    pub async fn device(&self, migration: MigrationId, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        let row: Option<Row> = sqlx::query_as("select * from devices where migration_id = ? and device_id = ?")
            .bind(migration.to_string())
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(Device::try_from).transpose()
    }
}
