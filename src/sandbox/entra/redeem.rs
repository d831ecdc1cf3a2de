//! Codes and refresh tokens against access tokens, one resource at a time.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::authorize::{PKCE_MISSING, not_a_member};
use super::failure::Failure;
use super::grants::{CODE_LIFETIME, Code, Entra, Grant, IDLE_LIFETIME, SPA_LIFETIME};
use super::issue::Issue;
use super::request::scope_failure;
use super::scope::Scopes;
use super::token::{Request, required};
use super::tokens;
use crate::sandbox::options::{Platform, SeveralResources};

impl Request<'_> {
    /// `grant_type=authorization_code`
    ///
    /// # Errors
    /// What is wrong with the code or the request.
    pub fn redeem_code(&self) -> Result<Value, Failure> {
        let value = required(self.fields, "code")?;
        let redirect_uri = required(self.fields, "redirect_uri")?;
        let named = self.fields.get("scope").filter(|scope| !scope.is_empty());
        let named = named.map(|scope| Scopes::parse(scope)).transpose().map_err(scope_failure)?;
        if let Some(named) = &named {
            self.refuse_several(named, SeveralResources::RefusedWithCodes)?;
            self.registration.check_resources(self.client_id, named)?;
        }
        // Looked at and marked under one lock, so that of two redemptions at once only one succeeds.
        let code = self.shared.entra(|entra| {
            let code = entra.codes.get_mut(value).ok_or_else(|| {
                let text = "Invalid request. Request is malformed or invalid: the code is unknown.";
                Failure::invalid_grant(9_002_313, text)
            })?;
            self.check_code(code, redirect_uri)?;
            code.redeemed = true;
            Ok::<Code, Failure>(code.clone())
        })?;
        let asked_first = Scopes::parse(&code.scope).map_err(scope_failure)?;
        let scopes = named.unwrap_or_else(|| asked_first.clone());
        let person = self.person(&code.grant.oid)?;
        let refresh = asked_first.offline || scopes.offline;
        let openid = Scopes {
            openid: scopes.openid || asked_first.openid,
            profile: scopes.profile || asked_first.profile,
            ..scopes
        };
        let issue = Issue {
            grant: &code.grant,
            person: &person,
            tid: &code.grant.tid,
            scopes: &openid,
            nonce: code.nonce.as_deref(),
            capabilities: if self.claims.capabilities.is_empty() {
                &code.capabilities
            } else {
                &self.claims.capabilities
            },
            refresh,
            client_info: self.fields.contains_key("client_info"),
            now: self.now,
        };
        issue.tokens(self.shared)
    }

    fn check_code(&self, code: &Code, redirect_uri: &str) -> Result<(), Failure> {
        let grant = &code.grant;
        if grant.client_id != self.client_id {
            return Err(Failure::invalid_grant(70000, "The provided value for the 'code' parameter is not valid."));
        }
        self.registration.check_client(grant.platform, &self.presented)?;
        if code.authority != self.authority {
            let text = "Provided Authorization Code is intended to use against other tenant, thus rejected.";
            return Err(Failure::invalid_grant(700_005, text));
        }
        if code.redirect_uri != redirect_uri {
            let text = "The reply address does not match the reply address provided when requesting the code.";
            return Err(Failure::invalid_client(500_112, text));
        }
        if code.redeemed {
            let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an \
                        existing refresh token.";
            return Err(Failure::invalid_grant(54005, text));
        }
        if self.now - grant.issued > CODE_LIFETIME {
            let text = "The provided authorization code or refresh token has expired due to inactivity.";
            return Err(Failure::invalid_grant(70008, text));
        }
        self.check_verifier(grant.platform, code.challenge.as_deref())
    }

    fn check_verifier(&self, platform: Platform, challenge: Option<&str>) -> Result<(), Failure> {
        let verifier = self.fields.get("code_verifier").map(String::as_str).filter(|verifier| !verifier.is_empty());
        if platform == Platform::Spa && (challenge.is_none() || verifier.is_none()) {
            return Err(Failure::invalid_request(9_002_325, PKCE_MISSING));
        }
        let matches = match (challenge, verifier) {
            (None, None) => true,
            (Some(challenge), Some(verifier)) => match challenge.strip_prefix("plain:") {
                Some(plain) => plain == verifier,
                None => challenge == URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes())),
            },
            _ => false,
        };
        if matches {
            return Ok(());
        }
        let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        Err(Failure::invalid_grant(501_481, text))
    }

    /// `grant_type=refresh_token`
    ///
    /// # Errors
    /// What is wrong with the refresh token or the request.
    pub fn refresh(&self) -> Result<Value, Failure> {
        let value = required(self.fields, "refresh_token")?;
        let grant = self.shared.peek_entra(|entra| self.check_refresh(entra, value))?;
        let scope = self.fields.get("scope").map_or("", String::as_str);
        let scopes = Scopes::parse(scope).map_err(scope_failure)?;
        self.refuse_several(&scopes, SeveralResources::Refused)?;
        self.registration.check_resources(self.client_id, &scopes)?;
        let person = self.person(&grant.oid)?;
        let tid = self.authority.tenant_for(&person).ok_or_else(|| not_a_member(&person, &self.tenant))?;
        let issue = Issue {
            grant: &grant,
            person: &person,
            tid: &tid,
            scopes: &scopes,
            nonce: None,
            capabilities: &self.claims.capabilities,
            refresh: true,
            client_info: self.fields.contains_key("client_info"),
            now: self.now,
        };
        issue.tokens(self.shared)
    }

    fn check_refresh(&self, entra: &Entra, value: &str) -> Result<Grant, Failure> {
        let malformed = || Failure::invalid_grant(9_002_313, "Invalid request. Request is malformed or invalid.");
        let grant = entra.refresh.get(value).ok_or_else(malformed)?;
        if grant.client_id != self.client_id {
            return Err(Failure::invalid_grant(70000, "Provided grant is invalid or malformed."));
        }
        self.registration.check_client(grant.platform, &self.presented)?;
        if entra.revoked.get(&grant.oid).is_some_and(|since| tokens::millis(grant.signed_in) <= *since) {
            let text = "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user \
                        might have changed or reset their password.";
            return Err(Failure { suberror: Some("bad_token"), ..Failure::invalid_grant(50173, text) });
        }
        if grant.platform == Platform::Spa && self.now - grant.signed_in > SPA_LIFETIME {
            let text = "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited \
                        lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request \
                        must be sent by the SPA to the sign in page.";
            return Err(Failure::invalid_grant(700_084, text));
        }
        if grant.platform != Platform::Spa && self.now - grant.issued > IDLE_LIFETIME {
            let text = "The refresh token has expired due to inactivity.";
            return Err(Failure::invalid_grant(700_082, text));
        }
        match entra.demanded_sign_in(&grant.oid) {
            // Only a request that passes the challenge on asks for what this grant cannot give.
            Some(since) if tokens::millis(grant.signed_in) <= since && self.claims.answers_challenge => {
                let text = "Due to a configuration change made by your administrator, or because you moved to a new \
                            location, you must use multi-factor authentication to access the resource.";
                Err(Failure {
                    suberror: Some("basic_action"),
                    claims: Some(tokens::demanded_claims(since)),
                    ..Failure::new("interaction_required", 50076, text)
                })
            }
            _ => Ok(grant.clone()),
        }
    }

    /// Refuses scopes of several resources where the sandbox is set to `from` this or stricter.
    fn refuse_several(&self, scopes: &Scopes, from: SeveralResources) -> Result<(), Failure> {
        let set = self.shared.switches().several_resources;
        if scopes.resources.len() < 2 || !(set == from || set == SeveralResources::Refused) {
            return Ok(());
        }
        let text = "The provided value for the input parameter 'scope' isn't valid because it contains more than one \
                    resource.";
        Err(Failure::invalid_request(700_022, text))
    }
}
