//! Device templates, kept as the JSON they are, and what can be looked up in them.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, Permission};
use super::fault::{Answer, Fault};
use super::model::new_etag;
use super::page;
use crate::sandbox::wire;
use crate::sandbox::world::App;

/// `GET /deviceTemplates`
pub(super) async fn list(call: Call) -> Answer {
    call.look(|app| {
        let mut all: Vec<(&str, &Value)> = app.templates.iter().map(|template| (id_of(template), template)).collect();
        all.sort_by(|one, other| one.0.cmp(other.0));
        page::answer(&call, all, Value::clone)
    })
}

/// `GET /deviceTemplates/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| find(app, &id).map(wire::ok).ok_or_else(|| missing(&id)))
}

/// `PUT /deviceTemplates/{id}`
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Templates)?;
    let mut template = call.json(&body)?;
    if !template["capabilityModel"]["@id"].is_string() {
        return Err(Fault::invalid_body("capabilityModel with an @id is required."));
    }
    if let Some(before) = call.look(|app| Ok(find(app, &id).cloned()))? {
        call.check_etag(&template, etag_of(&before))?;
    }
    template["@id"] = json!(id);
    save(&call, &id, template)
}

/// `PATCH /deviceTemplates/{id}`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Templates)?;
    let body = call.json(&body)?;
    let mut template = call.look(|app| find(app, &id).cloned().ok_or_else(|| missing(&id)))?;
    call.check_etag(&body, etag_of(&template))?;
    wire::merge_patch(&mut template, &body);
    save(&call, &id, template)
}

/// `DELETE /deviceTemplates/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Templates)?;
    call.app(|app| {
        if app.devices.values().any(|device| device.template.as_deref() == Some(&id)) {
            return Err(Fault::conflict("The device template is in use."));
        }
        if let Some(template) = find(app, &id) {
            call.check_etag(&Value::Null, etag_of(template))?;
        }
        let at = app.templates.iter().position(|template| id_of(template) == id).ok_or_else(|| missing(&id))?;
        app.templates.remove(at);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "template.deleted", id))
}

fn save(call: &Call, id: &str, mut template: Value) -> Answer {
    template["etag"] = json!(format!("\"{}\"", new_etag()));
    let shown = template.clone();
    call.app(|app| {
        app.templates.retain(|template| id_of(template) != id);
        app.templates.push(template);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "template.saved", id))
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Device template {id} does not exist."))
}

fn etag_of(template: &Value) -> &str {
    template["etag"].as_str().unwrap_or_default()
}

fn id_of(template: &Value) -> &str {
    template["@id"].as_str().unwrap_or_default()
}

/// The template with this `@id`.
pub(super) fn find<'a>(app: &'a App, id: &str) -> Option<&'a Value> {
    app.templates.iter().find(|template| id_of(template) == id)
}

/// All contents of an interface and of those that it extends.
fn contents(interface: &Value) -> Vec<&Value> {
    let mut all: Vec<&Value> = interface["contents"].as_array().into_iter().flatten().collect();
    let extended: Vec<&Value> = match &interface["extends"] {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    for base in extended.into_iter().filter(|base| base.is_object()) {
        all.extend(contents(base));
    }
    all
}

fn is_a(item: &Value, kind: &str) -> bool {
    match &item["@type"] {
        Value::String(own) => own == kind,
        Value::Array(own) => own.iter().any(|own| own == kind),
        _ => false,
    }
}

/// Names of the components.
pub(super) fn components(template: &Value) -> Vec<&str> {
    let all = contents(&template["capabilityModel"]);
    all.into_iter().filter(|item| is_a(item, "Component")).filter_map(|item| item["name"].as_str()).collect()
}

/// What an interface defines, with what it inherits: at root, or in the component of that name.
fn interface<'a>(template: &'a Value, component: Option<&str>) -> Option<Vec<&'a Value>> {
    let root = contents(&template["capabilityModel"]);
    let Some(name) = component else { return Some(root) };
    let component = root.into_iter().find(|item| is_a(item, "Component") && item["name"] == name)?;
    Some(contents(&component["schema"]))
}

fn definition<'a>(template: &'a Value, component: Option<&str>, kind: &str, name: &str) -> Option<&'a Value> {
    interface(template, component)?.into_iter().find(|item| is_a(item, kind) && item["name"] == name)
}

/// The definition of a property, at root or in a component.
pub(super) fn property<'a>(template: &'a Value, component: Option<&str>, name: &str) -> Option<&'a Value> {
    definition(template, component, "Property", name)
}

/// The definition of a telemetry value.
pub(super) fn telemetry<'a>(template: &'a Value, component: Option<&str>, name: &str) -> Option<&'a Value> {
    definition(template, component, "Telemetry", name)
}

/// Whether a property lives in the application only.
pub(super) fn is_cloud(property: &Value) -> bool {
    is_a(property, "Cloud")
}

/// Whether the application may ask the device to change a property.
pub(super) fn is_writable(property: &Value) -> bool {
    property["writable"] == true
}

/// Whether it is a template of IoT Edge devices.
pub(super) fn is_edge(template: &Value) -> bool {
    is_a(template, "EdgeModel")
}

/// Names of the relationships by which a device of the template is a gateway, and of its modules.
pub(super) fn related<'a>(template: &'a Value, kind: &str) -> Vec<&'a str> {
    let all = contents(&template["capabilityModel"]).into_iter();
    all.filter(|item| is_a(item, kind)).filter_map(|item| item["name"].as_str()).collect()
}

/// The definition of a command, at root or in a component.
pub(super) fn command<'a>(template: &'a Value, component: Option<&str>, command: &str) -> Option<&'a Value> {
    definition(template, component, "Command", command)
}

/// Whether a command is sent as a message when the device is offline ("Queue if offline"), and so never as a method.
pub(super) fn is_queued(command: &Value) -> bool {
    command["durable"] == true
}
