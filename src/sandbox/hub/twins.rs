//! Device twins: read, merge, replace.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::fault::{Answer, Fault};
use super::identity_json;
use super::limits::Class;
use super::model::Identity;
use super::service::{Call, Right};
use crate::sandbox::device::is_at_hub;
use crate::sandbox::wire;
use crate::sandbox::world::Moment;

const MOST_TAG_BYTES: usize = 8 * 1024;
const MOST_DESIRED_BYTES: usize = 32 * 1024;
const MOST_DEPTH: usize = 10;

/// `GET /twins/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::TWIN_READ)?;
    call.need_standard_tier()?;
    call.meter(Class::TwinRead, 1)?;
    shown(&call, &id).map(|twin| wire::ok(&twin))
}

/// `PATCH /twins/{id}`: `null` deletes a key.
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    change(&call, &id, &body, false)
}

/// `PUT /twins/{id}`: replaces tags and desired properties.
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    change(&call, &id, &body, true)
}

fn change(call: &Call, id: &str, body: &[u8], replace: bool) -> Answer {
    call.need(Right::TWIN_WRITE)?;
    call.need_standard_tier()?;
    let body = call.json(body)?;
    call.meter(Class::TwinWrite, 1)?;
    call.hub(|hub| {
        let identity = hub.identities.get_mut(id).ok_or_else(|| Fault::no_device(id).flat())?;
        if call.if_match().is_some_and(|etag| !wire::etag_matches(etag, &identity.twin_etag())) {
            return Err(Fault::precondition(id).flat());
        }
        let mut changed = identity.clone();
        if replace {
            changed.tags = json!({});
            changed.desired.values = Map::new();
        }
        merge(&mut changed, &body, call.now)?;
        *identity = changed;
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown(call, id)?), "twin.updated", id))
}

fn shown(call: &Call, id: &str) -> Result<Value, Fault> {
    call.shared.look(|world| {
        let identity = world
            .hubs
            .get(&call.host)
            .and_then(|hub| hub.identities.get(id))
            .ok_or_else(|| Fault::no_device(id).flat())?;
        Ok(identity_json::twin(identity, is_at_hub(world, &call.host, id), call.now))
    })
}

/// Merges tags and desired properties into a twin.
pub(super) fn merge(identity: &mut Identity, patch: &Value, now: Moment) -> Result<(), Fault> {
    let (mut tags, mut desired) = (identity.tags.clone(), Value::Object(identity.desired.values.clone()));
    if let Some(given) = patch.get("tags").filter(|given| !given.is_null()) {
        check_section(given, "tags")?;
        wire::merge_patch(&mut tags, given);
    }
    let given = patch.pointer("/properties/desired").filter(|given| !given.is_null());
    if let Some(given) = given {
        check_section(given, "properties.desired")?;
        wire::merge_patch(&mut desired, given);
    }
    let too_large = tags.to_string().len() > MOST_TAG_BYTES || desired.to_string().len() > MOST_DESIRED_BYTES;
    if too_large {
        return Err(Fault::bad_request("The twin would exceed its size limit.").flat());
    }
    identity.tags = tags;
    if given.is_some()
        && let Value::Object(mut values) = desired
    {
        values.retain(|name, _| !matches!(name.as_str(), "$metadata" | "$version"));
        identity.desired.values = values;
        identity.desired.version += 1;
        identity.desired.updated = now;
    }
    identity.twin_version += 1;
    Ok(())
}

fn check_section(section: &Value, name: &str) -> Result<(), Fault> {
    if !section.is_object() {
        return Err(Fault::bad_request(format!("{name} must be an object.")).flat());
    }
    check_keys(section, 0)
}

/// Keys have no `.`, `$` or space; sections of Azure's own that a client read and sent back are let through.
fn check_keys(value: &Value, depth: usize) -> Result<(), Fault> {
    let Value::Object(object) = value else { return Ok(()) };
    if depth >= MOST_DEPTH {
        return Err(Fault::bad_request("The twin is nested too deeply.").flat());
    }
    for (key, value) in object.iter().filter(|(key, _)| !matches!(key.as_str(), "$metadata" | "$version")) {
        if key.is_empty() || key.len() > 1024 || key.contains(['.', '$', ' ']) {
            return Err(Fault::bad_request(format!("'{key}' is not a valid key of a twin.")).flat());
        }
        check_keys(value, depth + 1)?;
    }
    Ok(())
}
