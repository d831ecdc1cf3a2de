//! Enrollment groups of an application. Keys are shown in clear; of certificates only the thumbprint.
//!
//! When exactly Azure answers 409 is not documented; here: the id exists and the caller does not name its etag, or another
//! group has one of the keys or certificates. Switches turn each off.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, Permission, text_field};
use super::fault::{Answer, Fault};
use super::model::{AppEnrollmentGroup, new_etag};
use super::{page, security};
use crate::sandbox::dps::model::{Attestation, Certificates};
use crate::sandbox::wire;
use crate::sandbox::world::App;

const FIELDS: [&str; 6] = ["id", "displayName", "enabled", "type", "attestation", "etag"];

/// `GET /enrollmentGroups`
pub(super) async fn list(call: Call) -> Answer {
    call.need(Permission::Connectivity)?;
    call.look(|app| page::answer(&call, app.enrollment_groups.iter().map(|(id, group)| (id.as_str(), group)), show))
}

/// `GET /enrollmentGroups/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Connectivity)?;
    call.look(|app| Ok(wire::ok(&show(find(app, &id)?))))
}

/// `PUT /enrollmentGroups/{id}`
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let allowed = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !allowed || !(1..=255).contains(&id.len()) {
        return Err(Fault::bad_request(format!("The id '{id}' is not valid.")));
    }
    let body = call.json(&body)?;
    check_fields(&body)?;
    let switches = call.shared.switches();
    let edge = match body["type"].as_str() {
        Some("iot") => false,
        Some("iotEdge") => true,
        _ => return Err(Fault::invalid_body("type must be iot or iotEdge.")),
    };
    let attestation = security::parse_group(&body["attestation"], None, switches.foreign_key_fields)?;
    let group = AppEnrollmentGroup {
        id: id.clone(),
        display_name: text_field(&body, "displayName")?
            .ok_or_else(|| Fault::invalid_body("displayName is required."))?,
        enabled: body["enabled"].as_bool().unwrap_or(true),
        edge,
        certificates: security::certificates(&body["attestation"], &attestation, Certificates::default()),
        attestation,
        verified: security::verified(&body["attestation"], [false; 2]),
        codes: [None, None],
        foreign: security::foreign(&body["attestation"], switches.foreign_key_fields),
        etag: new_etag(),
    };
    let Some(before) = call.look(|app| Ok(app.enrollment_groups.get(&id).cloned()))? else {
        return save(&call, group, "enrollment.created");
    };
    if !call.names_etag(&body) && !switches.existing_groups_are_replaced {
        return Err(Fault::conflict("An enrollment group with this id exists."));
    }
    call.check_etag(&body, &before.etag)?;
    save(&call, group, "enrollment.updated")
}

/// `PATCH /enrollmentGroups/{id}`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let body = call.json(&body)?;
    check_fields(&body)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    call.check_etag(&body, &group.etag)?;
    if let Some(name) = text_field(&body, "displayName")? {
        group.display_name = name;
    }
    if let Some(enabled) = body["enabled"].as_bool() {
        group.enabled = enabled;
    }
    if body["attestation"].is_object() {
        let mut attestation = security::show_group(&group);
        wire::merge_patch(&mut attestation, &body["attestation"]);
        let foreign = call.shared.switches().foreign_key_fields;
        group.attestation = security::parse_group(&attestation, Some(&group.attestation), foreign)?;
        group.certificates = security::certificates(&attestation, &group.attestation, group.certificates);
        group.foreign = security::foreign(&attestation, foreign);
        group.verified = security::verified(&attestation, group.verified);
    }
    save(&call, group, "enrollment.updated")
}

/// `DELETE /enrollmentGroups/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Connectivity)?;
    call.app(|app| {
        call.check_etag(&Value::Null, &find(app, &id)?.etag)?;
        app.enrollment_groups.remove(&id);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "enrollment.deleted", id))
}

/// Keeps a group under a new etag, unless another one lets in the same devices.
pub(super) fn save(call: &Call, mut group: AppEnrollmentGroup, effect: &'static str) -> Answer {
    group.etag = new_etag();
    let (id, shown) = (group.id.clone(), show(&group));
    let is_key = matches!(group.attestation, Attestation::SymmetricKey { .. });
    let may_overlap = is_key && call.shared.switches().groups_may_share_keys;
    call.app(|app| {
        let overlaps = |other: &AppEnrollmentGroup| other.id != group.id && other.overlaps(&group);
        if !may_overlap && app.enrollment_groups.values().any(overlaps) {
            return Err(Fault::conflict("Another enrollment group has these keys or this certificate."));
        }
        app.enrollment_groups.insert(group.id.clone(), group);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), effect, id))
}

fn check_fields(body: &Value) -> Result<(), Fault> {
    let unknown = body.as_object().and_then(|fields| fields.keys().find(|name| !FIELDS.contains(&name.as_str())));
    unknown.map_or(Ok(()), |name| Err(Fault::invalid_body(format!("The field {name} is not known."))))
}

pub(super) fn find<'a>(app: &'a App, id: &str) -> Result<&'a AppEnrollmentGroup, Fault> {
    app.enrollment_groups.get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Enrollment group {id} does not exist."))
}

fn show(group: &AppEnrollmentGroup) -> Value {
    json!({
        "id": group.id, "displayName": group.display_name, "enabled": group.enabled,
        "type": if group.edge { "iotEdge" } else { "iot" },
        "attestation": security::show_group(group), "etag": format!("\"{}\"", group.etag),
    })
}
