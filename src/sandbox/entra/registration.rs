//! The app registration: which application ids exist, which redirect URIs they may use, and what the platform of a
//! redirect URI demands of whoever redeems a code or refresh token.

use url::Url;

use super::failure::Failure;
use super::scope::{ResourceKind, Scopes};
use crate::sandbox::options::{Platform, SandboxOptions};

/// Microsoft's own command-line clients (Azure CLI, Azure PowerShell): public clients that exist in every tenant.
const COMMAND_LINES: [&str; 2] = ["04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2"];

/// What the directory knows of one application.
#[derive(Debug, Clone)]
pub struct Registration {
    redirects: Vec<(String, Platform)>,
    secret: Option<String>,
    /// The resources in its permissions; Microsoft's own clients may ask for all.
    resources: Option<Vec<ResourceKind>>,
}

impl Registration {
    /// The registration of `client_id`; `None` if there is none (AADSTS700016).
    #[must_use]
    pub fn find(options: &SandboxOptions, client_id: &str) -> Option<Self> {
        if COMMAND_LINES.contains(&client_id) {
            let redirects = vec![("http://localhost".to_owned(), Platform::Desktop)];
            return Some(Self { redirects, secret: None, resources: None });
        }
        let known = match &options.client_id {
            Some(registered) => registered.eq_ignore_ascii_case(client_id),
            None => uuid::Uuid::try_parse(client_id).is_ok(),
        };
        known.then(|| Self {
            redirects: options.redirect_uris.clone(),
            secret: options.client_secret.clone(),
            resources: Some(options.registered_resources.clone()),
        })
    }

    /// The registration of an application that signs nobody in.
    #[must_use]
    pub fn without_redirects() -> Self {
        Self { redirects: Vec::new(), secret: None, resources: Some(Vec::new()) }
    }

    /// Whether clients without a secret may sign people in without a redirect URI, as the device code flow does.
    #[must_use]
    pub fn allows_public_flows(&self) -> bool {
        self.redirects.iter().any(|(_, platform)| *platform == Platform::Desktop)
    }

    /// Checks that the registration lists the resources asked for.
    ///
    /// # Errors
    /// AADSTS650057.
    pub fn check_resources(&self, client_id: &str, scopes: &Scopes) -> Result<(), Failure> {
        let Some(listed) = &self.resources else { return Ok(()) };
        let Some(asked) = scopes.resources.iter().find(|asked| !listed.contains(&asked.kind)) else { return Ok(()) };
        let text = format!(
            "Invalid resource. The client has requested access to a resource which is not listed in the requested \
             permissions in the client's application registration. Client app ID: {client_id}. Resource value from \
             request: {}. Resource app ID: {}.",
            asked.written,
            asked.kind.app_id()
        );
        Err(Failure::new("invalid_resource", 650_057, text))
    }

    /// The platform of `uri`, if it is registered. The port of a loopback name is ignored, a missing path is `/`, the
    /// path is compared letter by letter.
    #[must_use]
    pub fn platform_of(&self, uri: &str) -> Option<Platform> {
        let asked = Url::parse(uri).ok()?;
        if asked.fragment().is_some() || !asked.username().is_empty() {
            return None;
        }
        let same = |registered: &Url| {
            let loopback = matches!(registered.host_str(), Some("localhost" | "127.0.0.1"));
            registered.scheme() == asked.scheme()
                && registered.host_str() == asked.host_str()
                && registered.path() == asked.path()
                && registered.query() == asked.query()
                && (loopback || registered.port_or_known_default() == asked.port_or_known_default())
        };
        self.redirects
            .iter()
            .find(|(registered, _)| Url::parse(registered).is_ok_and(|registered| same(&registered)))
            .map(|(_, platform)| *platform)
    }

    /// Checks what a token request must and must not bring, given the platform of the redirect URI.
    ///
    /// # Errors
    /// The AADSTS code that tells the mistake.
    pub fn check_client(&self, platform: Platform, presented: &Presented<'_>) -> Result<(), Failure> {
        match platform {
            Platform::Spa => {
                refuse_secret(presented)?;
                let origin = presented.origin.ok_or_else(|| Failure::invalid_request(9_002_327, SPA_ONLY))?;
                if self.has_spa_origin(origin) { Ok(()) } else { Err(not_cross_origin(origin)) }
            }
            Platform::Desktop => {
                refuse_origin(presented)?;
                refuse_secret(presented)
            }
            Platform::Web => {
                refuse_origin(presented)?;
                if presented.assertion {
                    return Ok(());
                }
                let secret = presented.secret.ok_or_else(|| Failure::invalid_client(7_000_218, SECRET_MISSING))?;
                match &self.secret {
                    Some(right) if right != secret => Err(Failure::invalid_client(7_000_215, SECRET_WRONG)),
                    _ => Ok(()),
                }
            }
        }
    }

