//! From a request to the simulated service that answers it, by way of latency, faults and the call log.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use futures_util::stream::{self, StreamExt as _};
use hyper::body::Incoming;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use super::clock::SandboxClock;
use super::faults::{Action, Alteration, Altered, RuleHandle, Seen, When};
use super::hosts::Site;
use super::log::{Call, Caller, Effects, Service, redact_query};
use super::state::Shared;
use super::{arm, central, dps, entra, hub, routes, truth};

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault was ordered: the connection closes here")]
pub struct Cut;

/// All services. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    shared: Shared,
    entra: Router,
    arm: Router,
    central: Router,
    dps_service: Router,
    dps_device: Router,
    hub: Router,
    truth: Router,
}

impl Dispatcher {
    /// Builds every service's router once.
    #[must_use]
    pub fn new(shared: &Shared) -> Self {
        Self {
            shared: shared.clone(),
            entra: entra::router(shared.clone()),
            arm: arm::router(shared.clone()),
            central: central::router(shared.clone()),
            dps_service: dps::service_router(shared.clone()),
            dps_device: dps::device_router(shared.clone()),
            hub: hub::router(shared.clone()),
            truth: truth::router(shared.clone()),
        }
    }

    /// Answers a request that came for `host` through the proxy.
    pub async fn azure(&self, host: &str, site: Site, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let router = match site {
            Site::Entra => &self.entra,
            Site::Arm => &self.arm,
            Site::Central => &self.central,
            Site::DpsDevice => &self.dps_device,
            Site::DpsService => &self.dps_service,
            Site::Hub => &self.hub,
        };
        let mut request = request.map(Body::new);
        let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or(host);
        if !named.trim_end_matches(":443").eq_ignore_ascii_case(host) {
            return Ok(status(StatusCode::MISDIRECTED_REQUEST));
        }
        if let Ok(host) = HeaderValue::from_str(host) {
            request.headers_mut().insert(header::HOST, host);
        }
        routes::normalise(site, &mut request);
        self.call(host, site.service(request.uri().path()), router.clone(), request).await
    }

    /// Answers a request to the sandbox's own address. Other names that lead here are refused, so that no page of
    /// another site can reach it by rebinding its name.
    pub async fn local(&self, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let request = request.map(Body::new);
        let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let port = self.shared.sign_in_base().rsplit(':').next().unwrap_or_default();
        if host != format!("localhost:{port}") && host != format!("127.0.0.1:{port}") {
            return Ok(status(StatusCode::FORBIDDEN));
        }
        if matches!(request.uri().path().split('/').nth(1), Some("" | "truth" | "truth.json")) {
            return Ok(answer(self.truth.clone(), request).await);
        }
        self.call("localhost", Service::Entra, self.entra.clone(), request).await
    }

    async fn call(
        &self,
        host: &str,
        service: Service,
        router: Router,
        request: Request<Body>,
    ) -> Result<Response<Body>, Cut> {
        let shared = &self.shared;
        let call = describe(shared, host, service, &request);
        let struck =
            shared.faults().strike(&Seen { service, method: request.method(), host, path: request.uri().path() });
        shared.clock().sleep(shared.options().latency).await;
        if let Some((action, handle)) = &struck
            && let Some(outcome) = self.before(action, handle).await
        {
            let status = outcome.as_ref().map_or(0, |response| response.status().as_u16());
            shared.log().record(Call { status, throttled: status == 429, ..call });
            return outcome;
        }
        let response = self.perform(router, request, call).await?;
        match struck {
            Some((action, handle)) => self.after(&action, &handle, response).await,
            None => Ok(response),
        }
    }

