//! The ways out of an application: storage for uploaded files, and data exports. Their secrets are masked when they are shown,
//! unless the sandbox is told otherwise.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, Permission, Version, text_field};
use super::fault::{Answer, Fault};
use super::model::new_etag;
use super::{hidden, page};
use crate::sandbox::wire;

/// `GET /fileUploads`
pub(super) async fn uploads(call: Call) -> Answer {
    call.need(Permission::Administer)?;
    call.look(|app| app.configuration.file_uploads.as_ref().map(wire::ok).ok_or_else(no_storage))
}

/// `PUT` and `PATCH /fileUploads`
pub(super) async fn put_uploads(call: Call, body: Bytes) -> Answer {
    call.need(Permission::Administer)?;
    let body = call.json(&body)?;
    let shown = call.app(|app| {
        let before = app.configuration.file_uploads.clone();
        if let Some(before) = &before {
            call.check_etag(&body, before["etag"].as_str().unwrap_or_default())?;
        }
        let mut own = before.unwrap_or_else(|| json!({"sasTtl": "PT1H", "state": "succeeded"}));
        for name in ["account", "connectionString", "container", "sasTtl"] {
            if let Some(text) = text_field(&body, name)? {
                own[name] = if name == "connectionString" { json!("*****") } else { json!(text) };
            }
        }
        if own["connectionString"].is_null() || own["container"].is_null() {
            return Err(Fault::invalid_body("connectionString and container are required."));
        }
        own["etag"] = json!(format!("\"{}\"", new_etag()));
        app.configuration.file_uploads = Some(own.clone());
        Ok(own)
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "uploads.saved", "storage"))
}

/// `DELETE /fileUploads`
pub(super) async fn delete_uploads(call: Call) -> Answer {
    call.need(Permission::Administer)?;
    call.app(|app| app.configuration.file_uploads.take().ok_or_else(no_storage))?;
    Ok(wire::with_effect(wire::no_content(), "uploads.deleted", "storage"))
}

/// `GET /dataExport/{destinations|exports}`
pub(super) async fn list(call: Call, Path(family): Path<String>) -> Answer {
    let all = family_of(&call, &family)?;
    page::answer(&call, all.iter().map(|(id, own)| (id.as_str(), own)), |own| shown(&call, own))
}

/// `GET /dataExport/{destinations|exports}/{id}`
pub(super) async fn get(call: Call, Path((family, id)): Path<(String, String)>) -> Answer {
    let all = family_of(&call, &family)?;
    let missing = || Fault::not_found(format!("There is no {id} in {family}."));
    all.get(&id).map(|own| wire::ok(&shown(&call, own))).ok_or_else(missing)
}

fn shown(call: &Call, own: &Value) -> Value {
    if call.shared.switches().destinations_show_secrets { own.clone() } else { hidden::masked(own) }
}

fn family_of(call: &Call, family: &str) -> Result<std::collections::BTreeMap<String, Value>, Fault> {
    if call.version != Version::NewPreview {
        return Err(Fault::not_found("The requested resource was not found."));
    }
    call.need(Permission::Administer)?;
    call.look(|app| match family {
        "destinations" => Ok(app.configuration.export_destinations.clone()),
        "exports" => Ok(app.configuration.exports.clone()),
        _ => Err(Fault::not_found("The requested resource was not found.")),
    })
}

fn no_storage() -> Fault {
    Fault::not_found("No storage is set up for file uploads.")
}
