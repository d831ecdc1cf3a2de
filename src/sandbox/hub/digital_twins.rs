//! Digital twins: a device's twin as its Plug and Play model sees it.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::fault::{Answer, Fault};
use super::limits::Class;
use super::model::Identity;
use super::service::{Call, Right};
use crate::sandbox::wire;

/// `GET /digitaltwins/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::TWIN_READ)?;
    call.need_standard_tier()?;
    call.meter(Class::TwinRead, 1)?;
    call.look(|hub| {
        let identity = hub.identities.get(&id).ok_or_else(|| Fault::no_device(&id).of_twin())?;
        let mut response = wire::ok(&show(identity));
        if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", identity.twin.etag())) {
            response.headers_mut().insert("etag", etag);
        }
        Ok(response)
    })
}

/// `PATCH /digitaltwins/{id}`: a JSON patch of writable properties, which become desired properties.
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Right::TWIN_WRITE)?;
    call.need_standard_tier()?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| Fault::bad_request("The body is not JSON."))?;
    let operations = body.as_array().ok_or_else(|| Fault::bad_request("The body must be a JSON patch."))?;
    let patches = operations.iter().map(as_patch).collect::<Result<Vec<_>, _>>()?;
    call.meter(Class::TwinWrite, 1)?;
    let etag = call.hub(|hub| {
        let twin = &mut hub.identities.get_mut(&id).ok_or_else(|| Fault::no_device(&id).of_twin())?.twin;
        if call.if_match().is_some_and(|etag| !wire::etag_matches(etag, &twin.etag())) {
            return Err(Fault::precondition(&id).of_twin());
        }
        let mut changed = twin.clone();
        for desired in patches {
            let patch = json!({"properties": {"desired": desired}});
            changed.change(&patch, false, call.now).map_err(|why| Fault::bad_request(why).of_twin())?;
        }
        *twin = changed;
        Ok(twin.etag())
    })?;
    let mut response = wire::json(StatusCode::ACCEPTED, &Value::Null);
    for (name, value) in
        [("etag", format!("\"{etag}\"")), ("location", format!("https://{}/digitaltwins/{id}", call.host))]
    {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(wire::with_effect(response, "twin.updated", id))
}

/// One operation as a merge patch: `/a` is a property, `/c/a` one of a component.
fn as_patch(operation: &Value) -> Result<Value, Fault> {
    let wrong = || Fault::bad_request("A JSON patch adds, replaces or removes properties by path.");
    let path = operation["path"].as_str().and_then(|path| path.strip_prefix('/')).ok_or_else(wrong)?;
    let value = match operation["op"].as_str() {
        Some("add" | "replace") => operation.get("value").cloned().ok_or_else(wrong)?,
        Some("remove") => Value::Null,
        _ => return Err(wrong()),
    };
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [property] if !property.is_empty() => Ok(json!({ *property: value })),
        [component, property] => Ok(json!({ *component: {"__t": "c", *property: value} })),
        _ => Err(wrong()),
    }
}

fn show(identity: &Identity) -> Value {
    let (reported, desired) = (&identity.twin.reported.values, &identity.twin.desired.values);
    let mut shown = section(reported, desired);
    shown["$dtId"] = json!(identity.device_id);
    shown["$metadata"]["$model"] = json!(identity.model_id.as_deref().unwrap_or_default());
    let components = reported
        .keys()
        .chain(desired.keys())
        .filter(|name| is_component(reported, name) || is_component(desired, name));
    for name in components {
        let empty = Map::new();
        let of = |values: &'_ Map<String, Value>| values.get(name).and_then(Value::as_object).cloned();
        let (reported, desired) = (of(reported), of(desired));
        shown[name] = section(reported.as_ref().unwrap_or(&empty), desired.as_ref().unwrap_or(&empty));
    }
    shown
}

fn is_component(values: &Map<String, Value>, name: &str) -> bool {
    values.get(name).is_some_and(|value| value["__t"] == "c")
}

/// Properties with their values, and what is desired of them beside.
fn section(reported: &Map<String, Value>, desired: &Map<String, Value>) -> Value {
    let mut shown = json!({"$metadata": {}});
    for (name, value) in reported.iter().filter(|(name, value)| *name != "__t" && value["__t"] != "c") {
        shown[name] = value.get("value").cloned().unwrap_or_else(|| value.clone());
        shown["$metadata"][name] = json!({});
    }
    for (name, value) in desired.iter().filter(|(name, value)| *name != "__t" && value["__t"] != "c") {
        shown["$metadata"][name]["desiredValue"] = value.clone();
    }
    shown
}
