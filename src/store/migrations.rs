//! The migrations table: records and states.

use sqlx::FromRow;

use super::codec::{known, ns, time};
use super::events::{self, EventKind};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::ids::{IdScope, PersonId, TenantId};
use crate::migration::model::{
    Actor, KeyHandling, Migration, MigrationId, MigrationState, Mode, Pause, PauseReason, Plan, Retry,
};
use crate::migration::{Parent, Relation};

const TABLE: &str = "migrations";

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    mode: String,
    plan: String,
    keys: String,
    tenant: String,
    created_by: String,
    created_by_name: String,
    created_at: i64,
    runs_as: Option<String>,
    runs_as_name: Option<String>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    state: String,
    pause_reason: Option<String>,
    pause_detail: Option<String>,
    pause_remedy: Option<String>,
    retry_at: Option<i64>,
    retry_trouble: Option<String>,
    stated_unused: String,
    removal_by: Option<String>,
    removal_by_name: Option<String>,
    app_scope: Option<String>,
    approved_by: Option<String>,
    taken_over_at: Option<i64>,
    parent_id: Option<String>,
    relation: Option<String>,
    revision: i64,
}

impl TryFrom<Row> for Migration {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let state = row.state()?;
        let parent = row.parent()?;
        let tid = TenantId::from(row.tenant.as_str());
        let actor = |oid: String, name: Option<String>| Actor {
            id: PersonId { tid: tid.clone(), oid },
            name: name.unwrap_or_default(),
        };
        let retry =
            row.retry_at.map(|at| Retry { at: time(at), trouble: row.retry_trouble.clone().unwrap_or_default() });
        Ok(Self {
            id: known(row.id.parse().ok(), TABLE, "id", &row.id)?,
            mode: known(Mode::from_stored(&row.mode), TABLE, "mode", &row.id)?,
            plan: known(serde_json::from_str::<Plan>(&row.plan).ok(), TABLE, "plan", &row.id)?,
            keys: known(KeyHandling::from_stored(&row.keys), TABLE, "keys", &row.id)?,
            stated_unused: known(serde_json::from_str(&row.stated_unused).ok(), TABLE, "stated_unused", &row.id)?,
            created_by: actor(row.created_by, Some(row.created_by_name)),
            created_at: time(row.created_at),
            runs_as: row.runs_as.map(|oid| actor(oid, row.runs_as_name)),
            removal: row.removal_by.map(|oid| actor(oid, row.removal_by_name)),
            started_at: row.started_at.map(time),
            ended_at: row.ended_at.map(time),
            app_scope: row.app_scope.map(IdScope::from),
            approved_by: row.approved_by,
            taken_over_at: row.taken_over_at.map(time),
            parent,
            state,
            retry,
            revision: row.revision,
            name: row.name,
        })
    }
}

impl Row {
    fn state(&self) -> Result<MigrationState, StoreError> {
        let state = match self.state.as_str() {
            "draft" => Some(MigrationState::Draft),
            "running" => Some(MigrationState::Running),
            "paused" => self.pause().map(MigrationState::Paused),
            "waiting" => Some(MigrationState::Waiting),
            "completed" => Some(MigrationState::Completed),
            "completed_with_failures" => Some(MigrationState::CompletedWithFailures),
            "stopped" => Some(MigrationState::Stopped),
            _ => None,
        };
        known(state, TABLE, "state", &self.id)
    }

    fn parent(&self) -> Result<Option<Parent>, StoreError> {
        let (Some(id), Some(relation)) = (&self.parent_id, &self.relation) else { return Ok(None) };
        Ok(Some(Parent {
            id: known(id.parse().ok(), TABLE, "parent_id", &self.id)?,
            relation: known(Relation::from_stored(relation), TABLE, "relation", &self.id)?,
        }))
    }

    fn pause(&self) -> Option<Pause> {
        Some(Pause {
            reason: PauseReason::from_stored(self.pause_reason.as_deref()?)?,
            detail: self.pause_detail.clone().unwrap_or_default(),
            remedy: self.pause_remedy.clone().unwrap_or_default(),
        })
    }
}

/// A migration to be made.
#[derive(Debug, Clone)]
pub struct NewMigration {
    /// Hidden key of the form.
    pub request_key: String,
    /// Trimmed name.
    pub name: String,
    /// From where to where.
    pub mode: Mode,
    /// What was reviewed.
    pub plan: Plan,
    /// Who makes it.
    pub by: Actor,
}

