//! Keys of enrollment groups that people pasted, sealed; they are erased when their migration ends.

use super::{Store, StoreError, WriteTx};
use crate::ids::EnrollmentGroupId;
use crate::migration::MigrationId;

/// Keeps the sealed keys of a group; those of the same group are replaced.
pub async fn keep(
    tx: &mut WriteTx,
    migration: MigrationId,
    group: &EnrollmentGroupId,
    sealed: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into pasted_keys (migration_id, group_id, keys) values (?1, ?2, ?3)
         on conflict (migration_id, group_id) do update set keys = ?3",
    )
    .bind(migration.to_string())
    .bind(group.as_str())
    .bind(sealed)
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, migration).await
}

/// Erases the keys of one group; false if there were none.
pub async fn erase(tx: &mut WriteTx, migration: MigrationId, group: &EnrollmentGroupId) -> Result<bool, StoreError> {
    let done = sqlx::query("delete from pasted_keys where migration_id = ? and group_id = ?")
        .bind(migration.to_string())
        .bind(group.as_str())
        .execute(&mut **tx)
        .await?;
    super::migrations::touch(tx, migration).await?;
    Ok(done.rows_affected() > 0)
}

/// Erases all keys of a migration.
pub(super) async fn erase_all(tx: &mut WriteTx, migration: MigrationId) -> Result<(), StoreError> {
    sqlx::query("delete from pasted_keys where migration_id = ?")
        .bind(migration.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Store {
    /// The sealed keys of a migration's groups, in order of their ids.
    pub async fn pasted_keys(&self, migration: MigrationId) -> Result<Vec<(EnrollmentGroupId, Vec<u8>)>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("select group_id, keys from pasted_keys where migration_id = ? order by group_id")
                .bind(migration.to_string())
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(|(id, sealed)| (EnrollmentGroupId::from(id), sealed)).collect())
    }
}
