//! Many devices at once, in the batches that the engine works through.

use super::row::Row;
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::{Device, MigrationId};
use crate::store::codec::{count, ns};
use crate::store::{Store, StoreError};

/// A kind of device of which one is wanted as an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// Its attestation was read.
    Cleared,
    /// Its baseline was taken.
    WithBaseline,
    /// Its identity is in the hub.
    Registered,
    /// It is proven at the target.
    Proven,
    /// It is proven at the target, and it came the way that the others will go: one without a template is told otherwise than
    /// those that have one.
    WayProven,
}

impl Store {
    /// Pending, cleared devices without a baseline.
    pub async fn devices_without_baseline(&self, migration: MigrationId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'pending' and cleared = 1 and baseline_at is null
             order by device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Any device of this kind.
    pub async fn example(&self, migration: MigrationId, of: Example) -> Result<Option<DeviceId>, StoreError> {
        let query = match of {
            Example::Cleared => "select device_id from devices where migration_id = ? and cleared = 1 limit 1",
            Example::WithBaseline => {
                "select device_id from devices where migration_id = ? and baseline_at is not null and unassigned = 0 limit 1"
            }
            Example::Registered => {
                "select device_id from devices where migration_id = ? and registered_at is not null limit 1"
            }
            Example::Proven => {
                "select device_id from devices where migration_id = ? and connected_at is not null and unassigned = 0 limit 1"
            }
            Example::WayProven => {
                "select device_id from devices where migration_id = ?1 and connected_at is not null and
                 (unassigned = 0 or not exists (select 1 from devices other where other.migration_id = ?1 and
                  other.unassigned = 0 and other.outcome in ('pending', 'waiting'))) limit 1"
            }
        };
        let id: Option<String> =
            sqlx::query_scalar(query).bind(migration.to_string()).fetch_optional(&self.pool).await?;
        Ok(id.map(DeviceId::from))
    }

    /// Cleared devices that were never told, in order of their ids.
    ///
    /// Those that the target had known before come last, since how they came is harder to prove, and among the others those
    /// without a template: how they are told is not documented; and those that their hub shows disconnected.
    pub async fn devices_untold(&self, migration: MigrationId, limit: u32) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'pending' and command = 'none' and cleared = 1
             order by coalesce(base_provisioned, 0), unassigned, coalesce(home_connected, 1) desc, device_id limit ?",
        )
        .bind(migration.to_string())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Devices to be told singly by now: never told, or unreachable before and due again. Due retries come first:
    /// three tries within a minute must not wait for a whole fleet. With `in_waves` only those whose wave has begun.
    pub async fn devices_due(
        &self,
        migration: MigrationId,
        in_waves: bool,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ?1 and cleared = 1 and (?4 = 0 or wave is not null) and
             ((outcome = 'pending' and command in ('none', 'again') and (next_try_at is null or next_try_at <= ?2)) or
              (outcome in ('pending', 'waiting') and command = 'unreachable' and next_try_at <= ?2))
             order by next_try_at is null, next_try_at, device_id limit ?3",
        )
        .bind(migration.to_string())
        .bind(ns(now))
        .bind(limit)
        .bind(in_waves)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Devices that may have been told and are not settled: the target is asked about them.
    pub async fn devices_outstanding(&self, migration: MigrationId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'pending' and command in ('started', 'answered', 'unclear')
             order by device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Devices that were tried and are not proven at the target: each may turn up there, even one that was given up. Where
    /// one is that a later migration has told is for that to say.
    pub async fn devices_that_may_turn_up(&self, migration: MigrationId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and
             (outcome = 'waiting' or (outcome = 'pending' and command <> 'none') or (outcome = 'failed' and
              reason in ('offline', 'refused', 'not_seen', 'no_answer', 'registration_refused', 'wrong_hub', 'stopped', 'deleted', 'command_refused', 'not_approved') and command <> 'none'))
             and not exists (select 1 from devices later where later.device_id = devices.device_id
              and later.source = devices.source and later.migration_id > devices.migration_id and later.command <> 'none')
             order by device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Devices proven at the target whose belongings are due, the first to arrive first.
    pub async fn devices_to_carry(&self, migration: MigrationId, limit: u32) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'moved' and carried_at is null
             order by connected_at, device_id limit ?",
        )
        .bind(migration.to_string())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Devices told by a job whose answer is not known, by id.
    pub async fn devices_in_job(&self, migration: MigrationId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'pending' and via = 'job' and command = 'started' order by device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Devices proven at the target, by id.
    pub async fn devices_moved(&self, migration: MigrationId) -> Result<Vec<DeviceId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select device_id from devices where migration_id = ? and
             (outcome = 'moved' or (outcome = 'skipped' and reason = 'already_at_target')) order by device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(DeviceId::from).collect())
    }

