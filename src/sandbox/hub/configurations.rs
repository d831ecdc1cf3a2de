//! Automatic device management configurations, kept as they are given: the sandbox applies none of them.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::limits::Class;
use super::service::{Call, Right};
use crate::sandbox::wire;
use crate::sandbox::world::Moment;

/// The most configurations of a hub on a standard tier.
const MOST: usize = 100;
/// What a client may set; the rest is the hub's.
const FIELDS: [&str; 6] = ["schemaVersion", "labels", "content", "targetCondition", "priority", "metrics"];

/// A configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Configuration {
    /// The fields that a client may set.
    given: serde_json::Map<String, Value>,
    created: Moment,
    updated: Moment,
    version: u64,
}

impl Configuration {
    fn etag(&self) -> String {
        super::model::encode(&self.version.to_string())
    }

    fn show(&self, id: &str) -> Value {
        let mut shown = json!({
            "id": id, "schemaVersion": "1.0", "labels": {}, "content": {}, "targetCondition": "", "priority": 0,
            "createdTimeUtc": wire::iso(self.created), "lastUpdatedTimeUtc": wire::iso(self.updated),
            "systemMetrics": {"results": {"targetedCount": 0, "appliedCount": 0}, "queries": {}},
            "metrics": {"results": {}, "queries": {}}, "etag": self.etag(),
        });
        for (name, value) in &self.given {
            shown[name] = value.clone();
        }
        // Results are the hub's, whatever a client sends along with its queries.
        if let Some(metrics) = shown["metrics"].as_object_mut() {
            metrics.entry("results").or_insert_with(|| json!({}));
            metrics.entry("queries").or_insert_with(|| json!({}));
        }
        shown
    }
}

/// `GET /configurations?top=n`
pub(super) async fn list(call: Call, uri: Uri) -> Answer {
    call.need(Right::CONFIGURATION_READ)?;
    call.need_standard_tier()?;
    call.meter(Class::Registry, 1)?;
    let top = wire::param(&uri, "top").and_then(|top| top.parse().ok()).unwrap_or(20);
    call.look(|hub| Ok(wire::ok(&hub.configurations.iter().take(top).map(|(id, one)| one.show(id)).collect::<Value>())))
}

/// `GET /configurations/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::CONFIGURATION_READ)?;
    call.need_standard_tier()?;
    call.meter(Class::Registry, 1)?;
    call.look(|hub| Ok(wire::ok(&hub.configurations.get(&id).ok_or_else(|| missing(&id))?.show(&id))))
}

/// `PUT /configurations/{id}`: creates without `If-Match`, updates with it.
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Right::CONFIGURATION_WRITE)?;
    call.need_standard_tier()?;
    let body = call.json(&body)?;
    if body["id"].as_str() != Some(&id) {
        return Err(Fault::bad_request("id in the body must equal the one in the path."));
    }
    if !is_configuration_id(&id) {
        return Err(Fault::bad_request(format!("'{id}' is not a valid configuration id.")));
    }
    call.meter(Class::Registry, 1)?;
    let given = FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), body.get(*name)?.clone()))).collect();
    let shown = call.hub(|hub| {
        let known = hub.configurations.get(&id);
        match (known, call.if_match()) {
            (Some(_), None) => {
                return Err(Fault::new(409, "ConfigurationAlreadyExists", 409_000, id.clone()));
            }
            (None, Some(_)) => return Err(missing(&id)),
            (Some(known), Some(etag)) if !wire::etag_matches(etag, &known.etag()) => {
                return Err(Fault::precondition(&id));
            }
            (None, None) if hub.configurations.len() >= MOST => {
                let message = format!("A hub takes {MOST} configurations at most.");
                return Err(Fault::new(403, "ConfigurationCountLimitExceeded", 403_000, message));
            }
            _ => {}
        }
        let (created, version) = known.map_or((call.now, 1), |known| (known.created, known.version + 1));
        let fresh = Configuration { given, created, updated: call.now, version };
        let shown = fresh.show(&id);
        hub.configurations.insert(id.clone(), fresh);
        Ok(shown)
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "configuration.stored", id))
}

/// `DELETE /configurations/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::CONFIGURATION_DELETE)?;
    call.need_standard_tier()?;
    call.meter(Class::Registry, 1)?;
    call.hub(|hub| {
        let known = hub.configurations.get(&id).ok_or_else(|| missing(&id))?;
        if call.if_match().is_some_and(|etag| !wire::etag_matches(etag, &known.etag())) {
            return Err(Fault::precondition(&id));
        }
        hub.configurations.remove(&id);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "configuration.deleted", id))
}

fn missing(id: &str) -> Fault {
    Fault::new(404, "ConfigurationNotFound", 404_012, id)
}

/// Lower-case letters, digits and some signs, at most 128.
fn is_configuration_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-+%_*!'".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(allowed)
}
