//! The factory of the clients: one HTTP client, one set of pacing budgets and one clock for all of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use url::Url;

use crate::azure::channel::Channel;
use crate::azure::cloud::Cloud;
use crate::azure::credential::Auth;
use crate::azure::error::{AzureError, ErrorKind, Result, Service};
use crate::azure::keys::PolicyKeys;
use crate::azure::pace::Pacer;
use crate::azure::tokens::{Resource, TokenProvider};
use crate::azure::{Arm, Central, Dps, Hub};
use crate::clock::Clock;
use crate::ids::{DpsHost, HubHost, Subdomain};

/// How requests leave this machine.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Which proxy to go through.
    pub proxy: ProxyChoice,
    /// PEM certificates that are trusted *instead of* the system's roots: a private CA of the sandbox, or the contents
    /// of `SSL_CERT_FILE`.
    pub ca_pem: Option<Vec<u8>>,
    /// What the `User-Agent` header says.
    pub user_agent: String,
}

/// The choice of a proxy.
#[derive(Clone)]
pub enum ProxyChoice {
    /// As the environment says: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    System,
    /// This proxy for everything, whatever `NO_PROXY` says.
    Fixed {
        /// `http://host:port`, possibly with credentials.
        proxy_url: String,
    },
    /// None, whatever the environment says.
    None,
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Fixed { .. } => "Fixed(…)",
            Self::None => "None",
        })
    }
}

