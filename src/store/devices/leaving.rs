//! What is particular to devices of hubs: whose keys they have, and whether they were seen to leave.

use std::collections::HashSet;

use super::row::Row;
use crate::ids::EnrollmentGroupId;
use crate::migration::{Device, MigrationId};
use crate::store::{Store, StoreError};

impl Store {
    /// The source's enrollment groups whose keys devices have that are to move, or may be on their way.
    pub async fn key_groups(&self, migration: MigrationId) -> Result<HashSet<EnrollmentGroupId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select distinct key_group from devices where migration_id = ? and key_group is not null
             and outcome in ('pending', 'waiting')",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(EnrollmentGroupId::from).collect())
    }

    /// Devices proven at the target that were not seen to leave, the first to arrive first.
    pub async fn devices_not_seen_leaving(
        &self,
        migration: MigrationId,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'moved' and left_at is null
             order by connected_at, device_id limit ?",
        )
        .bind(migration.to_string())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }
}
