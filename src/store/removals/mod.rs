//! The removals table: one row a device of a clean-up.
//!
//! "Started" is written in a transaction that sees, at that moment, that the clean-up is still wanted and that no migration
//! has the device; what came of it is written whatever has been decided since, because it has happened.

mod lists;

use sqlx::FromRow;

use super::codec::{known, ns, time};
use super::{Store, StoreError, WriteTx, clean_ups};
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::clean_up::judge::Settled;
use crate::migration::clean_up::{CleanUpId, Fate, Removal, Soak};
use crate::migration::model::MigrationId;

pub use lists::{Preview, RemovalPage};

const TABLE: &str = "removals";

#[derive(FromRow)]
struct Row {
    device_id: String,
    state: String,
    reason: Option<String>,
    at: Option<i64>,
    detail: Option<String>,
    evidence: Option<String>,
    tries: u32,
}

impl TryFrom<Row> for Removal {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let fate = Fate::from_stored(&row.state, row.reason.as_deref());
        Ok(Self {
            fate: known(fate, TABLE, "state", &row.device_id)?,
            device: row.device_id.into(),
            at: row.at.map(time),
            detail: row.detail,
            evidence: row.evidence,
            tries: row.tries,
        })
    }
}

/// The latest time of a proof whose soak is over at `now`.
fn proven_by(soak: Soak, now: Timestamp) -> i64 {
    ns(now - soak.length())
}

/// Takes every device of the migration that qualifies into the clean-up. Gives how many there are.
pub async fn choose_all(
    tx: &mut WriteTx,
    id: CleanUpId,
    migration: MigrationId,
    soak: Soak,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "insert into removals (clean_up_id, device_id, state)
         select ?1, d.device_id, 'pending' from devices d where d.migration_id = ?2 and d.outcome = 'moved' and d.removed_at is null
         and d.connected_at <= ?3 and not exists (select 1 from devices o where o.device_id = d.device_id and o.active = 1)",
    )
    .bind(id.to_string())
    .bind(migration.to_string())
    .bind(proven_by(soak, now))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Takes one device into the clean-up.
pub async fn choose(tx: &mut WriteTx, id: CleanUpId, device: &DeviceId) -> Result<(), StoreError> {
    sqlx::query("insert into removals (clean_up_id, device_id, state) values (?, ?, 'pending') on conflict do nothing")
        .bind(id.to_string())
        .bind(device.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The name of a migration at work that has this device.
pub async fn holder(tx: &mut WriteTx, device: &DeviceId) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar(HOLDER).bind(device.as_str()).fetch_optional(&mut **tx).await?)
}

const HOLDER: &str = "select m.name from devices d join migrations m on m.id = d.migration_id
     where d.device_id = ? and d.active = 1 limit 1";

/// Keeps those whose turn had not come when the clean-up was stopped. Gives how many there were.
pub async fn keep_the_rest(tx: &mut WriteTx, id: CleanUpId, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "update removals set state = 'kept', reason = 'stopped', at = ? where clean_up_id = ? and state = 'pending'",
    )
    .bind(ns(now))
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    clean_ups::touch(tx, id).await?;
    Ok(done.rows_affected())
}

/// How many are not settled.
pub async fn open(tx: &mut WriteTx, id: CleanUpId) -> Result<u64, StoreError> {
    let number: i64 =
        sqlx::query_scalar("select count(*) from removals where clean_up_id = ? and state in ('pending', 'started')")
            .bind(id.to_string())
            .fetch_one(&mut **tx)
            .await?;
    Ok(super::codec::count(number))
}

impl Store {
    /// The name of a migration at work that has this device.
    pub async fn holder(&self, device: &DeviceId) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(HOLDER).bind(device.as_str()).fetch_optional(&self.pool).await?)
    }

    /// Writes that the source is about to be asked to delete this device, with what shows it alive at the target. False: the
    /// clean-up was stopped or paused, or the device is no longer moved, or a migration has taken it up.
    pub async fn start_removal(
        &self,
        id: CleanUpId,
        device: &DeviceId,
        evidence: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let done = sqlx::query(
            "update removals set state = 'started', at = ?1, evidence = ?2, detail = null
             where clean_up_id = ?3 and device_id = ?4 and state = 'pending'
             and exists (select 1 from clean_ups c join devices d on d.migration_id = c.migration_id
                         where c.id = ?3 and c.state = 'running' and d.device_id = ?4 and d.outcome = 'moved' and d.removed_at is null)
             and not exists (select 1 from devices where device_id = ?4 and active = 1)",
        )
        .bind(ns(now))
        .bind(evidence)
        .bind(id.to_string())
        .bind(device.as_str())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes what became of a device. One that is away from its source is so in every migration that knows it there.
    pub async fn settle_removal(
        &self,
        id: CleanUpId,
        device: &DeviceId,
        settled: &Settled,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (state, reason) = settled.fate.stored();
        let mut tx = self.begin_write().await?;
        sqlx::query(
            "update removals set state = ?, reason = ?, at = ?, detail = ? where clean_up_id = ? and device_id = ?",
        )
        .bind(state)
        .bind(reason)
        .bind(ns(now))
        .bind(&settled.detail)
        .bind(id.to_string())
        .bind(device.as_str())
        .execute(&mut *tx)
        .await?;
        if settled.fate.is_away() {
            sqlx::query(
                "update devices set removed_at = ?1 where device_id = ?2 and removed_at is null and source =
                 (select d.source from devices d join clean_ups c on c.migration_id = d.migration_id where c.id = ?3 and d.device_id = ?2)",
            )
            .bind(ns(now))
            .bind(device.as_str())
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        }
        clean_ups::touch(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }

    /// Writes that the source was not asked after all, or still has the device: it is to be judged anew.
    pub async fn unstart_removal(&self, id: CleanUpId, device: &DeviceId) -> Result<(), StoreError> {
        sqlx::query(
            "update removals set state = 'pending', at = null, evidence = null
             where clean_up_id = ? and device_id = ? and state = 'started'",
        )
        .bind(id.to_string())
        .bind(device.as_str())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Counts one more time that Azure answered about others and not about this device. Gives its row as it is now.
    pub async fn count_try(&self, id: CleanUpId, device: &DeviceId) -> Result<Removal, StoreError> {
        let row: Row =
            sqlx::query_as("update removals set tries = tries + 1 where clean_up_id = ? and device_id = ? returning *")
                .bind(id.to_string())
                .bind(device.as_str())
                .fetch_one(&self.pool)
                .await?;
        Removal::try_from(row)
    }
}
