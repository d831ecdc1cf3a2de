//! Drafts that nobody wants any more.

use super::{StoreError, WriteTx};
use crate::migration::MigrationId;

/// Forgets a draft with its steps and events: it never did anything. False: it is no draft, or not any more.
pub async fn discard(tx: &mut WriteTx, id: MigrationId) -> Result<bool, StoreError> {
    let id = id.to_string();
    let draft: Option<i64> =
        sqlx::query_scalar("select 1 from migrations where id = ? and state = 'draft' and started_at is null")
            .bind(&id)
            .fetch_optional(&mut **tx)
            .await?;
    if draft.is_none() {
        return Ok(false);
    }
    for statement in [
        "delete from events where migration_id = ?",
        "delete from chosen_devices where migration_id = ?",
        "delete from steps where migration_id = ?",
        "delete from migrations where id = ?",
    ] {
        sqlx::query(statement).bind(&id).execute(&mut **tx).await?;
    }
    Ok(true)
}
