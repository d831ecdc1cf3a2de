//! Migrations that follow up others: which devices they take up, and how they hang together.

use super::codec::{count, known};
use super::{Store, StoreError, WriteTx, migrations};
use crate::ids::DeviceId;
use crate::migration::{Migration, MigrationId, Parent, Relation};

/// A query on `family`: the ids of everybody who hangs together with its first parameter.
macro_rules! family {
    ($query:literal) => {
        concat!(
            "with recursive
             up (id, parent_id) as (select id, parent_id from migrations where id = ?
                 union select m.id, m.parent_id from migrations m join up on m.id = up.parent_id),
             family (id) as (select id from up where parent_id is null
                 union select m.id from migrations m join family on m.parent_id = family.id) ",
            $query
        )
    };
}

/// What a rerun takes up: a device that failed, and that no later migration has moved from there, or found at the target, since.
macro_rules! to_rerun {
    () => {
        "(outcome in ('failed', 'went_back') and not exists
          (select 1 from devices later where later.device_id = devices.device_id and later.source = devices.source
           and later.migration_id > devices.migration_id
           and (later.outcome = 'moved' or (later.outcome = 'skipped' and later.reason = 'already_at_target'))))"
    };
}

/// Which devices of its parent a follow-up takes up, of those that its kind takes at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chosen<'a> {
    /// Those that came from here (host of a hub); absent = from anywhere.
    pub from: Option<&'a str>,
    /// Those of these ids; absent = all.
    pub ids: Option<&'a [DeviceId]>,
}

