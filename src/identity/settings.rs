//! What the program knows of its registration in Entra, and the addresses that follow from it.
//!
//! Promises: the redirect URI is sent exactly as it was configured, because Entra compares it as text; a client secret
//! exists only for the platform that has one, and shows in no output.

use std::fmt;

use oauth2::RedirectUrl;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::azure::tokens::Resource;
use crate::ids::TenantId;

/// The scopes that every sign-in asks for beside those of the resources: an id token, names in it, a refresh token.
pub(super) const SIGN_IN_SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];

/// A registration in Entra and the cloud it belongs to.
#[derive(Debug, Clone)]
pub struct EntraSettings {
    /// Application (client) id, a GUID.
    pub client_id: String,
    /// Where people sign in unless they choose a tenant: a tenant's GUID, one of its domains, `organizations` or `common`.
    pub tenant: String,
    /// Where Entra sends the browser back to.
    pub redirect_uri: RedirectUri,
    /// Under which platform the redirect URI is registered.
    pub platform: Platform,
    /// Base of everything that this program asks of Entra itself, for example `https://login.microsoftonline.com`.
    pub login: Url,
    /// Base of the pages that the browser is sent to. The same as `login`, but for the sandbox.
    pub authorize: Url,
    /// Scope of tokens for Azure Resource Manager.
    pub arm_scope: String,
    /// Scope of tokens for IoT Central.
    pub central_scope: String,
}

/// The platform of a redirect URI. It decides who may redeem a code, and how long a refresh token lives.
#[derive(Debug, Clone)]
pub enum Platform {
    /// *Single-page application*: no secret, redeemed with an `Origin` header, refresh tokens end 24 hours after sign-in.
    Spa,
    /// *Mobile and desktop applications*: no secret, no `Origin`.
    Desktop,
    /// *Web*: a secret, no `Origin`.
    Web {
        /// The client secret of the registration.
        secret: SecretString,
    },
}

impl Platform {
    /// The value of `AAD_APP_PLATFORM` that names this platform.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Spa => "spa",
            Self::Desktop => "desktop",
            Self::Web { .. } => "web",
        }
    }
}

/// A redirect URI, kept as it was spelled: `http://localhost:3000` and `http://localhost:3000/` differ to Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(RedirectUrl);

impl RedirectUri {
    /// Takes the URI as it stands in the registration.
    ///
    /// # Errors
    /// It is not an absolute URL.
    pub fn parse(spelled: &str) -> Result<Self, url::ParseError> {
        RedirectUrl::new(spelled.to_owned()).map(Self)
    }

    /// The URI as it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URI, taken apart.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.0.url()
    }

    pub(super) fn for_oauth(&self) -> &RedirectUrl {
        &self.0
    }

    /// Scheme, host and port: what Entra wants as `Origin` where the platform is a single-page application.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url().origin().ascii_serialization()
    }
}

/// Through which tenant a sign-in goes: the first segment of Entra's paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Authority(String);

impl Authority {
    pub(super) fn of(tenant: &TenantId) -> Self {
        Self(tenant.as_str().to_owned())
    }

    /// The tenant, where this names exactly one by its GUID.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        uuid::Uuid::parse_str(&self.0).ok().map(|_| TenantId::new(self.0.clone()))
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EntraSettings {
    /// The scope that names `resource`.
    pub(super) fn scope(&self, resource: Resource) -> &str {
        match resource {
            Resource::Arm => &self.arm_scope,
            Resource::Central => &self.central_scope,
        }
    }

    /// `resource` alone with the sign-in scopes: what a token request asks for.
    pub(super) fn token_scope(&self, resource: Resource) -> String {
        format!("{} {}", self.scope(resource), SIGN_IN_SCOPES.join(" "))
    }

    pub(super) fn authority(&self, tenant: Option<&TenantId>) -> Authority {
        tenant.map_or_else(|| Authority(self.tenant.clone()), Authority::of)
    }

    pub(super) fn authorize_url(&self, authority: &Authority) -> Url {
        under(&self.authorize, authority, &["oauth2", "v2.0", "authorize"])
    }

    pub(super) fn token_url(&self, authority: &Authority) -> Url {
        under(&self.login, authority, &["oauth2", "v2.0", "token"])
    }

    pub(super) fn discovery_url(&self, authority: &Authority) -> Url {
        under(&self.login, authority, &["v2.0", ".well-known", "openid-configuration"])
    }

    pub(super) fn logout_url(&self, tenant: &TenantId, login_hint: Option<&str>) -> Url {
        let mut url = under(&self.authorize, &Authority::of(tenant), &["oauth2", "v2.0", "logout"]);
        url.query_pairs_mut().append_pair("post_logout_redirect_uri", self.redirect_uri.as_str());
        if let Some(hint) = login_hint {
            url.query_pairs_mut().append_pair("logout_hint", hint);
        }
        url
    }
}

fn under(base: &Url, authority: &Authority, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().push(&authority.0).extend(path);
    }
    url
}
