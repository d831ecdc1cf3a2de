//! Whose turn it is to have a job run in an application of IoT Central, which runs a few at once.
//!
//! Promises: a place is taken in one transaction, so two jobs never take the last one; whoever was planned first comes
//! first; a place is its migration's for only as long as that is at work.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::FromRow;

use super::codec::{ns, time};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::ids::JobId;
use crate::migration::MigrationId;

/// Who asks for a place and has not done so for this long lets others go first: it has a trouble of its own.
const ASKS: Duration = Duration::from_secs(120);

/// What an application showed of its jobs.
#[derive(Debug, Clone)]
pub struct JobsSeen {
    /// When it was asked: a place that was taken since is not among them.
    pub at: Timestamp,
    /// Those that wait or run there, whoever made them.
    pub at_work: HashSet<JobId>,
    /// Those that do not.
    pub over: HashSet<JobId>,
}

/// What asking for a place came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It has one.
    Taken {
        /// It was told before that it had to wait.
        waited: bool,
    },
    /// All are taken, or others come first.
    Waits {
        /// It is told so for the first time.
        first: bool,
    },
}

/// One of our jobs in the same application that has not ended, of a migration that is at work.
#[derive(Debug, FromRow)]
struct Row {
    job_id: String,
    created_at: i64,
    asked_at: Option<i64>,
    place_at: Option<i64>,
}

impl Row {
    fn id(&self) -> JobId {
        self.job_id.as_str().into()
    }

    /// It has a place, as far as the application has not shown that it is over.
    fn holds(&self, seen: &JobsSeen) -> bool {
        self.place_at.is_some_and(|since| time(since) >= seen.at || !seen.over.contains(&self.id()))
    }

    /// It asks for one, and was planned before `other`.
    fn is_ahead_of(&self, other: &Self, now: Timestamp) -> bool {
        self.place_at.is_none()
            && self.asked_at.is_some_and(|at| time(at) > now - ASKS)
            && (self.created_at, &self.job_id) < (other.created_at, &other.job_id)
    }
}

/// Takes one of `places` for a job, if there is one for it; it may have one already.
pub async fn take_place(
    tx: &mut WriteTx,
    id: &JobId,
    seen: &JobsSeen,
    places: usize,
    now: Timestamp,
) -> Result<Place, StoreError> {
    let ours: Vec<Row> = sqlx::query_as(
        "select job_id, jobs.created_at, asked_at, place_at from jobs join migrations on migrations.id = migration_id
         where app = (select app from jobs where job_id = ?1) and
         (job_id = ?1 or (jobs.state <> 'ended' and migrations.state in ('running', 'waiting')))",
    )
    .bind(id.as_str())
    .fetch_all(&mut **tx)
    .await?;
    let Some(own) = ours.iter().find(|row| row.id() == *id) else { return Ok(Place::Waits { first: false }) };
    let others = || ours.iter().filter(|row| row.id() != *id);
    let mut taken: HashSet<JobId> = seen.at_work.iter().filter(|job| **job != *id).cloned().collect();
    taken.extend(others().filter(|row| row.holds(seen)).map(Row::id));
    let ahead = others().filter(|row| !taken.contains(&row.id()) && row.is_ahead_of(own, now)).count();
    let free = seen.at_work.contains(id) || taken.len() + ahead < places;
    sqlx::query(
        "update jobs set place_at = case when ?1 then ?2 end, asked_at = case when ?1 then asked_at else ?2 end where job_id = ?3",
    )
    .bind(free)
    .bind(ns(now))
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(match free {
        true => Place::Taken { waited: own.asked_at.is_some() },
        false => Place::Waits { first: own.asked_at.is_none() },
    })
}

/// Gives a place back for which the application refused the job: it waits again. True if it is told so for the first time.
pub async fn wait_again(
    tx: &mut WriteTx,
    migration: MigrationId,
    id: &JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query("update jobs set asked_at = ?1 where job_id = ?2 and asked_at is null")
        .bind(ns(now))
        .bind(id.as_str())
        .execute(&mut **tx)
        .await?;
    sqlx::query("update jobs set place_at = null, asked_at = ? where job_id = ?")
        .bind(ns(now))
        .bind(id.as_str())
        .execute(&mut **tx)
        .await?;
    super::migrations::touch(tx, migration).await?;
    Ok(done.rows_affected() > 0)
}

/// Gives a place back that is not used now.
pub async fn leave_place(tx: &mut WriteTx, id: &JobId) -> Result<(), StoreError> {
    sqlx::query("update jobs set place_at = null where job_id = ?").bind(id.as_str()).execute(&mut **tx).await?;
    Ok(())
}

impl Store {
    /// The same in a transaction of its own.
    pub async fn leave_place(&self, id: &JobId) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        leave_place(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }
}
