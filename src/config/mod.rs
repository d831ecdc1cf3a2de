//! Settings: command line, then environment, then `.env`, then defaults.
//!
//! Promises: settings are read once, at the edge, into [`Settings`], where every value is already known to be good;
//! all mistakes are found in one go, and each names its key, what is wrong with the value and what to do. The
//! process's environment is read and never changed.

mod cli;
mod entra;
mod network;
mod problem;
mod sources;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::clock::Clock;
use crate::identity::VAULT_KEY_VARIABLE;

pub use cli::{Cli, EXIT_CODES};
pub use entra::{CloudName, EntraRegistration};
pub use problem::{Problem, Problems};
pub use sources::{Environment, Sources};

/// The port of the official guide's redirect URI.
pub const DEFAULT_PORT: u16 = 3000;

/// The fastest a sandbox may run, in its seconds per second: beyond it, time-outs pass while a request is being served.
pub const FASTEST_SANDBOX: u32 = 1000;

/// Everything that can be set, checked.
#[derive(Debug)]
pub struct Settings {
    /// The loopback port to serve. 0 means any free one.
    pub port: u16,
    /// Where the database, the key of the vault and the sandbox live. Absolute.
    pub data_dir: PathBuf,
    /// Open a browser once the server listens.
    pub open: bool,
    /// Which Azure to talk to.
    pub azure: AzureChoice,
    /// A private certificate authority (`SSL_CERT_FILE`), in PEM; it replaces the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// The vault's key, base64 of 32 bytes, when it is not to be kept in a file.
    pub vault_key: Option<SecretString>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// A clock other than the machine's, for tests of behaviour over time.
    pub test_clock: Option<Clock>,
}

/// Which Azure to talk to.
#[derive(Debug)]
pub enum AzureChoice {
    /// A real one, with this app registration.
    Entra(EntraRegistration),
    /// The simulated one that the program starts for itself.
    Sandbox {
        /// The sandbox's seconds per second; 1 unless asked for.
        speed: u32,
    },
    /// Nothing is configured: only the set-up page is served.
    Unconfigured,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads the environment and `.env` of the working directory, and checks everything.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn load(cli: Cli) -> Result<Self, Problems> {
        let sources = Sources::new(cli, Environment::of_process(), Path::new(".env"))?;
        Self::resolve(&sources)
    }

    /// Checks what the sources say.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn resolve(sources: &Sources) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let port = port(sources, &mut problems);
        let azure = azure(sources, port.unwrap_or(DEFAULT_PORT), &mut problems);
        let data_dir = data_dir(sources, &mut problems);
        let ca_pem = if sources.cli.sandbox { None } else { network::ca_pem(sources, &mut problems) };
        if !sources.cli.sandbox {
            network::check_proxies(sources, &mut problems);
        }
        let vault_key = vault_key(sources, &mut problems);
        let log_format = log_format(sources, &mut problems);
        let test_clock = test_clock(sources, &mut problems);
        let (Some(port), Some(azure), Some(data_dir), Some(log_format), true) =
            (port, azure, data_dir, log_format, problems.is_empty())
        else {
            return Err(problems);
        };
        Ok(Self { port, data_dir, open: sources.cli.open, azure, ca_pem, vault_key, log_format, test_clock })
    }
}

fn port(sources: &Sources, problems: &mut Problems) -> Option<u16> {
    let Some(said) = sources.option("--port", sources.cli.port.as_deref(), "PORT") else { return Some(DEFAULT_PORT) };
    said.parse_or(problems, "is not a port number", "Give a number from 1 to 65535; 3000 is the guide's port.")
}

fn azure(sources: &Sources, port: u16, problems: &mut Problems) -> Option<AzureChoice> {
    let speed = speed(sources, problems);
    if sources.cli.sandbox {
        return speed.map(|speed| AzureChoice::Sandbox { speed });
    }
    entra::registration(sources, port, problems)
}

