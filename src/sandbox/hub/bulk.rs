//! Bulk registry calls: at most 100 devices, each succeeding or failing by itself; the status tells whether any failed.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::limits::Class;
use super::service::{Call, Right};
use super::{identities, twins};
use crate::sandbox::device;
use crate::sandbox::options::BulkMetering;
use crate::sandbox::wire;
use crate::sandbox::world::Hub;

const MOST: usize = 100;

/// `POST /devices`
pub(super) async fn run(call: Call, body: Bytes) -> Answer {
    call.need(Right::REGISTRY_WRITE)?;
    let body = call.json(&body)?;
    let items = body.as_array().ok_or_else(|| Fault::bad_request("The body must be an array."))?;
    if items.is_empty() || items.len() > MOST {
        return Err(Fault::new(400, "TooManyDevices", 400_015, format!("A bulk call takes 1 to {MOST} devices.")));
    }
    let ids: BTreeSet<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
    if ids.len() != items.len() {
        return Err(Fault::bad_request("Every item needs an id, and each device may be there once."));
    }
    let cost = match call.shared.switches().bulk_metering {
        BulkMetering::PerDevice => u32::try_from(items.len()).unwrap_or(u32::MAX),
        BulkMetering::PerCall => 1,
    };
    call.meter(Class::Registry, cost)?;
    let mut errors = Vec::new();
    let mut effects = Vec::new();
    call.hub(|hub| {
        for item in items {
            let id = item["id"].as_str().unwrap_or_default();
            match one(&call, hub, id, item) {
                Ok(effect) => effects.push((effect, id)),
                Err(fault) => errors.push(json!({
                    "deviceId": id, "errorCode": fault.name, "errorStatus": fault.message, "moduleId": null,
                    "operation": item["importMode"].as_str().unwrap_or("create"),
                })),
            }
        }
        Ok(())
    })?;
    call.shared.world(|world| effects.iter().for_each(|(_, id)| device::reconcile(world, id, call.now)));
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut response =
        wire::json(status, &json!({"isSuccessful": errors.is_empty(), "errors": errors, "warnings": []}));
    for (effect, id) in effects {
        response = wire::with_effect(response, effect, id);
    }
    Ok(response)
}

fn one(call: &Call, hub: &mut Hub, id: &str, item: &Value) -> Result<&'static str, Fault> {
    let mode = item["importMode"].as_str().unwrap_or("create");
    if mode == "create" {
        if hub.identities.contains_key(id) {
            return Err(Fault::exists(id));
        }
        let mut identity = identities::create(call, id, item)?;
        identity.start_twin(item, call.now);
        hub.identities.insert(id.to_owned(), identity);
        return Ok("identity.created");
    }
    let identity = hub.identities.get_mut(id).ok_or_else(|| Fault::no_device(id))?;
    let matches =
        |field: &str, current: &str| item[field].as_str().is_some_and(|etag| wire::etag_matches(etag, current));
    let is_current = match mode {
        "updateIfMatchETag" | "deleteIfMatchETag" => matches("eTag", &identity.etag()),
        "updateTwinIfMatchETag" => matches("twinETag", &identity.twin_etag()),
        _ => true,
    };
    if !is_current {
        return Err(Fault::precondition(id));
    }
    match mode {
        "update" | "updateIfMatchETag" => identities::update(call, identity, item).map(|()| "identity.updated"),
        "updateTwin" | "updateTwinIfMatchETag" => twins::merge(identity, item, call.now).map(|()| "twin.updated"),
        "delete" | "deleteIfMatchETag" => {
            hub.identities.remove(id);
            Ok("identity.deleted")
        }
        other => Err(Fault::bad_request(format!("The import mode '{other}' is not possible here."))),
    }
}
