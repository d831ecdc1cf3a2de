//! What people decide about a migration while it is there, each kept in its record.

use super::codec::{known, ns};
use super::{StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::migration::model::{Actor, KeyHandling, Migration, MigrationId, Plan};

const TABLE: &str = "migrations";

/// Records who adds the keys, while it is a draft.
pub async fn set_keys(tx: &mut WriteTx, id: MigrationId, keys: KeyHandling) -> Result<(), StoreError> {
    sqlx::query("update migrations set keys = ?, revision = revision + 1 where id = ? and state = 'draft'")
        .bind(keys.stored())
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes that somebody wants the unused identities of a paused migration removed. False: it is not paused, or that is under
/// way already.
pub async fn request_removal(tx: &mut WriteTx, id: MigrationId, by: &Actor) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update migrations set removal_by = ?, removal_by_name = ?, revision = revision + 1
         where id = ? and state = 'paused' and removal_by is null",
    )
    .bind(&by.id.oid)
    .bind(&by.name)
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The removal of unused identities is over, whatever came of it.
pub async fn removal_over(tx: &mut WriteTx, id: MigrationId) -> Result<(), StoreError> {
    sqlx::query(
        "update migrations set removal_by = null, removal_by_name = null, retry_at = null, retry_trouble = null,
         retry_attempt = 0, revision = revision + 1 where id = ?",
    )
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes who asked that devices be approved at the target as they arrive.
pub async fn approve_arrivals(tx: &mut WriteTx, id: MigrationId, by: &str) -> Result<(), StoreError> {
    sqlx::query("update migrations set approved_by = ?, revision = revision + 1 where id = ?")
        .bind(by)
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Changes the plan so that DPS registers each device as it arrives.
pub async fn register_on_arrival(tx: &mut WriteTx, migration: &Migration) -> Result<(), StoreError> {
    let plan = Plan { register_on_arrival: true, ..migration.plan.clone() };
    let plan = known(serde_json::to_string(&plan).ok(), TABLE, "plan", &migration.id.to_string())?;
    sqlx::query("update migrations set plan = ?, revision = revision + 1 where id = ?")
        .bind(plan)
        .bind(migration.id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// From now on it goes on with these rights, in place of those that it had.
pub async fn take_over(tx: &mut WriteTx, id: MigrationId, by: &Actor, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "update migrations set runs_as = ?, runs_as_name = ?, taken_over_at = ?, revision = revision + 1 where id = ?",
    )
    .bind(&by.id.oid)
    .bind(&by.name)
    .bind(ns(now))
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
