//! Enrollment groups of an application. Keys are shown in clear; of certificates only the thumbprint.
//!
//! When exactly Azure answers 409 is not documented; here: the id exists, or another group has the same keys.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, Permission, text_field};
use super::fault::{Answer, Fault};
use super::model::{AppEnrollmentGroup, new_etag};
use super::{page, security};
use crate::sandbox::dps::model::Attestation;
use crate::sandbox::world::App;
use crate::sandbox::{dps, wire};

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
    let edge = match body["type"].as_str() {
        Some("iot") => false,
        Some("iotEdge") => true,
        _ => return Err(Fault::invalid_body("type must be iot or iotEdge.")),
    };
    let group = AppEnrollmentGroup {
        id: id.clone(),
        display_name: text_field(&body, "displayName")?
            .ok_or_else(|| Fault::invalid_body("displayName is required."))?,
        enabled: body["enabled"].as_bool().unwrap_or(true),
        edge,
        attestation: security::parse(&body["attestation"], true)?,
        etag: new_etag(),
    };
    let shown = show(&group);
    call.app(|app| {
        let same_keys = |other: &AppEnrollmentGroup| {
            matches!(group.attestation, Attestation::SymmetricKey { .. }) && other.attestation == group.attestation
        };
        if app.enrollment_groups.contains_key(&id) || app.enrollment_groups.values().any(same_keys) {
            return Err(Fault::conflict("An enrollment group with this id or these keys exists."));
        }
        app.enrollment_groups.insert(id.clone(), group.clone());
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "enrollment.created", id))
}

/// `PATCH /enrollmentGroups/{id}`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let body = call.json(&body)?;
    check_fields(&body)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    call.check_etag(&group.etag)?;
    if let Some(name) = text_field(&body, "displayName")? {
        group.display_name = name;
    }
    if let Some(enabled) = body["enabled"].as_bool() {
        group.enabled = enabled;
    }
    if body["attestation"].is_object() {
        let mut attestation = security::show_group(&group.attestation);
        wire::merge_patch(&mut attestation, &body["attestation"]);
        group.attestation = security::parse(&attestation, true)?;
    }
    save(&call, group)
}

/// `DELETE /enrollmentGroups/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Connectivity)?;
    call.app(|app| app.enrollment_groups.remove(&id).ok_or_else(|| missing(&id)))?;
    Ok(wire::with_effect(wire::no_content(), "enrollment.deleted", id))
}

/// `GET /enrollmentGroups/{id}/certificates/{entry}`
pub(super) async fn certificate(call: Call, Path((id, entry)): Path<(String, String)>) -> Answer {
    call.need(Permission::Connectivity)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    let thumbprint = slot(&mut group, &entry)?.clone();
    let thumbprint = thumbprint.ok_or_else(|| Fault::not_found("There is no such certificate."))?;
    Ok(wire::ok(&json!({"verified": true, "info": {"sha1Thumbprint": thumbprint}, "etag": group.etag})))
}

/// `PUT /enrollmentGroups/{id}/certificates/{entry}`
pub(super) async fn put_certificate(call: Call, Path((id, entry)): Path<(String, String)>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let body = call.json(&body)?;
    let thumbprint = body["certificate"].as_str().and_then(dps::thumbprint);
    let thumbprint = thumbprint.ok_or_else(|| Fault::invalid_body("certificate must be base64 of a PEM file."))?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    *slot(&mut group, &entry)? = Some(thumbprint.clone());
    save(&call, group)?;
    let shown = json!({"verified": body["verified"] == true, "info": {"sha1Thumbprint": thumbprint}});
    Ok(wire::with_effect(wire::ok(&shown), "certificate.saved", id))
}

/// `DELETE /enrollmentGroups/{id}/certificates/{entry}`
pub(super) async fn delete_certificate(call: Call, Path((id, entry)): Path<(String, String)>) -> Answer {
    call.need(Permission::Connectivity)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    slot(&mut group, &entry)?.take().ok_or_else(|| Fault::not_found("There is no such certificate."))?;
    save(&call, group)?;
    Ok(wire::with_effect(wire::no_content(), "certificate.deleted", id))
}

fn slot<'a>(group: &'a mut AppEnrollmentGroup, entry: &str) -> Result<&'a mut Option<String>, Fault> {
    match (&mut group.attestation, entry) {
        (Attestation::X509 { primary, .. }, "primary") => Ok(primary),
        (Attestation::X509 { secondary, .. }, "secondary") => Ok(secondary),
        (Attestation::X509 { .. }, _) => Err(Fault::bad_request("The entry must be primary or secondary.")),
        _ => Err(Fault::unprocessable("The enrollment group does not use certificates.")),
    }
}

fn save(call: &Call, mut group: AppEnrollmentGroup) -> Answer {
    group.etag = new_etag();
    let (id, shown) = (group.id.clone(), show(&group));
    call.app(|app| {
        app.enrollment_groups.insert(group.id.clone(), group);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "enrollment.updated", id))
}

fn check_fields(body: &Value) -> Result<(), Fault> {
    let unknown = body.as_object().and_then(|fields| fields.keys().find(|name| !FIELDS.contains(&name.as_str())));
    unknown.map_or(Ok(()), |name| Err(Fault::invalid_body(format!("The field {name} is not known."))))
}

fn find<'a>(app: &'a App, id: &str) -> Result<&'a AppEnrollmentGroup, Fault> {
    app.enrollment_groups.get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Enrollment group {id} does not exist."))
}

fn show(group: &AppEnrollmentGroup) -> Value {
    json!({
        "id": group.id, "displayName": group.display_name, "enabled": group.enabled,
        "type": if group.edge { "iotEdge" } else { "iot" },
        "attestation": security::show_group(&group.attestation), "etag": format!("\"{}\"", group.etag),
    })
}
