//! What happened in a migration: append-only, one sentence each.

use sqlx::FromRow;

use super::codec::{ns, time};
use super::{Store, StoreError, WriteTx};
use crate::clock::Timestamp;
use crate::migration::MigrationId;
use crate::migration::model::stored_names;

/// The name shown for what no person did.
pub const PROGRAM: &str = "IoTC Migrator";

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A migration was made.
    Created,
    /// A person chose who adds the keys, or changed that.
    KeysChosen,
    /// A person stated that groups are unused.
    Stated,
    /// A person started it.
    Started,
    /// A step began.
    StepBegun,
    /// A step ended.
    StepDone,
    /// An enrollment group was made or found.
    Enrollment,
    /// Identities were made or removed.
    Identities,
    /// The canary was told, answered, arrived or failed.
    Canary,
    /// A wave began, or ended.
    Wave,
    /// A job was launched, held, resumed or ended.
    Job,
    /// A passing trouble is waited out.
    Trouble,
    /// The engine paused it.
    Paused,
    /// It goes on.
    Resumed,
    /// A device was settled, against expectation.
    Device,
    /// A person asked that devices be approved as they arrive.
    Approval,
    /// A person asked for another try of waiting devices.
    TriedAgain,
    /// A person settled the waiting devices.
    FinishedNow,
    /// The time for trying devices that could not be reached was over.
    GivenUp,
    /// A person had it go on with their own rights.
    TakenOver,
    /// A person stopped it.
    Stopped,
    /// A rerun or a fail back of it was made, or it is one.
    FollowedUp,
    /// It ended.
    Ended,
    /// Its devices are removed from their source, or groups from the target.
    CleanUp,
}
stored_names!(EventKind {
    Created = "created",
    KeysChosen = "keys_chosen",
    Stated = "stated",
    Started = "started",
    StepBegun = "step_begun",
    StepDone = "step_done",
    Enrollment = "enrollment",
    Identities = "identities",
    Canary = "canary",
    Wave = "wave",
    Job = "job",
    Trouble = "trouble",
    Paused = "paused",
    Resumed = "resumed",
    Device = "device",
    Approval = "approval",
    TriedAgain = "tried_again",
    FinishedNow = "finished_now",
    GivenUp = "given_up",
    TakenOver = "taken_over",
    Stopped = "stopped",
    FollowedUp = "followed_up",
    Ended = "ended",
    CleanUp = "clean_up",
});

/// An event as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Order of recording.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a display name, or [`PROGRAM`].
    pub actor: String,
    /// The stored name of its kind.
    pub kind: String,
    /// One sentence.
    pub text: String,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    at: i64,
    actor: String,
    kind: String,
    text: String,
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        Self { id: row.id, at: time(row.at), actor: row.actor, kind: row.kind, text: row.text }
    }
}

/// Appends an event and moves the migration's revision on.
pub async fn append(
    tx: &mut WriteTx,
    migration: MigrationId,
    at: Timestamp,
    actor: &str,
    kind: EventKind,
    text: &str,
) -> Result<(), StoreError> {
    sqlx::query("insert into events (migration_id, at, actor, kind, text) values (?, ?, ?, ?, ?)")
        .bind(migration.to_string())
        .bind(ns(at))
        .bind(actor)
        .bind(kind.stored())
        .bind(text)
        .execute(&mut **tx)
        .await?;
    super::migrations::touch(tx, migration).await
}

impl Store {
    /// Appends an event of the program's own, in a transaction of its own.
    pub async fn note(
        &self,
        migration: MigrationId,
        at: Timestamp,
        kind: EventKind,
        text: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        append(&mut tx, migration, at, PROGRAM, kind, text).await?;
        Ok(tx.commit().await?)
    }

    /// The newest events first, at most `limit`, older than `before` if given.
    pub async fn events(
        &self,
        migration: MigrationId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select id, at, actor, kind, text from events where migration_id = ? and id < ? order by id desc limit ?",
        )
        .bind(migration.to_string())
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Event::from).collect())
    }
}
