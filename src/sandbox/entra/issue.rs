//! The answer of the token endpoint: an access token for one resource and what comes with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::authorize::check_service_principals;
use super::failure::Failure;
use super::grants::Grant;
use super::scope::{Asked, Scopes};
use super::tokens::{self, About};
use crate::sandbox::state::Shared;
use crate::sandbox::world::Person;

/// What is to be issued, to whom, and why.
#[derive(Debug)]
pub struct Issue<'a> {
    /// The sign-in that it comes from.
    pub grant: &'a Grant,
    /// The person.
    pub person: &'a Person,
    /// The issuing tenant.
    pub tid: &'a str,
    /// What is asked for; no resource means Microsoft Graph.
    pub scopes: &'a Scopes,
    /// Nonce of the authorize request.
    pub nonce: Option<&'a str>,
    /// Capabilities that the client declared with this request.
    pub capabilities: &'a [String],
    /// Whether a refresh token comes with it.
    pub refresh: bool,
    /// Whether MSAL's `client_info` comes with it.
    pub client_info: bool,
    /// Now.
    pub now: OffsetDateTime,
}

impl Issue<'_> {
    /// Makes the tokens.
    ///
    /// # Errors
    /// If the tenant does not know the resource or the person has not consented to it.
    pub fn tokens(&self, shared: &Shared) -> Result<Value, Failure> {
        let Self { grant, person, tid, scopes, now, .. } = *self;
        let graph = Asked::graph();
        let asked = scopes.resources.first().unwrap_or(&graph);
        check_service_principals(shared, tid, &[asked.kind])?;
        let about = About {
            person,
            tid,
            client_id: &grant.client_id,
            capabilities: self.capabilities,
            signed_in: grant.signed_in,
            now,
        };
        let lifetime = tokens::access_lifetime();
        shared.entra(|entra| {
            if entra.unconsented.contains(&(person.oid.clone(), asked.kind)) {
                return Err(consent_missing(&grant.client_id));
            }
            let permissions = asked.granted().join(" ");
            let claims = tokens::access_claims(&about, &asked.audience, &permissions, lifetime);
            let mut body = json!({
                "token_type": "Bearer", "scope": asked.scope(),
                "expires_in": lifetime.as_secs(), "ext_expires_in": lifetime.as_secs(),
                "access_token": entra.key.sign(&claims),
            });
            if self.refresh {
                let next = Grant { tid: tid.to_owned(), issued: now, ..grant.clone() };
                body["refresh_token"] = json!(entra.add_refresh(next));
            }
            if scopes.openid {
                body["id_token"] = json!(entra.key.sign(&tokens::id_claims(&about, self.nonce, scopes.profile)));
            }
            if self.client_info {
                let info = json!({ "uid": person.oid, "utid": person.tid });
                body["client_info"] = json!(URL_SAFE_NO_PAD.encode(info.to_string()));
            }
            Ok(body)
        })
    }
}

fn consent_missing(client_id: &str) -> Failure {
    let text = format!(
        "The user or administrator has not consented to use the application with ID '{client_id}'. Send an interactive \
         authorization request for this user and resource."
    );
    Failure { suberror: Some("consent_required"), ..Failure::invalid_grant(65001, text) }
}
