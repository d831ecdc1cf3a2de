//! Enrollment groups that this program made at targets: who still needs them.

use super::codec::{count, ns};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::ids::EnrollmentGroupId;
use crate::migration::MigrationId;

/// A group that was made for a migration and has not been removed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeGroup {
    /// Its id at the target.
    pub id: EnrollmentGroupId,
    /// A migration at work with the same target that names it.
    pub named_by: Option<String>,
    /// Devices of any migration with the same target that may have come by it and may yet go back.
    pub devices: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    target_group: String,
    named_by: Option<String>,
    devices: i64,
}

impl From<Row> for MadeGroup {
    fn from(row: Row) -> Self {
        Self { id: row.target_group.into(), named_by: row.named_by, devices: count(row.devices) }
    }
}

/// A target is the same if it is the same DPS, or the same application. A device of which it is not known whose keys it has
/// may have come by any group of its migration.
const MADE: &str = "
    select e.target_group,
    (select m.name from enrollments f join migrations m on m.id = f.migration_id
     where f.target_group = e.target_group and m.state in ('running', 'paused', 'waiting')
     and lower(coalesce(json_extract(m.plan, '$.target.dps_id'), json_extract(m.plan, '$.target.subdomain'))) = t.target limit 1) as named_by,
    (select count(*) from enrollments f join migrations m on m.id = f.migration_id join devices d on d.migration_id = f.migration_id
     where f.target_group = e.target_group and d.removed_at is null and (d.outcome in ('moved', 'went_back')
      or (d.outcome in ('pending', 'waiting', 'failed') and d.command not in ('none', 'unreachable', 'refused')))
     and (d.key_group is null or d.key_group = f.source_group)
     and lower(coalesce(json_extract(m.plan, '$.target.dps_id'), json_extract(m.plan, '$.target.subdomain'))) = t.target) as devices
    from enrollments e join (select id, lower(coalesce(json_extract(plan, '$.target.dps_id'), json_extract(plan, '$.target.subdomain'))) as target
    from migrations) t on t.id = e.migration_id
    where e.migration_id = ? and e.made_by_us = 1 and e.removed_at is null group by e.target_group order by e.target_group";

/// The groups made for a migration, inside a transaction.
pub async fn made(tx: &mut WriteTx, migration: MigrationId) -> Result<Vec<MadeGroup>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(MADE).bind(migration.to_string()).fetch_all(&mut **tx).await?;
    Ok(rows.into_iter().map(MadeGroup::from).collect())
}

/// Notes that a group was removed from the target, or found gone there.
pub async fn removed(
    tx: &mut WriteTx,
    migration: MigrationId,
    group: &EnrollmentGroupId,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("update enrollments set removed_at = ?, removed_by = ? where migration_id = ? and target_group = ?")
        .bind(ns(now))
        .bind(by)
        .bind(migration.to_string())
        .bind(group.as_str())
        .execute(&mut **tx)
        .await?;
    super::migrations::touch(tx, migration).await
}

impl Store {
    /// The groups made for a migration that have not been removed since.
    pub async fn made_groups(&self, migration: MigrationId) -> Result<Vec<MadeGroup>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(MADE).bind(migration.to_string()).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(MadeGroup::from).collect())
    }
}
