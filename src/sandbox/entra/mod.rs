//! The simulated Entra ID: discovery, sign-in page, token endpoint, and the check of tokens by the resources.
//!
//! The same routes answer under `https://login.microsoftonline.com` through the proxy and, for browsers that know no
//! proxy, under the sandbox's own `http://localhost:PORT`.

mod application;
mod authorize;
mod claims;
mod device;
mod discovery;
mod failure;
mod grants;
mod issue;
mod keys;
mod pages;
mod redeem;
mod registration;
mod request;
mod scope;
mod tenant;
mod token;
pub mod tokens;

use axum::Router;
use axum::routing::{get, post};

pub use grants::{Entra, SavedEntra};
pub use keys::unverified_claims;
pub use scope::ResourceKind;
pub use tenant::home_id;

use super::state::Shared;

/// All routes of `login.microsoftonline.com` that the sandbox serves.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::configuration))
        .route("/{tenant}/.well-known/openid-configuration", get(discovery::configuration_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/{tenant}/discovery/keys", get(discovery::keys))
        .route("/{tenant}/discovery/instance", get(discovery::instance))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::ask).post(authorize::answer))
        .route("/{tenant}/oauth2/v2.0/token", post(token::token).options(token::preflight))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device::begin))
        .route("/{tenant}/oauth2/deviceauth", get(device::ask).post(device::answer))
        .route("/{tenant}/oauth2/v2.0/logout", get(authorize::logout))
        .with_state(shared)
}

/// Switches for tests and for the truth page.
impl Shared {
    /// Revokes all refresh tokens of a person, as a change of password does (AADSTS50173).
    pub fn require_sign_in_again(&self, oid: &str) {
        let now = tokens::millis(self.clock().now());
        self.entra(|entra| entra.revoked.insert(oid.to_owned(), now));
    }

    /// Takes back a person's consent to a resource (AADSTS65001 until given again on the sign-in page).
    pub fn withdraw_consent(&self, oid: &str, resource: ResourceKind) {
        self.entra(|entra| entra.unconsented.insert((oid.to_owned(), resource)));
    }

    /// Has the resources refuse this person's tokens with a claims challenge until the next sign-in. Clients that did
    /// not declare that they handle challenges get one only if
    /// [`challenge_all_clients`](super::options::Switches::challenge_all_clients) is on.
    pub fn demand_claims(&self, oid: &str) {
        let now = tokens::millis(self.clock().now());
        self.entra(|entra| entra.demanded.insert(oid.to_owned(), now));
    }

    /// Makes all codes and refresh tokens older, as if time had passed.
    #[cfg(test)]
    pub(super) fn age_grants(&self, by: time::Duration) {
        self.entra(|entra| {
            let codes = entra.codes.values_mut().map(|code| &mut code.grant);
            for grant in codes.chain(entra.refresh.values_mut()) {
                grant.signed_in -= by;
                grant.issued -= by;
            }
        });
    }
}