/// Why no HTTP client could be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The CA file holds no certificate that can be read.
    #[error("the CA certificates (SSL_CERT_FILE) cannot be read: they must be certificates in PEM form")]
    Ca(#[source] Option<reqwest::Error>),
    /// The proxy's address is not one.
    #[error("the proxy's address cannot be used: it must look like http://proxy.example:8080")]
    Proxy(#[source] reqwest::Error),
    /// Anything else, e.g. a missing SSL_CERT_FILE.
    #[error("the HTTP client cannot be set up; look at SSL_CERT_FILE, SSL_CERT_DIR and HTTPS_PROXY")]
    Client(#[source] reqwest::Error),
}

/// Makes clients of Azure's services. Cheap to clone; clones share connections and pacing.
#[derive(Debug, Clone)]
pub struct Azure {
    pub(crate) shared: Arc<Shared>,
}

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub http: reqwest::Client,
    pub cloud: Cloud,
    pub clock: Clock,
    pub pacer: Pacer,
    pub skew: ServerTime,
    #[cfg(test)]
    pub mock: Option<Url>,
}

/// How far the clocks of Azure's hosts are from ours, learned from their `Date` headers.
#[derive(Debug, Default)]
pub(crate) struct ServerTime {
    ahead: Mutex<HashMap<String, time::Duration>>,
}

impl ServerTime {
    /// What to add to our clock to have `host`'s.
    pub fn ahead(&self, host: &str) -> time::Duration {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied().unwrap_or_default()
    }

    /// Takes note of an answer's date. A minute's difference is the network's and the header's coarseness, not the clock's.
    pub fn learn(&self, host: &str, ahead: time::Duration) {
        let mut known = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.abs() < time::Duration::MINUTE {
            known.remove(host);
        } else {
            known.insert(host.to_owned(), ahead);
        }
    }
}

const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Longer than a command may wait for its device (a direct method ten minutes): silence for so long means that the
/// connection is dead. Each call has a limit of its own, mostly a shorter one.
const SILENCE_LIMIT: Duration = Duration::from_secs(660);

impl Azure {
    /// Sets up the HTTP client.
    ///
    /// # Errors
    /// [`HttpSetupError`]: an unusable CA or proxy.
    pub fn new(cloud: Cloud, clock: Clock, options: HttpOptions) -> std::result::Result<Self, HttpSetupError> {
        Ok(Self { shared: Arc::new(Shared::new(http_client(options)?, cloud, clock)) })
    }

    /// The endpoints in use.
    #[must_use]
    pub fn cloud(&self) -> &Cloud {
        &self.shared.cloud
    }

    /// The clock in use.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// The HTTP client itself (proxy, CA, time-outs, no redirects), for sign-in.
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    /// A client of ARM that acts as the person whose tokens are given.
    #[must_use]
    pub fn arm(&self, tokens: Arc<dyn TokenProvider>) -> Arm {
        let person = Arc::as_ptr(&tokens).cast::<()>() as usize;
        let base = self.base_url(self.shared.cloud.arm.clone());
        let auth = Auth::Bearer { tokens, resource: Resource::Arm };
        Arm::new(self.channel(Service::Arm, base, "Azure".to_owned(), auth), person)
    }

    /// A client of an IoT Central application.
    ///
    /// # Errors
    /// [`ErrorKind::UntrustedHost`] if the subdomain is not one.
    pub fn central(&self, tokens: Arc<dyn TokenProvider>, app: &Subdomain) -> Result<Central> {
        let host = self.shared.cloud.central_host(app)?;
        let base = self.https(Service::Central, &host)?;
        let auth = Auth::Bearer { tokens, resource: Resource::Central };
        Ok(Central::new(self.channel(Service::Central, base, app.to_string(), auth), host))
    }

    /// A client of a DPS.
    ///
    /// # Errors
    /// [`ErrorKind::UntrustedHost`] if the host is not a DPS of the cloud.
    pub fn dps(&self, host: &DpsHost, keys: Arc<dyn PolicyKeys>) -> Result<Dps> {
        if !self.shared.cloud.trusts_dps(host) {
            return Err(untrusted(Service::Dps, host.as_str(), self.shared.cloud.dps_suffix));
        }
        let base = self.https(Service::Dps, host.as_str())?;
        let auth = Auth::Sas { host: host.as_str().to_ascii_lowercase(), keys };
        Ok(Dps::new(self.channel(Service::Dps, base, host.to_string(), auth), host.as_str().to_ascii_lowercase()))
    }

    /// A client of an IoT hub. Paced as an S1 with one unit until [`Hub::with_capacity`] is told better.
    ///
    /// # Errors
    /// [`ErrorKind::UntrustedHost`] if the host is not a hub of the cloud.
    pub fn hub(&self, host: &HubHost, keys: Arc<dyn PolicyKeys>) -> Result<Hub> {
        if !self.shared.cloud.trusts_hub(host) {
            return Err(untrusted(Service::Hub, host.as_str(), self.shared.cloud.hub_suffix));
        }
        let base = self.https(Service::Hub, host.as_str())?;
        let auth = Auth::Sas { host: host.as_str().to_ascii_lowercase(), keys };
        Ok(Hub::new(self.channel(Service::Hub, base, host.to_string(), auth), host.as_str().to_ascii_lowercase()))
    }

    fn channel(&self, service: Service, base: Url, target: String, auth: Auth) -> Channel {
        Channel { shared: Arc::clone(&self.shared), service, base, target, auth }
    }

    fn https(&self, service: Service, host: &str) -> Result<Url> {
        let url =
            Url::parse(&format!("https://{host}")).map_err(|_| untrusted(service, host, "the configured cloud"))?;
        Ok(self.base_url(url))
    }

    /// The one place that decides where requests for a host go.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests resolve to a mock server kept in self")]
    fn base_url(&self, real: Url) -> Url {
        real
    }

    #[cfg(test)]
    fn base_url(&self, real: Url) -> Url {
        self.shared.mock.clone().unwrap_or(real)
    }

    /// A factory whose clients all talk to a mock server.
    #[cfg(test)]
    pub(crate) fn against(mock: &str, clock: Clock) -> Self {
        let options = HttpOptions { proxy: ProxyChoice::None, ca_pem: None, user_agent: "test".to_owned() };
        let http = http_client(options).expect("plain options");
        let shared = Shared { mock: Url::parse(mock).ok(), ..Shared::new(http, Cloud::public(), clock) };
        Self { shared: Arc::new(shared) }
    }
}

impl Shared {
    fn new(http: reqwest::Client, cloud: Cloud, clock: Clock) -> Self {
        Self {
            http,
            cloud,
            clock,
            pacer: Pacer::default(),
            skew: ServerTime::default(),
            #[cfg(test)]
            mock: None,
        }
    }
}

fn http_client(options: HttpOptions) -> std::result::Result<reqwest::Client, HttpSetupError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(options.user_agent)
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        .redirect(reqwest::redirect::Policy::none());
    builder = match options.proxy {
        ProxyChoice::System => builder,
        ProxyChoice::Fixed { proxy_url } => {
            builder.no_proxy().proxy(reqwest::Proxy::all(proxy_url).map_err(HttpSetupError::Proxy)?)
        }
        ProxyChoice::None => builder.no_proxy(),
    };
    if let Some(pem) = options.ca_pem {
        builder = builder.tls_certs_only(certificates(&pem)?);
    }
    builder.build().map_err(HttpSetupError::Client)
}

fn certificates(pem: &[u8]) -> std::result::Result<Vec<reqwest::Certificate>, HttpSetupError> {
    let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| HttpSetupError::Ca(Some(error)))?;
    if certificates.is_empty() { Err(HttpSetupError::Ca(None)) } else { Ok(certificates) }
}

/// Whether these are certificates in PEM form, as [`HttpOptions::ca_pem`] wants them.
#[must_use]
pub fn are_certificates(pem: &[u8]) -> bool {
    certificates(pem).is_ok()
}

fn untrusted(service: Service, host: &str, suffix: &str) -> AzureError {
    AzureError::local(
        service,
        "address the service",
        host,
        ErrorKind::UntrustedHost,
        format!("\"{host}\" does not belong to {suffix}; no credential was sent to it"),
    )
}
