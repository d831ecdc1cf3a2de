//! Access and ID tokens: their claims as documented, and the check that the resources make.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::claims::handles_challenges;
use super::tenant::{home_id, object_id};
use crate::sandbox::state::Shared;
use crate::sandbox::world::{Person, ServicePrincipal};

/// Which resource checks a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// `https://management.azure.com`, with or without a slash, or its older name `https://management.core.windows.net`.
    Arm,
    /// `https://apps.azureiotcentral.com`.
    Central,
    /// `https://iothubs.azure.net`: the data plane of hubs.
    IotHub,
    /// `https://azure-devices-provisioning.net`: the data plane of DPS.
    Dps,
}

impl Audience {
    /// The audience under which tokens for it are usually issued.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Arm => "https://management.azure.com",
            Self::Central => "https://apps.azureiotcentral.com",
            Self::IotHub => "https://iothubs.azure.net",
            Self::Dps => "https://azure-devices-provisioning.net",
        }
    }

    fn accepts(self, audience: &str) -> bool {
        let bare = audience.trim_end_matches('/');
        bare == self.uri() || (self == Self::Arm && bare == "https://management.core.windows.net")
    }
}

/// Who a valid token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Object id by which the world knows the person (that of the home tenant) or the application.
    pub oid: String,
    /// Object id in the tenant that issued the token, as the token has it.
    pub object_id: String,
    /// The tenant that issued the token.
    pub tid: String,
}

/// Why a token was refused. All of them are a 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BearerError {
    /// No `Authorization: Bearer` header.
    Missing,
    /// Not a token of this Entra.
    Invalid,
    /// Its time is over.
    Expired,
    /// It is for another resource.
    WrongAudience {
        /// The resource that it is for.
        found: String,
    },
    /// The person must sign in afresh (continuous access evaluation).
    ClaimsChallenge {
        /// Value of the `WWW-Authenticate` header to answer with.
        www_authenticate: String,
    },
}

/// Checks the `Authorization` header of a request to `audience`.
///
/// # Errors
/// [`BearerError`]; the caller answers 401 in the shape of its service.
pub fn verify_bearer(shared: &Shared, headers: &HeaderMap, audience: Audience) -> Result<Bearer, BearerError> {
    let token = bearer_token(headers).ok_or(BearerError::Missing)?;
    let claims = shared.peek_entra(|entra| entra.key.verify(token)).ok_or(BearerError::Invalid)?;
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    if claims["exp"].as_i64().unwrap_or(0) <= shared.clock().now().unix_timestamp() {
        return Err(BearerError::Expired);
    }
    if !audience.accepts(&text("aud")) {
        return Err(BearerError::WrongAudience { found: text("aud") });
    }
    let (object_id, tid) = (text("oid"), text("tid"));
    let bearer = Bearer { oid: shared.look(|world| home_id(world, &object_id, &tid)), object_id, tid };
    let signed_in = claims["auth_ms"].as_i64().unwrap_or(0);
    match shared.peek_entra(|entra| entra.demanded_sign_in(&bearer.oid)) {
        Some(since) if signed_in <= since && is_challenged(shared, &claims) => Err(BearerError::ClaimsChallenge {
            www_authenticate: format!(
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                 error=\"insufficient_claims\", claims=\"{}\"",
                STANDARD.encode(demanded_claims(since))
            ),
        }),
        _ => Ok(bearer),
    }
}

/// Clients get challenges if they declared that they handle them.
fn is_challenged(shared: &Shared, claims: &Value) -> bool {
    let declared = claims["xms_cc"].as_array().into_iter().flatten().filter_map(Value::as_str);
    shared.switches().challenge_all_clients || handles_challenges(declared)
}

/// The `claims` that ask for a sign-in no older than `since` (Unix milliseconds).
#[must_use]
pub fn demanded_claims(since: i64) -> String {
    json!({ "access_token": { "nbf": { "essential": true, "value": (since / 1000).to_string() } } }).to_string()
}

/// Unix milliseconds: fine enough to tell a sign-in from a revocation in the same second.
#[must_use]
pub fn millis(moment: OffsetDateTime) -> i64 {
    moment.unix_timestamp() * 1000 + i64::from(moment.millisecond())
}

/// The token of an `Authorization: Bearer` header.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// An access token as a sign-in of just now would give it, for tests that talk to a router without signing in. A person
/// or tenant that does not exist is fine.
#[must_use]
pub fn issue_access(shared: &Shared, oid: &str, tid: &str, audience: Audience) -> String {
    let now = shared.clock().now();
    let person = shared.look(|world| world.people.get(oid).cloned()).unwrap_or_else(|| stranger(oid, tid));
    let about = About { person: &person, tid, client_id: "sandbox", capabilities: &[], signed_in: now, now };
    shared.peek_entra(|entra| entra.key.sign(&access_claims(&about, audience.uri(), "user_impersonation", ACCESS_MIN)))
}

