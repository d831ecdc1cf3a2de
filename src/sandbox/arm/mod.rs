//! The simulated Azure Resource Manager: tenants, subscriptions, the resources that matter to a migration, their keys,
//! and Resource Graph.

mod access;
mod certificates;
mod failure;
mod graph;
mod kql;
mod paging;
mod resources;
mod target;
mod versions;

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

use self::access::{Access, id_of};
use self::failure::Failure;
use self::target::{Address, Kind, Target};
use super::entra::tokens::{Audience, Bearer, verify_bearer};
use super::state::Shared;
use super::throttle::Rate;
use super::world::{Policy, World};

/// Reads per person and subscription.
const READS: Rate = Rate { amount: 25, per: Duration::from_secs(1), burst: 250 };
/// Writes and actions per person and subscription.
const WRITES: Rate = Rate { amount: 10, per: Duration::from_secs(1), burst: 200 };

/// All of `management.azure.com`. Paths are case-insensitive, so one handler takes them apart.
pub fn router(shared: Shared) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(State(shared): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = respond(&shared, &method, &uri, &headers, &body);
    let id = uuid::Uuid::new_v4().to_string();
    for name in ["x-ms-request-id", "x-ms-correlation-request-id"] {
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn respond(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    let bearer = match verify_bearer(shared, headers, Audience::Arm) {
        Ok(bearer) => bearer,
        Err(error) => return Failure::unauthorized(error).into_response(),
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
    if *method != (if action { Method::POST } else { Method::GET }) {
        return Failure::method_not_allowed(method).into_response();
    }
    if target == Target::Graph {
        return graph::query(shared, &bearer, body);
    }
    metered(shared, &bearer, &target, || {
        let switches = shared.switches();
        let asked = Asked {
            bearer: &bearer,
            path: uri.path(),
            query: &query,
            page_size: shared.options().arm_page_size,
            list_hubs: !switches.lists_omit_linked_hubs,
        };
        shared.look(|world| asked.answer(world, &target))
    })
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
            Target::Tenants => self.page(&tenants(world, &access, self.bearer)),
            Target::Subscriptions => self.page(&access.subscriptions().map(subscription).collect::<Vec<_>>()),
            Target::Subscription(id) => access.subscription(target, id).map(subscription),
            Target::ResourceGroups(id) => self.page(&resource_groups(world, &access, id)),
            Target::List { subscription, group, kind } => {
                self.list(world, &access, subscription, group.as_deref(), *kind)
            }
            Target::One(address) => {
                let found = find(world, &access, address, "read")?;
                Ok(found.body(world, true))
            }
            Target::Keys(address, name) => keys(world, &access, address, name.as_deref()),
            Target::Certificates(address, name) => {
                find(world, &access, address, "read")?;
                match name {
                    None => Ok(json!({ "value": [] })),
                    Some(name) => {
                        Err(Failure::not_found("ResourceNotFound", format!("The certificate '{name}' was not found.")))
                    }
                }
            }
            Target::Graph => Err(Failure::bad_request("BadRequest", "Resource Graph takes POST.")),
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
        if let Some(group) = group {
            let exists = |name: &str| name.eq_ignore_ascii_case(group);
            if !resources::all(world).any(|found| exists(&found.resource().resource_group)) {
                let message = format!("Resource group '{group}' could not be found.");
                return Err(Failure::not_found("ResourceGroupNotFound", message));
            }
        }
        let items: Vec<Value> = resources::all(world)
            .filter(|found| {
                found.kind() == kind
                    && found.resource().subscription.eq_ignore_ascii_case(subscription)
                    && group.is_none_or(|group| found.resource().resource_group.eq_ignore_ascii_case(group))
                    && access.may_read(&found.id())
            })
            .map(|found| found.body(world, self.list_hubs))
            .collect();
        self.page(&items)
    }
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
    resources::at(world, address).ok_or_else(|| {
        let message = format!(
            "The Resource '{type_name}/{}' under resource group '{}' was not found. For more details please go to \
             https://aka.ms/ARMResourceNotFoundFix",
            address.name, address.group
        );
        Failure::not_found("ResourceNotFound", message)
    })
}

fn keys(world: &World, access: &Access<'_>, address: &Address, name: Option<&str>) -> Result<Value, Failure> {
    let action = match (address.kind, name) {
        (Kind::Hub, Some(_)) => "iotHubKeys/listkeys/action",
        (_, Some(_)) => "keys/listkeys/action",
        (_, None) => "listkeys/action",
    };
    let found = find(world, access, address, action)?;
    let type_name = address.kind.type_name();
    let scope = id_of(found.resource(), type_name);
    if !access.may_list_keys(&scope) {
        return Err(access.refuse(&format!("{type_name}/{action}"), &scope));
    }
    match name {
        None => Ok(json!({ "value": found.policies().iter().map(key).collect::<Vec<_>>() })),
        Some(name) => found
            .policies()
            .iter()
            .find(|policy| policy.name.eq_ignore_ascii_case(name))
            .map(key)
            .ok_or_else(|| Failure::no_such_key(name)),
    }
}

fn key(policy: &Policy) -> Value {
    json!({
        "keyName": policy.name, "primaryKey": policy.primary, "secondaryKey": policy.secondary, "rights": policy.rights,
    })
}

/// The tenants that the person belongs to, whichever issued the token.
fn tenants(world: &World, access: &Access<'_>, bearer: &Bearer) -> Vec<Value> {
    let belongs = |id: &str| {
        id == bearer.tid || access.person().is_some_and(|person| person.tid == id || person.member_of.contains(id))
    };
    world
        .tenants
        .values()
        .filter(|tenant| belongs(&tenant.id))
        .map(|tenant| {
            json!({
                "id": format!("/tenants/{}", tenant.id), "tenantId": tenant.id, "countryCode": "DE",
                "displayName": tenant.display_name, "defaultDomain": tenant.default_domain,
                "domains": [tenant.default_domain], "tenantCategory": if tenant.id == bearer.tid { "Home" } else { "ProjectedBy" },
            })
        })
        .collect()
}

fn subscription(subscription: &super::world::Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id), "subscriptionId": subscription.id,
        "tenantId": subscription.tenant, "displayName": subscription.display_name, "state": subscription.state,
        "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionPolicies": {
            "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off", "locationPlacementId": "Public_2014-09-01",
        },
    })
}

fn resource_groups(world: &World, access: &Access<'_>, subscription: &str) -> Vec<Value> {
    let mut names: Vec<(&str, &str)> = resources::all(world)
        .filter(|found| {
            found.resource().subscription.eq_ignore_ascii_case(subscription) && access.may_read(&found.id())
        })
        .map(|found| (found.resource().resource_group.as_str(), found.resource().location.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup_by(|a, b| a.0.eq_ignore_ascii_case(b.0));
    let group = |(name, location): (&str, &str)| {
        json!({
            "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
            "type": "Microsoft.Resources/resourceGroups", "location": location,
            "properties": { "provisioningState": "Succeeded" },
        })
    };
    names.into_iter().map(group).collect()
}
