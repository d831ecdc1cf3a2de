//! The simulated Azure: Entra, ARM, IoT Central, DPS and IoT Hub with a fleet of devices, on loopback.
//!
//! It promises to behave on the wire as Azure is documented to, and to be strict where Azure is strict. Clients reach it
//! under Azure's real host names through a CONNECT proxy and trust its own certificate authority; nothing leaves the
//! machine. It imports nothing of the rest of the crate: it states the wire a second time, so that a mistake in one
//! shows in the other.

pub mod arm;
pub mod central;
mod client_certificates;
pub mod clock;
mod data_roles;
pub mod device;
mod dispatch;
pub mod dps;
pub mod entra;
pub mod faults;
pub mod fleet;
mod hosts;
pub mod hub;
pub mod log;
pub mod options;
mod persist;
mod proxy;
mod routes;
mod sas;
mod secrets;
mod serve;
pub mod state;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
pub mod throttle;
mod tls;
mod truth;
mod wire;
pub mod world;
pub mod x509;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

pub use options::SandboxOptions;
pub use state::Shared;

use dispatch::Dispatcher;
use tls::Authority;

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// An address is taken or not ours.
    #[error("the sandbox cannot listen on {address} for its {what}: {source}. Free that port or choose another")]
    Listen {
        /// `proxy` or `sign-in page`.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The directory cannot be used.
    #[error("the sandbox cannot use {path}: {source}. Check that the directory can be written to")]
    Directory {
        /// File or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No certificate.
    #[error("the sandbox cannot make its certificates: {0}")]
    Certificate(String),
    /// No key for tokens.
    #[error("the sandbox cannot make a key for signing tokens")]
    SigningKey,
}

/// A running simulated Azure. Dropped without [`Self::stop`], its tasks go on until the runtime ends.
#[derive(Debug)]
pub struct Sandbox {
    shared: Shared,
    proxy: SocketAddr,
    ca_file: PathBuf,
    ca_pem: String,
}

impl Sandbox {
    /// Starts listening, with the world saved earlier if state is kept and there is one.
    ///
    /// # Errors
    /// If an address or the directory cannot be used, or keys cannot be made.
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        create_private_dir(&options.dir)?;
        let authority = Authority::open(&options.dir)?;
        let proxy = listen("proxy", options.listen_proxy).await?;
        let sign_in = listen("sign-in page", options.listen_sign_in).await?;
        let proxy_address = address_of("proxy", &proxy, options.listen_proxy)?;
        let sign_in_address = address_of("sign-in page", &sign_in, options.listen_sign_in)?;

        let shared = persist::open(options)?;
        shared.set_sign_in_base(format!("http://localhost:{}", sign_in_address.port()));
        device::resume(&shared);
        hub::resume(&shared);
        persist::keep(&shared);

        let (ca_file, ca_pem) = (authority.file().to_owned(), authority.pem().to_owned());
        let dispatcher = Dispatcher::new(&shared);
        serve::local(&shared, sign_in, dispatcher.clone());
        proxy::run(&shared, proxy, dispatcher, authority);
        Ok(Self { shared, proxy: proxy_address, ca_file, ca_pem })
    }

    /// The proxy through which all of Azure's names lead here: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.proxy)
    }

    /// PEM file of the certificate authority to trust.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Its contents.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// `http://localhost:PORT`: Entra's pages for browsers that know no proxy, and `/truth`.
    #[must_use]
    pub fn sign_in_base(&self) -> String {
        self.shared.sign_in_base().to_owned()
    }

    /// A handle on everything inside.
    #[must_use]
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Ends all tasks and connections and saves the world where state is kept.
    pub async fn stop(self) {
        self.shared.end_tasks().await;
        persist::save_at_end(&self.shared).await;
    }
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, SandboxError> {
    TcpListener::bind(address).await.map_err(|source| SandboxError::Listen { what, address, source })
}

fn address_of(what: &'static str, listener: &TcpListener, asked: SocketAddr) -> Result<SocketAddr, SandboxError> {
    listener.local_addr().map_err(|source| SandboxError::Listen { what, address: asked, source })
}

/// The directory holds a certificate authority's key and refresh tokens: only its owner may read it.
fn create_private_dir(path: &Path) -> Result<(), SandboxError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| SandboxError::Directory { path: path.to_owned(), source })
}
