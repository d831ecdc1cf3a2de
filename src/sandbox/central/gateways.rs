//! Devices behind gateways, and the modules of IoT Edge devices.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::configuration::Relationship;
use super::devices::find;
use super::door::{Call, check_id, text_field};
use super::fault::{Answer, Fault};
use super::{page, templates};
use crate::sandbox::wire;
use crate::sandbox::world::App;

/// `GET /devices/{id}/modules`
pub(super) async fn modules(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| {
        let template = find(app, &id)?.template.as_deref().and_then(|template| templates::find(app, template));
        let names = template.map(|template| templates::related(template, "EdgeModule")).unwrap_or_default();
        let shown: Vec<Value> = names.into_iter().map(|name| json!({"name": name})).collect();
        Ok(wire::ok(&json!({"value": shown})))
    })
}

/// `GET /devices/{id}/relationships`
pub(super) async fn list(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| {
        find(app, &id)?;
        let all = app.configuration.relationships.get(&id).into_iter().flatten();
        page::answer(&call, all.map(|(id, own)| (id.as_str(), own)), show)
    })
}

/// `GET /devices/{id}/relationships/{relationship}`
pub(super) async fn get(call: Call, Path((id, relationship)): Path<(String, String)>) -> Answer {
    call.look(|app| Ok(wire::ok(&show(relationship_of(app, &id, &relationship)?))))
}

/// `PUT` of the same: creates or replaces.
pub(super) async fn put(call: Call, Path((id, relationship)): Path<(String, String)>, body: Bytes) -> Answer {
    check_id(&relationship)?;
    let body = call.json(&body)?;
    let target = text_field(&body, "target")?.ok_or_else(|| Fault::invalid_body("target is required."))?;
    let source = text_field(&body, "source")?.unwrap_or_else(|| id.clone());
    save(&call, Relationship { id: relationship, name: text_field(&body, "name")?, source, target }, &id)
}

/// `PATCH` of the same.
pub(super) async fn patch(call: Call, Path((id, relationship)): Path<(String, String)>, body: Bytes) -> Answer {
    let body = call.json(&body)?;
    let mut own = call.look(|app| relationship_of(app, &id, &relationship).cloned())?;
    own.target = text_field(&body, "target")?.unwrap_or(own.target);
    own.source = text_field(&body, "source")?.unwrap_or(own.source);
    save(&call, own, &id)
}

/// `DELETE` of the same.
pub(super) async fn delete(call: Call, Path((id, relationship)): Path<(String, String)>) -> Answer {
    call.app(|app| {
        relationship_of(app, &id, &relationship)?;
        if let Some(of_one) = app.configuration.relationships.get_mut(&id) {
            of_one.remove(&relationship);
        }
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "relationship.deleted", relationship))
}

fn save(call: &Call, own: Relationship, of: &str) -> Answer {
    if own.source != of {
        return Err(Fault::invalid_body("source must be the device in the path."));
    }
    let (id, shown) = (own.id.clone(), show(&own));
    call.app(|app| {
        find(app, of)?;
        let no_target = |_| Fault::unprocessable(format!("The device {} does not exist.", own.target));
        find(app, &own.target).map_err(no_target)?;
        if own.target == of || parent(app, of).is_some() || !children(app, &own.target).is_empty() {
            return Err(Fault::unprocessable("Gateways are one level deep."));
        }
        app.configuration.relationships.entry(of.to_owned()).or_default().insert(own.id.clone(), own);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "relationship.saved", id))
}

/// The devices behind a gateway.
pub(super) fn children<'a>(app: &'a App, id: &str) -> Vec<&'a str> {
    let of_one = app.configuration.relationships.get(id).into_iter().flatten();
    of_one.map(|(_, own)| own.target.as_str()).collect()
}

/// The gateway before a device.
fn parent<'a>(app: &'a App, id: &str) -> Option<&'a str> {
    let mut all = app.configuration.relationships.values().flat_map(|of_one| of_one.values());
    all.find(|own| own.target == id).map(|own| own.source.as_str())
}

fn relationship_of<'a>(app: &'a App, id: &str, relationship: &str) -> Result<&'a Relationship, Fault> {
    find(app, id)?;
    let found = app.configuration.relationships.get(id).and_then(|of_one| of_one.get(relationship));
    found.ok_or_else(|| Fault::not_found(format!("Relationship {relationship} does not exist.")))
}

fn show(own: &Relationship) -> Value {
    let mut shown = json!({"id": own.id, "source": own.source, "target": own.target});
    if let Some(name) = &own.name {
        shown["name"] = json!(name);
    }
    shown
}