/// Makes a draft follow up another migration, whose devices it takes up. Gives how many it takes.
pub async fn link(tx: &mut WriteTx, child: MigrationId, parent: Parent, chosen: Chosen<'_>) -> Result<u64, StoreError> {
    sqlx::query("update migrations set parent_id = ?, relation = ?, revision = revision + 1 where id = ?")
        .bind(parent.id.to_string())
        .bind(parent.relation.stored())
        .bind(child.to_string())
        .execute(&mut **tx)
        .await?;
    let ids = chosen.ids.map(|ids| ids.iter().map(DeviceId::as_str).collect::<Vec<_>>());
    let done = sqlx::query(concat!(
        "insert or ignore into chosen_devices (migration_id, device_id) select ?1, device_id from devices
         where migration_id = ?2 and case ?3 when 'rerun' then ",
        to_rerun!(),
        " else outcome = 'moved' and removed_at is null end and (?4 is null or source = ?4)
         and (?5 is null or device_id in (select value from json_each(?5)))"
    ))
    .bind(child.to_string())
    .bind(parent.id.to_string())
    .bind(parent.relation.stored())
    .bind(chosen.from.map(str::to_ascii_lowercase))
    .bind(ids.map(|ids| serde_json::Value::from(ids).to_string()))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// A rerun goes the same way, so it has use for the certificates that people supplied for its parent.
pub async fn inherit_certificates(tx: &mut WriteTx, child: MigrationId, parent: MigrationId) -> Result<(), StoreError> {
    for statement in [
        "insert or ignore into supplied_certificates (migration_id, group_id, thumbprint, der)
         select ?, group_id, thumbprint, der from supplied_certificates where migration_id = ?",
        "insert or ignore into device_certificates (migration_id, device_id, thumbprint, der)
         select ?, device_id, thumbprint, der from device_certificates where migration_id = ?",
    ] {
        sqlx::query(statement).bind(child.to_string()).bind(parent.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Follow-ups of a kind that have not ended, drafts among them, the newest first.
pub async fn open(tx: &mut WriteTx, parent: Parent) -> Result<Vec<Migration>, StoreError> {
    let ids: Vec<String> = sqlx::query_scalar(
        "select id from migrations where parent_id = ? and relation = ? and state in ('draft', 'running', 'paused', 'waiting')
         order by id desc",
    )
    .bind(parent.id.to_string())
    .bind(parent.relation.stored())
    .fetch_all(&mut **tx)
    .await?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let id = known(id.parse().ok(), "migrations", "id", &id)?;
        found.extend(migrations::lookup(tx, id).await?);
    }
    Ok(found)
}

/// How many follow-ups of a kind a whole family has.
pub async fn number_in_family(tx: &mut WriteTx, of: MigrationId, relation: Relation) -> Result<u64, StoreError> {
    let number: i64 = sqlx::query_scalar(family!(
        "select count(*) from migrations where relation = ? and id in (select id from family)"
    ))
    .bind(of.to_string())
    .bind(relation.stored())
    .fetch_one(&mut **tx)
    .await?;
    Ok(count(number))
}

/// The name of the migration that a family began with.
pub async fn root_name(tx: &mut WriteTx, of: MigrationId) -> Result<String, StoreError> {
    let name = sqlx::query_scalar(family!(
        "select name from migrations where parent_id is null and id in (select id from family)"
    ))
    .bind(of.to_string())
    .fetch_one(&mut **tx)
    .await?;
    Ok(name)
}

/// A clean-up removes this device, or has removed it, from where a fail back would take it.
pub(super) async fn is_removed(
    tx: &mut WriteTx,
    fail_back: MigrationId,
    device: &DeviceId,
) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        // In this order, and by the key of the removals: there may be many of other clean-ups.
        "select 1 from migrations own cross join clean_ups c on c.migration_id = own.parent_id
         cross join removals r on r.clean_up_id = c.id where own.id = ? and own.relation = 'fail_back'
         and r.device_id = ? and +r.state in ('started', 'removed', 'gone') limit 1",
    )
    .bind(fail_back.to_string())
    .bind(device.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

/// A proven fail back: the row of the device in the migration that had moved it says so.
pub(super) async fn note_return(tx: &mut WriteTx, fail_back: MigrationId, id: &DeviceId) -> Result<(), StoreError> {
    let parent: Option<String> =
        sqlx::query_scalar("select parent_id from migrations where id = ? and relation = 'fail_back'")
            .bind(fail_back.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    let Some(parent) = parent else { return Ok(()) };
    // A hub may spell an id otherwise than where the device came from.
    for statement in [
        "update devices set outcome = 'returned', reason = null, detail = null
         where migration_id = ? and device_id = ? and outcome in ('moved', 'went_back')",
        "update devices set outcome = 'returned', reason = null, detail = null
         where migration_id = ? and device_id = ? collate nocase and outcome in ('moved', 'went_back') and not exists
         (select 1 from devices own where own.migration_id = ?1 and own.device_id = ?2)",
    ] {
        let done = sqlx::query(statement).bind(&parent).bind(id.as_str()).execute(&mut **tx).await?;
        if done.rows_affected() > 0 {
            let parent = known(parent.parse().ok(), "migrations", "parent_id", &fail_back.to_string())?;
            return migrations::touch(tx, parent).await;
        }
    }
    Ok(())
}

impl Store {
    /// The devices that a follow-up is about, by id.
    pub async fn chosen_devices(&self, migration: MigrationId) -> Result<Vec<DeviceId>, StoreError> {
        let ids: Vec<String> =
            sqlx::query_scalar("select device_id from chosen_devices where migration_id = ? order by device_id")
                .bind(migration.to_string())
                .fetch_all(&self.pool)
                .await?;
        Ok(ids.into_iter().map(DeviceId::from).collect())
    }

    /// How many devices a follow-up is about.
    pub async fn chosen_count(&self, migration: MigrationId) -> Result<u64, StoreError> {
        let number: i64 = sqlx::query_scalar("select count(*) from chosen_devices where migration_id = ?")
            .bind(migration.to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(count(number))
    }

    /// The devices of a migration that failed.
    pub async fn failed_devices(&self, migration: MigrationId) -> Result<Vec<DeviceId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select device_id from devices where migration_id = ? and outcome in ('failed', 'went_back') order by device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(DeviceId::from).collect())
    }

    /// How many devices a rerun of a migration would take up.
    pub async fn to_rerun(&self, migration: MigrationId) -> Result<u64, StoreError> {
        let number: i64 =
            sqlx::query_scalar(concat!("select count(*) from devices where migration_id = ? and ", to_rerun!()))
                .bind(migration.to_string())
                .fetch_one(&self.pool)
                .await?;
        Ok(count(number))
    }

    /// Of these devices, those that a fail back of the migration cannot take: they are not proven at its target, or were removed from
    /// their source since.
    pub async fn not_moved(&self, migration: MigrationId, ids: &[DeviceId]) -> Result<Vec<DeviceId>, StoreError> {
        let mut others = Vec::new();
        for id in ids {
            let moved: Option<i64> = sqlx::query_scalar(
                "select 1 from devices where migration_id = ? and device_id = ? and outcome = 'moved' and removed_at is null",
            )
            .bind(migration.to_string())
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?;
            if moved.is_none() {
                others.push(id.clone());
            }
        }
        Ok(others)
    }

    /// How many moved devices that could go back came from which source, the most first.
    pub async fn moved_by_source(&self, migration: MigrationId) -> Result<Vec<(String, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select source, count(*) from devices where migration_id = ? and outcome = 'moved' and removed_at is null
             group by source order by 2 desc, 1",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(source, number)| (source, count(number))).collect())
    }

    /// Everybody who hangs together with a migration, itself included, the oldest first.
    pub async fn family(&self, of: MigrationId) -> Result<Vec<Migration>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(family!("select id from family order by id"))
            .bind(of.to_string())
            .fetch_all(&self.pool)
            .await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let id = known(id.parse().ok(), "migrations", "id", &id)?;
            found.extend(self.migration(id).await?);
        }
        Ok(found)
    }
}
