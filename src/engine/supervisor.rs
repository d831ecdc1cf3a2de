//! Gives every active migration a task, and notices when one dies.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use super::{Inner, run};
use crate::migration::MigrationId;

/// How often it looks without a hint, by the machine's clock.
const LOOK: Duration = Duration::from_secs(2);

/// Runs until the engine stops, then waits for its tasks to reach a safe point.
pub(super) async fn supervise(inner: Arc<Inner>) {
    if let Err(error) = inner.store.drop_leases().await {
        tracing::error!(error = ?error, "leases of earlier runs could not be dropped");
    }
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut working: HashMap<Id, MigrationId> = HashMap::new();
    let mut hints = inner.hints.subscribe();
    while !inner.cancel.is_cancelled() {
        match inner.store.active_migrations().await {
            Ok(ids) => {
                for id in ids {
                    if !working.values().any(|at_work| *at_work == id) {
                        let handle = tasks.spawn(run::run(Arc::clone(&inner), id));
                        working.insert(handle.id(), id);
                    }
                }
            }
            Err(error) => tracing::error!(error = ?error, "active migrations could not be read"),
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
async fn note_end(working: &mut HashMap<Id, MigrationId>, ended: Result<(Id, ()), tokio::task::JoinError>) {
    let id = match ended {
        Ok((id, ())) => id,
        Err(error) => {
            tracing::error!(migration = ?working.get(&error.id()), error = %error, "a migration's task died; it is taken up again");
            error.id()
        }
    };
    working.remove(&id);
}
