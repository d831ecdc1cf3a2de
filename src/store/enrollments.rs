//! Which enrollment group of the DPS stands for which group of the source, and which of them we made.

use super::codec::{count, ns};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::ids::EnrollmentGroupId;
use crate::migration::MigrationId;

/// Records that a group is about to be made, or was found.
pub async fn record(
    tx: &mut WriteTx,
    migration: MigrationId,
    source: &EnrollmentGroupId,
    target: &EnrollmentGroupId,
    made_by_us: bool,
    done: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into enrollments (migration_id, source_group, target_group, made_by_us, state, at) values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict (migration_id, source_group) do update set target_group = ?3, state = ?5",
    )
    .bind(migration.to_string())
    .bind(source.as_str())
    .bind(target.as_str())
    .bind(made_by_us)
    .bind(if done { "done" } else { "started" })
    .bind(ns(now))
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, migration).await
}

/// How the groups of the source came to stand in the DPS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnrollmentCounts {
    /// Were there.
    pub found: u64,
    /// Made for this migration.
    pub created: u64,
}

impl Store {
    /// How many groups this migration found in the DPS, and how many it made.
    pub async fn enrollment_counts(&self, migration: MigrationId) -> Result<EnrollmentCounts, StoreError> {
        let (found, created): (i64, i64) = sqlx::query_as(
            "select count(*) filter (where made_by_us = 0), count(*) filter (where made_by_us = 1) from enrollments
             where migration_id = ? and state = 'done'",
        )
        .bind(migration.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(EnrollmentCounts { found: count(found), created: count(created) })
    }

    /// The DPS groups through which this migration's devices may come.
    pub async fn target_groups(&self, migration: MigrationId) -> Result<Vec<EnrollmentGroupId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select distinct target_group from enrollments where migration_id = ? order by target_group",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(EnrollmentGroupId::from).collect())
    }
}
