//! People who have signed in.

use super::codec::ns;
use super::{Store, StoreError};
use crate::clock::Timestamp;
use crate::ids::{PersonId, TenantId};

/// Somebody who has signed in, as Entra described them the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who it is. The rest is for display and can change.
    pub id: PersonId,
    /// Display name.
    pub name: String,
    /// User name, mostly an address of mail.
    pub username: String,
    /// The tenant the account is at home in, where Entra tells: another than the tenant acted in for a guest.
    pub home_tenant: Option<TenantId>,
    /// Entra's hint to sign this account out without asking which one. Only where the registration asks for that claim.
    pub login_hint: Option<String>,
}

type PersonRow = (String, String, String, String, Option<String>, Option<String>);

fn person((tid, oid, name, username, home, login_hint): PersonRow) -> Person {
    Person { id: PersonId { tid: tid.into(), oid }, name, username, home_tenant: home.map(TenantId::from), login_hint }
}

impl Store {
    /// Records that `person` signed in at `now`, new or known.
    ///
    /// # Errors
    /// The database failed.
    pub async fn upsert_person(&self, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "insert into people (tid, oid, name, username, home_tid, login_hint, first_signed_in, last_signed_in)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
             on conflict (tid, oid) do update set name = ?3, username = ?4, home_tid = ?5, login_hint = ?6, last_signed_in = ?7",
        )
        .bind(person.id.tid.as_str())
        .bind(&person.id.oid)
        .bind(&person.name)
        .bind(&person.username)
        .bind(person.home_tenant.as_ref().map(TenantId::as_str))
        .bind(&person.login_hint)
        .bind(ns(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The person of that id, if they ever signed in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lookup_person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        let row: Option<PersonRow> = sqlx::query_as(
            "select tid, oid, name, username, home_tid, login_hint from people where tid = ?1 and oid = ?2",
        )
        .bind(id.tid.as_str())
        .bind(&id.oid)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(person))
    }
}
