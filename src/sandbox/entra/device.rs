//! Signing in on another device: the device shows a code, the person enters it on a page, the device asks meanwhile.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Form, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::authorize::{check_service_principals, not_a_member, people};
use super::discovery::unknown_tenant;
use super::failure::{Failure, Traces};
use super::grants::Grant;
use super::issue::Issue;
use super::pages;
use super::registration::{Registration, SECRET_MISSING};
use super::request::{Parameters, scope_failure, unknown_client};
use super::scope::{ResourceKind, Scopes};
use super::tenant::Authority;
use super::token::{Request, read_form, required};
use crate::sandbox::options::Platform;
use crate::sandbox::state::Shared;

/// How long a code can be entered.
const LIFETIME: Duration = Duration::minutes(15);
/// How often the device may ask, in seconds.
const INTERVAL: u32 = 5;
/// User codes have no letters and digits that look alike.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A sign-in that a device waits for. `Debug` shows no codes.
#[derive(Clone)]
pub struct DeviceCode {
    user_code: String,
    authority: Authority,
    client_id: String,
    scope: String,
    issued: OffsetDateTime,
    progress: Progress,
}

#[derive(Debug, Clone)]
enum Progress {
    Pending,
    Declined,
    SignedIn(Box<Grant>),
    Redeemed,
}