    fn has_spa_origin(&self, origin: &str) -> bool {
        // An origin is a redirect URI without its path, so each registered URI is asked with its own path.
        self.redirects.iter().filter(|(_, platform)| *platform == Platform::Spa).any(|(registered, _)| {
            let Ok(registered) = Url::parse(registered) else { return false };
            let Ok(origin) = Url::parse(origin) else { return false };
            let loopback = registered.host_str() == Some("localhost");
            registered.scheme() == origin.scheme()
                && registered.host_str() == origin.host_str()
                && (loopback || registered.port_or_known_default() == origin.port_or_known_default())
        })
    }
}

/// What a token request brought to identify its client. `Debug` shows no secret.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// A `client_secret`, in the body or by HTTP Basic.
    pub secret: Option<&'a str>,
    /// Whether a `client_assertion` stands in for it.
    pub assertion: bool,
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented").field("origin", &self.origin).field("secret", &self.secret.is_some()).finish()
    }
}

const SPA_ONLY: &str =
    "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.";
pub const SECRET_MISSING: &str =
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
pub const SECRET_WRONG: &str = "Invalid client secret provided.";

fn refuse_secret(presented: &Presented<'_>) -> Result<(), Failure> {
    let public = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
    if presented.secret.is_some() || presented.assertion {
        Err(Failure::invalid_client(700_025, public))
    } else {
        Ok(())
    }
}

fn refuse_origin(presented: &Presented<'_>) -> Result<(), Failure> {
    presented.origin.map_or(Ok(()), |origin| Err(not_cross_origin(origin)))
}

fn not_cross_origin(origin: &str) -> Failure {
    Failure::invalid_request(
        9_002_326,
        format!(
            "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request \
             origin: '{origin}'."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(uris: &[(&str, Platform)]) -> Registration {
        let redirect_uris = uris.iter().map(|(uri, platform)| ((*uri).to_owned(), *platform)).collect();
        let options = SandboxOptions { redirect_uris, ..SandboxOptions::default() };
        Registration::find(&options, crate::sandbox::options::DEFAULT_CLIENT_ID).unwrap()
    }

    #[test]
    fn the_port_of_localhost_and_a_missing_path_do_not_matter() {
        let registration = registration(&[("http://localhost:3000", Platform::Spa)]);
        assert_eq!(registration.platform_of("http://localhost:8123/"), Some(Platform::Spa));
        assert_eq!(registration.platform_of("http://localhost"), Some(Platform::Spa));
        assert_eq!(registration.platform_of("http://localhost:3000/auth"), None);
        assert_eq!(registration.platform_of("https://localhost:3000"), None);
        assert_eq!(registration.platform_of("http://127.0.0.1:3000"), None);
    }

    #[test]
    fn the_case_and_the_last_slash_of_a_path_matter() {
        let registration = registration(&[("https://app.example.com/Auth", Platform::Web)]);
        assert_eq!(registration.platform_of("https://app.example.com/Auth"), Some(Platform::Web));
        assert_eq!(registration.platform_of("https://app.example.com/auth"), None);
        assert_eq!(registration.platform_of("https://app.example.com/Auth/"), None);
        assert_eq!(registration.platform_of("https://app.example.com:8443/Auth"), None);
    }

    #[test]
    fn every_platform_mistake_has_its_own_code() {
        let registration = registration(&[("http://localhost:3000", Platform::Spa)]);
        let code = |platform, origin, secret| {
            registration
                .check_client(platform, &Presented { origin, secret, assertion: false })
                .err()
                .map(|failure| failure.code)
        };
        let origin = Some("http://localhost:3000");
        assert_eq!(code(Platform::Spa, origin, None), None);
        assert_eq!(code(Platform::Spa, None, None), Some(9_002_327));
        assert_eq!(code(Platform::Spa, origin, Some("s")), Some(700_025));
        assert_eq!(code(Platform::Spa, Some("https://elsewhere.example"), None), Some(9_002_326));
        assert_eq!(code(Platform::Desktop, None, None), None);
        assert_eq!(code(Platform::Desktop, origin, None), Some(9_002_326));
        assert_eq!(code(Platform::Desktop, None, Some("s")), Some(700_025));
        assert_eq!(code(Platform::Web, None, Some("s")), None);
        assert_eq!(code(Platform::Web, None, None), Some(7_000_218));
        assert_eq!(code(Platform::Web, origin, Some("s")), Some(9_002_326));
        let asserted = Presented { origin: None, secret: None, assertion: true };
        assert_eq!(registration.check_client(Platform::Web, &asserted), Ok(()));
        assert!(registration.check_client(Platform::Desktop, &asserted).is_err());
    }
}