/// Moves the revision on, so that live pages fetch the migration anew.
pub async fn touch(tx: &mut WriteTx, id: MigrationId) -> Result<(), StoreError> {
    sqlx::query("update migrations set revision = revision + 1 where id = ?")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Makes a draft. The same `request_key` again gives the first one's id, untouched.
pub async fn insert_once(tx: &mut WriteTx, new: &NewMigration, now: Timestamp) -> Result<MigrationId, StoreError> {
    let known_id: Option<String> = sqlx::query_scalar("select id from migrations where request_key = ?")
        .bind(&new.request_key)
        .fetch_optional(&mut **tx)
        .await?;
    if let Some(id) = known_id {
        return known(id.parse().ok(), TABLE, "id", &id);
    }
    let id = MigrationId::new(now);
    let plan = known(serde_json::to_string(&new.plan).ok(), TABLE, "plan", &id.to_string())?;
    sqlx::query(
        "insert into migrations (id, request_key, name, mode, plan, keys, tenant, created_by, created_by_name, created_at, state)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'draft')",
    )
    .bind(id.to_string())
    .bind(&new.request_key)
    .bind(&new.name)
    .bind(new.mode.stored())
    .bind(plan)
    .bind(KeyHandling::Program.stored())
    .bind(new.by.id.tid.as_str())
    .bind(&new.by.id.oid)
    .bind(&new.by.name)
    .bind(ns(now))
    .execute(&mut **tx)
    .await?;
    super::steps::insert_all(tx, id).await?;
    events::append(tx, id, now, &new.by.name, EventKind::Created, &format!("{} created the migration.", new.by.name))
        .await?;
    Ok(id)
}

/// Writes state and pause; `ended_at` follows from the state, and stays what it was where one end follows another.
pub async fn set_state(
    tx: &mut WriteTx,
    id: MigrationId,
    state: &MigrationState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let pause = if let MigrationState::Paused(pause) = state { Some(pause) } else { None };
    sqlx::query(
        "update migrations set state = ?1, pause_reason = ?2, pause_detail = ?3, pause_remedy = ?4, retry_at = null, retry_trouble = null,
         retry_attempt = 0, removal_by = null, removal_by_name = null, ended_at = case when ?5 is null then null else coalesce(ended_at, ?5) end, revision = revision + 1 where id = ?6",
    )
    .bind(state.stored())
    .bind(pause.map(|pause| pause.reason.stored()))
    .bind(pause.map(|pause| pause.detail.as_str()))
    .bind(pause.map(|pause| pause.remedy.as_str()))
    .bind(state.is_ended().then(|| ns(now)))
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    if state.is_ended() {
        super::devices::release_all(tx, id).await?;
        super::pasted_keys::erase_all(tx, id).await?;
    }
    Ok(())
}

/// Turns a draft into a running migration that uses `by`'s rights. False: it was no draft any more.
pub async fn start(
    tx: &mut WriteTx,
    id: MigrationId,
    by: &Actor,
    stated_unused: &[String],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let stated = serde_json::Value::from(stated_unused.to_vec()).to_string();
    let done = sqlx::query(
        "update migrations set state = 'running', runs_as = ?, runs_as_name = ?, started_at = ?, stated_unused = ?,
         revision = revision + 1 where id = ? and state = 'draft'",
    )
    .bind(&by.id.oid)
    .bind(&by.name)
    .bind(ns(now))
    .bind(stated)
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts of devices without rows, known when the snapshot ends.
pub async fn set_outside(tx: &mut WriteTx, id: MigrationId, outside: u64, unassigned: u64) -> Result<(), StoreError> {
    sqlx::query("update migrations set outside = ?, unassigned = ?, revision = revision + 1 where id = ?")
        .bind(i64::try_from(outside).unwrap_or(i64::MAX))
        .bind(i64::try_from(unassigned).unwrap_or(i64::MAX))
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

const SELECT_ONE: &str = "select * from migrations where id = ?";

/// The record, inside a transaction.
pub async fn lookup(tx: &mut WriteTx, id: MigrationId) -> Result<Option<Migration>, StoreError> {
    let row: Option<Row> = sqlx::query_as(SELECT_ONE).bind(id.to_string()).fetch_optional(&mut **tx).await?;
    row.map(Migration::try_from).transpose()
}

impl Store {
    /// The record of a migration.
    pub async fn migration(&self, id: MigrationId) -> Result<Option<Migration>, StoreError> {
        let row: Option<Row> = sqlx::query_as(SELECT_ONE).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.map(Migration::try_from).transpose()
    }

    /// Migrations of a tenant, newest first.
    pub async fn migrations(&self, tenant: &TenantId, limit: u32, offset: u32) -> Result<Vec<Migration>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from migrations where tenant = ? order by created_at desc, id desc limit ? offset ?",
        )
        .bind(tenant.as_str())
        .bind(limit)
        .bind(offset)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Migration::try_from).collect()
    }

    /// How many migrations a tenant has, and the sum of their revisions: together they change whenever the list does.
    pub async fn migrations_version(&self, tenant: &TenantId) -> Result<(u64, i64), StoreError> {
        let (number, revisions): (i64, i64) =
            sqlx::query_as("select count(*), coalesce(sum(revision), 0) from migrations where tenant = ?")
                .bind(tenant.as_str())
                .fetch_one(&self.pool)
                .await?;
        Ok((super::codec::count(number), revisions))
    }

    /// Names of the migrations that still need the sign-in of `person`, or whose clean-up does, the one begun last first.
    pub async fn active_runs(&self, person: &PersonId) -> Result<Vec<String>, StoreError> {
        let names = sqlx::query_scalar(
            "select name from (
             select name, started_at as begun from migrations where tenant = ?1 and runs_as = ?2 and state in ('running', 'paused', 'waiting')
             union all select m.name, c.asked_at from clean_ups c join migrations m on m.id = c.migration_id
             where m.tenant = ?1 and c.runs_as = ?2 and c.state in ('running', 'paused')) order by begun desc",
        )
        .bind(person.tid.as_str())
        .bind(&person.oid)
        .fetch_all(&self.pool)
        .await?;
        Ok(names)
    }

    /// Ids that the engine should have a task for.
    pub async fn active_migrations(&self) -> Result<Vec<MigrationId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select id from migrations where state in ('running', 'paused', 'waiting') order by started_at",
        )
        .fetch_all(&self.pool)
        .await?;
        ids.into_iter().map(|id| known(id.parse().ok(), TABLE, "id", &id)).collect()
    }
}
