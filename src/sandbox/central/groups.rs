//! Device groups. Members are found by running the group's query, so they change with the devices.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, check_id, text_field};
use super::fault::{Answer, Fault};
use super::filter::Filter;
use super::model::{AppDevice, Group, new_etag};
use super::{devices, page};
use crate::sandbox::wire;
use crate::sandbox::world::App;

/// `GET /deviceGroups`
pub(super) async fn list(call: Call) -> Answer {
    call.look(|app| page::answer(&call, app.groups.iter().map(|(id, group)| (id.as_str(), group)), show))
}

/// `GET /deviceGroups/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| Ok(wire::ok(&show(find(app, &id)?))))
}

/// `GET /deviceGroups/{id}/devices`
pub(super) async fn members(call: Call, Path(id): Path<String>) -> Answer {
    let brief = call.shared.switches().group_members_have_ids_only;
    let show = |device: &AppDevice| if brief { json!({"id": device.id}) } else { devices::show(device) };
    let after = page::after(&call)?;
    call.look(|app| {
        let filter = Filter::parse(&find(app, &id)?.filter).map_err(Fault::unprocessable)?;
        let members = devices::from(app, after.as_deref()).filter(|(_, device)| filter.matches(device));
        page::answer(&call, members, show)
    })
}

/// `PUT /deviceGroups/{id}`
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    check_id(&id)?;
    let body = call.json(&body)?;
    if body["filter"].is_null() || body["displayName"].is_null() {
        return Err(Fault::invalid_body("displayName and filter are required."));
    }
    if let Some(before) = call.look(|app| Ok(app.groups.get(&id).cloned()))? {
        call.check_etag(&body, &before.etag)?;
    }
    let mut group = Group::new(&id, "", "");
    change(&mut group, &body)?;
    save(&call, group)
}

/// `PATCH /deviceGroups/{id}`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    let body = call.json(&body)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    call.check_etag(&body, &group.etag)?;
    change(&mut group, &body)?;
    save(&call, group)
}

/// `DELETE /deviceGroups/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.app(|app| {
        call.check_etag(&Value::Null, &find(app, &id)?.etag)?;
        app.groups.remove(&id);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "group.deleted", id))
}

/// The group of that id.
pub(super) fn find<'a>(app: &'a App, id: &str) -> Result<&'a Group, Fault> {
    app.groups.get(id).ok_or_else(|| missing(id))
}

fn change(group: &mut Group, body: &Value) -> Result<(), Fault> {
    if let Some(name) = text_field(body, "displayName")? {
        group.display_name = name;
    }
    if let Some(description) = text_field(body, "description")? {
        group.description = description;
    }
    if let Some(filter) = text_field(body, "filter")? {
        Filter::parse(&filter).map_err(Fault::invalid_body)?;
        group.filter = filter;
    }
    if let Some(organizations) = body["organizations"].as_array() {
        group.organizations = organizations.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    group.etag = new_etag();
    Ok(())
}

fn save(call: &Call, group: Group) -> Answer {
    let (id, shown) = (group.id.clone(), show(&group));
    call.app(|app| {
        app.groups.insert(group.id.clone(), group);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "group.saved", id))
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Device group {id} does not exist."))
}

fn show(group: &Group) -> Value {
    let mut shown = json!({
        "id": group.id, "displayName": group.display_name, "filter": group.filter, "etag": format!("\"{}\"", group.etag),
    });
    if !group.description.is_empty() {
        shown["description"] = json!(group.description);
    }
    if !group.organizations.is_empty() {
        shown["organizations"] = json!(group.organizations);
    }
    shown
}
