//! Organisations: a tree by which devices and people are kept apart. Those that only devices name have no parent.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::configuration::Organization;
use super::door::{Call, Permission, text_field};
use super::fault::{Answer, Fault};
use super::page;
use crate::sandbox::wire;
use crate::sandbox::world::App;

const MOST: usize = 200;
const DEEPEST: usize = 5;

/// `GET /organizations`
pub(super) async fn list(call: Call) -> Answer {
    let all = call.look(|app| Ok(all(app)))?;
    page::answer(&call, all.iter().map(|(id, own)| (id.as_str(), (id, own))), |(id, own)| show(id, own))
}

/// `GET /organizations/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| all(app).get(&id).map(|own| wire::ok(&show(&id, own))).ok_or_else(|| missing(&id)))
}

/// `PUT /organizations/{id}`: creates or replaces.
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Administer)?;
    check_id(&id)?;
    let body = call.json(&body)?;
    let display_name = text_field(&body, "displayName")?;
    let display_name = display_name.ok_or_else(|| Fault::invalid_body("displayName is required."))?;
    save(&call, &id, Organization { display_name, parent: text_field(&body, "parent")? })
}

/// `PATCH /organizations/{id}`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Administer)?;
    let body = call.json(&body)?;
    let before = call.look(|app| all(app).remove(&id).ok_or_else(|| missing(&id)))?;
    let parent = if body.get("parent").is_some() { text_field(&body, "parent")? } else { before.parent };
    save(
        &call,
        &id,
        Organization { display_name: text_field(&body, "displayName")?.unwrap_or(before.display_name), parent },
    )
}

/// `DELETE /organizations/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Administer)?;
    call.app(|app| {
        let is_used = all(app).values().any(|other| other.parent.as_deref() == Some(&id))
            || app.devices.values().any(|device| device.organizations.contains(&id));
        if is_used {
            return Err(Fault::conflict("The organization is in use."));
        }
        app.configuration.organizations.remove(&id).ok_or_else(|| missing(&id))
    })?;
    Ok(wire::with_effect(wire::no_content(), "organization.deleted", id))
}

fn save(call: &Call, id: &str, own: Organization) -> Answer {
    let shown = show(id, &own);
    call.app(|app| {
        let mut tree = all(app);
        tree.insert(id.to_owned(), own.clone());
        if tree.len() > MOST {
            return Err(Fault::forbidden("The application has as many organizations as it can have."));
        }
        let mut above = own.parent.as_deref();
        for _ in 1..DEEPEST {
            let Some(parent) = above else { break };
            let no_parent = || Fault::unprocessable(format!("The organization {parent} does not exist."));
            above = tree.get(parent).ok_or_else(no_parent)?.parent.as_deref();
        }
        if above.is_some() {
            return Err(Fault::unprocessable("Organizations are at most five deep."));
        }
        app.configuration.organizations.insert(id.to_owned(), own.clone());
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "organization.saved", id))
}

/// Reads the organizations that a device is to belong to: one at most, which must be there.
pub(super) fn of_device(app: &App, given: &Value) -> Result<Vec<String>, Fault> {
    let wrong = || Fault::invalid_body("organizations must be a list of one id at most.");
    let given = match given {
        Value::Null => return Ok(Vec::new()),
        given => given.as_array().filter(|given| given.len() <= 1).ok_or_else(wrong)?,
    };
    let known = all(app);
    let read = |id: &Value| {
        let id = id.as_str().ok_or_else(wrong)?;
        let is_there = known.contains_key(id);
        is_there
            .then(|| id.to_owned())
            .ok_or_else(|| Fault::unprocessable(format!("The organization {id} does not exist.")))
    };
    given.iter().map(read).collect()
}

fn all(app: &App) -> BTreeMap<String, Organization> {
    let of_devices = app.devices.values().flat_map(|device| device.organizations.clone());
    let bare = |id: String| (id.clone(), Organization { display_name: id, parent: None });
    let mut all: BTreeMap<String, Organization> = of_devices.map(bare).collect();
    all.extend(app.configuration.organizations.clone());
    all
}

fn show(id: &str, own: &Organization) -> Value {
    let mut shown = json!({"id": id, "displayName": own.display_name});
    if let Some(parent) = &own.parent {
        shown["parent"] = json!(parent);
    }
    shown
}

/// `^(?!-)[a-z0-9-]{1,48}[a-z0-9]$`
fn check_id(id: &str) -> Result<(), Fault> {
    let allowed = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_good = allowed && (2..=49).contains(&id.len()) && !id.starts_with('-') && !id.ends_with('-');
    if is_good { Ok(()) } else { Err(Fault::bad_request(format!("The id '{id}' is not valid."))) }
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Organization {id} does not exist."))
}
