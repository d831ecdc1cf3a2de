//! Many devices at once, for people: counts, pages, exports.

use super::row::Row;
use crate::migration::device::MADE_AHEAD;
use crate::migration::{Counts, Device, FailReason, MigrationId, Outcome, Place, WaitReason};
use crate::store::codec::{count, known};
use crate::store::{Store, StoreError};

/// Rows of a page shown to people.
pub const PAGE_SIZE: u32 = 50;

/// What part of a migration's devices to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Only the devices that count here.
    pub place: Option<Place>,
    /// Of these, only those with this reason, by its stored name.
    pub reason: Option<&'static str>,
    /// Part of an id or display name.
    pub search: Option<String>,
}

/// A page of devices.
#[derive(Debug, Clone)]
pub struct DevicePage {
    /// The rows, failed first and among them those that may be lost, then by id.
    pub devices: Vec<Device>,
    /// How many match the filter.
    pub matching: u64,
    /// This page, from 1.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
}

/// What [`Place`] means in columns: an outcome, whether told, whether the reason is *already at the target*.
#[derive(Debug, Clone, Copy, Default)]
struct PlaceColumns {
    outcome: Option<&'static str>,
    told: Option<bool>,
    already: Option<bool>,
}

impl From<Option<Place>> for PlaceColumns {
    fn from(place: Option<Place>) -> Self {
        let Some(place) = place else { return Self::default() };
        let outcome = match place {
            Place::OnTheWay => "pending",
            Place::Already => "skipped",
            Place::Moved
            | Place::Pending
            | Place::Waiting
            | Place::Failed
            | Place::WentBack
            | Place::Returned
            | Place::Skipped => place.stored(),
        };
        Self {
            outcome: Some(outcome),
            told: matches!(place, Place::Pending | Place::OnTheWay).then_some(place == Place::OnTheWay),
            already: matches!(place, Place::Skipped | Place::Already).then_some(place == Place::Already),
        }
    }
}

