//! What has to be tidied now and then while the program runs.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::identity::Identity;

/// How often. Expired sessions are not accepted in any case; a sign-in that nobody needs any more should not lie around.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The task that tidies.
#[derive(Debug)]
pub(super) struct Housekeeping {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Housekeeping {
    pub(super) fn begin(identity: Identity, clock: Clock) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.is_cancelled() {
                if let Err(error) = identity.clean_up().await {
                    tracing::warn!(?error, "expired sessions and sign-ins could not be removed");
                }
                tokio::select! {
                    () = clock.sleep(INTERVAL) => (),
                    () = stopped.cancelled() => (),
                }
            }
        });
        Self { stop, task }
    }

    pub(super) async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "tidying did not end well");
        }
    }
}
