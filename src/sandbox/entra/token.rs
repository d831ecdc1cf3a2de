//! The token endpoint: who asks, with which credentials, and by which grant.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use time::OffsetDateTime;

use super::claims::Claims;
use super::discovery::unknown_tenant;
use super::failure::Failure;
use super::keys::unverified_claims;
use super::registration::{Presented, Registration};
use super::request::unknown_client;
use super::tenant::Authority;
use crate::sandbox::state::Shared;
use crate::sandbox::world::{Person, World};

/// Decoded form fields.
pub type Fields = BTreeMap<String, String>;

/// The assertion type that stands in for a client secret.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token request whose client and tenant are known. `Debug` shows no fields.
pub struct Request<'a> {
    pub shared: &'a Shared,
    pub now: OffsetDateTime,
    /// The tenant segment of the URL, as written.
    pub tenant: String,
    pub authority: Authority,
    pub client_id: &'a str,
    pub registration: Registration,
    pub fields: &'a Fields,
    pub presented: Presented<'a>,
    pub claims: Claims,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("tenant", &self.tenant)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
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
pub fn read_form(headers: &HeaderMap, body: &[u8]) -> Fields {
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
    let registration = registration(shared, client_id).ok_or_else(|| unknown_client(client_id, tenant))?;
    let assertion = client_assertion(fields, client_id)?;
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
        presented: Presented { origin, secret: secret.filter(|secret| !secret.is_empty()), assertion },
        claims: Claims::parse(fields.get("claims").map(String::as_str))?,
    };
    match grant_type {
        "authorization_code" => request.redeem_code(),
        "refresh_token" => request.refresh(),
        "client_credentials" => request.client_credentials(),
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => request.redeem_device_code(),
        other => Err(Failure::new(
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{other}'."),
        )),
    }
}

/// The registration of an application that signs people in, or of one that signs in as itself.
fn registration(shared: &Shared, client_id: &str) -> Option<Registration> {
    Registration::find(shared.options(), client_id).or_else(|| {
        let own =
            |world: &World| world.service_principals.values().any(|app| app.app_id.eq_ignore_ascii_case(client_id));
        shared.look(own).then(Registration::without_redirects)
    })
}

/// A field that must be there.
///
/// # Errors
/// AADSTS900144.
pub fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Failure> {
    fields.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| Failure::missing(name))
}

/// Whether a well-formed assertion about the client was presented. Certificates are not registered here, so the
/// signature is not looked at.
fn client_assertion(fields: &Fields, client_id: &str) -> Result<bool, Failure> {
    let Some(assertion) = fields.get("client_assertion").filter(|assertion| !assertion.is_empty()) else {
        return Ok(false);
    };
    if fields.get("client_assertion_type").map(String::as_str) != Some(JWT_BEARER) {
        return Err(Failure::missing("client_assertion_type"));
    }
    let claims = unverified_claims(assertion).unwrap_or_default();
    if claims["iss"].as_str() == Some(client_id) && claims["sub"].as_str() == Some(client_id) {
        return Ok(true);
    }
    Err(Failure::invalid_client(700_027, "The client assertion is not one of the client's own."))
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |part: &str| url::form_urlencoded::parse(part.as_bytes()).next().map(|(key, _)| key.into_owned());
    Some((plain(id)?, plain(secret)?))
}

impl Request<'_> {
    /// The person of a grant.
    ///
    /// # Errors
    /// AADSTS50034 if the person is gone.
    pub fn person(&self, oid: &str) -> Result<Person, Failure> {
        self.shared
            .look(|world| world.people.get(oid).cloned())
            .ok_or_else(|| Failure::invalid_grant(50034, "The user account does not exist in the directory."))
    }
}