/// A search text as a LIKE pattern that takes `%`, `_` and `\` literally.
fn pattern(search: Option<&str>) -> String {
    let mut pattern = String::from("%");
    for c in search.unwrap_or_default().trim().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The reasons of failed devices that may be lost, as a JSON list.
fn lost_reasons() -> String {
    let lost = FailReason::ALL.iter().filter(|reason| reason.may_be_lost()).map(|reason| reason.stored());
    serde_json::Value::from(lost.collect::<Vec<_>>()).to_string()
}

#[derive(sqlx::FromRow)]
struct CountRow {
    outcome: String,
    reason: Option<String>,
    told: bool,
    n: i64,
}

fn add_all(counts: &mut Counts, rows: Vec<CountRow>, migration: MigrationId) -> Result<(), StoreError> {
    for row in rows {
        let outcome = Outcome::from_stored(&row.outcome, row.reason.as_deref());
        let outcome = known(outcome, "devices", "outcome", &migration.to_string())?;
        counts.add(Place::of(outcome, row.told), count(row.n));
        if outcome == Outcome::Waiting(WaitReason::Approval) {
            counts.to_approve += count(row.n);
        }
    }
    Ok(())
}

impl Store {
    /// Counts of a migration's devices.
    pub async fn counts(&self, migration: MigrationId) -> Result<Counts, StoreError> {
        let rows: Vec<CountRow> = sqlx::query_as(
            "select outcome, reason, command not in ('none', 'unreachable') as told, count(*) as n from devices where migration_id = ? group by 1, 2, 3",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        let (outside, unassigned): (i64, i64) =
            sqlx::query_as("select outside, unassigned from migrations where id = ?")
                .bind(migration.to_string())
                .fetch_optional(&self.pool)
                .await?
                .unwrap_or_default();
        let mut counts = Counts { outside: count(outside), unassigned: count(unassigned), ..Counts::default() };
        add_all(&mut counts, rows, migration)?;
        Ok(counts)
    }

    /// Counts of the devices whose id or display name has `search` in it.
    pub async fn counts_matching(&self, migration: MigrationId, search: &str) -> Result<Counts, StoreError> {
        let rows: Vec<CountRow> = sqlx::query_as(
            "select outcome, reason, command not in ('none', 'unreachable') as told, count(*) as n from devices where migration_id = ?1
             and (device_id like ?2 escape '\\' or coalesce(display_name, '') like ?2 escape '\\') group by 1, 2, 3",
        )
        .bind(migration.to_string())
        .bind(pattern(Some(search)))
        .fetch_all(&self.pool)
        .await?;
        let mut counts = Counts::default();
        add_all(&mut counts, rows, migration)?;
        Ok(counts)
    }

    /// How many devices of each outcome there are, with its reason.
    pub async fn outcomes(&self, migration: MigrationId) -> Result<Vec<(Outcome, u64)>, StoreError> {
        let rows: Vec<CountRow> = sqlx::query_as(
            "select outcome, reason, 0 as told, count(*) as n from devices where migration_id = ? group by 1, 2",
        )
        .bind(migration.to_string())
        .fetch_all(&self.pool)
        .await?;
        let outcome = |row: CountRow| {
            let outcome = Outcome::from_stored(&row.outcome, row.reason.as_deref());
            Ok((known(outcome, "devices", "outcome", &migration.to_string())?, count(row.n)))
        };
        rows.into_iter().map(outcome).collect()
    }

    /// A page of devices for people, failed ones first. A page past the end gives the last one.
    pub async fn device_page(
        &self,
        migration: MigrationId,
        filter: &DeviceFilter,
        page: u32,
    ) -> Result<DevicePage, StoreError> {
        let id = migration.to_string();
        let like = pattern(filter.search.as_deref());
        let columns = PlaceColumns::from(filter.place);
        let matching: i64 = sqlx::query_scalar(
            "select count(*) from devices where migration_id = ?1 and (?2 is null or outcome = ?2)
             and (?3 is null or (command not in ('none', 'unreachable')) = ?3) and (?4 is null or (reason = 'already_at_target') = ?4)
             and (device_id like ?5 escape '\\' or coalesce(display_name, '') like ?5 escape '\\') and (?6 is null or reason = ?6)",
        )
        .bind(&id)
        .bind(columns.outcome)
        .bind(columns.told)
        .bind(columns.already)
        .bind(&like)
        .bind(filter.reason)
        .fetch_one(&self.pool)
        .await?;
        let matching = count(matching);
        let pages = u32::try_from(matching.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX).max(1);
        let page = page.clamp(1, pages);
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ?1 and (?2 is null or outcome = ?2)
             and (?3 is null or (command not in ('none', 'unreachable')) = ?3) and (?4 is null or (reason = 'already_at_target') = ?4)
             and (device_id like ?5 escape '\\' or coalesce(display_name, '') like ?5 escape '\\') and (?8 is null or reason = ?8)
             order by case outcome when 'failed' then 0 when 'went_back' then 1 when 'waiting' then 2 when 'pending' then 3 else 4 end,
             case when outcome = 'failed' and reason in (select value from json_each(?9)) then 0 else 1 end,
             device_id limit ?6 offset ?7",
        )
        .bind(&id)
        .bind(columns.outcome)
        .bind(columns.told)
        .bind(columns.already)
        .bind(&like)
        .bind(PAGE_SIZE)
        .bind(i64::from(page - 1) * i64::from(PAGE_SIZE))
        .bind(filter.reason)
        .bind(lost_reasons())
        .fetch_all(&self.pool)
        .await?;
        let devices = rows.into_iter().map(Device::try_from).collect::<Result<_, _>>()?;
        Ok(DevicePage { devices, matching, page, pages })
    }

    /// Devices in order of their ids, after `after`: for whoever reads everything piece by piece.
    pub async fn devices_after(
        &self,
        migration: MigrationId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        self.matching_devices_after(migration, &DeviceFilter::default(), after, limit).await
    }

    /// As [`Store::devices_after`], only those that a filter lets through.
    pub async fn matching_devices_after(
        &self,
        migration: MigrationId,
        filter: &DeviceFilter,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Device>, StoreError> {
        let columns = PlaceColumns::from(filter.place);
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ?1 and device_id > ?6 and (?2 is null or outcome = ?2)
             and (?3 is null or (command not in ('none', 'unreachable')) = ?3) and (?4 is null or (reason = 'already_at_target') = ?4)
             and (device_id like ?5 escape '\\' or coalesce(display_name, '') like ?5 escape '\\') and (?8 is null or reason = ?8)
             order by device_id limit ?7",
        )
        .bind(migration.to_string())
        .bind(columns.outcome)
        .bind(columns.told)
        .bind(columns.already)
        .bind(pattern(filter.search.as_deref()))
        .bind(after)
        .bind(limit)
        .bind(filter.reason)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Pending devices whose attestation has not been read.
    pub async fn devices_to_clear(&self, migration: MigrationId, limit: u32) -> Result<Vec<Device>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from devices where migration_id = ? and outcome = 'pending' and cleared = 0 order by device_id limit ?",
        )
        .bind(migration.to_string())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Device::try_from).collect()
    }

    /// Hub identities that were made ahead for devices that were never told, so that nobody uses them.
    pub async fn unused_identities(&self, migration: MigrationId) -> Result<u64, StoreError> {
        let number: i64 = sqlx::query_scalar(
            "select count(*) from devices where migration_id = ? and registered_by = ? and command = 'none'
             and provisioned_at is null",
        )
        .bind(migration.to_string())
        .bind(MADE_AHEAD)
        .fetch_one(&self.pool)
        .await?;
        Ok(count(number))
    }
}