    /// Runs the handler to its end even if the caller hangs up meanwhile, as a real service would.
    async fn perform(&self, router: Router, request: Request<Body>, call: Call) -> Result<Response<Body>, Cut> {
        let (done, answered) = oneshot::channel();
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            let mut response = answer(router, request).await;
            let effects = response.extensions_mut().remove::<Effects>().unwrap_or_default().0;
            let status = response.status().as_u16();
            shared.log().record(Call { status, throttled: status == 429, effects, ..call });
            stamp(&mut response, shared.clock().now());
            // The caller may have hung up; what happened, happened.
            let _ = done.send(response);
        });
        answered.await.map_err(|_| Cut)
    }

    /// What a fault does before the effect; `Some` ends the request.
    async fn before(&self, action: &Action, handle: &RuleHandle) -> Option<Result<Response<Body>, Cut>> {
        match action {
            Action::Truncate | Action::DropAfter | Action::Alter(_) | Action::Hold { when: When::After } => {
                return None;
            }
            _ => handle.mark_struck(),
        }
        match action {
            Action::Status { code, headers, body } => Some(Ok(ordered(*code, headers, body))),
            Action::Html => {
                let page =
                    "<!doctype html><html><head><title>Sign in to the network</title></head><body></body></html>";
                let mut response = Response::new(Body::from(page));
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                Some(Ok(response))
            }
            Action::DropBefore => Some(Err(Cut)),
            Action::Delay(duration) => {
                self.shared.clock().sleep(*duration).await;
                None
            }
            Action::Hold { .. } => {
                handle.released().await;
                None
            }
            Action::Truncate | Action::DropAfter | Action::Alter(_) => None,
        }
    }

    /// What a fault does to the answer.
    async fn after(
        &self,
        action: &Action,
        handle: &RuleHandle,
        response: Response<Body>,
    ) -> Result<Response<Body>, Cut> {
        match action {
            Action::DropAfter => {
                handle.mark_struck();
                Err(Cut)
            }
            Action::Truncate => {
                handle.mark_struck();
                Ok(halved(response).await)
            }
            Action::Alter(change) => {
                handle.mark_struck();
                Ok(altered(response, change).await)
            }
            Action::Hold { when: When::After } => {
                handle.mark_struck();
                handle.released().await;
                Ok(response)
            }
            _ => Ok(response),
        }
    }
}

async fn answer(router: Router, request: Request<Body>) -> Response<Body> {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn describe(shared: &Shared, host: &str, service: Service, request: &Request<Body>) -> Call {
    Call {
        seq: 0,
        at: shared.clock().now(),
        service,
        host: host.to_owned(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: redact_query(request.uri().query().unwrap_or_default()),
        caller: caller(shared, request.headers()),
        status: 0,
        throttled: false,
        effects: Vec::new(),
    }
}

/// Who the credential names; the services check whether it is true. People are named by the object id of their home.
fn caller(shared: &Shared, headers: &HeaderMap) -> Caller {
    if let Some(claims) = entra::tokens::bearer_token(headers).and_then(entra::unverified_claims) {
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let (oid, tid) = (text("oid"), text("tid"));
        return Caller::Person { oid: shared.look(|world| entra::home_id(world, &oid, &tid)), tid };
    }
    let signature = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("SharedAccessSignature "));
    let Some(signature) = signature else { return Caller::Nobody };
    let field = |name: &str| {
        url::form_urlencoded::parse(signature.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let resource = field("sr").unwrap_or_default();
    let device = ["/devices/", "/registrations/"].iter().find_map(|part| resource.split_once(part));
    match (device, field("skn")) {
        (Some((_, id)), _) => Caller::Device { id: id.to_owned() },
        (None, Some(name)) => Caller::Policy { name },
        (None, None) => Caller::Nobody,
    }
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

fn ordered(code: StatusCode, headers: &HeaderMap, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

async fn altered(response: Response<Body>, change: &Alteration) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    let mut answer = Altered { status: parts.status, headers: parts.headers, body };
    change.apply(&mut answer);
    let body = if answer.body.is_null() { Body::empty() } else { Body::from(answer.body.to_string()) };
    let mut response = Response::new(body);
    answer.headers.remove(header::CONTENT_LENGTH);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// The answer announces its full length and breaks off in the middle.
async fn halved(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len().max(1)));
    let half = bytes.slice(..bytes.len() / 2);
    let broken = stream::once(async {
        // hyper sends what it has while the body is pending; an error at once would take the first half with it.
        SandboxClock::real_sleep(Duration::from_millis(10)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    let pieces = stream::once(async { Ok(half) }).chain(broken);
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// `Date` in sandbox time: clients compare it with their own clock.
fn stamp(response: &mut Response<Body>, now: OffsetDateTime) {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let date = now.format(format).ok().and_then(|date| HeaderValue::from_str(&date).ok());
    if let Some(date) = date {
        response.headers_mut().entry(header::DATE).or_insert(date);
    }
}
