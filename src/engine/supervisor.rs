//! Gives every active migration and clean-up a task, and notices when one dies.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use super::{Inner, clean_up, run};
use crate::migration::MigrationId;
use crate::migration::clean_up::CleanUpId;
use crate::store::StoreError;

/// How often it looks without a hint, by the machine's clock.
const LOOK: Duration = Duration::from_secs(2);

/// What a task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Migration(MigrationId),
    CleanUp(CleanUpId),
}

/// Everything that there should be a task for.
async fn wanted(inner: &Inner) -> Result<Vec<Work>, StoreError> {
    let migrations = inner.store.active_migrations().await?.into_iter().map(Work::Migration);
    let clean_ups = inner.store.active_clean_ups().await?.into_iter().map(Work::CleanUp);
    Ok(migrations.chain(clean_ups).collect())
}

/// Runs until the engine stops, then waits for its tasks to reach a safe point.
pub(super) async fn supervise(inner: Arc<Inner>) {
    if let Err(error) = inner.store.drop_leases().await {
        tracing::error!(error = ?error, "leases of earlier runs could not be dropped");
    }
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut working: HashMap<Id, Work> = HashMap::new();
    let mut hints = inner.hints.subscribe();
    while !inner.cancel.is_cancelled() {
        match wanted(&inner).await {
            Ok(wanted) => {
                for work in wanted {
                    if !working.values().any(|at_work| *at_work == work) {
                        let handle = match work {
                            Work::Migration(id) => tasks.spawn(run::run(Arc::clone(&inner), id)),
                            Work::CleanUp(id) => tasks.spawn(clean_up::run(Arc::clone(&inner), id)),
                        };
                        working.insert(handle.id(), work);
                    }
                }
            }
            Err(error) => tracing::error!(error = ?error, "what there is to do could not be read"),
        }
        tokio::select! {
            () = inner.cancel.cancelled() => {}
            _ = hints.changed() => {}
            () = inner.clock.sleep(LOOK * inner.clock.speed()) => {}
            Some(ended) = tasks.join_next_with_id() => note_end(&mut working, ended).await,
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// A task that died is taken up again at the next look, after a moment, so that a fault that repeats does not spin.
async fn note_end(working: &mut HashMap<Id, Work>, ended: Result<(Id, ()), tokio::task::JoinError>) {
    let id = match ended {
        Ok((id, ())) => id,
        Err(error) => {
            tracing::error!(work = ?working.get(&error.id()), error = %error, "a task died; it is taken up again");
            error.id()
        }
    };
    working.remove(&id);
}
