//! Serving the router on the sockets, until asked to stop.

use std::time::Duration;

use axum::Router;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::listen::Listeners;

/// How long requests under way may still take, in real time: half of [`super::GRACE`], the rest is for the engine and the
/// database.
const REQUESTS_GRACE: Duration = Duration::from_secs(5);

/// Serves until `stop`; then takes no more connections and lets the requests under way end, within [`REQUESTS_GRACE`].
pub(super) async fn serve(listeners: Listeners, router: Router, stop: CancellationToken) -> std::io::Result<()> {
    let mut servers = JoinSet::new();
    for socket in listeners.sockets {
        let server = axum::serve(socket, router.clone()).with_graceful_shutdown(stop.clone().cancelled_owned());
        servers.spawn(server.into_future());
    }
    let mut ended = Ok(());
    tokio::select! {
        () = stop.cancelled() => (),
        // A server ends before it is asked to only if it failed.
        Some(server) = servers.join_next() => ended = server.unwrap_or_else(|error| Err(error.into())),
    }
    stop.cancel();
    if tokio::time::timeout(REQUESTS_GRACE, async { while servers.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!("requests were still under way after {} s and were cut off", REQUESTS_GRACE.as_secs());
        servers.shutdown().await;
    }
    ended
}
