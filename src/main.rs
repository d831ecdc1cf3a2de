//! The command line: settings, log, and the exit code. Everything else is in the library.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use iotc_migrator::app;
use iotc_migrator::config::{Cli, LogFormat, Settings};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Exit code of wrong options and settings; clap uses the same for options it does not know.
const WRONG_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let settings = match Settings::load(Cli::parse()) {
        Ok(settings) => settings,
        Err(problems) => {
            eprint!("{problems}");
            return ExitCode::from(WRONG_SETTINGS);
        }
    };
    start_log(settings.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("The system does not let this program start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(app::run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::debug!(?error, "the program ends");
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// What is logged unless `RUST_LOG` says otherwise. The session library takes a cookie of an older run for an attack.
const QUIET: &str = "info,tower_sessions_core=error";

/// Log lines go to stderr; stdout is for what the program has to say.
fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET));
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter.and(filter_fn(is_discreet)))).init();
}

/// Libraries for HTTP do not know what is secret: at trace level they write headers and bodies. So they are never heard
/// below debug, whatever `RUST_LOG` says.
fn is_discreet(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::DEBUG || line.target().starts_with(env!("CARGO_CRATE_NAME"))
}
