//! What a person's control changes in many devices at once, inside their transaction.

use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::MigrationId;
use crate::store::codec::ns;
use crate::store::{StoreError, WriteTx, migrations};

/// Canaries that did not arrive count as told singly from now on: the next try is with others. Those that may be on their
/// way stay canaries: they are waited for first. Gives how many were retired.
pub async fn retire_canaries(tx: &mut WriteTx, migration: MigrationId) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "update devices set via = 'single' where migration_id = ? and via = 'canary' and connected_at is null and not
         ((outcome = 'pending' and command in ('started', 'answered', 'unclear', 'again')) or (outcome = 'waiting' and reason = 'approval'))",
    )
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Settles, as stopped, the devices of which it is certain that they are not on their way. Gives how many there were.
pub async fn fail_untold(tx: &mut WriteTx, migration: MigrationId) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "update devices set outcome = 'failed', reason = case reason when 'approval' then 'not_approved' else 'stopped' end,
         active = 0, next_try_at = null where migration_id = ? and (outcome = 'waiting' or (outcome = 'pending' and command in ('none', 'unreachable')))",
    )
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Settles the devices that are waited for. Gives how many there were.
pub async fn fail_waiting(tx: &mut WriteTx, migration: MigrationId) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "update devices set outcome = 'failed', reason = case reason when 'approval' then 'not_approved' else 'offline' end,
         active = 0, next_try_at = null where migration_id = ? and outcome = 'waiting'",
    )
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Settles the devices that are waited for because they could not be reached. Gives how many there were.
pub async fn fail_offline(tx: &mut WriteTx, migration: MigrationId) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "update devices set outcome = 'failed', active = 0, next_try_at = null
         where migration_id = ? and outcome = 'waiting' and reason = 'offline'",
    )
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Makes the devices that are waited for due now. Gives how many there were that were not.
pub async fn try_waiting(tx: &mut WriteTx, migration: MigrationId, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "update devices set next_try_at = ?1 where migration_id = ?2 and outcome = 'waiting' and reason = 'offline'
         and coalesce(next_try_at > ?1, 1)",
    )
    .bind(ns(now))
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Opens devices again that failed because their command was not delivered, or because they never answered: the first are
/// as if never told, the others are looked for at the target before they are told once more; a canary that never answered
/// is told once more when another device has proven the way. Gives how many there were. A device that another migration has
/// taken up since stays as it is.
pub async fn reopen_unanswered(tx: &mut WriteTx, migration: MigrationId, now: Timestamp) -> Result<u64, StoreError> {
    let undelivered = sqlx::query(
        "update or ignore devices set outcome = 'pending', reason = null, detail = null, active = 1, command = 'none', via = null,
         attempts = 0, unclear = 0, next_try_at = null, deadline = null, wave = nullif(wave, 0), commanded_at = null, commanded_by = null
         where migration_id = ? and outcome = 'failed' and reason = 'command_refused' and unclear = 0",
    )
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    let silent = sqlx::query(
        "update or ignore devices set outcome = 'pending', reason = null, active = 1, unclear = 0,
         command = case via when 'canary' then 'again' else 'unclear' end, via = 'single',
         next_try_at = case via when 'canary' then ?1 end, deadline = case via when 'canary' then null else ?1 end
         where migration_id = ?2 and outcome = 'failed' and
         (reason = 'no_answer' or (reason = 'command_refused' and command = 'unclear'))",
    )
    .bind(ns(now))
    .bind(migration.to_string())
    .execute(&mut **tx)
    .await?;
    migrations::touch(tx, migration).await?;
    Ok(undelivered.rows_affected() + silent.rows_affected())
}

/// Opens a device again that was skipped because its own certificate had not been supplied: it is cleared to move with it.
/// False if there is none, or another migration has taken it up since.
pub async fn reopen_certified(tx: &mut WriteTx, migration: MigrationId, id: &DeviceId) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update or ignore devices set outcome = 'pending', reason = null, detail = null, active = 1, cleared = 1,
         own_keys = 'due' where migration_id = ? and device_id = ? collate nocase and outcome = 'skipped' and
         reason = 'certificate_needed'",
    )
    .bind(migration.to_string())
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    migrations::touch(tx, migration).await?;
    Ok(done.rows_affected() > 0)
}