impl std::fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceCode").field("progress", &self.progress).finish_non_exhaustive()
    }
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`
pub async fn begin(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = read_form(&headers, &body);
    match start(&shared, &tenant, &fields) {
        Ok(body) => Json(body).into_response(),
        Err(failure) => failure.into_token_response(shared.clock().now()),
    }
}

fn start(shared: &Shared, tenant: &str, fields: &Parameters) -> Result<Value, Failure> {
    let authority = shared.look(|world| Authority::parse(world, tenant)).ok_or_else(|| unknown_tenant(tenant))?;
    let client_id = required(fields, "client_id")?;
    let registration =
        Registration::find(shared.options(), client_id).ok_or_else(|| unknown_client(client_id, tenant))?;
    let scope = required(fields, "scope")?;
    registration.check_resources(client_id, &Scopes::parse(scope).map_err(scope_failure)?)?;
    let user_code = user_code();
    let device_code = shared.entra(|entra| {
        entra.add_device(DeviceCode {
            user_code: user_code.clone(),
            authority,
            client_id: client_id.to_owned(),
            scope: scope.to_owned(),
            issued: shared.clock().now(),
            progress: Progress::Pending,
        })
    });
    let page = format!("{}/common/oauth2/deviceauth", shared.sign_in_base());
    Ok(json!({
        "user_code": user_code, "device_code": device_code, "verification_uri": page,
        "expires_in": LIFETIME.whole_seconds(), "interval": INTERVAL,
        "message":
            format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."),
    }))
}

fn user_code() -> String {
    let drawn = uuid::Uuid::new_v4();
    // Bytes 6 and 8 of such an id are not all random.
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    drawn.as_bytes()[..4].iter().chain(&drawn.as_bytes()[9..14]).map(letter).collect()
}

/// `GET /{tenant}/oauth2/deviceauth`: the code is entered, then a person picked.
pub async fn ask(State(shared): State<Shared>, Query(parameters): Query<Parameters>) -> Response {
    let Some(entered) = parameters.get("otc") else { return pages::enter_code(false) };
    match find(&shared, entered) {
        Some((_, code)) => pages::picker(people(&shared, ""), format!("?otc={}", code.user_code)),
        None => pages::enter_code(true),
    }
}

/// `POST` of the page.
pub async fn answer(
    State(shared): State<Shared>,
    Query(parameters): Query<Parameters>,
    Form(form): Form<Parameters>,
) -> Response {
    let entered = parameters.get("otc").map_or("", String::as_str);
    let Some((device_code, code)) = find(&shared, entered) else { return pages::enter_code(true) };
    let (progress, text) = if form.get("decision").is_some_and(|decision| decision == "cancel") {
        (Progress::Declined, "The sign-in was declined.")
    } else {
        match sign_in(&shared, &code, form.get("person").map_or("", String::as_str)) {
            Ok(grant) => (Progress::SignedIn(Box::new(grant)), "You have signed in to the application on your device."),
            Err(failure) => return pages::failure(&failure.description(&Traces::new(shared.clock().now()))),
        }
    };
    shared.entra(|entra| {
        if let Some(code) = entra.devices.get_mut(&device_code) {
            code.progress = progress;
        }
    });
    pages::device_done(text)
}

/// The device that waits for this user code.
fn find(shared: &Shared, entered: &str) -> Option<(String, DeviceCode)> {
    let now = shared.clock().now();
    shared.peek_entra(|entra| {
        let waits = |code: &DeviceCode| matches!(code.progress, Progress::Pending) && now - code.issued <= LIFETIME;
        let mut devices = entra.devices.iter();
        devices
            .find(|(_, code)| waits(code) && code.user_code.eq_ignore_ascii_case(entered.trim()))
            .map(|(device_code, code)| (device_code.clone(), code.clone()))
    })
}

fn sign_in(shared: &Shared, code: &DeviceCode, picked: &str) -> Result<Grant, Failure> {
    let person = shared.look(|world| world.people.get(picked).cloned()).ok_or_else(|| {
        Failure::invalid_grant(50034, format!("The user account '{picked}' does not exist in the directory."))
    })?;
    let tid = code.authority.tenant_for(&person).ok_or_else(|| not_a_member(&person, code.authority.segment()))?;
    let scopes = Scopes::parse(&code.scope).map_err(scope_failure)?;
    let kinds: Vec<ResourceKind> = scopes.resources.iter().map(|asked| asked.kind).collect();
    check_service_principals(shared, &tid, &kinds)?;
    let now = shared.clock().now();
    Ok(Grant {
        oid: person.oid,
        tid,
        client_id: code.client_id.clone(),
        platform: Platform::Desktop,
        signed_in: now,
        issued: now,
    })
}

impl Request<'_> {
    /// `grant_type=urn:ietf:params:oauth:grant-type:device_code`
    ///
    /// # Errors
    /// `authorization_pending` until the person has decided; what else is wrong with the code or the request.
    pub fn redeem_device_code(&self) -> Result<Value, Failure> {
        if !self.registration.allows_public_flows() {
            return Err(Failure::invalid_client(7_000_218, SECRET_MISSING));
        }
        self.registration.check_client(Platform::Desktop, &self.presented)?;
        let value = required(self.fields, "device_code")?;
        // Looked at and marked under one lock, so that of two redemptions at once only one succeeds.
        let (code, grant) = self.shared.entra(|entra| {
            let code = entra.devices.get_mut(value).filter(|code| code.client_id == self.client_id);
            let code = code.ok_or_else(unknown_code)?;
            if self.now - code.issued > LIFETIME {
                let text = "The provided value for the input parameter 'device_code' is not valid. This device code \
                            has expired.";
                return Err(Failure::new("expired_token", 70020, text));
            }
            match std::mem::replace(&mut code.progress, Progress::Redeemed) {
                Progress::SignedIn(grant) => Ok((code.clone(), *grant)),
                Progress::Redeemed => Err(unknown_code()),
                unfinished => {
                    let failure = not_signed_in(&unfinished);
                    code.progress = unfinished;
                    Err(failure)
                }
            }
        })?;
        let scopes = Scopes::parse(&code.scope).map_err(scope_failure)?;
        let issue = Issue {
            grant: &grant,
            person: &self.person(&grant.oid)?,
            tid: &grant.tid,
            scopes: &scopes,
            nonce: None,
            capabilities: &self.claims.capabilities,
            refresh: scopes.offline,
            client_info: self.fields.contains_key("client_info"),
            now: self.now,
        };
        issue.tokens(self.shared)
    }
}

fn unknown_code() -> Failure {
    Failure::new(
        "bad_verification_code",
        70018,
        "The provided value for the input parameter 'device_code' is not valid.",
    )
}

fn not_signed_in(progress: &Progress) -> Failure {
    match progress {
        Progress::Declined => {
            Failure::new("authorization_declined", 65004, "User declined to consent to access the app.")
        }
        _ => Failure::new(
            "authorization_pending",
            70016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        ),
    }
}