fn stranger(oid: &str, tid: &str) -> Person {
    Person {
        oid: oid.to_owned(),
        tid: tid.to_owned(),
        name: "Nobody".to_owned(),
        username: "nobody@example.com".to_owned(),
        member_of: std::iter::once(tid.to_owned()).collect(),
        azure_roles: Vec::new(),
        note: String::new(),
    }
}

/// Access tokens live 60 to 90 minutes.
const ACCESS_MIN: Duration = Duration::from_secs(60 * 60);
const ACCESS_SPREAD: u64 = 30 * 60;

/// A lifetime between 60 and 90 minutes, as Entra draws one.
#[must_use]
pub fn access_lifetime() -> Duration {
    let drawn = uuid::Uuid::new_v4().as_u64_pair().0 % ACCESS_SPREAD;
    ACCESS_MIN + Duration::from_secs(drawn)
}

/// Whom a token is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The person.
    pub person: &'a Person,
    /// The issuing tenant.
    pub tid: &'a str,
    /// The application.
    pub client_id: &'a str,
    /// Capabilities that the client declared with this request.
    pub capabilities: &'a [String],
    /// When the person signed in interactively.
    pub signed_in: OffsetDateTime,
    /// Now.
    pub now: OffsetDateTime,
}

/// Claims of an access token of version 1, which ARM and IoT Central take.
#[must_use]
pub fn access_claims(about: &About<'_>, audience: &str, scopes: &str, lifetime: Duration) -> Value {
    let person = about.person;
    let oid = object_id(person, about.tid);
    let now = about.now.unix_timestamp();
    let mut claims = json!({
        "aud": audience, "iss": format!("https://sts.windows.net/{}/", about.tid),
        "iat": now, "nbf": now, "exp": now + lifetime.as_secs().cast_signed(),
        "acr": "1", "appid": about.client_id, "appidacr": "0", "auth_time": about.signed_in.unix_timestamp(), "auth_ms": millis(about.signed_in),
        "idtyp": "user", "name": person.name, "oid": oid, "scp": scopes,
        "sub": pairwise(&oid, audience), "tid": about.tid,
        "unique_name": person.username, "uti": uti(), "ver": "1.0",
    });
    if !about.capabilities.is_empty() {
        claims["xms_cc"] = json!(about.capabilities);
    }
    if person.tid == about.tid {
        claims["upn"] = json!(person.username);
    } else {
        claims["idp"] = json!(format!("https://sts.windows.net/{}/", person.tid));
    }
    claims
}

/// Claims of an access token of an application that acts for itself.
#[must_use]
pub fn app_claims(app: &ServicePrincipal, audience: &str, now: OffsetDateTime, lifetime: Duration) -> Value {
    let now = now.unix_timestamp();
    let issuer = format!("https://sts.windows.net/{}/", app.tid);
    json!({
        "aud": audience, "iss": issuer, "idp": issuer, "iat": now, "nbf": now,
        "exp": now + lifetime.as_secs().cast_signed(), "appid": app.app_id, "appidacr": "1", "idtyp": "app",
        "oid": app.oid, "sub": app.oid, "tid": app.tid, "uti": uti(), "ver": "1.0",
    })
}

/// Claims of an ID token of version 2. `oid`, `name` and `preferred_username` come with the `profile` scope only.
#[must_use]
pub fn id_claims(about: &About<'_>, nonce: Option<&str>, profile: bool) -> Value {
    let person = about.person;
    let oid = object_id(person, about.tid);
    let now = about.now.unix_timestamp();
    let mut claims = json!({
        "ver": "2.0", "iss": format!("https://login.microsoftonline.com/{}/v2.0", about.tid),
        "aud": about.client_id, "iat": now, "nbf": now, "exp": now + 3900,
        "sub": pairwise(&oid, about.client_id), "tid": about.tid,
        "sid": uuid::Uuid::new_v4(), "uti": uti(), "rh": "1.sandbox.",
    });
    if profile {
        claims["oid"] = json!(oid);
        claims["name"] = json!(person.name);
        claims["preferred_username"] = json!(person.username);
    }
    if person.tid != about.tid {
        claims["idp"] = json!(format!("https://sts.windows.net/{}/", person.tid));
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    claims
}

/// A subject that differs from application to application.
fn pairwise(oid: &str, audience: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{oid}|{audience}").as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

fn uti() -> String {
    URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes())
}
