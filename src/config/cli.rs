//! The command line.
//!
//! Values stay text here, so that a wrong one is reported together with the mistakes of the other sources.

use clap::Parser;

/// What the program's exit codes mean, as `--help` shows it.
pub const EXIT_CODES: &str = "\
Settings are taken from the command line, then the environment, then the file .env in the working directory.

Sign-in (see /setup in the running program, or .env.example):
  REACT_APP_AAD_APP_CLIENT_ID     application (client) id of the app registration
  REACT_APP_AAD_APP_TENANT_ID     directory (tenant) id, domain, `organizations` or `common`
  REACT_APP_AAD_APP_REDIRECT_URI  http://localhost:PORT
  AAD_APP_PLATFORM                spa (default), desktop or web
  AAD_APP_CLIENT_SECRET           only with AAD_APP_PLATFORM=web
  AZURE_CLOUD                     public (default), usgovernment or china

Other:
  IOTC_MIGRATOR_VAULT_KEY         base64 of 32 bytes; by default a key file is kept in the data directory
  IOTC_MIGRATOR_LOG               human (default) or json; RUST_LOG filters (default info)
  HTTPS_PROXY, NO_PROXY           the proxy to reach Azure through
  SSL_CERT_FILE                   PEM file of certificate authorities to trust instead of the system's

Exit codes:
  0  ended as asked
  1  failed for another reason; the last lines of the log say which
  2  wrong option or setting
  3  the port is in use
  4  the data directory is in use by another instance, or cannot be written";

/// Moves fleets of devices from Azure IoT Central to Azure IoT Hub, and proves where each device is.
#[derive(Debug, Default, Clone, Parser)]
#[command(name = "iotc-migrator", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// Port to serve on localhost [env: PORT] [default: 3000].
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,

    /// Directory for the database and keys [env: IOTC_MIGRATOR_DATA_DIR] [default: the platform's].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,

    /// Start a simulated Azure with a fleet of devices; needs no account and no network.
    #[arg(long)]
    pub sandbox: bool,

    /// Run the sandbox, and the program's clock, N times as fast as life (1 to 1000).
    #[arg(long, value_name = "N")]
    pub sandbox_speed: Option<String>,

    /// Open the page in the browser once it is served.
    #[arg(long)]
    pub open: bool,
}
