//! What stands still until somebody signs in: a migration, or a clean-up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Inner;
use super::halt::Halt;
use super::run::Turn;
use crate::azure::tokens::Resource;
use crate::ids::PersonId;
use crate::migration::model::{Migration, MigrationState};
use crate::store::events::{self, EventKind, PROGRAM};
use crate::store::migrations;

/// What waiting for a sign-in came to.
pub(super) enum Waited {
    /// The person is signed in: it can go on.
    Good,
    /// Something has happened that may change that: look again.
    LookAgain,
}

/// Waits until `person` has signed in, or something else happens.
pub(super) async fn wait_for(
    inner: &Inner,
    person: &PersonId,
    hints: &mut watch::Receiver<u64>,
) -> Result<Waited, Halt> {
    let tokens = inner.people.tokens(person);
    let good = async {
        tokens.token(Resource::Central, None).await.is_ok() && tokens.token(Resource::Arm, None).await.is_ok()
    };
    // Listens before it looks, so that no sign-in falls in between.
    let signed_in = inner.people.signed_in();
    tokio::pin!(signed_in);
    let good = tokio::select! {
        biased;
        () = &mut signed_in => return Ok(Waited::LookAgain),
        good = good => good,
    };
    if good {
        return Ok(Waited::Good);
    }
    tokio::select! {
        () = signed_in => Ok(Waited::LookAgain),
        () = inner.cancel.cancelled() => Err(Halt::LookAgain),
        _ = hints.changed() => Ok(Waited::LookAgain),
        () = inner.clock.sleep(Duration::from_secs(60)) => Ok(Waited::LookAgain),
    }
}

/// A paused migration goes on when the person whose rights it uses has signed in, or somebody else has taken it over.
pub(super) async fn wait(
    inner: &Arc<Inner>,
    migration: &Migration,
    hints: &mut watch::Receiver<u64>,
) -> Result<Turn, Halt> {
    let Some(actor) = &migration.runs_as else { return Ok(Turn::Ended) };
    let now = inner.clock.now();
    if let Waited::Good = wait_for(inner, &actor.id, hints).await? {
        let mut tx = inner.store.begin_write().await?;
        if let Some(Migration { state: MigrationState::Paused(_), .. }) =
            migrations::lookup(&mut tx, migration.id).await?
        {
            migrations::set_state(&mut tx, migration.id, &MigrationState::Running, now).await?;
            let text = format!("{} is signed in again; the migration goes on.", actor.name);
            events::append(&mut tx, migration.id, now, PROGRAM, EventKind::Resumed, &text).await?;
        }
        tx.commit().await?;
    }
    Ok(Turn::GoOn)
}
