//! Resource Graph: one query over all that the caller may read.

use std::time::Duration;

use axum::Json;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Access;
use super::failure::Failure;
use super::kql::Query;
use super::paging;
use super::resources::{self, Found};
use crate::sandbox::entra::tokens::Bearer;
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Rate;

/// 15 queries per five seconds and person.
const QUOTA: Rate = Rate { amount: 15, per: Duration::from_secs(5), burst: 15 };

#[derive(Debug, Deserialize)]
struct Body {
    query: String,
    subscriptions: Option<Vec<String>>,
    #[serde(default)]
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(rename = "$top")]
    top: Option<usize>,
    #[serde(rename = "$skip")]
    skip: Option<usize>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
    #[serde(rename = "resultFormat")]
    result_format: Option<String>,
}

/// `POST /providers/Microsoft.ResourceGraph/resources`
pub fn query(shared: &Shared, bearer: &Bearer, body: &[u8]) -> Response {
    let scope = format!("graph/{}", bearer.oid);
    let mut response = match shared.throttles().take(&scope, 1, QUOTA) {
        Ok(()) => {
            answer(shared, bearer, body).map_or_else(IntoResponse::into_response, |body| Json(body).into_response())
        }
        Err(wait) => Failure::throttled("RateLimiting", wait).into_response(),
    };
    let left = shared.throttles().left(&scope, QUOTA);
    response.headers_mut().insert("x-ms-user-quota-remaining", HeaderValue::from(left));
    response.headers_mut().insert("x-ms-user-quota-resets-after", HeaderValue::from_static("00:00:05"));
    response
}

fn answer(shared: &Shared, bearer: &Bearer, body: &[u8]) -> Result<Value, Failure> {
    let refuse = |message: String| Failure::bad_request("BadRequest", message);
    let body: Body = serde_json::from_slice(body).map_err(|error| {
        refuse(format!("Please provide below info when asking for support: the request body is not valid: {error}"))
    })?;
    let query = Query::parse(&body.query).map_err(refuse)?;
    if body.options.result_format.as_deref().is_some_and(|format| !format.eq_ignore_ascii_case("objectArray")) {
        return Err(refuse("The sandbox answers with resultFormat 'objectArray' only.".to_owned()));
    }
    let top = body.options.top.unwrap_or(100);
    if !(1..=1000).contains(&top) {
        return Err(refuse("The value of $top must be between 1 and 1000.".to_owned()));
    }
    let from = match &body.options.skip_token {
        Some(token) => paging::decode(token).ok_or_else(|| refuse("The skip token is invalid.".to_owned()))?,
        None => body.options.skip.unwrap_or(0),
    };
    let linked_hubs = !shared.switches().lists_omit_linked_hubs;
    let rows = shared.look(|world| {
        let access = Access::new(world, bearer);
        let wanted = |id: &str| {
            body.subscriptions.as_ref().is_none_or(|asked| asked.iter().any(|one| one.eq_ignore_ascii_case(id)))
        };
        let visible: Vec<&str> = access.subscriptions().map(|one| one.id.as_str()).filter(|id| wanted(id)).collect();
        if visible.is_empty() && body.subscriptions.as_ref().is_some_and(|asked| !asked.is_empty()) {
            let message = "There must be at least one subscription that the caller has access to.";
            return Err(Failure::bad_request("NoValidSubscriptionsInQueryRequest", message));
        }
        let readable = resources::all(world)
            .filter(|found| visible.contains(&found.resource().subscription.as_str()) && access.may_read(&found.id()));
        Ok(readable.map(|found| row(found, found.body(world, linked_hubs), &bearer.tid)).collect())
    })?;
    Ok(page(&query, rows, from, top))
}

fn page(query: &Query, rows: Vec<Value>, from: usize, top: usize) -> Value {
    let found = query.run(rows);
    let until = found.len().min(from.saturating_add(top));
    let data = found.get(from..until).unwrap_or_default();
    let more = until < found.len();
    let mut answer = json!({
        "totalRecords": found.len(), "count": data.len(),
        "resultTruncated": if more && !query.projects_id() { "true" } else { "false" },
        "data": data, "facets": [],
    });
    // Without ids there is no stable order to go on from.
    if more && query.projects_id() {
        answer["$skipToken"] = json!(paging::encode(until));
    }
    answer
}

/// A row of the `resources` table: types in lower case, ids in whatever case Azure happens to have.
fn row(found: Found<'_>, body: Value, tenant: &str) -> Value {
    let resource = found.resource();
    let id = found.id();
    let id =
        if resource.name.len().is_multiple_of(2) { id.replace("/resourceGroups/", "/resourcegroups/") } else { id };
    json!({
        "id": id, "name": resource.name, "type": found.kind().type_name().to_ascii_lowercase(),
        "tenantId": tenant, "kind": "", "location": resource.location,
        "resourceGroup": resource.resource_group.to_ascii_lowercase(), "subscriptionId": resource.subscription,
        "managedBy": "", "sku": body["sku"], "plan": null, "properties": body["properties"],
        "tags": null, "identity": body["identity"], "zones": null,
    })
}
