//! The IoT Central jobs that migrations launched.

use super::codec::time;
use super::{Store, StoreError};
use crate::clock::Timestamp;
use crate::ids::JobId;
use crate::migration::MigrationId;

/// A job, as far as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSummary {
    /// Its id, chosen by us.
    pub id: JobId,
    /// When it was planned.
    pub created_at: Timestamp,
    /// IoT Central's word for where it stands, as last read.
    pub status: Option<String>,
    /// IoT Central has taken it: there is something to link to.
    pub accepted: bool,
}

impl Store {
    /// The jobs of a migration, oldest first.
    pub async fn jobs(&self, migration: MigrationId) -> Result<Vec<JobSummary>, StoreError> {
        let rows: Vec<(String, i64, Option<String>, bool)> = sqlx::query_as(
            "select job_id, created_at, status, state <> 'planned' from jobs where migration_id = ? order by created_at, job_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, created_at, status, accepted)| JobSummary {
                id: id.into(),
                created_at: time(created_at),
                status,
                accepted,
            })
            .collect())
    }
}
