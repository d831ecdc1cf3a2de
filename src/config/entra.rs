//! The app registration that people sign in with, and the rules that Entra and this program set for it.

use secrecy::SecretString;
use uuid::Uuid;

use super::AzureChoice;
use super::problem::Problems;
use super::sources::{Said, Sources};
use crate::identity::{Platform, RedirectUri};

const CLIENT_ID: &str = "REACT_APP_AAD_APP_CLIENT_ID";
const TENANT_ID: &str = "REACT_APP_AAD_APP_TENANT_ID";
const REDIRECT_URI: &str = "REACT_APP_AAD_APP_REDIRECT_URI";
const PLATFORM: &str = "AAD_APP_PLATFORM";
const CLIENT_SECRET: &str = "AAD_APP_CLIENT_SECRET";
const CLOUD: &str = "AZURE_CLOUD";

/// The app registration.
#[derive(Debug)]
pub struct EntraRegistration {
    /// Application (client) id, a GUID.
    pub client_id: String,
    /// Tenant to sign in to: a GUID, a domain, `organizations` or `common`.
    pub tenant: String,
    /// `http://localhost:PORT`, as registered.
    pub redirect_uri: RedirectUri,
    /// Under which platform the redirect URI is registered.
    pub platform: Platform,
    /// Which of Azure's clouds.
    pub cloud: CloudName,
}

/// One of Azure's clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudName {
    /// The global cloud.
    Public,
    /// Azure for US Government.
    UsGovernment,
    /// Azure operated by 21Vianet.
    China,
}

impl CloudName {
    /// The name as the setting spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGovernment => "usgovernment",
            Self::China => "china",
        }
    }
}

/// Reads the registration. Nothing set at all is [`AzureChoice::Unconfigured`]; a part of it is a mistake.
pub(super) fn registration(sources: &Sources, port: u16, problems: &mut Problems) -> Option<AzureChoice> {
    let cloud = cloud(sources, problems);
    let keys = [CLIENT_ID, TENANT_ID, REDIRECT_URI, PLATFORM, CLIENT_SECRET];
    if keys.iter().all(|key| sources.setting(key).is_none()) {
        return cloud.map(|_| AzureChoice::Unconfigured);
    }
    let client_id = client_id(sources, problems);
    let tenant = tenant(sources, problems);
    let redirect_uri = redirect_uri(sources, port, problems);
    let platform = platform(sources, problems);
    Some(AzureChoice::Entra(EntraRegistration {
        client_id: client_id?,
        tenant: tenant?,
        redirect_uri: redirect_uri?,
        platform: platform?,
        cloud: cloud?,
    }))
}

fn needed(sources: &Sources, key: &'static str, remedy: &str, problems: &mut Problems) -> Option<Said> {
    let said = sources.setting(key);
    if said.is_none() {
        problems.add_missing(key, "it is missing, while other sign-in settings are set", remedy);
    }
    said
}

fn client_id(sources: &Sources, problems: &mut Problems) -> Option<String> {
    let remedy = "Copy the Application (client) ID, a GUID, from the Overview page of the app registration.";
    let said = needed(sources, CLIENT_ID, remedy, problems)?;
    let id: Uuid = said.parse_or(problems, "is not a GUID", remedy)?;
    Some(id.to_string())
}

fn tenant(sources: &Sources, problems: &mut Problems) -> Option<String> {
    let remedy = "Copy the Directory (tenant) ID from the Overview page of the app registration, or give a domain of \
                  the tenant, `organizations` or `common`.";
    let said = needed(sources, TENANT_ID, remedy, problems)?;
    let tenant = said.value.to_ascii_lowercase();
    if tenant == "consumers" {
        problems.add(&said, "lets only personal accounts sign in, and those have no Azure subscriptions", remedy);
        return None;
    }
    let any = ["organizations", "common"].contains(&tenant.as_str());
    if any || Uuid::try_parse(&tenant).is_ok() || is_domain(&tenant) {
        return Some(tenant);
    }
    problems.add(&said, "is neither a GUID nor a domain", remedy);
    None
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    text.contains('.') && text.split('.').all(label)
}

/// The URI must lead back to this program: the callback is answered at `/` of `http://localhost:PORT` and nowhere else.
fn redirect_uri(sources: &Sources, port: u16, problems: &mut Problems) -> Option<RedirectUri> {
    let expected = format!("http://localhost:{port}");
    let remedy = format!("Set it to {expected}, and register exactly that in the app registration.");
    let said = needed(sources, REDIRECT_URI, &remedy, problems)?;
    let Ok(spelled) = RedirectUri::parse(&said.value) else {
        problems.add(&said, "is not a URL", &remedy);
        return None;
    };
    let uri = spelled.url();
    let served = uri.port_or_known_default();
    let wrong = if uri.host_str() != Some("localhost") {
        "does not lead to localhost, where this program is served".to_owned()
    } else if uri.scheme() != "http" {
        "is not an http URL; this program is served without TLS, on localhost only".to_owned()
    } else if uri.path() != "/" || uri.query().is_some() || uri.fragment().is_some() {
        "has a path or query; this program expects people back at the root".to_owned()
    } else if served != Some(port) {
        let named = served.map_or_else(|| "no port".to_owned(), |named| format!("port {named}"));
        format!("names {named}, but the program serves port {port}")
    } else {
        return Some(spelled);
    };
    let remedy = match served {
        Some(named) if wrong.starts_with("names") => {
            format!("{remedy} Or serve its port with --port {named} (PORT={named}).")
        }
        _ => remedy,
    };
    problems.add(&said, &wrong, &remedy);
    None
}

fn platform(sources: &Sources, problems: &mut Problems) -> Option<Platform> {
    let secret = sources.setting(CLIENT_SECRET);
    let said = sources.setting(PLATFORM);
    let name = said.as_ref().map_or_else(|| "spa".to_owned(), |said| said.value.to_ascii_lowercase());
    match (name.as_str(), secret) {
        ("spa", None) => Some(Platform::Spa),
        ("desktop", None) => Some(Platform::Desktop),
        ("web", Some(secret)) => Some(Platform::Web { secret: SecretString::from(secret.value) }),
        ("web", None) => {
            problems.add_missing(
                CLIENT_SECRET,
                "it is missing, while AAD_APP_PLATFORM is `web`",
                "Make a client secret in the app registration and set its value, or register the redirect URI under \
                 *Single-page application* and set AAD_APP_PLATFORM=spa.",
            );
            None
        }
        ("spa" | "desktop", Some(secret)) => {
            problems.add_secret(
                &secret,
                &format!("is not wanted with AAD_APP_PLATFORM={name}; Entra refuses a secret there"),
                "Remove it, or set AAD_APP_PLATFORM=web if the redirect URI is registered under *Web*.",
            );
            None
        }
        _ => {
            if let Some(said) = said {
                problems.add(
                    &said,
                    "is not a platform",
                    "Set it to `spa`, `desktop` or `web`, or leave it out for `spa`.",
                );
            }
            None
        }
    }
}

fn cloud(sources: &Sources, problems: &mut Problems) -> Option<CloudName> {
    let Some(said) = sources.setting(CLOUD) else { return Some(CloudName::Public) };
    let known = [CloudName::Public, CloudName::UsGovernment, CloudName::China];
    let cloud = known.into_iter().find(|cloud| said.value.eq_ignore_ascii_case(cloud.as_str()));
    if cloud.is_none() {
        problems.add(
            &said,
            "is not a cloud",
            "Set it to `public`, `usgovernment` or `china`, or leave it out for `public`.",
        );
    }
    cloud
}
