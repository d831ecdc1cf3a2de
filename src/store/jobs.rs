//! IoT Central jobs that we launch: the id is chosen and stored before the first PUT.

use std::collections::HashMap;

use sqlx::FromRow;

use super::codec::{known, ns, time};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::ids::{JobId, Subdomain, TenantId};
use crate::migration::MigrationId;
use crate::migration::model::stored_names;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobProgress {
    /// Its id and payload are chosen; whether IoT Central has it is not known.
    Planned,
    /// IoT Central has it.
    Accepted,
    /// IoT Central has ended it and every device's verdict is recorded.
    Ended,
}
stored_names!(JobProgress { Planned = "planned", Accepted = "accepted", Ended = "ended" });

/// A job as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    /// Its id in IoT Central.
    pub id: JobId,
    /// JSON of the command's value.
    pub payload: String,
    /// How far it is.
    pub progress: JobProgress,
    /// Somebody stopped it in IoT Central: it goes on when the migration is resumed.
    pub held: bool,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When its last verdict was recorded.
    pub ended_at: Option<Timestamp>,
    /// IoT Central's word, as last read.
    pub status: Option<String>,
    /// It waits for a place among the jobs that IoT Central runs at once.
    pub waits: bool,
}

#[derive(FromRow)]
struct Row {
    job_id: String,
    payload: String,
    state: String,
    held: bool,
    created_at: i64,
    ended_at: Option<i64>,
    status: Option<String>,
    asked_at: Option<i64>,
    place_at: Option<i64>,
}

impl TryFrom<Row> for JobRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            progress: known(JobProgress::from_stored(&row.state), "jobs", "state", &row.job_id)?,
            waits: row.asked_at.is_some() && row.place_at.is_none() && row.ended_at.is_none(),
            id: row.job_id.into(),
            payload: row.payload,
            held: row.held,
            created_at: time(row.created_at),
            ended_at: row.ended_at.map(time),
            status: row.status,
        })
    }
}

/// Records a job in the application `app` before it is tried.
pub async fn plan(
    tx: &mut WriteTx,
    migration: MigrationId,
    app: &Subdomain,
    id: &JobId,
    payload: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into jobs (job_id, migration_id, app, payload, state, created_at) values (?, ?, ?, ?, 'planned', ?)",
    )
    .bind(id.as_str())
    .bind(migration.to_string())
    .bind(app.as_str().to_ascii_lowercase())
    .bind(payload)
    .bind(ns(now))
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, migration).await
}

/// IoT Central has the job.
pub async fn accepted(tx: &mut WriteTx, migration: MigrationId, id: &JobId) -> Result<(), StoreError> {
    sqlx::query("update jobs set state = 'accepted' where job_id = ?").bind(id.as_str()).execute(&mut **tx).await?;
    super::migrations::touch(tx, migration).await
}

/// Every cleared device that was not told yet counts as told by the job, and has until `deadline`.
pub async fn mark_as_told(
    tx: &mut WriteTx,
    migration: MigrationId,
    id: &JobId,
    now: Timestamp,
    deadline: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "update devices set command = 'started', via = 'job', attempts = attempts + 1, commanded_at = ?, commanded_by = ?, deadline = ?,
         next_try_at = null where migration_id = ? and outcome = 'pending' and command = 'none' and cleared = 1
         and unassigned = 0",
    )
    .bind(ns(now))
    .bind(format!("job {id}"))
    .bind(ns(deadline))
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, migration).await
}

/// The job was certainly not made: whoever counted as told by it was not.
pub async fn mark_as_untold(tx: &mut WriteTx, migration: MigrationId) -> Result<(), StoreError> {
    sqlx::query(
        "update devices set command = 'none', via = null, attempts = attempts - 1, commanded_at = null, commanded_by = null,
         deadline = null where migration_id = ? and outcome = 'pending' and via = 'job' and command = 'started'",
    )
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, migration).await
}

impl Store {
    /// Notes a look at which IoT Central did not show a job that it accepted. Gives since when it has not (`now`, if it
    /// did until now), and at how many looks in a row.
    pub async fn job_missing(&self, id: &JobId, now: Timestamp) -> Result<(Timestamp, u32), StoreError> {
        let (since, looks): (i64, u32) = sqlx::query_as(
            "update jobs set missing_since = coalesce(missing_since, ?), missing_looks = missing_looks + 1
             where job_id = ? returning missing_since, missing_looks",
        )
        .bind(ns(now))
        .bind(id.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok((time(since), looks))
    }

    /// The jobs of a migration, oldest first.
    pub async fn jobs(&self, migration: MigrationId) -> Result<Vec<JobRecord>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select job_id, payload, state, held, created_at, ended_at, status, asked_at, place_at from jobs where migration_id = ?
             order by created_at, job_id",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(JobRecord::try_from).collect()
    }

    /// The jobs of all migrations of a tenant, each with the id and the name of its migration.
    pub async fn jobs_of_tenant(&self, tenant: &TenantId) -> Result<HashMap<JobId, (MigrationId, String)>, StoreError> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "select j.job_id, m.id, m.name from jobs j join migrations m on m.id = j.migration_id where m.tenant = ?",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.pool)
        .await?;
        let of = |(job, id, name): (String, String, String)| {
            let migration = known(id.parse().ok(), "migrations", "id", &id)?;
            Ok((JobId::new(job), (migration, name)))
        };
        rows.into_iter().map(of).collect()
    }

    /// Records what IoT Central says of a job, and whether we hold it.
    pub async fn job_seen(
        &self,
        migration: MigrationId,
        id: &JobId,
        status: &str,
        held: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let done = sqlx::query(
            "update jobs set status = ?1, held = ?2, missing_since = null, missing_looks = 0
             where job_id = ?3 and (status is not ?1 or held <> ?2 or missing_since is not null)",
        )
        .bind(status)
        .bind(held)
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() > 0 {
            super::migrations::touch(&mut tx, migration).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Every verdict of the job is recorded.
    pub async fn job_ended(&self, migration: MigrationId, id: &JobId, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sqlx::query("update jobs set state = 'ended', ended_at = ?, held = 0 where job_id = ?")
            .bind(ns(now))
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        super::migrations::touch(&mut tx, migration).await?;
        Ok(tx.commit().await?)
    }
}
