//! Certificates of devices themselves that people supplied. Devices are found without regard to the case of their ids.

use super::{Store, StoreError, WriteTx};
use crate::ids::DeviceId;
use crate::migration::MigrationId;

const OF_DEVICE: &str =
    "select der from device_certificates where migration_id = ? and device_id = ? order by thumbprint";

/// Keeps a certificate (DER) of a device, by its SHA-1 thumbprint. Once more changes nothing.
pub async fn keep(
    tx: &mut WriteTx,
    migration: MigrationId,
    device: &DeviceId,
    thumbprint: &str,
    der: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into device_certificates (migration_id, device_id, thumbprint, der) values (?, ?, ?, ?)
         on conflict (migration_id, device_id, thumbprint) do nothing",
    )
    .bind(migration.to_string())
    .bind(device.as_str())
    .bind(thumbprint)
    .bind(der)
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, migration).await
}

/// The certificates (DER) of a device, inside a transaction.
pub async fn of_device(
    tx: &mut WriteTx,
    migration: MigrationId,
    device: &DeviceId,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = sqlx::query_scalar(OF_DEVICE).bind(migration.to_string()).bind(device.as_str());
    Ok(rows.fetch_all(&mut **tx).await?)
}

impl Store {
    /// The certificates (DER) of a device.
    pub async fn device_certificates(
        &self,
        migration: MigrationId,
        device: &DeviceId,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = sqlx::query_scalar(OF_DEVICE).bind(migration.to_string()).bind(device.as_str());
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// The devices of which certificates were supplied for a migration, in order.
    pub async fn certified_devices(&self, migration: MigrationId) -> Result<Vec<DeviceId>, StoreError> {
        let rows: Vec<String> = sqlx::query_scalar(
            "select distinct device_id from device_certificates where migration_id = ? order by device_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(DeviceId::from).collect())
    }
}
