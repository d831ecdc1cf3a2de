//! What Entra granted each person: one sealed refresh token, and how long it can live.
//!
//! A grant has a generation. Whoever replaces a token names the generation that the new one came from, so that an answer
//! that was overtaken changes nothing.

use super::codec::{ns, time};
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
    /// Keeps the token of a new sign-in, whatever was there before. Generations start at the time, so that those of a
    /// grant deleted in between are not met again.
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
            "insert into grants (tid, oid, sealed, generation, signed_in_at, dies_at) values (?1, ?2, ?3, ?4, ?4, ?5)
             on conflict (tid, oid) do update set
                 sealed = ?3, generation = max(generation + 1, ?4), signed_in_at = ?4, dies_at = ?5, ended_code = null",
        )
        .bind(person.tid.as_str())
        .bind(&person.oid)
        .bind(sealed)
        .bind(ns(signed_in_at))
        .bind(dies_at.map(ns))
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
            "update grants set sealed = ?4, generation = generation + 1 where tid = ?1 and oid = ?2 and generation = ?3",
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
        let done = sqlx::query("update grants set ended_code = ?4 where tid = ?1 and oid = ?2 and generation = ?3")
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
    /// The database failed.
    pub async fn lookup_grant(&self, person: &PersonId) -> Result<Option<Grant>, StoreError> {
        let row: Option<GrantRow> = sqlx::query_as(
            "select sealed, generation, signed_in_at, dies_at, ended_code from grants where tid = ?1 and oid = ?2",
        )
        .bind(person.tid.as_str())
        .bind(&person.oid)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(sealed, generation, signed_in_at, dies_at, ended_code)| Grant {
            sealed,
            generation,
            signed_in_at: time(signed_in_at),
            dies_at: dies_at.map(time),
            ended_code,
        }))
    }

    /// Forgets the grants, of sign-ins before `before`, whose person has no session, and no active migration or clean-up, and says
    /// whose they were. Sessions that have expired are to be removed first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_unneeded_grants(&self, before: Timestamp) -> Result<Vec<PersonId>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "delete from grants where signed_in_at < ?
             and not exists (select 1 from sessions where sessions.tid = grants.tid and sessions.oid = grants.oid)
             and not exists (select 1 from migrations where tenant = grants.tid and runs_as = grants.oid
                             and state in ('running', 'paused', 'waiting'))
             and not exists (select 1 from clean_ups c join migrations m on m.id = c.migration_id
                             where m.tenant = grants.tid and c.runs_as = grants.oid and c.state in ('running', 'paused'))
             returning tid, oid",
        )
        .bind(ns(before))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(tid, oid)| PersonId { tid: tid.into(), oid }).collect())
    }

    /// Forgets the person's grant.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_grant(&self, person: &PersonId) -> Result<(), StoreError> {
        sqlx::query("delete from grants where tid = ?1 and oid = ?2")
            .bind(person.tid.as_str())
            .bind(&person.oid)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
