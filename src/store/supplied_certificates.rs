//! Certificates of X.509 enrollment groups that people supplied.

use super::{Store, StoreError, WriteTx};
use crate::ids::EnrollmentGroupId;
use crate::migration::MigrationId;

/// Keeps a certificate (DER) of a group, by its SHA-1 thumbprint. Once more changes nothing.
pub async fn keep(
    tx: &mut WriteTx,
    migration: MigrationId,
    group: &EnrollmentGroupId,
    thumbprint: &str,
    der: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into supplied_certificates (migration_id, group_id, thumbprint, der) values (?, ?, ?, ?)
         on conflict (migration_id, group_id, thumbprint) do nothing",
    )
    .bind(migration.to_string())
    .bind(group.as_str())
    .bind(thumbprint)
    .bind(der)
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, migration).await
}

impl Store {
    /// Group, SHA-1 thumbprint and DER of the certificates of a migration.
    pub async fn supplied_certificates(
        &self,
        migration: MigrationId,
    ) -> Result<Vec<(EnrollmentGroupId, String, Vec<u8>)>, StoreError> {
        let rows: Vec<(String, String, Vec<u8>)> = sqlx::query_as(
            "select group_id, thumbprint, der from supplied_certificates where migration_id = ? order by group_id, thumbprint",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id, thumbprint, der)| (id.into(), thumbprint, der)).collect())
    }
}
