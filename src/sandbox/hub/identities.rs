//! The identity registry, one device at a time. Every call counts against the registry's throttle.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::Uri;
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::identity_json::{self, apply, is_device_id, minted, parse_authentication};
use super::limits::Class;
use super::model::Identity;
use super::service::{Call, Right};
use crate::sandbox::device::{reconcile, sight_of};
use crate::sandbox::wire;
use crate::sandbox::world::World;

const MOST_LISTED: usize = 1000;

/// `GET /devices/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::REGISTRY_READ)?;
    call.meter(Class::Registry, 1)?;
    call.shared.look(|world| shown(&call, world, &id)).map(|identity| wire::ok(&identity))
}

/// `GET /devices?top=n`, in no order, without further pages.
pub(super) async fn list(call: Call, uri: Uri) -> Answer {
    call.need(Right::REGISTRY_READ)?;
    call.meter(Class::Registry, 1)?;
    let top = wire::param(&uri, "top").and_then(|top| top.parse().ok()).unwrap_or(MOST_LISTED).min(MOST_LISTED);
    let ids: Vec<String> = call.look(|hub| Ok(hub.identities.keys().take(top).cloned().collect()))?;
    let all: Result<Vec<Value>, Fault> =
        call.shared.look(|world| ids.iter().map(|id| shown(&call, world, id)).collect());
    Ok(wire::ok(&Value::Array(all?)))
}

/// `PUT /devices/{id}`: creates without `If-Match`, updates with it.
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Right::REGISTRY_WRITE)?;
    let body = call.json(&body)?;
    if body["deviceId"].as_str() != Some(&id) {
        return Err(Fault::bad_request("deviceId in the body must equal the one in the path."));
    }
    call.meter(Class::Registry, 1)?;
    let etag = call.if_match().map(str::to_owned);
    let created = call.hub(|hub| match (hub.identities.get_mut(&id), etag) {
        (Some(_), None) => Err(Fault::exists(&id)),
        (Some(identity), Some(etag)) if !wire::etag_matches(&etag, &identity.etag()) => Err(Fault::precondition(&id)),
        (Some(identity), Some(_)) => update(&call, identity, &body).map(|()| false),
        (None, Some(_)) => Err(Fault::no_device(&id)),
        (None, None) => {
            let identity = create(&call, &id, &body)?;
            hub.identities.insert(id.clone(), identity);
            Ok(true)
        }
    })?;
    let identity = call.shared.world(|world| {
        reconcile(world, &id, call.now);
        shown(&call, world, &id)
    })?;
    Ok(wire::with_effect(wire::ok(&identity), if created { "identity.created" } else { "identity.updated" }, id))
}

/// `DELETE /devices/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::REGISTRY_DELETE)?;
    call.meter(Class::Registry, 1)?;
    call.hub(|hub| {
        let identity = hub.identities.get(&id).ok_or_else(|| Fault::no_device(&id))?;
        match call.if_match() {
            Some(etag) if wire::etag_matches(etag, &identity.etag()) => {}
            Some(_) => return Err(Fault::precondition(&id)),
            None => return Err(Fault::bad_request("If-Match is required.")),
        }
        hub.identities.remove(&id);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "identity.deleted", id))
}

/// `DELETE /devices/{id}/commands`: the sandbox queues no messages, so there are none to drop.
pub(super) async fn purge(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::QUEUE_PURGE)?;
    call.need_standard_tier()?;
    call.meter(Class::Registry, 1)?;
    call.look(|hub| hub.identities.contains_key(&id).then_some(()).ok_or_else(|| Fault::no_device(&id)))?;
    Ok(wire::ok(&json!({"totalMessagesPurged": 0, "deviceId": id, "moduleId": null})))
}

fn shown(call: &Call, world: &World, id: &str) -> Result<Value, Fault> {
    let identity =
        world.hubs.get(&call.host).and_then(|hub| hub.identities.get(id)).ok_or_else(|| Fault::no_device(id))?;
    Ok(identity_json::show(identity, sight_of(world, &call.host, identity, call.now)))
}

/// A new identity as a body describes it.
pub(super) fn create(call: &Call, id: &str, body: &Value) -> Result<Identity, Fault> {
    if !is_device_id(id) {
        return Err(Fault::bad_request(format!("'{id}' is not a valid device id.")));
    }
    let authentication = parse_authentication(body)?.unwrap_or_else(minted);
    let mut identity = Identity::new(id, authentication, call.now);
    apply(&mut identity, body, call.now)?;
    Ok(identity)
}

/// Changes an identity. An update without authentication makes new keys and so cuts the device off, as Azure's does.
pub(super) fn update(call: &Call, identity: &mut Identity, body: &Value) -> Result<(), Fault> {
    let authentication = parse_authentication(body)?.unwrap_or_else(minted);
    apply(identity, body, call.now)?;
    identity.authentication = authentication;
    identity.version += 1;
    Ok(())
}
