//! The token endpoint: codes and refresh tokens against access tokens, one resource at a time.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use time::OffsetDateTime;

use super::authorize::not_a_member;
use super::discovery::unknown_tenant;
use super::failure::Failure;
use super::grants::{CODE_LIFETIME, Code, Entra, Grant, IDLE_LIFETIME, SPA_LIFETIME};
use super::issue::Issue;
use super::registration::{Presented, Registration};
use super::request::{scope_failure, unknown_client};
use super::scope::Scopes;
use super::tenant::Authority;
use super::tokens;
use crate::sandbox::options::Platform;
use crate::sandbox::state::Shared;
use crate::sandbox::world::Person;

type Fields = BTreeMap<String, String>;

/// A token request whose client and tenant are known.
struct Request<'a> {
    shared: &'a Shared,
    now: OffsetDateTime,
    tenant: String,
    authority: Authority,
    client_id: &'a str,
    registration: Registration,
    fields: &'a Fields,
    presented: Presented<'a>,
}

/// `POST /{tenant}/oauth2/v2.0/token`
pub async fn token(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = shared.clock().now();
    let fields = read_form(&headers, &body);
    let mut response = match answer(&shared, &tenant, &headers, &fields, now) {
        Ok(body) => Json(body).into_response(),
        Err(failure) => failure.into_token_response(now),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
    allow_origin(&headers, &mut response);
    response
}

/// `OPTIONS` of the same: a browser asks whether it may.
pub async fn preflight(headers: HeaderMap) -> Response {
    let allowed =
        [(header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"), (header::ACCESS_CONTROL_ALLOW_HEADERS, "*")];
    let mut response = (StatusCode::OK, allowed).into_response();
    allow_origin(&headers, &mut response);
    response
}

fn allow_origin(headers: &HeaderMap, response: &mut Response) {
    if let Some(origin) = headers.get(header::ORIGIN) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

/// A body of another type counts as empty, as at Entra.
fn read_form(headers: &HeaderMap, body: &[u8]) -> Fields {
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if form { url::form_urlencoded::parse(body).into_owned().collect() } else { Fields::new() }
}

fn answer(
    shared: &Shared,
    tenant: &str,
    headers: &HeaderMap,
    fields: &Fields,
    now: OffsetDateTime,
) -> Result<Value, Failure> {
    let authority = shared.look(|world| Authority::parse(world, tenant)).ok_or_else(|| unknown_tenant(tenant))?;
    let basic = basic_credentials(headers);
    let grant_type = required(fields, "grant_type")?;
    let client_id = match (&basic, fields.get("client_id")) {
        (_, Some(id)) if !id.is_empty() => id.as_str(),
        (Some((id, _)), _) => id,
        _ => return Err(Failure::missing("client_id")),
    };
    let registration =
        Registration::find(shared.options(), client_id).ok_or_else(|| unknown_client(client_id, tenant))?;
    let secret = fields.get("client_secret").or(basic.as_ref().map(|(_, secret)| secret)).map(String::as_str);
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let request = Request {
        shared,
        now,
        tenant: tenant.to_ascii_lowercase(),
        authority,
        client_id,
        registration,
        fields,
        presented: Presented { origin, secret: secret.filter(|secret| !secret.is_empty()) },
    };
    match grant_type {
        "authorization_code" => request.redeem_code(),
        "refresh_token" => request.refresh(),
        other => Err(Failure::new(
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{other}'."),
        )),
    }
}

fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Failure> {
    fields.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| Failure::missing(name))
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |part: &str| url::form_urlencoded::parse(part.as_bytes()).next().map(|(key, _)| key.into_owned());
    Some((plain(id)?, plain(secret)?))
}

impl Request<'_> {
    fn redeem_code(&self) -> Result<Value, Failure> {
        let value = required(self.fields, "code")?;
        let redirect_uri = required(self.fields, "redirect_uri")?;
        let named = self.fields.get("scope").filter(|scope| !scope.is_empty());
        let named = named.map(|scope| Scopes::parse(scope)).transpose().map_err(scope_failure)?;
        named.as_ref().map_or(Ok(()), refuse_several)?;
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
        if code.authority != self.tenant {
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
            let text = "Proof Key for Code Exchange is required for cross-origin authorization code redemption.";
            return Err(Failure::invalid_request(9_002_325, text));
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

    fn refresh(&self) -> Result<Value, Failure> {
        let value = required(self.fields, "refresh_token")?;
        let grant = self.shared.peek_entra(|entra| self.check_refresh(entra, value))?;
        let scope = self.fields.get("scope").map_or("", String::as_str);
        let scopes = Scopes::parse(scope).map_err(scope_failure)?;
        refuse_several(&scopes)?;
        let person = self.person(&grant.oid)?;
        let tid = self.authority.tenant_for(&person).ok_or_else(|| not_a_member(&person, &self.tenant))?;
        let issue = Issue {
            grant: &grant,
            person: &person,
            tid: &tid,
            scopes: &scopes,
            nonce: None,
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
            Some(since) if tokens::millis(grant.signed_in) <= since && self.fields.contains_key("claims") => {
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

    fn person(&self, oid: &str) -> Result<Person, Failure> {
        self.shared
            .look(|world| world.people.get(oid).cloned())
            .ok_or_else(|| Failure::invalid_grant(50034, "The user account does not exist in the directory."))
    }
}

fn refuse_several(scopes: &Scopes) -> Result<(), Failure> {
    if scopes.resources.len() < 2 {
        return Ok(());
    }
    let text =
        "The provided value for the input parameter 'scope' isn't valid because it contains more than one resource.";
    Err(Failure::invalid_request(700_022, text))
}
