//! Properties and last telemetry values of one device.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::devices::find;
use super::door::Call;
use super::fault::{Answer, Fault};
use super::job_check::split_path;
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
        let template = find(app, id)?.template.as_deref().and_then(|template| templates::find(app, template)).cloned();
        let device = app.devices.get_mut(id).ok_or_else(|| Fault::no_device(id))?;
        let section = match component {
            None => &mut device.properties,
            Some(component) => {
                let section = device.properties.entry(component).or_insert_with(|| json!({}));
                section.as_object_mut().ok_or_else(|| Fault::unprocessable("It is not a component."))?
            }
        };
        let model = Model { template: template.as_ref(), component };
        model.check(&given, replace)?;
        if replace {
            model.clear(section, &given);
        }
        model.write(section, given);
        let shown = Value::Object(section.clone());
        device.touch(call.now);
        Ok(shown)
    })?;
    let accepted = call.shared.switches().property_writes_are_accepted;
    let status = if accepted { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(wire::with_effect(wire::json(status, &shown), "properties.saved", id))
}

/// Writes what a job says at `component.property`, or `property`.
pub(super) fn write_at(properties: &mut Map<String, Value>, template: Option<&Value>, path: &str, value: &Value) {
    let (component, name) = split_path(path);
    let mut given = Map::from_iter([(name.to_owned(), value.clone())]);
    if let Some(component) = component {
        given = Map::from_iter([(component.to_owned(), Value::Object(given))]);
    }
    Model { template, component: None }.write(properties, given);
}

/// What may be written where. A device without a template takes anything as a writable property.
#[derive(Debug, Clone, Copy)]
struct Model<'a> {
    template: Option<&'a Value>,
    component: Option<&'a str>,
}

/// What a name stands for.
enum Meaning {
    Cloud,
    Writable,
    Component,
    ReadOnly,
    Unknown,
}

impl<'a> Model<'a> {
    fn meaning(&self, name: &str) -> Meaning {
        let Some(template) = self.template else { return Meaning::Writable };
        if self.component.is_none() && templates::components(template).contains(&name) {
            return Meaning::Component;
        }
        match templates::property(template, self.component, name) {
            Some(property) if templates::is_cloud(property) => Meaning::Cloud,
            Some(property) if templates::is_writable(property) => Meaning::Writable,
            Some(_) => Meaning::ReadOnly,
            None => Meaning::Unknown,
        }
    }

    fn inside(&self, component: &'a str) -> Self {
        Self { component: Some(component), ..*self }
    }

    /// A replacement may name what only the device writes: whoever writes back what was read does.
    fn check(&self, given: &Map<String, Value>, replace: bool) -> Result<(), Fault> {
        for (name, value) in given.iter().filter(|(name, _)| *name != "$metadata") {
            match (self.meaning(name), value) {
                (Meaning::ReadOnly, _) if replace => {}
                (Meaning::ReadOnly | Meaning::Unknown, _) => {
                    let message = format!("The device template has no property {name} that can be written.");
                    return Err(Fault::unprocessable(message));
                }
                (Meaning::Component, Value::Object(inner)) => {
                    Model { component: Some(name), ..*self }.check(inner, replace)?;
                }
                (Meaning::Component, _) => {
                    return Err(Fault::invalid_body(format!("{name} is a component: its value must be an object.")));
                }
                (Meaning::Cloud | Meaning::Writable, _) => {}
            }
        }
        Ok(())
    }

    /// Takes away what a replacement does not name: only what the application itself may write.
    fn clear(&self, section: &mut Map<String, Value>, given: &Map<String, Value>) {
        let names: Vec<String> = section.keys().cloned().collect();
        let asked = section.get("$metadata").and_then(Value::as_object);
        let asked: Vec<String> = asked.into_iter().flat_map(Map::keys).cloned().collect();
        for name in names.iter().chain(&asked).filter(|name| *name != "$metadata") {
            match self.meaning(name) {
                Meaning::Cloud => {
                    section.remove(name);
                }
                Meaning::Writable if !given.contains_key(name) => desire(section, name, &Value::Null),
                // A replacement does not merge with what was desired before.
                Meaning::Writable => {
                    drop(section["$metadata"][name].as_object_mut().map(|own| own.remove("desiredValue")))
                }
                Meaning::Component => {
                    let none = Map::new();
                    let inner = given.get(name).and_then(Value::as_object).unwrap_or(&none);
                    if let Some(own) = section.get_mut(name).and_then(Value::as_object_mut) {
                        self.inside(name).clear(own, inner);
                    }
                }
                Meaning::ReadOnly | Meaning::Unknown => {}
            }
        }
    }

    /// Cloud properties get their value. Of others only what is desired changes: the value is what the device reports.
    fn write(&self, section: &mut Map<String, Value>, given: Map<String, Value>) {
        for (name, value) in given.into_iter().filter(|(name, _)| name != "$metadata") {
            match (self.meaning(&name), value) {
                (Meaning::Cloud, Value::Null) => {
                    section.remove(&name);
                }
                (Meaning::Cloud, value) => {
                    wire::merge_patch(section.entry(name).or_insert(Value::Null), &value);
                }
                (Meaning::Writable, value) => desire(section, &name, &value),
                (Meaning::Component, Value::Object(inner)) => {
                    let own = section.entry(name.clone()).or_insert_with(|| json!({}));
                    if let Some(own) = own.as_object_mut() {
                        Model { component: Some(&name), ..*self }.write(own, inner);
                    }
                }
                (Meaning::Component | Meaning::ReadOnly | Meaning::Unknown, _) => {}
            }
        }
    }
}

fn desire(section: &mut Map<String, Value>, name: &str, value: &Value) {
    let metadata = section.entry("$metadata").or_insert_with(|| json!({}));
    let own = &mut metadata[name];
    if own.is_null() {
        *own = json!({});
    }
    let version = own["desiredVersion"].as_u64().unwrap_or(0) + 1;
    wire::merge_patch(own, &json!({"desiredValue": value, "desiredVersion": version}));
}

/// `GET /devices/{id}/telemetry/{name}`
pub(super) async fn telemetry(call: Call, Path((id, name)): Path<(String, String)>) -> Answer {
    last_value(&call, &id, None, &name)
}

/// `GET /devices/{id}/components/{component}/telemetry/{name}`
pub(super) async fn component_telemetry(
    call: Call,
    Path((id, component, name)): Path<(String, String, String)>,
) -> Answer {
    call.look(|app| check_component(app, &id, &component))?;
    last_value(&call, &id, Some(&component), &name)
}

/// The last value of what the template calls telemetry, so there is none of a device without one.
fn last_value(call: &Call, id: &str, component: Option<&str>, name: &str) -> Answer {
    let last = call.look(|app| {
        let device = find(app, id)?;
        let template = device.template.as_deref().and_then(|template| templates::find(app, template));
        let is_known = template.is_some_and(|template| templates::telemetry(template, component, name).is_some());
        let missing = || Fault::not_found(format!("Device {id} has no telemetry {name}."));
        is_known.then(|| device.presence.last_message(call.now)).ok_or_else(missing)
    })?;
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
