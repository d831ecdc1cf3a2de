//! Sessions of browsers: sealed blobs by the hash of the cookie's value.
//!
//! What is in a blob is not known here. A session ends when it has not been used for as long as the caller says.

use super::codec::{ns, time};
use super::{Store, StoreError};
use crate::clock::Timestamp;
use crate::ids::PersonId;

/// SHA-256 of a session id.
pub type SessionHash = [u8; 32];

impl Store {
    /// Adds a session. False, and nothing added, if there is one of that id.
    ///
    /// # Errors
    /// The database failed.
    pub async fn add_session(
        &self,
        hash: &SessionHash,
        sealed: &[u8],
        person: Option<&PersonId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "insert into sessions (id_hash, sealed, tid, oid, last_used) values (?1, ?2, ?3, ?4, ?5)
             on conflict (id_hash) do nothing",
        )
        .bind(&hash[..])
        .bind(sealed)
        .bind(person.map(|person| person.tid.as_str()))
        .bind(person.map(|person| person.oid.as_str()))
        .bind(ns(now))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes a session that exists. False if it has ended meanwhile: an ended session never comes back.
    ///
    /// # Errors
    /// The database failed.
    pub async fn save_session(
        &self,
        hash: &SessionHash,
        sealed: &[u8],
        person: Option<&PersonId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done =
            sqlx::query("update sessions set sealed = ?2, tid = ?3, oid = ?4, last_used = ?5 where id_hash = ?1")
                .bind(&hash[..])
                .bind(sealed)
                .bind(person.map(|person| person.tid.as_str()))
                .bind(person.map(|person| person.oid.as_str()))
                .bind(ns(now))
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The blob and the last use of a session that was used since `oldest`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lookup_session(
        &self,
        hash: &SessionHash,
        oldest: Timestamp,
    ) -> Result<Option<(Vec<u8>, Timestamp)>, StoreError> {
        let row: Option<(Vec<u8>, i64)> =
            sqlx::query_as("select sealed, last_used from sessions where id_hash = ?1 and last_used >= ?2")
                .bind(&hash[..])
                .bind(ns(oldest))
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(sealed, last_used)| (sealed, time(last_used))))
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// The database failed.
    pub async fn touch_session(&self, hash: &SessionHash, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("update sessions set last_used = ?2 where id_hash = ?1")
            .bind(&hash[..])
            .bind(ns(now))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_session(&self, hash: &SessionHash) -> Result<(), StoreError> {
        sqlx::query("delete from sessions where id_hash = ?1").bind(&hash[..]).execute(&self.pool).await?;
        Ok(())
    }

    /// How many sessions of `person` were used since `oldest`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_sessions_of(&self, person: &PersonId, oldest: Timestamp) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar("select count(*) from sessions where tid = ?1 and oid = ?2 and last_used >= ?3")
            .bind(person.tid.as_str())
            .bind(&person.oid)
            .bind(ns(oldest))
            .fetch_one(&self.pool)
            .await?;
        Ok(count)
    }

    /// Removes the sessions that were not used since `oldest`, and says how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_sessions_unused_since(&self, oldest: Timestamp) -> Result<u64, StoreError> {
        let done =
            sqlx::query("delete from sessions where last_used < ?1").bind(ns(oldest)).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }
}
