//! What Entra granted each person: one sealed refresh token, and how long it can live.
//!
//! A grant has a generation. Whoever replaces a token names the generation that the new one came from, so that an answer
//! that was overtaken changes nothing.

use super::{Store, StoreError};
use crate::clock::Timestamp;
use crate::ids::PersonId;

/// One person's grant.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The refresh token, sealed.
    pub sealed: Vec<u8>,
    /// Grows with every new token.
    pub generation: i64,
    /// When the person signed in interactively.
    pub signed_in_at: Timestamp,
    /// When Entra ends it however much it is used; `None` where use prolongs it.
    pub dies_at: Option<Timestamp>,
    /// The AADSTS number with which Entra ended it.
    pub ended_code: Option<u32>,
}

type GrantRow = (Vec<u8>, i64, i64, Option<i64>, Option<u32>);

impl Store {
    /// Keeps the token of a new sign-in, whatever was there before.
    ///
    /// # Errors
    /// The database failed, or the person is not recorded.
    pub async fn put_grant(
        &self,
        person: &PersonId,
        sealed: &[u8],
        signed_in_at: Timestamp,
        dies_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO grants (tid, oid, sealed, generation, signed_in_at, dies_at) VALUES (?1, ?2, ?3, ?6, ?4, ?5)
             ON CONFLICT (tid, oid) DO UPDATE SET
                 sealed = ?3, generation = max(generation + 1, ?6), signed_in_at = ?4, dies_at = ?5, ended_code = NULL",
        )
        .bind(person.tid.as_str())
        .bind(&person.oid)
        .bind(sealed)
        .bind(signed_in_at.unix_timestamp())
        .bind(dies_at.map(Timestamp::unix_timestamp))
        .bind(first_generation(signed_in_at))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps a newer token of the same sign-in. False, and nothing kept, if `generation` is no longer the newest.
    ///
    /// # Errors
    /// The database failed.
    pub async fn renew_grant(&self, person: &PersonId, generation: i64, sealed: &[u8]) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE grants SET sealed = ?4, generation = generation + 1 WHERE tid = ?1 AND oid = ?2 AND generation = ?3",
        )
        .bind(person.tid.as_str())
        .bind(&person.oid)
        .bind(generation)
        .bind(sealed)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that Entra ended the grant. False, and nothing noted, if `generation` is no longer the newest.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_grant(&self, person: &PersonId, generation: i64, code: u32) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE grants SET ended_code = ?4 WHERE tid = ?1 AND oid = ?2 AND generation = ?3")
            .bind(person.tid.as_str())
            .bind(&person.oid)
            .bind(generation)
            .bind(code)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The person's grant, if there is one.
    ///
    /// # Errors
    /// The database failed, or holds a time that none can be.
    pub async fn lookup_grant(&self, person: &PersonId) -> Result<Option<Grant>, StoreError> {
        let row: Option<GrantRow> = sqlx::query_as(
            "SELECT sealed, generation, signed_in_at, dies_at, ended_code FROM grants WHERE tid = ?1 AND oid = ?2",
        )
        .bind(person.tid.as_str())
        .bind(&person.oid)
        .fetch_optional(&self.pool)
        .await?;
        let Some((sealed, generation, signed_in_at, dies_at, ended_code)) = row else { return Ok(None) };
        Ok(Some(Grant {
            sealed,
            generation,
            signed_in_at: moment("signed_in_at", signed_in_at, person)?,
            dies_at: dies_at.map(|seconds| moment("dies_at", seconds, person)).transpose()?,
            ended_code,
        }))
    }

    /// Forgets the person's grant.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_grant(&self, person: &PersonId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM grants WHERE tid = ?1 AND oid = ?2")
            .bind(person.tid.as_str())
            .bind(&person.oid)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Generations start at the time, so that those of a grant deleted in between are not met again.
fn first_generation(signed_in_at: Timestamp) -> i64 {
    i64::try_from(signed_in_at.unix_timestamp_nanos() / 1000).unwrap_or(1)
}

fn moment(column: &'static str, seconds: i64, person: &PersonId) -> Result<Timestamp, StoreError> {
    Timestamp::from_unix_timestamp(seconds).map_err(|_| StoreError::Inconsistent {
        table: "grants",
        column,
        row: person.to_string(),
    })
}
