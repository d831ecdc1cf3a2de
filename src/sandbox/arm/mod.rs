//! The simulated Azure Resource Manager: tenants, subscriptions, the resources that matter to a migration, their keys,
//! and Resource Graph.

mod access;
mod certificates;
mod containers;
mod failure;
mod filter;
mod graph;
mod keys;
mod kql;
mod paging;
mod resources;
mod target;
mod versions;

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

use self::access::Access;
use self::failure::Failure;
use self::filter::Filter;
use self::target::{Address, Kind, Target};
use super::entra::tokens::{Audience, Bearer, verify_bearer};
use super::state::Shared;
use super::throttle::Rate;
use super::world::World;

/// Reads per person and subscription.
const READS: Rate = Rate { amount: 25, per: Duration::from_secs(1), burst: 250 };
/// Writes and actions per person and subscription.
const WRITES: Rate = Rate { amount: 10, per: Duration::from_secs(1), burst: 200 };

/// All of `management.azure.com`. Paths are case-insensitive, so one handler takes them apart.
pub fn router(shared: Shared) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(State(shared): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = match method {
        // A browser asks without a token whether it may send one.
        Method::OPTIONS => preflight(&headers),
        _ => respond(&shared, &method, &uri, &headers, &body),
    };
    if headers.contains_key(header::ORIGIN) {
        let all = HeaderValue::from_static("*");
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, all.clone());
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, all);
    }
    let id = uuid::Uuid::new_v4().to_string();
    for name in ["x-ms-request-id", "x-ms-correlation-request-id"] {
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn preflight(headers: &HeaderMap) -> Response {
    let mut response = StatusCode::OK.into_response();
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let allowed = HeaderValue::from_static("GET,HEAD,PUT,POST,PATCH,DELETE,OPTIONS");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_METHODS, allowed);
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or_else(|| HeaderValue::from_static("*")));
    response.headers_mut().insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

fn respond(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    let bearer = match verify_bearer(shared, headers, Audience::Arm) {
        Ok(bearer) => bearer,
        Err(error) => {
            let tenant = shared.look(|world| tenant_of(world, uri.path()));
            return Failure::unauthorized(error, tenant.as_deref()).into_response();
        }
    };
    if let Some(answer) = certificates::respond(shared, &bearer, method, uri, headers, body) {
        return answer;
    }
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let version =
        query.iter().find(|(key, _)| key.eq_ignore_ascii_case("api-version")).map(|(_, value)| value.as_str());
    let today = shared.clock().now().date();
    let target =
        match Target::parse(uri.path()).and_then(|target| versions::check(&target, version, today).map(|()| target)) {
            Ok(target) => target,
            Err(failure) => return failure.into_response(),
        };
    let action = matches!(target, Target::Keys(..) | Target::Graph);
    let allowed = if action { *method == Method::POST } else { matches!(*method, Method::GET | Method::HEAD) };
    if !allowed {
        return Failure::method_not_allowed(method).into_response();
    }
    if target == Target::Graph {
        return graph::query(shared, &bearer, version.unwrap_or_default(), body);
    }
    let mut response = metered(shared, &bearer, &target, || {
        let switches = shared.switches();
        let asked = Asked {
            bearer: &bearer,
            path: uri.path(),
            query: &query,
            page_size: shared.options().arm_page_size,
            list_hubs: !switches.lists_omit_linked_hubs,
        };
        shared.look(|world| asked.answer(world, &target))
    });
    // Whether something exists is told without a body.
    if *method == Method::HEAD && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.body_mut() = axum::body::Body::empty();
    }
    response
}

/// The tenant of the subscription that a path is under.
fn tenant_of(world: &World, path: &str) -> Option<String> {
    let target = Target::parse(path).ok()?;
    let id = target.subscription()?;
    let found = world.subscriptions.values().find(|subscription| subscription.id.eq_ignore_ascii_case(id));
    found.map(|subscription| subscription.tenant.clone())
}

/// Answers if the caller's bucket has something left, and tells in a header what is left.
fn metered(
    shared: &Shared,
    bearer: &Bearer,
    target: &Target,
    answer: impl FnOnce() -> Result<Value, Failure>,
) -> Response {
    let (rate, word) = if matches!(target, Target::Keys(..)) { (WRITES, "writes") } else { (READS, "reads") };
    let (level, place) = match target.subscription() {
        Some(id) => ("subscription", id.to_ascii_lowercase()),
        None => ("tenant", bearer.tid.clone()),
    };
    let scope = format!("arm/{}/{place}/{word}", bearer.oid);
    let code = if level == "subscription" { "SubscriptionRequestsThrottled" } else { "TooManyRequests" };
    let outcome = match shared.throttles().take(&scope, 1, rate) {
        Ok(()) => answer(),
        Err(wait) => Err(Failure::throttled(code, wait)),
    };
    let mut response = outcome.map_or_else(IntoResponse::into_response, |body| Json(body).into_response());
    if let Ok(name) = HeaderName::try_from(format!("x-ms-ratelimit-remaining-{level}-{word}")) {
        response.headers_mut().insert(name, HeaderValue::from(shared.throttles().left(&scope, rate)));
    }
    response
}