fn speed(sources: &Sources, problems: &mut Problems) -> Option<u32> {
    let said = sources.flag("--sandbox-speed", sources.cli.sandbox_speed.as_deref());
    let Some(said) = said else { return Some(1) };
    if !sources.cli.sandbox {
        problems.add(&said, "has no meaning without --sandbox", "Add --sandbox, or leave the speed out.");
        return None;
    }
    match said.value.parse() {
        Ok(speed @ 1..=FASTEST_SANDBOX) => Some(speed),
        _ => {
            problems.add(&said, "is not a speed", &format!("Give a whole number from 1 to {FASTEST_SANDBOX}."));
            None
        }
    }
}

fn data_dir(sources: &Sources, problems: &mut Problems) -> Option<PathBuf> {
    let said = sources.option("--data-dir", sources.cli.data_dir.as_deref(), "IOTC_MIGRATOR_DATA_DIR");
    let dir = match said {
        Some(said) => PathBuf::from(said.value),
        None => match default_data_dir(sources) {
            Some(dir) => dir,
            None => {
                problems.add_missing(
                    "IOTC_MIGRATOR_DATA_DIR",
                    "there is no home directory to keep data in",
                    "Name a directory with --data-dir or IOTC_MIGRATOR_DATA_DIR.",
                );
                return None;
            }
        },
    };
    match std::path::absolute(&dir) {
        Ok(dir) => Some(dir),
        Err(_) => {
            problems.add_missing(
                "IOTC_MIGRATOR_DATA_DIR",
                "the data directory has no absolute path",
                "Give the full path of a directory.",
            );
            None
        }
    }
}

/// The platform's place for an application's own data.
fn default_data_dir(sources: &Sources) -> Option<PathBuf> {
    let from = |key: &str| sources.environment(key).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let base = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library").join("Application Support"))
    } else {
        from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local").join("share")))
    };
    base.map(|base| base.join("iotc-migrator"))
}

fn vault_key(sources: &Sources, problems: &mut Problems) -> Option<SecretString> {
    let said = sources.setting(VAULT_KEY_VARIABLE)?;
    match STANDARD.decode(&said.value) {
        Ok(key) if key.len() == 32 => Some(SecretString::from(said.value)),
        _ => {
            problems.add_secret(
                &said,
                "is not base64 of 32 bytes",
                "Make one with `openssl rand -base64 32`, or leave it out to have a key file made in the data directory.",
            );
            None
        }
    }
}

fn log_format(sources: &Sources, problems: &mut Problems) -> Option<LogFormat> {
    let Some(said) = sources.setting("IOTC_MIGRATOR_LOG") else { return Some(LogFormat::Human) };
    match said.value.as_str() {
        "human" => Some(LogFormat::Human),
        "json" => Some(LogFormat::Json),
        _ => {
            problems.add(&said, "is not a log format", "Set it to `human` or `json`, or leave it out.");
            None
        }
    }
}

/// `<anchor unix seconds>,<speed>,<offset seconds>`: see [`Clock::scaled`] and [`Clock::wrong_by`].
fn test_clock(sources: &Sources, problems: &mut Problems) -> Option<Clock> {
    let said = sources.setting("IOTC_MIGRATOR_TEST_CLOCK")?;
    let clock = parse_clock(&said.value);
    if clock.is_none() {
        problems.add(&said, "is not a test clock", "Give `<anchor unix seconds>,<speed>,<offset seconds>`.");
    }
    clock
}

fn parse_clock(value: &str) -> Option<Clock> {
    let mut parts = value.split(',').map(str::trim);
    let anchor = OffsetDateTime::from_unix_timestamp(parts.next()?.parse().ok()?).ok()?;
    let speed = parts.next()?.parse().ok().filter(|speed| *speed >= 1)?;
    let offset = time::Duration::seconds(parts.next()?.parse().ok()?);
    parts.next().is_none().then(|| Clock::scaled(anchor, speed).wrong_by(offset))
}
