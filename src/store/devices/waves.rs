//! Which wave devices are of, and how far the waves have come.

use sqlx::SqliteConnection;

use crate::migration::waves::{Course, Wave, is_failure};
use crate::migration::{Migration, MigrationId, Outcome, Place};
use crate::store::codec::{count, known};
use crate::store::{Store, StoreError, WriteTx, migrations};

#[derive(sqlx::FromRow)]
struct Row {
    wave: u32,
    outcome: String,
    reason: Option<String>,
    told: bool,
    n: i64,
}

/// The waves that have begun, and who is left, inside a transaction.
pub async fn course(tx: &mut WriteTx, migration: MigrationId) -> Result<Course, StoreError> {
    read(tx, migration).await
}

impl Store {
    /// Where the waves of a migration are, if its devices go in waves.
    pub async fn course_of(&self, migration: &Migration) -> Result<Option<Course>, StoreError> {
        match migration.plan.waves {
            Some(_) => self.course(migration.id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The waves that have begun, and who is left.
    pub async fn course(&self, migration: MigrationId) -> Result<Course, StoreError> {
        read(&mut *self.pool.acquire().await?, migration).await
    }
}

async fn read(connection: &mut SqliteConnection, migration: MigrationId) -> Result<Course, StoreError> {
    let id = migration.to_string();
    let rows: Vec<Row> = sqlx::query_as(
        "select wave, outcome, reason, command not in ('none', 'unreachable') as told, count(*) as n from devices
         where migration_id = ? and wave > 0 group by 1, 2, 3, 4 order by 1",
    )
    .bind(&id)
    .fetch_all(&mut *connection)
    .await?;
    let left: i64 = sqlx::query_scalar(
        "select count(*) from devices where migration_id = ? and wave is null and cleared = 1
         and outcome in ('pending', 'waiting') and command in ('none', 'unreachable', 'again')",
    )
    .bind(&id)
    .fetch_one(&mut *connection)
    .await?;
    let (accepted, noted): (u32, u32) =
        sqlx::query_as("select waves_accepted, waves_noted from migrations where id = ?")
            .bind(&id)
            .fetch_optional(&mut *connection)
            .await?
            .unwrap_or_default();
    let mut waves: Vec<Wave> = Vec::new();
    for row in rows {
        let outcome = Outcome::from_stored(&row.outcome, row.reason.as_deref());
        let outcome = known(outcome, "devices", "outcome", &id)?;
        if waves.last().is_none_or(|wave| wave.number != row.wave) {
            waves.push(Wave::new(row.wave));
        }
        if let Some(wave) = waves.last_mut() {
            wave.counts.add(Place::of(outcome, row.told), count(row.n));
            wave.failures += if is_failure(outcome) { count(row.n) } else { 0 };
        }
    }
    Ok(Course { waves, left: count(left), accepted, noted })
}

/// Lets a wave begin, with so many of the devices that are in none, in the order in which devices are told.
pub async fn release(tx: &mut WriteTx, migration: MigrationId, wave: u32, size: u64) -> Result<(), StoreError> {
    sqlx::query(
        "update devices set wave = ?1 where migration_id = ?2 and device_id in
         (select device_id from devices where migration_id = ?2 and wave is null and cleared = 1
          and outcome in ('pending', 'waiting') and command in ('none', 'unreachable', 'again')
          order by coalesce(base_provisioned, 0), unassigned, coalesce(home_connected, 1) desc, device_id limit ?3)",
    )
    .bind(wave)
    .bind(migration.to_string())
    .bind(i64::try_from(size).unwrap_or(i64::MAX))
    .execute(&mut **tx)
    .await?;
    migrations::touch(tx, migration).await
}

/// A person accepts the failures of every wave that has begun. Gives the number of the last of them.
pub async fn accept_failures(tx: &mut WriteTx, migration: MigrationId) -> Result<u32, StoreError> {
    let last: u32 = sqlx::query_scalar(
        "update migrations set waves_accepted = coalesce((select max(wave) from devices where migration_id = ?1), 0)
         where id = ?1 returning waves_accepted",
    )
    .bind(migration.to_string())
    .fetch_one(&mut **tx)
    .await?;
    migrations::touch(tx, migration).await?;
    Ok(last)
}

/// The end of a wave is on record as an event.
pub async fn note_end(tx: &mut WriteTx, migration: MigrationId, wave: u32) -> Result<(), StoreError> {
    sqlx::query("update migrations set waves_noted = max(waves_noted, ?) where id = ?")
        .bind(wave)
        .bind(migration.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
