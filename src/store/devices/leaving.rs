//! What is particular to devices of hubs: whose keys they have, and whether they were seen to leave, now or before.

use std::collections::HashSet;

use super::row::Row;
use crate::ids::{DeviceId, EnrollmentGroupId, Subdomain};
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

    /// The name of another migration that moved this device of this source into the application `target`, and after which it
    /// was not seen to have left there again, or moved on by a later one.
    pub async fn moved_into_before(
        &self,
        migration: MigrationId,
        device: &Device,
        target: &Subdomain,
    ) -> Result<Option<String>, StoreError> {
        let name = sqlx::query_scalar(
            "select m.name from devices d join migrations m on m.id = d.migration_id
             where d.device_id = ?1 and d.source = ?2 and d.migration_id <> ?3 and d.outcome = 'moved'
             and lower(json_extract(m.plan, '$.target.subdomain')) = ?4 and not exists
             (select 1 from devices later where later.device_id = d.device_id and later.migration_id > d.migration_id
              and later.migration_id <> ?3 and later.source in (d.source, ?4) and later.outcome in ('moved', 'went_back', 'returned')) order by d.connected_at desc limit 1",
        )
        .bind(device.id.as_str())
        .bind(&device.source)
        .bind(migration.to_string())
        .bind(target.as_str().to_ascii_lowercase())
        .fetch_optional(&self.pool)
        .await?;
        Ok(name)
    }

    /// Devices proven at the target that were not seen to leave, the first to arrive first.
    pub async fn devices_not_seen_leaving(&self, migration: MigrationId) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'moved' and left_at is null
             order by connected_at, device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Takes back the row of a device that was listed and is not there: it was never cleared, and nothing was done to it.
    pub async fn forget_device(&self, migration: MigrationId, id: &DeviceId) -> Result<(), StoreError> {
        sqlx::query(
            "delete from devices where migration_id = ? and device_id = ? and cleared = 0 and command = 'none'",
        )
        .bind(migration.to_string())
        .bind(id.as_str())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes that a device is in another hub than it was listed in; it stays where it is if another active migration has it
    /// there.
    pub async fn device_is_in(&self, migration: MigrationId, id: &DeviceId, host: &str) -> Result<(), StoreError> {
        sqlx::query("update or ignore devices set source = ? where migration_id = ? and device_id = ?")
            .bind(host.to_ascii_lowercase())
            .bind(migration.to_string())
            .bind(id.as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
