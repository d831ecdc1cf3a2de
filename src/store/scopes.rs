//! The ID scope of an application that devices go to, and the temporary device that it may be read with.

use super::codec::known;
use super::{Store, StoreError};
use crate::ids::{DeviceId, IdScope};
use crate::migration::MigrationId;

impl Store {
    /// Records the scope.
    pub async fn set_app_scope(&self, id: MigrationId, scope: &IdScope) -> Result<(), StoreError> {
        sqlx::query("update migrations set app_scope = ?, revision = revision + 1 where id = ?")
            .bind(scope.as_str())
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The temporary device that may exist.
    pub async fn probe(&self, id: MigrationId) -> Result<Option<DeviceId>, StoreError> {
        let probe: Option<String> = sqlx::query_scalar("select probe from migrations where id = ?")
            .bind(id.to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(probe.map(DeviceId::from))
    }

    /// Records a temporary device before it is made, or that it is certainly gone.
    pub async fn set_probe(&self, id: MigrationId, probe: Option<&DeviceId>) -> Result<(), StoreError> {
        sqlx::query("update migrations set probe = ? where id = ?")
            .bind(probe.map(DeviceId::as_str))
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Migrations whose temporary device may exist still, though it is needed no more, or nobody works on them now.
    pub async fn left_a_probe(&self) -> Result<Vec<MigrationId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select id from migrations where probe is not null and (app_scope is not null or state not in ('running', 'waiting'))",
        )
        .fetch_all(&self.pool)
        .await?;
        ids.into_iter().map(|id| known(id.parse().ok(), "migrations", "id", &id)).collect()
    }
}
