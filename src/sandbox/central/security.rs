//! Credentials and individual attestation of one device.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::devices::find;
use super::door::{Call, Permission};
use super::fault::{Answer, Fault};
use crate::sandbox::dps::model::Attestation;
use crate::sandbox::world::App;
use crate::sandbox::{dps, sas, wire};

/// The group by whose keys `credentials` shows every device's keys, whatever group the device really uses.
pub(super) const DEFAULT_GROUP: &str = "SAS-IoT-Devices";

/// `GET /devices/{id}/credentials`
pub(super) async fn credentials(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Connectivity)?;
    call.look(|app| Ok(wire::ok(&shown_credentials(app, &id)?)))
}

fn shown_credentials(app: &App, id: &str) -> Result<Value, Fault> {
    let device = find(app, id)?;
    let mut shown = json!({"idScope": app.id_scope});
    let keys = match &device.attestation {
        Some(attestation @ Attestation::SymmetricKey { .. }) => attestation.device_keys(id, false),
        Some(other) => {
            let attestation = show(other);
            if let Some(kind) = attestation["type"].as_str() {
                shown[kind] = attestation[kind].clone();
            }
            None
        }
        None => app.enrollment_groups.get(DEFAULT_GROUP).and_then(|group| group.attestation.device_keys(id, true)),
    };
    if let Some((primary, secondary)) = keys {
        shown["symmetricKey"] = json!({"primaryKey": primary, "secondaryKey": secondary});
    }
    Ok(shown)
}

/// `GET /devices/{id}/attestation`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Connectivity)?;
    call.look(|app| {
        let attestation = find(app, &id)?.attestation.as_ref();
        let attestation =
            attestation.ok_or_else(|| Fault::not_found(format!("Device {id} has no individual attestation.")))?;
        Ok(wire::ok(&show(attestation)))
    })
}

/// `PUT` and `PATCH /devices/{id}/attestation`
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let attestation = parse(&call.json(&body)?, false)?;
    let shown = show(&attestation);
    call.app(|app| {
        let device = app.devices.get_mut(&id).ok_or_else(|| Fault::no_device(&id))?;
        device.attestation = Some(attestation);
        device.touch(call.now);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "attestation.saved", id))
}

/// `DELETE /devices/{id}/attestation`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Connectivity)?;
    call.app(|app| {
        let device = app.devices.get_mut(&id).ok_or_else(|| Fault::no_device(&id))?;
        device
            .attestation
            .take()
            .map(drop)
            .ok_or_else(|| Fault::not_found(format!("Device {id} has no individual attestation.")))
    })?;
    Ok(wire::with_effect(wire::no_content(), "attestation.deleted", id))
}

/// Reads an attestation of a device, or of an enrollment group. Fields that are not known are refused.
pub(super) fn parse(body: &Value, is_group: bool) -> Result<Attestation, Fault> {
    match body["type"].as_str() {
        Some("symmetricKey") => parse_keys(&body["symmetricKey"]),
        Some("x509") => {
            let field = if is_group { "signingCertificates" } else { "clientCertificates" };
            let read = |slot: &str| {
                let given = &body["x509"][field][slot];
                let from_certificate = given["certificate"].as_str().and_then(dps::thumbprint);
                from_certificate.or_else(|| given["info"]["sha1Thumbprint"].as_str().map(str::to_owned))
            };
            Ok(Attestation::X509 { primary: read("primary"), secondary: read("secondary"), ca_references: Vec::new() })
        }
        Some("tpm") if !is_group => {
            let key = body["tpm"]["endorsementKey"]
                .as_str()
                .ok_or_else(|| Fault::invalid_body("tpm needs an endorsementKey."))?;
            Ok(Attestation::Tpm { endorsement_key: key.to_owned() })
        }
        other => Err(Fault::invalid_body(format!("The attestation type {other:?} is not known."))),
    }
}

fn parse_keys(keys: &Value) -> Result<Attestation, Fault> {
    let Some(fields) = keys.as_object() else {
        return Ok(Attestation::SymmetricKey { primary: sas::random_key(), secondary: sas::random_key() });
    };
    if let Some(unknown) = fields.keys().find(|name| !matches!(name.as_str(), "primaryKey" | "secondaryKey")) {
        return Err(Fault::invalid_body(format!("The field symmetricKey.{unknown} is not known.")));
    }
    let key = |name: &str| {
        let key = fields.get(name).and_then(Value::as_str).filter(|key| sas::is_valid_key(key));
        key.map(str::to_owned).ok_or_else(|| Fault::invalid_body(format!("{name} must be base64 of 16 to 64 bytes.")))
    };
    Ok(Attestation::SymmetricKey { primary: key("primaryKey")?, secondary: key("secondaryKey")? })
}

/// An attestation of a device: keys in clear, of certificates the thumbprint only.
fn show(attestation: &Attestation) -> Value {
    show_as(attestation, "clientCertificates")
}

/// The same of a group.
pub(super) fn show_group(attestation: &Attestation) -> Value {
    show_as(attestation, "signingCertificates")
}

fn show_as(attestation: &Attestation, certificates: &str) -> Value {
    match attestation {
        Attestation::SymmetricKey { primary, secondary } => {
            json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}})
        }
        Attestation::X509 { primary, secondary, .. } => {
            let mut slots = json!({});
            for (slot, thumbprint) in [("primary", primary), ("secondary", secondary)] {
                if let Some(thumbprint) = thumbprint {
                    slots[slot] = json!({"verified": true, "info": {"sha1Thumbprint": thumbprint}});
                }
            }
            json!({"type": "x509", "x509": {certificates: slots}})
        }
        Attestation::Tpm { endorsement_key } => json!({"type": "tpm", "tpm": {"endorsementKey": endorsement_key}}),
    }
}