/// A request that has passed authentication.
#[derive(Debug)]
struct Asked<'a> {
    bearer: &'a Bearer,
    path: &'a str,
    query: &'a [(String, String)],
    page_size: usize,
    list_hubs: bool,
}

impl Asked<'_> {
    fn answer(&self, world: &World, target: &Target) -> Result<Value, Failure> {
        let access = Access::new(world, self.bearer);
        if let Some(id) = target.subscription() {
            access.subscription(target, id)?;
        }
        match target {
            Target::Tenants => self.page(&containers::tenants(world, &access, self.bearer)),
            Target::Subscriptions => {
                self.page(&access.subscriptions().map(containers::subscription).collect::<Vec<_>>())
            }
            Target::Subscription(id) => access.subscription(target, id).map(containers::subscription),
            Target::ResourceGroups(id) => self.page(&containers::groups(world, &access, id)),
            Target::ResourceGroup(id, name) => containers::group(world, &access, id, name),
            Target::Locations(id) => Ok(json!({ "value": containers::locations(id) })),
            Target::Providers(id, None) => self.page(&containers::providers(id)),
            Target::Providers(id, Some(name)) => Ok(containers::provider(id, name)),
            Target::Resources { subscription, group } => self.resources(world, &access, subscription, group.as_deref()),
            Target::Foreign { subscription, group, path, single } => {
                group.as_deref().map_or(Ok(()), |group| containers::check_group(world, subscription, group))?;
                if *single { Err(not_there(path, group.as_deref().unwrap_or_default())) } else { self.page(&[]) }
            }
            Target::List { subscription, group, kind } => {
                self.list(world, &access, subscription, group.as_deref(), *kind)
            }
            Target::One(address) => {
                let found = find(world, &access, address, "read")?;
                Ok(found.body(world, true))
            }
            Target::Keys(address, name) => keys::list(world, &access, address, name.as_deref()),
            // Both have been answered before it comes to this.
            Target::Graph | Target::Certificates(..) => Err(Failure::bad_request("BadRequest", "No such read.")),
        }
    }

    fn page(&self, items: &[Value]) -> Result<Value, Failure> {
        paging::page(items, self.path, self.query, self.page_size)
    }

    fn list(
        &self,
        world: &World,
        access: &Access<'_>,
        subscription: &str,
        group: Option<&str>,
        kind: Kind,
    ) -> Result<Value, Failure> {
        let found = readable(world, access, subscription, group)?;
        let of_kind = found.into_iter().filter(|found| found.kind() == kind);
        self.page(&of_kind.map(|found| found.body(world, self.list_hubs)).collect::<Vec<_>>())
    }

    /// Resources of all types, without what is their provider's own to tell.
    fn resources(
        &self,
        world: &World,
        access: &Access<'_>,
        subscription: &str,
        group: Option<&str>,
    ) -> Result<Value, Failure> {
        let parameter = |name: &str| self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let filter = parameter("$filter").map(|(_, text)| Filter::parse(text)).transpose()?;
        let found = readable(world, access, subscription, group)?.into_iter().map(resources::Found::outline);
        self.page(&found.filter(|one| filter.as_ref().is_none_or(|filter| filter.passes(one))).collect::<Vec<_>>())
    }
}

/// The resources of a subscription, or of one of its groups, that the caller may read.
fn readable<'a>(
    world: &'a World,
    access: &Access<'_>,
    subscription: &str,
    group: Option<&str>,
) -> Result<Vec<resources::Found<'a>>, Failure> {
    group.map_or(Ok(()), |group| containers::check_group(world, subscription, group))?;
    let wanted = |found: &resources::Found<'_>| {
        found.resource().subscription.eq_ignore_ascii_case(subscription)
            && group.is_none_or(|group| found.resource().resource_group.eq_ignore_ascii_case(group))
            && access.may_read(&found.id())
    };
    Ok(resources::all(world).filter(wanted).collect())
}

fn find<'a>(
    world: &'a World,
    access: &Access<'_>,
    address: &Address,
    action: &str,
) -> Result<resources::Found<'a>, Failure> {
    let type_name = address.kind.type_name();
    let scope = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/{type_name}/{}",
        address.subscription, address.group, address.name
    );
    if !access.may_read(&scope) {
        return Err(access.refuse(&format!("{type_name}/{action}"), &scope));
    }
    containers::check_group(world, &address.subscription, &address.group)?;
    resources::at(world, address).ok_or_else(|| not_there(&format!("{type_name}/{}", address.name), &address.group))
}

fn not_there(path: &str, group: &str) -> Failure {
    let message = format!(
        "The Resource '{path}' under resource group '{group}' was not found. For more details please go to \
         https://aka.ms/ARMResourceNotFoundFix"
    );
    Failure::not_found("ResourceNotFound", message)
}
