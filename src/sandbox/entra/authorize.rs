//! The interactive leg: the authorize request, the page on which a person is picked, consent, and sign-out.

use axum::extract::{Form, Path, Query, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use super::failure::{Failure, Traces};
use super::grants::{Code, Grant};
use super::pages;
use super::registration::Registration;
use super::request::{Parameters, Refused, Request};
use super::scope::ResourceKind;
use crate::sandbox::options::Platform;
use crate::sandbox::state::Shared;
use crate::sandbox::world::Person;

/// `GET /{tenant}/oauth2/v2.0/authorize`: the page on which a person is picked.
pub async fn ask(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(parameters): Query<Parameters>,
    RawQuery(query): RawQuery,
) -> Response {
    match Request::read(&shared, &tenant, &parameters) {
        Ok(request) => picker(&shared, &request, &query.unwrap_or_default()),
        Err(refused) => refuse(&shared, refused, &parameters),
    }
}

fn picker(shared: &Shared, request: &Request, query: &str) -> Response {
    let hint = request.parameter("login_hint").unwrap_or_default();
    pages::picker(people(shared, hint), format!("?{query}"))
}

/// Everybody who can be picked, whoever is hinted at first.
pub fn people(shared: &Shared, hint: &str) -> Vec<pages::Choice> {
    let mut people = shared.look(|world| {
        let tenant_name = |id: &str| world.tenants.get(id).map_or_else(String::new, |t| t.display_name.clone());
        world
            .people
            .values()
            .map(|person| pages::Choice::new(person, tenant_name(&person.tid), hint))
            .collect::<Vec<_>>()
    });
    people.sort_by(|a, b| b.suggested.cmp(&a.suggested).then_with(|| a.name.cmp(&b.name)));
    people
}

/// `POST` of the page: a person was picked, consented, or cancelled.
pub async fn answer(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    Query(parameters): Query<Parameters>,
    RawQuery(query): RawQuery,
    Form(form): Form<Parameters>,
) -> Response {
    let request = match Request::read(&shared, &tenant, &parameters) {
        Ok(request) => request,
        Err(refused) => return refuse(&shared, refused, &parameters),
    };
    let decision = form.get("decision").map_or("", String::as_str);
    if decision == "cancel" {
        let text = "User declined to consent to access the app.";
        return refuse(&shared, Refused::Redirect(Failure::new("access_denied", 65004, text)), &parameters);
    }
    let picked = form.get("person").map_or("", String::as_str);
    let Some(person) = shared.look(|world| world.people.get(picked).cloned()) else {
        let text = format!("The user account '{picked}' does not exist in the directory.");
        return refuse(&shared, Refused::Page(Failure::invalid_grant(50034, text)), &parameters);
    };
    match sign_in(&shared, &request, &person, decision == "accept") {
        Ok(SignedIn::Code(code)) => succeed(&request, &code),
        Ok(SignedIn::ConsentNeeded(resources)) => {
            pages::consent(&person, &resources, format!("?{}", query.unwrap_or_default()))
        }
        Err(refused) => refuse(&shared, refused, &parameters),
    }
}

/// AADSTS9002325.
pub const PKCE_MISSING: &str =
    "Proof Key for Code Exchange is required for cross-origin authorization code redemption.";

enum SignedIn {
    Code(String),
    ConsentNeeded(Vec<ResourceKind>),
}

fn sign_in(shared: &Shared, request: &Request, person: &Person, accepted: bool) -> Result<SignedIn, Refused> {
    // Only now, since Entra has the person pick the account first.
    if request.platform == Platform::Spa && request.parameter("code_challenge").is_none() {
        return Err(Refused::Redirect(Failure::invalid_request(9_002_325, PKCE_MISSING)));
    }
    let tid =
        request.authority.tenant_for(person).ok_or_else(|| Refused::Page(not_a_member(person, &request.tenant)))?;
    let kinds: Vec<ResourceKind> = request.scopes.resources.iter().map(|asked| asked.kind).collect();
    check_service_principals(shared, &tid, &kinds).map_err(Refused::Redirect)?;
    let now = shared.clock().now();
    let forced = request.parameter("prompt") == Some("consent");
    shared.entra(|entra| {
        let missing: Vec<ResourceKind> = kinds
            .iter()
            .copied()
            .filter(|kind| forced || entra.unconsented.contains(&(person.oid.clone(), *kind)))
            .collect();
        if !missing.is_empty() && !accepted {
            return Ok(SignedIn::ConsentNeeded(missing));
        }
        for kind in missing {
            entra.unconsented.remove(&(person.oid.clone(), kind));
        }
        let grant = Grant {
            oid: person.oid.clone(),
            tid,
            client_id: request.client_id.clone(),
            platform: request.platform,
            signed_in: now,
            issued: now,
        };
        let own = |name: &str| request.parameter(name).map(str::to_owned);
        // A plain challenge is kept marked, so that the verifier is compared as it is.
        let challenge = own("code_challenge").map(|challenge| match request.parameter("code_challenge_method") {
            Some("S256") => challenge,
            _ => format!("plain:{challenge}"),
        });
        Ok(SignedIn::Code(entra.add_code(Code {
            authority: request.authority.clone(),
            grant,
            redirect_uri: request.redirect_uri.clone(),
            challenge,
            nonce: own("nonce"),
            scope: own("scope").unwrap_or_default(),
            capabilities: request.claims.capabilities.clone(),
            redeemed: false,
        })))
    })
}

/// AADSTS650052 where the tenant does not know IoT Central.
pub fn check_service_principals(shared: &Shared, tid: &str, kinds: &[ResourceKind]) -> Result<(), Failure> {
    let knows = shared.look(|world| world.tenants.get(tid).is_none_or(|tenant| tenant.knows_iot_central));
    if knows || !kinds.contains(&ResourceKind::Central) {
        return Ok(());
    }
    Err(Failure::invalid_client(
        650_052,
        format!(
            "The app is trying to access a service '9edfcdd9-0bc5-4bd4-b287-c3afc716aac7'(Azure IoT Central) that your \
             organization '{tid}' lacks a service principal for. Contact your IT Admin to review the configuration of \
             your service subscriptions or consent to the application in order to create the required service principal."
        ),
    ))
}

/// AADSTS50020.
pub fn not_a_member(person: &Person, tenant: &str) -> Failure {
    Failure::invalid_grant(
        50020,
        format!(
            "User account '{}' from identity provider 'https://sts.windows.net/{}/' does not exist in tenant '{tenant}' \
             and cannot access the application in that tenant. The account needs to be added as an external user in \
             the tenant first.",
            person.username, person.tid
        ),
    )
}

fn succeed(request: &Request, code: &str) -> Response {
    let session = uuid::Uuid::new_v4().to_string();
    let mut answer = vec![("code", code.to_owned())];
    if let Some(state) = request.parameters.get("state") {
        answer.push(("state", state.clone()));
    }
    answer.push(("session_state", session));
    send_back(&request.parameters, &answer)
}

fn refuse(shared: &Shared, refused: Refused, parameters: &Parameters) -> Response {
    let traces = Traces::new(shared.clock().now());
    match refused {
        Refused::Page(failure) => pages::failure(&failure.description(&traces)),
        Refused::Redirect(failure) => {
            let mut answer = vec![
                ("error", failure.error.to_owned()),
                ("error_description", failure.description(&traces)),
                ("error_uri", format!("https://login.microsoftonline.com/error?code={}", failure.code)),
            ];
            if let Some(state) = parameters.get("state") {
                answer.push(("state", state.clone()));
            }
            send_back(parameters, &answer)
        }
    }
}

/// Sends the browser back to the redirect URI, which has been found registered, in the response mode asked for.
fn send_back(parameters: &Parameters, answer: &[(&str, String)]) -> Response {
    let target = parameters.get("redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let Some(mut target) = target else { return StatusCode::BAD_REQUEST.into_response() };
    match parameters.get("response_mode").map(String::as_str) {
        Some("form_post") => return pages::form_post(target.as_str(), answer),
        Some("fragment") => {
            let fragment = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
            target.set_fragment(Some(&fragment));
        }
        _ => {
            target.query_pairs_mut().extend_pairs(answer);
        }
    }
    (StatusCode::FOUND, [(header::LOCATION, target.to_string()), (header::CACHE_CONTROL, "no-store".to_owned())])
        .into_response()
}

/// `GET /{tenant}/oauth2/v2.0/logout`: goes back only to a registered redirect URI.
pub async fn logout(State(shared): State<Shared>, Query(parameters): Query<Parameters>) -> Response {
    let registration = Registration::find(shared.options(), crate::sandbox::options::DEFAULT_CLIENT_ID).or_else(|| {
        shared.options().client_id.as_deref().and_then(|client_id| Registration::find(shared.options(), client_id))
    });
    let back = parameters
        .get("post_logout_redirect_uri")
        .filter(|uri| registration.is_some_and(|registration| registration.platform_of(uri).is_some()))
        .and_then(|uri| Url::parse(uri).ok());
    match back {
        Some(back) => (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response(),
        None => pages::signed_out(),
    }
}
