//! Composition: from checked settings to a running program, and to its end.
//!
//! Promises: one process owns a data directory; the server listens on loopback only; an end that was asked for first
//! lets requests and the engine come to a safe point, and comes within [`GRACE`] in any case.

mod compose;
mod data_dir;
mod error;
mod housekeeping;
mod listen;
mod people;
mod sandbox_clock;
mod serve;
mod stop;

use std::io::Write;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::config::{AzureChoice, Settings};
use crate::web::assets;
use compose::Program;
use data_dir::DataDir;

pub use error::StartError;
pub use stop::GRACE;

/// Runs the program until it is asked to end.
///
/// # Errors
/// [`StartError`], in words for the person who started it.
pub async fn run(settings: Settings) -> Result<(), StartError> {
    // The sandbox has a home of its own, so that nothing simulated is ever taken for real.
    let home = match settings.azure {
        AzureChoice::Sandbox { .. } => settings.data_dir.join("sandbox"),
        AzureChoice::Entra(_) | AzureChoice::Unconfigured => settings.data_dir.clone(),
    };
    let home = DataDir::take(&home)?;
    let listeners = listen::bind(settings.port).await?;
    let stop = CancellationToken::new();
    stop::on_signal(stop.clone());
    assets::prepare();
    let open = settings.open;
    let port = listeners.port;
    let program = Program::compose(settings, &home, port).await?;
    let url = format!("http://localhost:{port}");
    say(&program.announcement());
    say(&format!("Listening on {url}"));
    if open && let Err(error) = open::that_detached(&url) {
        tracing::warn!(%error, "no browser could be opened; open {url} yourself");
    }
    let served = serve::serve(listeners, program.router(), stop).await;
    program.end().await;
    Ok(served.context("the server failed")?)
}

/// Prints for whoever started the program, or for nobody if its output is closed.
fn say(text: &str) {
    if !text.is_empty() {
        let _ = writeln!(std::io::stdout(), "{text}");
    }
}
