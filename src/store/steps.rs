//! The steps of a migration.

use sqlx::FromRow;

use super::codec::{known, ns, time};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::migration::MigrationId;
use crate::migration::model::{Step, StepRecord, StepState};

#[derive(FromRow)]
struct Row {
    step: String,
    state: String,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    note: Option<String>,
}

impl TryFrom<Row> for StepRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            step: known(Step::from_stored(&row.step), "steps", "step", &row.step)?,
            state: known(StepState::from_stored(&row.state), "steps", "state", &row.step)?,
            started_at: row.started_at.map(time),
            ended_at: row.ended_at.map(time),
            note: row.note,
        })
    }
}

/// All steps of a new migration, not begun.
pub(super) async fn insert_all(tx: &mut WriteTx, id: MigrationId) -> Result<(), StoreError> {
    for step in Step::ALL {
        sqlx::query("insert into steps (migration_id, step, state) values (?, ?, 'pending')")
            .bind(id.to_string())
            .bind(step.stored())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Moves a step on. The first *running* sets its start, *done* and *not needed* its end.
pub async fn set(
    tx: &mut WriteTx,
    id: MigrationId,
    step: Step,
    state: StepState,
    note: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let ended = matches!(state, StepState::Done | StepState::NotNeeded).then(|| ns(now));
    sqlx::query(
        "update steps set state = ?1, note = coalesce(?2, note), ended_at = ?3,
         started_at = case when ?1 = 'pending' then started_at else coalesce(started_at, ?4) end
         where migration_id = ?5 and step = ?6",
    )
    .bind(state.stored())
    .bind(note)
    .bind(ended)
    .bind(ns(now))
    .bind(id.to_string())
    .bind(step.stored())
    .execute(&mut **tx)
    .await?;
    super::migrations::touch(tx, id).await
}

/// Ends a step that is still open: one that never began was not needed.
pub async fn close(tx: &mut WriteTx, id: MigrationId, step: Step, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "update steps set state = case state when 'pending' then 'not_needed' else 'done' end, ended_at = ?
         where migration_id = ? and step = ? and ended_at is null",
    )
    .bind(ns(now))
    .bind(id.to_string())
    .bind(step.stored())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Store {
    /// The steps of a migration, in order.
    pub async fn steps(&self, id: MigrationId) -> Result<Vec<StepRecord>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("select step, state, started_at, ended_at, note from steps where migration_id = ?")
                .bind(id.to_string())
                .fetch_all(&self.pool)
                .await?;
        let mut steps = rows.into_iter().map(StepRecord::try_from).collect::<Result<Vec<_>, _>>()?;
        steps.sort_by_key(|record| record.step);
        Ok(steps)
    }

    /// Moves a step on, in a transaction of its own.
    pub async fn set_step(
        &self,
        id: MigrationId,
        step: Step,
        state: StepState,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        set(&mut tx, id, step, state, note, now).await?;
        Ok(tx.commit().await?)
    }
}
