//! Properties and last telemetry values of one device.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::devices::find;
use super::door::Call;
use super::fault::{Answer, Fault};
use super::templates;
use crate::sandbox::wire;
use crate::sandbox::world::{App, Moment};

/// `GET /devices/{id}/properties`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| Ok(wire::ok(&Value::Object(find(app, &id)?.properties.clone()))))
}

/// `GET /devices/{id}/components/{component}/properties`
pub(super) async fn get_component(call: Call, Path((id, component)): Path<(String, String)>) -> Answer {
    call.look(|app| {
        check_component(app, &id, &component)?;
        Ok(wire::ok(find(app, &id)?.properties.get(&component).unwrap_or(&json!({}))))
    })
}

/// `GET /devices/{id}/components`
pub(super) async fn components(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| {
        let template = find(app, &id)?.template.as_deref().and_then(|template| templates::find(app, template));
        let names = template.map(templates::components).unwrap_or_default();
        let names: Vec<Value> = names.into_iter().map(|name| json!({"name": name})).collect();
        Ok(wire::ok(&json!({"value": names})))
    })
}

pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    write(&call, &id, None, &body, true)
}
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    write(&call, &id, None, &body, false)
}
pub(super) async fn put_component(call: Call, Path((id, component)): Path<(String, String)>, body: Bytes) -> Answer {
    write(&call, &id, Some(&component), &body, true)
}
pub(super) async fn patch_component(call: Call, Path((id, component)): Path<(String, String)>, body: Bytes) -> Answer {
    write(&call, &id, Some(&component), &body, false)
}

fn write(call: &Call, id: &str, component: Option<&str>, body: &[u8], replace: bool) -> Answer {
    let Value::Object(mut given) = call.json(body)? else {
        return Err(Fault::invalid_body("The body must be an object."));
    };
    given.remove("$metadata");
    let shown = call.app(|app| {
        if let Some(component) = component {
            check_component(app, id, component)?;
        }
        let template = find(app, id)?.template.as_deref().and_then(|template| templates::find(app, template));
        let cloud: Vec<String> = template.map(templates::cloud_properties).unwrap_or_default();
        let device = app.devices.get_mut(id).ok_or_else(|| Fault::no_device(id))?;
        let section = match component {
            None => &mut device.properties,
            Some(component) => {
                let section = device.properties.entry(component).or_insert_with(|| json!({}));
                section.as_object_mut().ok_or_else(|| Fault::unprocessable("It is not a component."))?
            }
        };
        set(section, given, &cloud, replace, call.now);
        let shown = Value::Object(section.clone());
        device.touch(call.now);
        Ok(shown)
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "properties.saved", id))
}

/// Writes cloud properties as they are, and others as desired values.
pub(super) fn set(
    section: &mut Map<String, Value>,
    given: Map<String, Value>,
    cloud: &[String],
    replace: bool,
    now: Moment,
) {
    if replace {
        section.clear();
    }
    for (name, value) in given {
        let mut current = section.remove(&name).unwrap_or(Value::Null);
        wire::merge_patch(&mut current, &value);
        if !cloud.contains(&name) {
            let metadata = section.entry("$metadata").or_insert_with(|| json!({}));
            let version = metadata[&name]["desiredVersion"].as_u64().unwrap_or(0) + 1;
            metadata[&name] =
                json!({"desiredValue": current, "desiredVersion": version, "lastUpdateTime": wire::iso(now)});
        }
        if !current.is_null() {
            section.insert(name, current);
        }
    }
}

/// `GET /devices/{id}/telemetry/{name}`
pub(super) async fn telemetry(call: Call, Path((id, name)): Path<(String, String)>) -> Answer {
    last_value(&call, &id, &name)
}

/// `GET /devices/{id}/components/{component}/telemetry/{name}`
pub(super) async fn component_telemetry(
    call: Call,
    Path((id, component, name)): Path<(String, String, String)>,
) -> Answer {
    call.look(|app| check_component(app, &id, &component))?;
    last_value(&call, &id, &name)
}

fn last_value(call: &Call, id: &str, name: &str) -> Answer {
    let last = call.look(|app| Ok(find(app, id)?.presence.last_message(call.now)))?;
    let last = last.ok_or_else(|| Fault::not_found(format!("There is no value of {name} yet.")))?;
    Ok(wire::ok(&json!({"timestamp": wire::iso(last), "value": reading(id, last)})))
}

/// What a device measured at a moment: any number, but always the same one.
pub(super) fn reading(id: &str, at: Moment) -> f64 {
    let salt = id.bytes().fold(0_i64, |sum, byte| sum * 31 % 9973 + i64::from(byte));
    let tenths = u16::try_from((at.unix_timestamp() / 10 + salt).rem_euclid(300)).unwrap_or_default();
    50.0 + f64::from(tenths) / 10.0
}

fn check_component(app: &App, id: &str, component: &str) -> Result<(), Fault> {
    let template = find(app, id)?.template.as_deref().and_then(|template| templates::find(app, template));
    let known = template.is_some_and(|template| templates::components(template).contains(&component));
    if known { Ok(()) } else { Err(Fault::not_found(format!("Device {id} has no component {component}."))) }
}
