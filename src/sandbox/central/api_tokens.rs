//! API tokens: access for programs. The token itself is in the answer to its making, and nowhere else.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::configuration::ApiToken;
use super::door::{Call, Permission, check_id, text_field};
use super::fault::{Answer, Fault};
use super::{page, people};
use crate::sandbox::sas::{self, Token};
use crate::sandbox::wire;
use crate::sandbox::world::{App, Moment};

/// Expiry times above this are in milliseconds.
const LAST_SECOND: i64 = 100_000_000_000;

/// `GET /apiTokens`
pub(super) async fn list(call: Call) -> Answer {
    call.need(Permission::Administer)?;
    let all = |app: &App| {
        page::answer(&call, app.configuration.api_tokens.iter().map(|(id, token)| (id.as_str(), token)), show)
    };
    call.look(all)
}

/// `GET /apiTokens/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Administer)?;
    call.look(|app| Ok(wire::ok(&show(app.configuration.api_tokens.get(&id).ok_or_else(|| missing(&id))?))))
}

/// `PUT /apiTokens/{id}`
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Administer)?;
    check_id(&id)?;
    let body = call.json(&body)?;
    let roles = body["roles"].as_array().filter(|roles| !roles.is_empty()).cloned();
    let roles = roles.ok_or_else(|| Fault::invalid_body("roles is required."))?;
    if roles.iter().any(|role| role["role"].as_str().and_then(people::role_name).is_none()) {
        return Err(Fault::unprocessable("One of the roles does not exist."));
    }
    let expiry = match text_field(&body, "expiry")? {
        Some(text) => OffsetDateTime::parse(&text, &Rfc3339)
            .map_err(|_| Fault::invalid_body("expiry must be a date and time in ISO 8601."))?,
        None => call.now + Duration::days(365),
    };
    if expiry <= call.now {
        return Err(Fault::invalid_body("expiry must be in the future."));
    }
    let token = ApiToken { id: id.clone(), key: sas::random_key(), roles, expiry };
    let shown = call.app(|app| {
        if app.configuration.api_tokens.contains_key(&id) {
            return Err(Fault::conflict(format!("An API token with the id {id} exists.")));
        }
        let mut shown = show(&token);
        shown["token"] = json!(text(app, &token));
        app.configuration.api_tokens.insert(id.clone(), token);
        Ok(shown)
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "token.created", id))
}

/// `DELETE /apiTokens/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Administer)?;
    call.app(|app| app.configuration.api_tokens.remove(&id).ok_or_else(|| missing(&id)))?;
    Ok(wire::with_effect(wire::no_content(), "token.deleted", id))
}

/// The token as it is sent in `Authorization`.
pub(super) fn text(app: &App, token: &ApiToken) -> Option<String> {
    sas::sign(&app.application_id, &token.key, token.expiry.unix_timestamp() * 1000, Some(&token.id))
}

/// The strongest role of the token in a header, if the application knows the token and its time is not over.
pub(super) fn role(app: &App, header: &str, now: Moment) -> Option<String> {
    let presented = Token::parse(header)?;
    let known = app.configuration.api_tokens.get(presented.policy.as_deref()?)?;
    let ends = if presented.expires > LAST_SECOND { presented.expires / 1000 } else { presented.expires };
    let is_good = presented.is_signed_with(&known.key)
        && presented.resource == app.application_id
        && ends.min(known.expiry.unix_timestamp()) > now.unix_timestamp();
    let names = known.roles.iter().filter_map(|role| people::role_name(role["role"].as_str()?));
    names.min_by_key(|name| people::rank(name)).filter(|_| is_good).map(str::to_owned)
}

fn show(token: &ApiToken) -> Value {
    json!({"id": token.id, "roles": token.roles, "expiry": wire::iso(token.expiry)})
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("API token {id} does not exist."))
}
