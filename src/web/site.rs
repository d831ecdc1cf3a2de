//! What every page knows of the program that serves it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::identity::Identity;

/// Facts of this running program. They do not change while it runs.
#[derive(Debug, Clone)]
pub struct Site {
    /// The loopback port served.
    pub port: u16,
    /// Which Azure is talked to, in words for a page.
    pub cloud: &'static str,
    /// Origin of the sign-in pages, when sign-in is configured: forms may lead there.
    pub sign_in_origin: Option<String>,
    /// The simulated Azure, when there is one.
    pub sandbox: Option<SandboxLinks>,
}

/// Where the sandbox of this program is.
#[derive(Debug, Clone)]
pub struct SandboxLinks {
    /// The page that shows what the devices really did.
    pub truth: String,
    /// The CONNECT proxy under which Azure's host names lead into the sandbox.
    pub proxy: String,
    /// The certificate authority of the sandbox's hosts (PEM).
    pub ca_file: PathBuf,
}

impl Site {
    /// The address people use, and the redirect URI that must be registered.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Whether people can sign in.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.sign_in_origin.is_some()
    }

    /// The `Host` values under which the program is reached, lower case.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let names = ["localhost", "127.0.0.1", "[::1]"];
        let mut hosts: Vec<_> = names.iter().map(|name| format!("{name}:{}", self.port)).collect();
        // Browsers leave the scheme's own port out.
        if self.port == 80 {
            hosts.extend(names.iter().map(|name| (*name).to_owned()));
        }
        hosts
    }
}

/// What the state of a router must know for the pages that are there whether or not sign-in is configured.
pub trait HasSite: Clone + Send + Sync + 'static {
    /// The running program.
    fn site(&self) -> &Site;
    /// Who signs people in, if anybody.
    fn identity(&self) -> Option<&Identity>;
    /// How many times as fast as life the program's clock runs.
    fn speed(&self) -> u32 {
        1
    }
}

impl HasSite for Arc<Site> {
    fn site(&self) -> &Site {
        self
    }

    fn identity(&self) -> Option<&Identity> {
        None
    }
}
