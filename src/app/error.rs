//! Why the program did not start, and the exit code that says so.

use std::io;
use std::path::PathBuf;

use crate::identity::VaultError;
use crate::store::StoreError;

/// Why the program did not start or did not go on. `Display` is for people: what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens on the port.
    #[error(
        "Port {port} is in use, perhaps by another IoTC Migrator: open http://localhost:{port} to see. \
         To serve another port, start with --port N; the redirect URI must then name that port too, here and in the app registration."
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The system does not let us listen.
    #[error("Port {port} cannot be served: {cause}. Start with --port N and another number, above 1023.")]
    Port {
        /// The port.
        port: u16,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Another process owns the data directory.
    #[error(
        "{} is in use by another IoTC Migrator. Use that one, end it first, or name another directory with --data-dir.",
        dir.display()
    )]
    DataDirInUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The data directory cannot be made or written.
    #[error(
        "{} cannot be used: {cause}. Check who owns it and whether the disk is full, or name another directory with --data-dir.",
        dir.display()
    )]
    DataDir {
        /// The directory or file.
        dir: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The sandbox was run at another speed, and its clock cannot go back.
    #[error(
        "The sandbox in {} has run at speed {ran}, and its time is ahead of now. Start it with --sandbox-speed {ran}, or \
         remove the directory to begin a new sandbox.",
        dir.display()
    )]
    SandboxAhead {
        /// The sandbox's directory.
        dir: PathBuf,
        /// The speed it ran at.
        ran: u32,
    },
    /// The sealed secrets cannot be opened.
    #[error("{0}.")]
    Vault(#[from] VaultError),
    /// The database cannot be opened.
    #[error("The database {} cannot be opened: {cause}. The log names the cause.", file.display())]
    Store {
        /// The database file.
        file: PathBuf,
        /// What failed.
        #[source]
        cause: StoreError,
    },
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl StartError {
    /// The process's exit code, as `--help` lists them.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::PortInUse { .. } => 3,
            Self::DataDirInUse { .. } | Self::DataDir { .. } => 4,
            Self::SandboxAhead { .. } => 2,
            Self::Port { .. } | Self::Vault(_) | Self::Store { .. } | Self::Other(_) => 1,
        }
    }
}
