//! The door of an application: which one, who, in which role, which version, how fast.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde_json::Value;

use super::api_tokens;
use super::fault::Fault;
use crate::sandbox::entra::tokens::{Audience, BearerError, verify_bearer};
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Rate;
use crate::sandbox::wire;
use crate::sandbox::world::{App, Moment, World};

const SECOND: Duration = Duration::from_secs(1);
/// REST calls to one application.
const REST: Rate = Rate { amount: 20, per: SECOND, burst: 20 };
/// Command executions of one application, jobs included.
pub(super) const COMMANDS: Rate = Rate { amount: 20, per: SECOND, burst: 20 };
/// Calls of the query API.
pub(super) const QUERIES: Rate = Rate { amount: 1, per: SECOND, burst: 1 };

/// Versions of the API that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// 1.0, 2022-05-31 and 2022-07-31.
    Ga,
    /// 1.1-preview and 2022-06-30-preview: `$top`, `$filter`, `$orderby`.
    OldPreview,
    /// 2022-10-31-preview: `maxpagesize`, `filter`, `orderby`.
    NewPreview,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "1.0" | "2022-05-31" | "2022-07-31" => Some(Self::Ga),
            "1.1-preview" | "1.2-preview" | "2022-06-30-preview" => Some(Self::OldPreview),
            "2022-10-31-preview" => Some(Self::NewPreview),
            _ => None,
        }
    }
}

/// What only some roles may do. Every role may see templates and jobs, manage devices and groups, run jobs and commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// See and manage enrollment groups, credentials and attestation: builders and administrators.
    Connectivity,
    /// Create and change templates: the same.
    Templates,
    /// Other people's access, tokens, organisations, uploads and exports: administrators.
    Administer,
}

/// An authenticated call to one application.
#[derive(Debug)]
pub(super) struct Call {
    pub shared: Shared,
    /// Subdomain.
    pub sub: String,
    pub now: Moment,
    pub version: Version,
    pub uri: Uri,
    pub headers: HeaderMap,
    role: String,
}

impl Call {
    /// Checks that the caller's role allows `permission`.
    pub(super) fn need(&self, permission: Permission) -> Result<(), Fault> {
        let (missing, suffices) = match permission {
            Permission::Connectivity => ("device connectivity management", self.role != "operator"),
            Permission::Templates => ("device templates management", self.role != "operator"),
            Permission::Administer => ("application administration", self.role == "admin"),
        };
        if suffices {
            return Ok(());
        }
        Err(Fault::forbidden(format!("The role {} does not have the permission: {missing}.", self.role)))
    }

    /// Reads or changes the application.
    pub(super) fn app<R>(&self, f: impl FnOnce(&mut App) -> Result<R, Fault>) -> Result<R, Fault> {
        self.shared.world(|world| f(world.apps.get_mut(&self.sub).ok_or_else(Fault::no_application)?))
    }

    /// Reads the application.
    pub(super) fn look<R>(&self, f: impl FnOnce(&App) -> Result<R, Fault>) -> Result<R, Fault> {
        self.shared.look(|world| f(world.apps.get(&self.sub).ok_or_else(Fault::no_application)?))
    }

    /// Reads a JSON object from a body.
    pub(super) fn json(&self, body: &[u8]) -> Result<Value, Fault> {
        let content = wire::header_text(&self.headers, "content-type").unwrap_or_default().to_ascii_lowercase();
        if !content.starts_with("application/json") && !content.starts_with("application/merge-patch+json") {
            return Err(Fault::new(415, "UnsupportedMediaType", "The content type must be application/json."));
        }
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| Fault::invalid_body(format!("The body is not valid JSON: {error}.")))?;
        if body.is_object() { Ok(body) } else { Err(Fault::invalid_body("The body must be an object.")) }
    }

    /// Whether the caller says which state of an object it has read: by `etag` in the body, or by `If-Match`.
    pub(super) fn names_etag(&self, body: &Value) -> bool {
        body["etag"].is_string() || self.headers.contains_key("if-match")
    }

    /// Checks that what the caller has read, if it says so, is the object as it is now.
    pub(super) fn check_etag(&self, body: &Value, current: &str) -> Result<(), Fault> {
        let header = wire::header_text(&self.headers, "if-match");
        let mut given = header.into_iter().chain(body["etag"].as_str());
        if given.all(|given| wire::etag_matches(given, current)) { Ok(()) } else { Err(Fault::precondition()) }
    }
}

impl FromRequestParts<Shared> for Call {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Fault> {
        let host = wire::host(&parts.headers, &parts.uri);
        let sub = host.split('.').next().unwrap_or_default().to_owned();
        let tenant = shared
            .look(|world| running(world, &sub).map(|app| app.tenant.clone()))
            .ok_or_else(Fault::no_application)?;
        let role = role_of_caller(shared, &parts.headers, &sub, &tenant)?;
        let version = wire::param(&parts.uri, "api-version")
            .ok_or_else(|| Fault::bad_request("The api-version query parameter is missing."))?;
        let version = Version::parse(&version)
            .ok_or_else(|| Fault::not_found(format!("\"{version}\" is not a valid API version.")))?;
        shared.throttles().take(&format!("central/{sub}"), 1, REST).map_err(|_| Fault::throttled())?;
        let (uri, headers, now) = (parts.uri.clone(), parts.headers.clone(), shared.clock().now());
        Ok(Self { shared: shared.clone(), sub, now, version, uri, headers, role })
    }
}

/// The role of the API token or of the signed-in person.
fn role_of_caller(shared: &Shared, headers: &HeaderMap, sub: &str, tenant: &str) -> Result<String, Fault> {
    let header = wire::header_text(headers, "authorization").unwrap_or_default();
    if header.starts_with("SharedAccessSignature ") {
        let now = shared.clock().now();
        let role = shared.look(|world| api_tokens::role(world.apps.get(sub)?, header, now));
        return role.ok_or_else(|| Fault::unauthorized(BearerError::Missing));
    }
    let bearer = verify_bearer(shared, headers, Audience::Central).map_err(Fault::unauthorized)?;
    if bearer.tid != tenant {
        let message = "The token was issued by another tenant than the application's.";
        return Err(Fault::new(401, "Unauthorized", message));
    }
    let role = shared.look(|world| world.apps.get(sub).and_then(|app| app.roles.get(&bearer.oid).cloned()));
    role.ok_or_else(|| Fault::forbidden("You do not have access to this application."))
}

fn running<'a>(world: &'a World, sub: &str) -> Option<&'a App> {
    world.apps.get(sub).filter(|app| app.state == "created")
}

/// `^[a-zA-Z0-9_-]*$`, at most 255.
pub(super) fn check_id(id: &str) -> Result<(), Fault> {
    let allowed = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if allowed && (1..=255).contains(&id.len()) {
        Ok(())
    } else {
        Err(Fault::bad_request(format!("The id '{id}' is not valid.")))
    }
}

/// A field that must be text, if it is there.
pub(super) fn text_field(body: &Value, name: &str) -> Result<Option<String>, Fault> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Fault::invalid_body(format!("{name} must be a string."))),
    }
}
