//! What a migration that is being worked on has beside its record: a lease, and the troubles it waits out.

use std::time::Duration;

use super::codec::ns;
use super::{Store, StoreError};
use crate::clock::Timestamp;
use crate::migration::MigrationId;

impl Store {
    /// Takes or renews the lease of a migration for this run of the program. False: another run holds it.
    pub async fn lease(
        &self,
        id: MigrationId,
        owner: &str,
        now: Timestamp,
        term: Duration,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "update migrations set lease_owner = ?1, lease_until = ?2 where id = ?3
             and (lease_owner is null or lease_owner = ?1 or lease_until < ?4)",
        )
        .bind(owner)
        .bind(ns(now + term))
        .bind(id.to_string())
        .bind(ns(now))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Drops leases of earlier runs: whoever holds the data directory's lock knows that they are dead.
    pub async fn drop_leases(&self) -> Result<(), StoreError> {
        sqlx::query("update migrations set lease_owner = null, lease_until = null").execute(&self.pool).await?;
        Ok(())
    }

    /// Records a passing trouble, the `number`th in a row.
    pub async fn trouble(&self, id: MigrationId, at: Timestamp, trouble: &str, number: u32) -> Result<(), StoreError> {
        sqlx::query("update migrations set retry_at = ?, retry_trouble = ?, retry_attempt = ?, revision = revision + 1 where id = ?")
            .bind(ns(at))
            .bind(trouble)
            .bind(number)
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Troubles in a row so far, and the last of them.
    pub async fn troubles(&self, id: MigrationId) -> Result<(u32, Option<String>), StoreError> {
        let (number, last): (i64, Option<String>) =
            sqlx::query_as("select retry_attempt, retry_trouble from migrations where id = ?")
                .bind(id.to_string())
                .fetch_one(&self.pool)
                .await?;
        Ok((u32::try_from(number).unwrap_or_default(), last))
    }

    /// The trouble is over.
    pub async fn trouble_over(&self, id: MigrationId) -> Result<(), StoreError> {
        sqlx::query(
            "update migrations set retry_at = null, retry_trouble = null, retry_attempt = 0, revision = revision + 1
             where id = ? and retry_attempt > 0",
        )
        .bind(id.to_string())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
