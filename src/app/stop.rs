//! How the program ends: asked by Ctrl-C or SIGTERM, softly first.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long an end that was asked for may take, in real time: a person is waiting at a terminal.
pub const GRACE: Duration = Duration::from_secs(10);

/// Cancels `token` at the first Ctrl-C or SIGTERM. A second one, or the end of [`GRACE`], ends the process where it
/// stands; everything that matters is on disk by then.
pub(super) fn on_signal(token: CancellationToken) {
    tokio::spawn(async move {
        asked().await;
        tracing::info!("stopping; once more to stop at once");
        token.cancel();
        if tokio::time::timeout(GRACE, asked()).await.is_err() {
            tracing::warn!(
                "stopping took longer than {} s; what was under way goes on at the next start",
                GRACE.as_secs()
            );
        }
        std::process::exit(1);
    });
}

#[cfg(unix)]
async fn asked() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        tracing::warn!("SIGTERM cannot be caught");
        return interrupted().await;
    };
    tokio::select! {
        () = interrupted() => (),
        _ = terminate.recv() => (),
    }
}

#[cfg(not(unix))]
async fn asked() {
    interrupted().await;
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C cannot be caught");
        std::future::pending::<()>().await;
    }
}
