//! SQLite through sqlx: the only place with SQL, one file a table family.
//!
//! Promises: migrations of the schema only go forward; a writer begins with `BEGIN IMMEDIATE`, so it never fails half-way
//! for having read first; no transaction is held across anything but other statements.

pub mod choices;
pub mod clean_ups;
mod codec;
pub mod device_certificates;
pub mod devices;
pub mod drafts;
pub mod enrollments;
pub mod events;
pub mod follow_ups;
pub mod grants;
pub mod job_turns;
pub mod jobs;
pub mod made_groups;
pub mod migrations;
pub mod pasted_keys;
pub mod people;
pub mod removals;
mod running;
mod scopes;
pub mod sessions;
pub mod steps;
pub mod supplied_certificates;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// For reads, and for single statements.
    pool: SqlitePool,
    /// One connection: writers queue for it here, in order, and never meet SQLite's lock.
    writer: SqlitePool,
}

/// An open write transaction.
pub type WriteTx = Transaction<'static, Sqlite>;

/// Why the database did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite or sqlx failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A stored value is not one that this program writes.
    #[error("{table}.{column} of {row} holds an unknown value")]
    Inconsistent {
        /// Table of the value.
        table: &'static str,
        /// Column of the value.
        column: &'static str,
        /// Key of the row.
        row: String,
    },
}

impl Store {
    /// Opens (or makes) the database file and brings its schema up to date.
    ///
    /// # Errors
    /// The file cannot be opened, or a schema migration failed.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!().run(&writer).await?;
        let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
        Ok(Self { pool, writer })
    }

    /// Begins a write transaction. Keep it short; never await anything but statements while it is open.
    pub async fn begin_write(&self) -> Result<WriteTx, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Closes all connections, writing the WAL back.
    pub async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
    }
}
