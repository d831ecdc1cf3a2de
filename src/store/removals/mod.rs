//! The removals table: one row a device of a clean-up.
//!
//! "Started" is written in a transaction that sees, at that moment, that the clean-up is still wanted and that no migration
//! has the device; what came of it is written whatever has been decided since, because it has happened.

mod lists;

use sqlx::{FromRow, SqliteExecutor};

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

/// Whether another migration has the device of `own`, whose migration is `x`, or has told it to leave the target since `$since`:
/// until it is heard of there again after that, nobody knows where it is.
macro_rules! held {
    ($since:literal) => {
        concat!(
            "exists (select 1 from devices o join migrations m on m.id = o.migration_id where o.device_id = own.device_id
             and o.migration_id <> own.migration_id and m.tenant = x.tenant and (o.active = 1 or
             (o.migration_id > own.migration_id and o.commanded_at > ",
            $since,
            " and o.source = lower(coalesce(json_extract(x.plan, '$.target.subdomain'), json_extract(x.plan, '$.target.hub_host'))))))"
        )
    };
}
pub(super) use held;

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
    let done = sqlx::query(concat!(
        "insert into removals (clean_up_id, device_id, state)
         select ?1, own.device_id, 'pending' from devices own join migrations x on x.id = own.migration_id
         where own.migration_id = ?2 and own.outcome = 'moved' and own.removed_at is null and own.connected_at <= ?3 and not ",
        held!("?3")
    ))
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

/// Another migration has this device of `migration`, or has told it to leave the target within the soak.
pub async fn is_held<'a>(
    from: impl SqliteExecutor<'a>,
    migration: MigrationId,
    device: &DeviceId,
    soak: Soak,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let held: Option<i64> = sqlx::query_scalar(concat!(
        "select 1 from devices own join migrations x on x.id = own.migration_id
         where own.migration_id = ?1 and own.device_id = ?2 and ",
        held!("?3")
    ))
    .bind(migration.to_string())
    .bind(device.as_str())
    .bind(proven_by(soak, now))
    .fetch_optional(from)
    .await?;
    Ok(held.is_some())
}

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
    /// The same as the function [`is_held`], in no transaction.
    pub async fn is_held(
        &self,
        migration: MigrationId,
        device: &DeviceId,
        soak: Soak,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        is_held(&self.pool, migration, device, soak, now).await
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
        let done = sqlx::query(concat!(
            "update removals set state = 'started', at = ?1, evidence = ?2, detail = null
             where clean_up_id = ?3 and device_id = ?4 and state = 'pending'
             and exists (select 1 from clean_ups c join devices own on own.migration_id = c.migration_id
                         join migrations x on x.id = own.migration_id where c.id = ?3 and c.state = 'running'
                         and own.device_id = ?4 and own.outcome = 'moved' and own.removed_at is null and not ",
            held!("(?1 - c.soak_hours * 3600000000000)"),
            ")"
        ))
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

    /// Writes that the source was not asked after all, or still has the device: it is to be judged anew, or kept if the clean-up
    /// was stopped meanwhile.
    pub async fn unstart_removal(&self, id: CleanUpId, device: &DeviceId) -> Result<(), StoreError> {
        sqlx::query(
            "update removals set at = null, evidence = null,
             reason = case (select state from clean_ups where id = ?1) when 'stopped' then 'stopped' end,
             state = case (select state from clean_ups where id = ?1) when 'stopped' then 'kept' else 'pending' end
             where clean_up_id = ?1 and device_id = ?2 and state = 'started'",
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
