//! The clean-ups table: records and states.

use sqlx::FromRow;

use super::codec::{known, ns, time};
use super::events::{self, EventKind};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::ids::{PersonId, TenantId};
use crate::migration::clean_up::{CleanUp, CleanUpId, CleanUpState, Soak};
use crate::migration::model::{Actor, MigrationId, Pause, PauseReason, Retry};

const TABLE: &str = "clean_ups";

#[derive(FromRow)]
struct Row {
    id: String,
    migration_id: String,
    tenant: String,
    asked_by: String,
    asked_by_name: String,
    runs_as: String,
    runs_as_name: String,
    asked_at: i64,
    ended_at: Option<i64>,
    state: String,
    pause_reason: Option<String>,
    pause_detail: Option<String>,
    pause_remedy: Option<String>,
    retry_at: Option<i64>,
    retry_trouble: Option<String>,
    soak_hours: u32,
    revision: i64,
}

impl TryFrom<Row> for CleanUp {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let state = row.state()?;
        let tid = TenantId::from(row.tenant.as_str());
        let actor = |oid: String, name: String| Actor { id: PersonId { tid: tid.clone(), oid }, name };
        let retry = row.retry_at.map(|at| Retry { at: time(at), trouble: row.retry_trouble.unwrap_or_default() });
        Ok(Self {
            id: known(row.id.parse().ok(), TABLE, "id", &row.id)?,
            migration: known(row.migration_id.parse().ok(), TABLE, "migration_id", &row.id)?,
            asked_by: actor(row.asked_by, row.asked_by_name),
            runs_as: actor(row.runs_as, row.runs_as_name),
            asked_at: time(row.asked_at),
            ended_at: row.ended_at.map(time),
            state,
            retry,
            soak: known(Soak::of_hours(row.soak_hours), TABLE, "soak_hours", &row.id)?,
            revision: row.revision,
        })
    }
}

impl Row {
    fn state(&self) -> Result<CleanUpState, StoreError> {
        let state = match self.state.as_str() {
            "running" => Some(CleanUpState::Running),
            "paused" => self.pause().map(CleanUpState::Paused),
            "completed" => Some(CleanUpState::Completed),
            "stopped" => Some(CleanUpState::Stopped),
            _ => None,
        };
        known(state, TABLE, "state", &self.id)
    }

    fn pause(&self) -> Option<Pause> {
        Some(Pause {
            reason: PauseReason::from_stored(self.pause_reason.as_deref()?)?,
            detail: self.pause_detail.clone().unwrap_or_default(),
            remedy: self.pause_remedy.clone().unwrap_or_default(),
        })
    }
}

/// A clean-up to be made.
#[derive(Debug, Clone)]
pub struct NewCleanUp<'a> {
    /// Hidden key of the form.
    pub request_key: &'a str,
    /// Whose devices.
    pub migration: MigrationId,
    /// Who asks, and whose rights are used.
    pub by: &'a Actor,
    /// How long a device must have been proven at the target.
    pub soak: Soak,
}

macro_rules! select {
    ($which:literal) => {
        concat!("select c.*, m.tenant from clean_ups c join migrations m on m.id = c.migration_id where ", $which)
    };
}

/// The clean-up that this form has made before.
pub async fn of_request(tx: &mut WriteTx, request_key: &str) -> Result<Option<CleanUp>, StoreError> {
    one(tx, select!("c.request_key = ?"), request_key).await
}

/// The clean-up of a migration that is at work.
pub async fn at_work(tx: &mut WriteTx, migration: MigrationId) -> Result<Option<CleanUp>, StoreError> {
    one(tx, select!("c.migration_id = ? and c.state in ('running', 'paused')"), &migration.to_string()).await
}

/// The record, inside a transaction.
pub async fn lookup(tx: &mut WriteTx, id: CleanUpId) -> Result<Option<CleanUp>, StoreError> {
    one(tx, select!("c.id = ?"), &id.to_string()).await
}

async fn one(tx: &mut WriteTx, query: &'static str, key: &str) -> Result<Option<CleanUp>, StoreError> {
    let row: Option<Row> = sqlx::query_as(query).bind(key).fetch_optional(&mut **tx).await?;
    row.map(CleanUp::try_from).transpose()
}

