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
    call.need(Permission::Build)?;
    let mut template = call.json(&body)?;
    if !template["capabilityModel"]["@id"].is_string() {
        return Err(Fault::invalid_body("capabilityModel with an @id is required."));
    }
    template["@id"] = json!(id);
    save(&call, &id, template)
}

/// `PATCH /deviceTemplates/{id}`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Build)?;
    let body = call.json(&body)?;
    let mut template = call.look(|app| find(app, &id).cloned().ok_or_else(|| missing(&id)))?;
    call.check_etag(template["etag"].as_str().unwrap_or_default())?;
    wire::merge_patch(&mut template, &body);
    save(&call, &id, template)
}

/// `DELETE /deviceTemplates/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Build)?;
    call.app(|app| {
        if app.devices.values().any(|device| device.template.as_deref() == Some(&id)) {
            return Err(Fault::conflict("The device template is in use."));
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

/// Names of the cloud properties.
pub(super) fn cloud_properties(template: &Value) -> Vec<String> {
    let all = contents(&template["capabilityModel"]);
    all.into_iter()
        .filter(|item| is_a(item, "Cloud"))
        .filter_map(|item| item["name"].as_str().map(str::to_owned))
        .collect()
}

/// The definition of a command, at root or in a component.
pub(super) fn command<'a>(template: &'a Value, component: Option<&str>, command: &str) -> Option<&'a Value> {
    let root = contents(&template["capabilityModel"]);
    let items = match component {
        None => root,
        Some(name) => {
            contents(&root.into_iter().find(|item| is_a(item, "Component") && item["name"] == name)?["schema"])
        }
    };
    items.into_iter().find(|item| is_a(item, "Command") && item["name"] == command)
}

/// Whether a command is sent as a message when the device is offline ("Queue if offline"), and so never as a method.
pub(super) fn is_queued(command: &Value) -> bool {
    command["durable"] == true
}