    /// Migrations that ended since `since`, or have devices proven at the target since then.
    pub async fn migrations_to_look_after(&self, since: Timestamp) -> Result<Vec<MigrationId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select id from migrations where runs_as is not null and (ended_at >= ?1 or id in
             (select migration_id from devices where outcome in ('moved', 'went_back') and connected_at >= ?1)) order by 1",
        )
        .bind(ns(since))
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Devices of a migration proven at the target since `since`, also those that went back. One that a later migration has
    /// told to leave there may well have left.
    pub async fn devices_moved_since(
        &self,
        migration: MigrationId,
        since: Timestamp,
    ) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome in ('moved', 'went_back') and connected_at >= ?
             and not exists (select 1 from devices later join migrations own on own.id = devices.migration_id
              where later.device_id = devices.device_id and later.migration_id > devices.migration_id and later.command <> 'none'
              and later.source = lower(coalesce(json_extract(own.plan, '$.target.subdomain'), json_extract(own.plan, '$.target.hub_host'))))
             order by device_id",
        )
        .bind(migration.to_string())
        .bind(ns(since))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Another migration told this device before, as far as this database knows.
    pub async fn was_told_before(&self, migration: MigrationId, id: &DeviceId) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "select 1 from devices where device_id = ? and migration_id <> ? and command <> 'none' limit 1",
        )
        .bind(id.as_str())
        .bind(migration.to_string())
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }

    /// When the next unreachable device is due.
    pub async fn next_due(&self, migration: MigrationId) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = sqlx::query_scalar(
            "select min(next_try_at) from devices where migration_id = ? and outcome in ('pending', 'waiting') and next_try_at is not null",
        )
        .bind(migration.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(due.map(crate::store::codec::time))
    }

    /// The last moment at which an outstanding device may still turn up.
    pub async fn last_deadline(&self, migration: MigrationId) -> Result<Option<Timestamp>, StoreError> {
        let last: Option<i64> =
            sqlx::query_scalar("select max(deadline) from devices where migration_id = ? and outcome = 'pending'")
                .bind(migration.to_string())
                .fetch_one(&self.pool)
                .await?;
        Ok(last.map(crate::store::codec::time))
    }

    /// A device that was told singly, or may have been, and is not settled: it is on its way, or a canary that is about to be
    /// told again.
    pub async fn on_the_way_singly(&self, migration: MigrationId) -> Result<Option<Device>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'pending' and via <> 'job' and
             (command in ('started', 'answered', 'unclear') or (command = 'again' and via = 'canary'))
             order by commanded_at, device_id limit 1",
        )
        .bind(migration.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(Device::try_from).transpose()
    }

    /// Devices that could not be reached or never answered and are to be told again, whether or not they are due.
    pub async fn devices_to_tell_again(&self, migration: MigrationId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome in ('pending', 'waiting')
             and command in ('unreachable', 'again') and cleared = 1 order by attempts, device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Devices that were told as canaries.
    pub async fn canaries(&self, migration: MigrationId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and via = 'canary' order by commanded_at, device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// How many devices may have been told and are neither seen nor given up.
    pub async fn outstanding(&self, migration: MigrationId) -> Result<u64, StoreError> {
        let number: i64 = sqlx::query_scalar(
            "select count(*) from devices where migration_id = ? and outcome = 'pending' and command in ('started', 'answered', 'unclear')",
        )
        .bind(migration.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(count(number))
    }
}