/// Makes a clean-up that is at work, without devices yet.
pub async fn insert(tx: &mut WriteTx, new: &NewCleanUp<'_>, now: Timestamp) -> Result<CleanUpId, StoreError> {
    let id = CleanUpId::new(now);
    sqlx::query(
        "insert into clean_ups (id, migration_id, request_key, asked_by, asked_by_name, runs_as, runs_as_name, asked_at, state, soak_hours)
         values (?1, ?2, ?3, ?4, ?5, ?4, ?5, ?6, 'running', ?7)",
    )
    .bind(id.to_string())
    .bind(new.migration.to_string())
    .bind(new.request_key)
    .bind(&new.by.id.oid)
    .bind(&new.by.name)
    .bind(ns(now))
    .bind(new.soak.hours())
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// Moves the revisions of a clean-up and its migration on, so that live pages fetch them anew.
pub async fn touch(tx: &mut WriteTx, id: CleanUpId) -> Result<(), StoreError> {
    sqlx::query("update clean_ups set revision = revision + 1 where id = ?")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "update migrations set revision = revision + 1 where id = (select migration_id from clean_ups where id = ?)",
    )
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes state and pause, with an event of the migration that says so.
pub async fn set_state(
    tx: &mut WriteTx,
    clean_up: &CleanUp,
    state: &CleanUpState,
    actor: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let pause = if let CleanUpState::Paused(pause) = state { Some(pause) } else { None };
    sqlx::query(
        "update clean_ups set state = ?1, pause_reason = ?2, pause_detail = ?3, pause_remedy = ?4, retry_at = null, retry_trouble = null,
         retry_attempt = 0, ended_at = case when ?5 is null then null else coalesce(ended_at, ?5) end, revision = revision + 1 where id = ?6",
    )
    .bind(state.stored())
    .bind(pause.map(|pause| pause.reason.stored()))
    .bind(pause.map(|pause| pause.detail.as_str()))
    .bind(pause.map(|pause| pause.remedy.as_str()))
    .bind((!state.is_active()).then(|| ns(now)))
    .bind(clean_up.id.to_string())
    .execute(&mut **tx)
    .await?;
    events::append(tx, clean_up.migration, now, actor, EventKind::CleanUp, text).await
}

/// From now on it uses these rights.
pub async fn run_as(tx: &mut WriteTx, id: CleanUpId, by: &Actor) -> Result<(), StoreError> {
    sqlx::query("update clean_ups set runs_as = ?, runs_as_name = ? where id = ?")
        .bind(&by.id.oid)
        .bind(&by.name)
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Store {
    /// The record of a clean-up.
    pub async fn clean_up(&self, id: CleanUpId) -> Result<Option<CleanUp>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as(select!("c.id = ?")).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.map(CleanUp::try_from).transpose()
    }

    /// The clean-ups of a migration, newest first.
    pub async fn clean_ups(&self, migration: MigrationId) -> Result<Vec<CleanUp>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(select!("c.migration_id = ? order by c.asked_at desc, c.id desc"))
            .bind(migration.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(CleanUp::try_from).collect()
    }

    /// Ids that the engine should have a task for: those at work, and those that were stopped while a device was being
    /// removed.
    pub async fn active_clean_ups(&self) -> Result<Vec<CleanUpId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select id from clean_ups where state in ('running', 'paused')
             union select clean_up_id from removals where state = 'started' order by 1",
        )
        .fetch_all(&self.pool)
        .await?;
        ids.into_iter().map(|id| known(id.parse().ok(), TABLE, "id", &id)).collect()
    }

    /// Records a passing trouble, the `number`th in a row.
    pub async fn clean_up_trouble(
        &self,
        id: CleanUpId,
        at: Timestamp,
        trouble: &str,
        number: u32,
    ) -> Result<(), StoreError> {
        sqlx::query("update clean_ups set retry_at = ?, retry_trouble = ?, retry_attempt = ?, revision = revision + 1 where id = ?")
            .bind(ns(at))
            .bind(trouble)
            .bind(number)
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Troubles in a row so far, and the last of them.
    pub async fn clean_up_troubles(&self, id: CleanUpId) -> Result<(u32, Option<String>), StoreError> {
        let found = sqlx::query_as("select retry_attempt, retry_trouble from clean_ups where id = ?")
            .bind(id.to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(found)
    }

    /// The trouble is over.
    pub async fn clean_up_trouble_over(&self, id: CleanUpId) -> Result<(), StoreError> {
        sqlx::query(
            "update clean_ups set retry_at = null, retry_trouble = null, retry_attempt = 0, revision = revision + 1
             where id = ? and retry_attempt > 0",
        )
        .bind(id.to_string())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
