//! Device twins: read, merge, replace.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::Value;

use super::fault::{Answer, Fault};
use super::identity_json;
use super::limits::Class;
use super::service::{Call, Right};
use crate::sandbox::device::sight_of;
use crate::sandbox::wire;

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
        let twin = &mut hub.identities.get_mut(id).ok_or_else(|| Fault::no_device(id))?.twin;
        if call.if_match().is_some_and(|etag| !wire::etag_matches(etag, &twin.etag())) {
            return Err(Fault::precondition(id));
        }
        twin.change(&body, replace, call.now).map_err(Fault::bad_request)
    })
    .map_err(Fault::of_twin)?;
    Ok(wire::with_effect(wire::ok(&shown(call, id)?), "twin.updated", id))
}

fn shown(call: &Call, id: &str) -> Result<Value, Fault> {
    call.shared.look(|world| {
        let identity = world
            .hubs
            .get(&call.host)
            .and_then(|hub| hub.identities.get(id))
            .ok_or_else(|| Fault::no_device(id).of_twin())?;
        Ok(identity_json::twin(identity, sight_of(world, &call.host, identity, call.now)))
    })
}
