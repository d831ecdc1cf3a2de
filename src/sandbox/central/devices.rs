//! Devices of an application.

use std::ops::Bound;

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::arrangement::Arrangement;
use super::door::{Call, text_field};
use super::fault::{Answer, Fault};
use super::model::AppDevice;
use super::{organizations, page, templates};
use crate::sandbox::device::{self, reconcile};
use crate::sandbox::wire;
use crate::sandbox::world::App;

const MOST: usize = 200_000;
const FIELDS: [&str; 9] =
    ["id", "etag", "displayName", "template", "enabled", "provisioned", "simulated", "organizations", "type"];

/// `GET /devices`
pub(super) async fn list(call: Call) -> Answer {
    let arrangement = Arrangement::of(&call)?;
    let after = page::after(&call)?;
    call.look(|app| {
        if arrangement.is_plain() {
            let shown = from(app, after.as_deref()).filter(|(_, device)| arrangement.shows(app, device));
            return page::answer(&call, shown, show);
        }
        let mut shown: Vec<&AppDevice> = app.devices.values().filter(|device| arrangement.shows(app, device)).collect();
        shown.sort_by(|one, other| arrangement.compare(one, other));
        // Pages go by the key's order, so in a list of another order the key is the place in it.
        let keyed: Vec<(String, &AppDevice)> =
            shown.into_iter().enumerate().map(|(at, device)| (format!("{at:08}"), device)).collect();
        page::answer(&call, keyed.iter().map(|(key, device)| (key.as_str(), *device)), show)
    })
}

/// `GET /devices/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| Ok(wire::ok(&show(find(app, &id)?))))
}

/// `PUT /devices/{id}`: creates or replaces.
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    check_device_id(&id)?;
    let body = call.json(&body)?;
    let shown = call.app(|app| {
        if app.devices.len() >= MOST && !app.devices.contains_key(&id) {
            return Err(Fault::forbidden("The application has as many devices as it can have."));
        }
        let before = app.devices.get(&id).cloned();
        let is_new = before.is_none();
        let mut device = before.unwrap_or_else(|| AppDevice::new(&id, &id, None, call.now));
        if !is_new {
            call.check_etag(&body, &device.etag)?;
            device.template = None;
            device.organizations.clear();
        }
        change(&mut device, app, &body, &call)?;
        let shown = show(&device);
        app.devices.insert(id.clone(), device);
        Ok(shown)
    })?;
    call.shared.world(|world| reconcile(world, &id, call.now));
    Ok(wire::with_effect(wire::ok(&shown), "device.saved", id))
}

/// `PATCH /devices/{id}`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    let body = call.json(&body)?;
    let shown = call.app(|app| {
        let mut device = find(app, &id)?.clone();
        call.check_etag(&body, &device.etag)?;
        change(&mut device, app, &body, &call)?;
        let shown = show(&device);
        app.devices.insert(id.clone(), device);
        Ok(shown)
    })?;
    call.shared.world(|world| reconcile(world, &id, call.now));
    Ok(wire::with_effect(wire::ok(&shown), "device.saved", id))
}

/// `DELETE /devices/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.app(|app| {
        call.check_etag(&Value::Null, &find(app, &id)?.etag)?;
        app.registrations.remove(&id.to_ascii_lowercase());
        app.devices.remove(&id);
        app.configuration.forget_device(&id);
        Ok(())
    })?;
    device::forgotten(&call.shared, &call.sub, &id);
    Ok(wire::with_effect(wire::no_content(), "device.deleted", id))
}

/// The devices whose ids come after `after`.
pub(super) fn from<'a>(app: &'a App, after: Option<&str>) -> impl Iterator<Item = (&'a str, &'a AppDevice)> {
    let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
    app.devices.range::<str, _>((begin, Bound::Unbounded)).map(|(id, device)| (id.as_str(), device))
}

/// The device of that id.
pub(super) fn find<'a>(app: &'a App, id: &str) -> Result<&'a AppDevice, Fault> {
    app.devices.get(id).ok_or_else(|| Fault::no_device(id))
}

fn change(device: &mut AppDevice, app: &App, body: &Value, call: &Call) -> Result<(), Fault> {
    let unknown = body.as_object().and_then(|fields| fields.keys().find(|name| !FIELDS.contains(&name.as_str())));
    if let Some(unknown) = unknown {
        return Err(Fault::invalid_body(format!("The field {unknown} is not known.")));
    }
    if let Some(name) = text_field(body, "displayName")? {
        if name.is_empty() || name.chars().count() > 148 {
            return Err(Fault::invalid_body("displayName must have 1 to 148 characters."));
        }
        device.display_name = name;
    }
    if let Some(template) = text_field(body, "template")? {
        if templates::find(app, &template).is_none() {
            return Err(Fault::unprocessable(format!("The device template {template} does not exist.")));
        }
        device.template = Some(template);
    } else if body.get("template").is_some() {
        device.template = None;
    }
    let flag = |name: &str| match &body[name] {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        _ => Err(Fault::invalid_body(format!("{name} must be true or false."))),
    };
    device.enabled = flag("enabled")?.unwrap_or(device.enabled);
    device.simulated = flag("simulated")?.unwrap_or(device.simulated);
    if let Some(given) = body.get("organizations") {
        device.organizations = organizations::of_device(app, given)?;
    }
    device.touch(call.now);
    Ok(())
}

fn check_device_id(id: &str) -> Result<(), Fault> {
    let allowed = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    if allowed && (1..=128).contains(&id.len()) {
        Ok(())
    } else {
        Err(Fault::bad_request(format!("The device id '{id}' is not valid.")))
    }
}

/// A device as the wire shows it: without connection state, and without last-seen time.
pub(super) fn show(device: &AppDevice) -> Value {
    let mut shown = json!({
        "id": device.id, "etag": device.etag, "displayName": device.display_name,
        "simulated": device.simulated, "provisioned": device.provisioned, "enabled": device.enabled,
    });
    if let Some(template) = &device.template {
        shown["template"] = json!(template);
    }
    if !device.organizations.is_empty() {
        shown["organizations"] = json!(device.organizations);
    }
    shown
}
