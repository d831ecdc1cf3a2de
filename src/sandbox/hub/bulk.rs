//! Bulk registry calls: at most 100 devices or modules, each succeeding or failing by itself; the status tells whether any
//! failed.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::limits::Class;
use super::model::Identity;
use super::service::{Call, Right};
use super::twin::Twin;
use super::{identities, modules, twin_rules};
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
    check(items)?;
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
                    "deviceId": id, "errorCode": fault.name, "errorStatus": fault.message,
                    "moduleId": module_of(item), "operation": item["importMode"].as_str().unwrap_or("create"),
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

/// What is refused as a whole.
fn check(items: &[Value]) -> Result<(), Fault> {
    if items.is_empty() {
        return Err(Fault::bad_request("A bulk call needs a device."));
    }
    if items.len() > MOST {
        return Err(Fault::new(413, "TooManyDevices", 413_002, format!("A bulk call takes {MOST} devices at most.")));
    }
    let mut seen = BTreeSet::new();
    for item in items {
        let id = item["id"].as_str().ok_or_else(|| Fault::bad_request("Every item needs an id."))?;
        if !seen.insert((id, module_of(item))) {
            return Err(Fault::new(400, "DeviceDefinedMultipleTimes", 400_011, id));
        }
    }
    Ok(())
}

fn module_of(item: &Value) -> Option<&str> {
    item["moduleId"].as_str().filter(|id| !id.is_empty())
}

/// What is to be done, and whether an etag must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Create,
    Update,
    UpdateTwin,
    Delete,
}

/// Reads an import mode; clients differ in its case.
fn mode(item: &Value) -> Result<(Mode, bool), Fault> {
    let given = item["importMode"].as_str().unwrap_or("create");
    let lower = given.to_ascii_lowercase();
    let (word, must_match) = lower.strip_suffix("ifmatchetag").map_or((lower.as_str(), false), |word| (word, true));
    let mode = match word {
        "create" if !must_match => Mode::Create,
        "update" => Mode::Update,
        "updatetwin" => Mode::UpdateTwin,
        "delete" => Mode::Delete,
        _ => return Err(Fault::bad_request(format!("The import mode '{given}' is not possible here."))),
    };
    Ok((mode, must_match))
}

fn one(call: &Call, hub: &mut Hub, id: &str, item: &Value) -> Result<&'static str, Fault> {
    let (mode, must_match) = mode(item)?;
    if let Some(module) = module_of(item) {
        let device = hub.identities.get_mut(id).ok_or_else(|| Fault::no_device(id))?;
        return one_module(call, device, module, item, mode, must_match);
    }
    if mode == Mode::Create {
        if hub.identities.contains_key(id) {
            return Err(Fault::exists(id));
        }
        twin_rules::check_whole(item).map_err(Fault::bad_request)?;
        let mut identity = identities::create(call, id, item)?;
        identity.twin.start(item, call.now);
        hub.identities.insert(id.to_owned(), identity);
        return Ok("identity.created");
    }
    let identity = hub.identities.get_mut(id).ok_or_else(|| Fault::no_device(id))?;
    if must_match {
        check_etag(id, item, mode, &identity.etag(), &identity.twin)?;
    }
    match mode {
        Mode::Create | Mode::Update => identities::update(call, identity, item).map(|()| "identity.updated"),
        Mode::UpdateTwin => change_twin(call, &mut identity.twin, item),
        Mode::Delete => {
            hub.identities.remove(id);
            Ok("identity.deleted")
        }
    }
}

fn one_module(
    call: &Call,
    device: &mut Identity,
    id: &str,
    item: &Value,
    mode: Mode,
    must_match: bool,
) -> Result<&'static str, Fault> {
    if mode == Mode::Create {
        if device.modules.contains_key(id) {
            return Err(Fault::module_exists(id));
        }
        twin_rules::check_whole(item).map_err(Fault::bad_request)?;
        modules::create(device, id, item, call.now)?;
        device.modules.get_mut(id).iter_mut().for_each(|module| module.twin.start(item, call.now));
        return Ok("module.stored");
    }
    let module = device.modules.get_mut(id).ok_or_else(|| Fault::no_module(&device.device_id, id))?;
    if must_match {
        check_etag(&device.device_id, item, mode, &module.etag(), &module.twin)?;
    }
    match mode {
        Mode::Create | Mode::Update => modules::update(module, item).map(|()| "module.stored"),
        Mode::UpdateTwin => change_twin(call, &mut module.twin, item),
        Mode::Delete => {
            device.modules.remove(id);
            Ok("module.deleted")
        }
    }
}

fn check_etag(id: &str, item: &Value, mode: Mode, identity: &str, twin: &Twin) -> Result<(), Fault> {
    let given = |names: [&str; 2]| names.into_iter().find_map(|name| item[name].as_str());
    let matches = match mode {
        Mode::UpdateTwin => given(["twinETag", "twinEtag"]).is_some_and(|etag| wire::etag_matches(etag, &twin.etag())),
        _ => given(["eTag", "etag"]).is_some_and(|etag| wire::etag_matches(etag, identity)),
    };
    if matches { Ok(()) } else { Err(Fault::precondition(id)) }
}

fn change_twin(call: &Call, twin: &mut Twin, item: &Value) -> Result<&'static str, Fault> {
    twin.change(item, false, call.now).map(|()| "twin.updated").map_err(Fault::bad_request)
}
