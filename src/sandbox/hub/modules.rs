//! Modules of a device and their twins, kept as they are given: no module of the sandbox runs.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::identity_json::{self, is_device_id, minted, parse_authentication};
use super::limits::Class;
use super::model::{Identity, Module};
use super::service::{Call, Right};
use crate::sandbox::wire;
use crate::sandbox::world::{Hub, Moment};

/// The most modules of one device.
const MOST: usize = 50;

/// `GET /devices/{id}/modules`
pub(super) async fn list(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::REGISTRY_READ)?;
    call.meter(Class::Registry, 1)?;
    let all: Vec<Value> = call.look(|hub| {
        let device = hub.identities.get(&id).ok_or_else(|| Fault::no_device(&id))?;
        Ok(device.modules.values().map(|module| identity_json::show_module(&id, module)).collect())
    })?;
    Ok(wire::ok(&Value::Array(all)))
}

/// `GET /devices/{id}/modules/{module}`
pub(super) async fn get(call: Call, Path((id, module)): Path<(String, String)>) -> Answer {
    call.need(Right::REGISTRY_READ)?;
    call.meter(Class::Registry, 1)?;
    call.look(|hub| Ok(wire::ok(&identity_json::show_module(&id, find(hub, &id, &module)?))))
}

/// `PUT /devices/{id}/modules/{module}`: creates without `If-Match`, updates with it.
pub(super) async fn put(call: Call, Path((id, module)): Path<(String, String)>, body: Bytes) -> Answer {
    call.need(Right::REGISTRY_WRITE)?;
    let body = call.json(&body)?;
    if body["deviceId"].as_str() != Some(&id) || body["moduleId"].as_str() != Some(&module) {
        return Err(Fault::bad_request("deviceId and moduleId in the body must equal those in the path."));
    }
    call.meter(Class::Registry, 1)?;
    let shown = call.hub(|hub| {
        let device = hub.identities.get_mut(&id).ok_or_else(|| Fault::no_device(&id))?;
        match (device.modules.get_mut(&module), call.if_match()) {
            (None, None) => create(device, &module, &body, call.now)?,
            (None, Some(_)) => return Err(Fault::no_module(&id, &module)),
            (Some(_), None) => return Err(Fault::module_exists(&module)),
            (Some(known), Some(etag)) if !wire::etag_matches(etag, &known.etag()) => {
                return Err(Fault::precondition(&id));
            }
            (Some(known), Some(_)) => update(known, &body)?,
        }
        Ok(identity_json::show_module(&id, find(hub, &id, &module)?))
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "module.stored", format!("{id}/{module}")))
}

/// `DELETE /devices/{id}/modules/{module}`
pub(super) async fn delete(call: Call, Path((id, module)): Path<(String, String)>) -> Answer {
    call.need(Right::REGISTRY_DELETE)?;
    call.meter(Class::Registry, 1)?;
    let etag = call.if_match().ok_or_else(|| Fault::bad_request("If-Match is required."))?;
    call.hub(|hub| {
        if !wire::etag_matches(etag, &find(hub, &id, &module)?.etag()) {
            return Err(Fault::precondition(&id));
        }
        hub.identities.get_mut(&id).map(|device| device.modules.remove(&module));
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "module.deleted", format!("{id}/{module}")))
}

/// `GET /twins/{id}/modules/{module}`
pub(super) async fn twin(call: Call, Path((id, module)): Path<(String, String)>) -> Answer {
    call.need(Right::TWIN_READ)?;
    call.need_standard_tier()?;
    call.meter(Class::TwinRead, 1)?;
    let shown = call.look(|hub| Ok(identity_json::module_twin(&id, find(hub, &id, &module)?)));
    shown.map(|twin| wire::ok(&twin)).map_err(Fault::of_twin)
}

/// `PATCH /twins/{id}/modules/{module}`
pub(super) async fn patch_twin(call: Call, Path(path): Path<(String, String)>, body: Bytes) -> Answer {
    change_twin(&call, path, &body, false).map_err(Fault::of_twin)
}

/// `PUT /twins/{id}/modules/{module}`
pub(super) async fn put_twin(call: Call, Path(path): Path<(String, String)>, body: Bytes) -> Answer {
    change_twin(&call, path, &body, true).map_err(Fault::of_twin)
}

fn change_twin(call: &Call, (id, module): (String, String), body: &[u8], replace: bool) -> Answer {
    call.need(Right::TWIN_WRITE)?;
    call.need_standard_tier()?;
    let body = call.json(body)?;
    call.meter(Class::TwinWrite, 1)?;
    let shown = call.hub(|hub| {
        let known = hub.identities.get_mut(&id).ok_or_else(|| Fault::no_device(&id))?.modules.get_mut(&module);
        let known = known.ok_or_else(|| Fault::no_module(&id, &module))?;
        if call.if_match().is_some_and(|etag| !wire::etag_matches(etag, &known.twin.etag())) {
            return Err(Fault::precondition(&id));
        }
        known.twin.change(&body, replace, call.now).map_err(Fault::bad_request)?;
        Ok(identity_json::module_twin(&id, known))
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "twin.updated", format!("{id}/{module}")))
}

fn find<'a>(hub: &'a Hub, id: &str, module: &str) -> Result<&'a Module, Fault> {
    let device = hub.identities.get(id).ok_or_else(|| Fault::no_device(id))?;
    device.modules.get(module).ok_or_else(|| Fault::no_module(id, module))
}

/// Adds a module as a body describes it.
pub(super) fn create(device: &mut Identity, id: &str, body: &Value, now: Moment) -> Result<(), Fault> {
    if !is_device_id(id) {
        return Err(Fault::bad_request(format!("'{id}' is not a valid module id.")));
    }
    if device.modules.len() >= MOST {
        return Err(Fault::new(403, "TooManyModulesOnDevice", 403_006, json!(device.device_id).to_string()));
    }
    let authentication = parse_authentication(body)?.unwrap_or_else(minted);
    let mut module = Module::new(id, authentication, now);
    module.managed_by = body["managedBy"].as_str().map(str::to_owned);
    device.modules.insert(id.to_owned(), module);
    Ok(())
}

/// Changes a module; without authentication it gets new keys, as a device does.
pub(super) fn update(module: &mut Module, body: &Value) -> Result<(), Fault> {
    module.authentication = parse_authentication(body)?.unwrap_or_else(minted);
    module.managed_by = body["managedBy"].as_str().map(str::to_owned);
    module.version += 1;
    Ok(())
}
