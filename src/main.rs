//! The command line: settings, log, and the exit code. Everything else is in the library.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use iotc_migrator::app;
use iotc_migrator::config::{Cli, LogFormat, Settings};
use tracing_subscriber::EnvFilter;

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
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Human => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
