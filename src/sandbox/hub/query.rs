//! Queries over the devices of a hub, with paging by headers, and the counters made from them.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderValue;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::fault::{Answer, Fault};
use super::identity_json;
use super::limits::Class;
use super::model::Identity;
use super::query_language::{self, Query, Selection};
use super::service::{Call, Right};
use crate::sandbox::device::holds_connection;
use crate::sandbox::wire;
use crate::sandbox::world::World;

const MOST_ROWS: usize = 1000;
/// The index behind queries shows a new device only after a moment (measured: about 1.4 s).
const INDEX_LAG: Duration = Duration::from_millis(1400);

/// `POST /devices/query`
pub(super) async fn run(call: Call, body: Bytes) -> Answer {
    call.need(Right::TWIN_READ)?;
    let body = call.json(&body)?;
    let text = body["query"].as_str().ok_or_else(|| Fault::bad_request("The body needs a query."))?;
    let query =
        query_language::parse(text).map_err(|why| Fault::bad_request(format!("The query is not valid: {why}.")))?;
    let known = ["devices", "devices.modules", "devices.jobs"];
    if !known.contains(&query.from.as_str()) {
        return Err(Fault::bad_request(format!("One cannot query FROM {}.", query.from)));
    }
    let size = page_size(&call)?;
    let after = continuation(&call)?;
    call.meter(Class::Query, 1)?;
    let (rows, next) = call.shared.look(|world| rows(&call, world, &query, after.as_deref(), size));
    let item_type = match (&query.selection, query.from.as_str()) {
        (Selection::All, "devices") => "Twin",
        (Selection::All, "devices.jobs") => "DeviceJob",
        _ => "Raw",
    };
    let mut response = wire::ok(&Value::Array(rows));
    response.headers_mut().insert("x-ms-item-type", HeaderValue::from_static(item_type));
    if let Some(next) = next.and_then(|last| HeaderValue::from_str(&STANDARD.encode(format!("after:{last}"))).ok()) {
        response.headers_mut().insert("x-ms-continuation", next);
    }
    Ok(response)
}

fn page_size(call: &Call) -> Result<usize, Fault> {
    match wire::header_text(&call.headers, "x-ms-max-item-count").filter(|text| !text.is_empty()) {
        None => Ok(100),
        Some(text) => match text.parse::<i64>() {
            Ok(-1) => Ok(100),
            Ok(size @ 1..=1000) => Ok(usize::try_from(size).unwrap_or(MOST_ROWS)),
            _ => Err(Fault::bad_request("x-ms-max-item-count must be from 1 to 1000.")),
        },
    }
}

fn continuation(call: &Call) -> Result<Option<String>, Fault> {
    let Some(token) = wire::header_text(&call.headers, "x-ms-continuation").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(token).ok();
    let last = bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.strip_prefix("after:").map(str::to_owned));
    last.map(Some).ok_or_else(|| Fault::bad_request("x-ms-continuation is not valid."))
}

/// One page of rows and, if there are more, the last id on it.
fn rows(call: &Call, world: &World, query: &Query, after: Option<&str>, size: usize) -> (Vec<Value>, Option<String>) {
    let Some(hub) = world.hubs.get(&call.host).filter(|_| query.from == "devices") else { return (Vec::new(), None) };
    let connected =
        |identity: &Identity| holds_connection(world.devices.get(&identity.device_id), &call.host, identity);
    let matches = |identity: &&Identity| {
        identity.created + INDEX_LAG <= call.now
            && query.condition.as_ref().is_none_or(|condition| {
                let is_connected = connected(identity);
                condition.holds(&|path| identity_json::field(identity, is_connected, call.now, path))
            })
    };
    let named = query.condition.as_ref().and_then(|condition| condition.device_ids());
    let candidates: Box<dyn Iterator<Item = &Identity>> = match named {
        Some(mut ids) => {
            ids.sort_unstable();
            ids.dedup();
            Box::new(ids.into_iter().filter_map(|id| hub.identities.get(id)))
        }
        None => Box::new(hub.identities.values()),
    };
    let mut found = candidates
        .filter(matches)
        .take(query.top.unwrap_or(usize::MAX))
        .filter(|identity| after.is_none_or(|after| identity.device_id.as_str() > after));
    if let Selection::Count(name) = &query.selection {
        return (vec![json!({name: found.count()})], None);
    }
    let page: Vec<&Identity> = found.by_ref().take(size).collect();
    let next = page.last().filter(|_| found.next().is_some()).map(|last| last.device_id.clone());
    (page.into_iter().map(|identity| row(call, query, identity, connected(identity))).collect(), next)
}

fn row(call: &Call, query: &Query, identity: &Identity, is_connected: bool) -> Value {
    let Selection::Fields(fields) = &query.selection else {
        return identity_json::twin(identity, is_connected, call.now);
    };
    let field = |path: &str| identity_json::field(identity, is_connected, call.now, path);
    let pairs = fields.iter().map(|(path, name)| (name.rsplit('.').next().unwrap_or(name).to_owned(), field(path)));
    Value::Object(pairs.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
}

/// `GET /statistics/devices`
pub(super) async fn device_statistics(call: Call) -> Answer {
    call.need(Right::REGISTRY_COUNT)?;
    let (total, enabled) = call
        .look(|hub| Ok((hub.identities.len(), hub.identities.values().filter(|identity| identity.enabled).count())))?;
    Ok(wire::ok(
        &json!({"totalDeviceCount": total, "enabledDeviceCount": enabled, "disabledDeviceCount": total - enabled}),
    ))
}

/// `GET /statistics/service`
pub(super) async fn service_statistics(call: Call) -> Answer {
    call.need(Right::SERVICE_COUNT)?;
    let connected = call.shared.look(|world| {
        let identities = world.hubs.get(&call.host).map(|hub| hub.identities.values());
        identities
            .into_iter()
            .flatten()
            .filter(|identity| holds_connection(world.devices.get(&identity.device_id), &call.host, identity))
            .count()
    });
    Ok(wire::ok(&json!({"connectedDeviceCount": connected})))
}
