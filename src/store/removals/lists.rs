//! Many devices of clean-ups at once: what can be removed, batches for the engine, pages for people.

use std::collections::BTreeMap;

use super::{Row, TABLE, held, proven_by};
use crate::clock::Timestamp;
use crate::migration::clean_up::{CleanUpId, Fate, KeepReason, Removal, RemovalCounts, Soak};
use crate::migration::model::MigrationId;
use crate::store::codec::{count, known, ns, time};
use crate::store::devices::PAGE_SIZE;
use crate::store::{Store, StoreError};

/// What a migration's own record says of its devices: which can be removed, and which cannot, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Preview {
    /// Can be removed, if they are alive at the target and the source has not heard of them since.
    pub ready: u64,
    /// Proven at the target too recently.
    pub soaking: u64,
    /// When the proof of the last of these was.
    pub last_proof: Option<Timestamp>,
    /// A migration at work has them.
    pub held: u64,
    /// Removed before.
    pub removed: u64,
    /// Not moved.
    pub not_moved: u64,
}

/// A page of removals.
#[derive(Debug, Clone)]
pub struct RemovalPage {
    /// The rows, those that need somebody first, then by id.
    pub removals: Vec<Removal>,
    /// How many match.
    pub matching: u64,
    /// This page, from 1.
    pub page: u32,
}

#[derive(sqlx::FromRow)]
struct PreviewRow {
    ready: i64,
    soaking: i64,
    last_proof: Option<i64>,
    held: i64,
    removed: i64,
    not_moved: i64,
}

impl Store {
    /// Which devices of a migration can be removed at `now`, as far as its own record says.
    pub async fn removable(&self, migration: MigrationId, soak: Soak, now: Timestamp) -> Result<Preview, StoreError> {
        let row: PreviewRow = sqlx::query_as(concat!(
            "select count(*) filter (where kind = 'ready') as ready, count(*) filter (where kind = 'soaking') as soaking,
             max(connected_at) filter (where kind = 'soaking') as last_proof, count(*) filter (where kind = 'held') as held,
             count(*) filter (where kind = 'removed') as removed, count(*) filter (where kind = 'not_moved') as not_moved
             from (select own.connected_at, case when own.removed_at is not null then 'removed'
                   when own.outcome <> 'moved' or own.connected_at is null then 'not_moved' when ",
            held!("?2"),
            " then 'held' when own.connected_at > ?2 then 'soaking' else 'ready' end as kind
                   from devices own join migrations x on x.id = own.migration_id where own.migration_id = ?1)"
        ))
        .bind(migration.to_string())
        .bind(proven_by(soak, now))
        .fetch_one(&self.pool)
        .await?;
        Ok(Preview {
            ready: count(row.ready),
            soaking: count(row.soaking),
            last_proof: row.last_proof.map(time),
            held: count(row.held),
            removed: count(row.removed),
            not_moved: count(row.not_moved),
        })
    }

    /// Whether a migration has moved devices that no clean-up has removed.
    pub async fn has_unremoved(&self, migration: MigrationId) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar(
            "select exists (select 1 from devices where migration_id = ? and outcome = 'moved' and removed_at is null)",
        )
        .bind(migration.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Devices that the engine has to do with: those whose removal was started first, then those not yet asked about.
    pub async fn removals_to_do(&self, id: CleanUpId, limit: u32) -> Result<Vec<Removal>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from removals where clean_up_id = ? and state in ('started', 'pending')
             order by state desc, tries, device_id limit ?",
        )
        .bind(id.to_string())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Removal::try_from).collect()
    }

    /// Removals by fate.
    pub async fn removal_counts(&self, id: CleanUpId) -> Result<RemovalCounts, StoreError> {
        let mut counts = RemovalCounts::default();
        for (fate, number) in self.fates(id).await? {
            counts.add(fate, number);
        }
        Ok(counts)
    }

    /// How many were kept for which reason.
    pub async fn kept_for(&self, id: CleanUpId) -> Result<BTreeMap<KeepReason, u64>, StoreError> {
        let fates = self.fates(id).await?.into_iter();
        Ok(fates.filter_map(|(fate, n)| if let Fate::Kept(reason) = fate { Some((reason, n)) } else { None }).collect())
    }

    async fn fates(&self, id: CleanUpId) -> Result<Vec<(Fate, u64)>, StoreError> {
        let rows: Vec<(String, Option<String>, i64)> =
            sqlx::query_as("select state, reason, count(*) from removals where clean_up_id = ? group by 1, 2")
                .bind(id.to_string())
                .fetch_all(&self.pool)
                .await?;
        let fate = |(state, reason, n): (String, Option<String>, i64)| {
            let fate = Fate::from_stored(&state, reason.as_deref());
            Ok((known(fate, TABLE, "state", &id.to_string())?, count(n)))
        };
        rows.into_iter().map(fate).collect()
    }

    /// A page of a clean-up's devices, of one state (by its stored name) if given. A page past the end gives the last one.
    pub async fn removal_page(&self, id: CleanUpId, state: Option<&str>, page: u32) -> Result<RemovalPage, StoreError> {
        let number: i64 =
            sqlx::query_scalar("select count(*) from removals where clean_up_id = ?1 and (?2 is null or state = ?2 or (?2 = 'pending' and state = 'started'))")
                .bind(id.to_string())
                .bind(state)
                .fetch_one(&self.pool)
                .await?;
        let matching = count(number);
        let pages = u32::try_from(matching.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX).max(1);
        let page = page.clamp(1, pages);
        let rows: Vec<Row> = sqlx::query_as(
            "select * from removals where clean_up_id = ?1 and (?2 is null or state = ?2 or (?2 = 'pending' and state = 'started'))
             order by case state when 'reappeared' then 0 when 'kept' then 1 when 'started' then 2 when 'pending' then 3 else 4 end,
             device_id limit ?3 offset ?4",
        )
        .bind(id.to_string())
        .bind(state)
        .bind(PAGE_SIZE)
        .bind(i64::from(page - 1) * i64::from(PAGE_SIZE))
        .fetch_all(&self.pool)
        .await?;
        let removals = rows.into_iter().map(Removal::try_from).collect::<Result<_, _>>()?;
        Ok(RemovalPage { removals, matching, page })
    }

    /// A clean-up's devices in order of their ids, after `after`: for whoever reads everything piece by piece.
    pub async fn removals_after(&self, id: CleanUpId, after: &str, limit: u32) -> Result<Vec<Removal>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("select * from removals where clean_up_id = ? and device_id > ? order by device_id limit ?")
                .bind(id.to_string())
                .bind(after)
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(Removal::try_from).collect()
    }

    /// Clean-ups that removed a device, or found one gone, since `since`.
    pub async fn clean_ups_to_look_after(&self, since: Timestamp) -> Result<Vec<CleanUpId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select distinct clean_up_id from removals where state in ('removed', 'gone') and at >= ? order by 1",
        )
        .bind(ns(since))
        .fetch_all(&self.pool)
        .await?;
        ids.into_iter().map(|id| known(id.parse().ok(), TABLE, "clean_up_id", &id)).collect()
    }

    /// Devices that a clean-up removed, or found gone, since `since`.
    pub async fn removed_since(&self, id: CleanUpId, since: Timestamp) -> Result<Vec<Removal>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from removals where clean_up_id = ? and state in ('removed', 'gone') and at >= ? order by device_id",
        )
        .bind(id.to_string())
        .bind(ns(since))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Removal::try_from).collect()
    }
}
