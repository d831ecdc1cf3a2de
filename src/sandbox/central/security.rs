//! Credentials and individual attestation of one device.

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::devices::find;
use super::door::{Call, Permission};
use super::fault::{Answer, Fault};
use super::model::AppEnrollmentGroup;
use crate::sandbox::dps::model::{Attestation, Certificates};
use crate::sandbox::options::{ForeignFields, Switches};
use crate::sandbox::world::App;
use crate::sandbox::x509::Certificate;
use crate::sandbox::{dps, sas, wire};

/// The group by whose keys `credentials` shows every device's keys, whatever group the device really uses.
pub(super) const DEFAULT_GROUP: &str = "SAS-IoT-Devices";

/// `GET /devices/{id}/credentials`
pub(super) async fn credentials(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Permission::Connectivity)?;
    let switches = call.shared.switches();
    call.look(|app| {
        let mut shown = shown_credentials(app, &id)?;
        if !(find(app, &id)?.simulated && switches.simulated_devices_lack_id_scope) {
            shown["idScope"] = json!(app.id_scope);
        }
        Ok(wire::ok(&shown))
    })
}

fn shown_credentials(app: &App, id: &str) -> Result<Value, Fault> {
    let device = find(app, id)?;
    let mut shown = json!({});
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

/// `PUT /devices/{id}/attestation`
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let body = call.json(&body)?;
    save(&call, &id, |_| Ok((body, None)))
}

/// `PATCH /devices/{id}/attestation`
pub(super) async fn patch(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let body = call.json(&body)?;
    save(&call, &id, |known| {
        let known = known.ok_or_else(|| Fault::not_found(format!("Device {id} has no individual attestation.")))?;
        let mut merged = show(&known);
        wire::merge_patch(&mut merged, &body);
        Ok((merged, Some(known)))
    })
}

fn save(
    call: &Call,
    id: &str,
    body: impl FnOnce(Option<Attestation>) -> Result<(Value, Option<Attestation>), Fault>,
) -> Answer {
    let switches = call.shared.switches();
    let shown = call.app(|app| {
        let device = app.devices.get_mut(id).ok_or_else(|| Fault::no_device(id))?;
        let (body, known) = body(device.attestation.clone())?;
        let attestation = parse_device(&body, known.as_ref(), switches)?;
        let shown = show(&attestation);
        device.attestation = Some(attestation);
        device.touch(call.now);
        Ok(shown)
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

/// Reads an attestation of an enrollment group. A group gets keys and certificates later, if they are not given.
pub(super) fn parse_group(
    body: &Value,
    known: Option<&Attestation>,
    foreign: ForeignFields,
) -> Result<Attestation, Fault> {
    match body["type"].as_str() {
        Some("symmetricKey") if !body["symmetricKey"].is_object() => {
            Ok(Attestation::SymmetricKey { primary: sas::random_key(), secondary: sas::random_key() })
        }
        Some("symmetricKey") => parse_keys(&body["symmetricKey"], foreign),
        Some("x509") => parse_certificates(&body["x509"]["signingCertificates"], known, false),
        other => Err(Fault::invalid_body(format!("The attestation type {other:?} is not known."))),
    }
}

/// What stands beside the keys, where that is kept.
pub(super) fn foreign(body: &Value, kept: ForeignFields) -> Map<String, Value> {
    let fields = body["symmetricKey"].as_object().filter(|_| kept == ForeignFields::Echoed);
    let is_foreign = |(name, _): &(&String, &Value)| !is_key(name);
    fields.into_iter().flatten().filter(is_foreign).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_key(name: &str) -> bool {
    matches!(name, "primaryKey" | "secondaryKey")
}

/// Which of a group's certificates are verified: those said to be, and those that were and are not replaced.
pub(super) fn verified(body: &Value, before: [bool; 2]) -> [bool; 2] {
    let slots = ["primary", "secondary"].map(|slot| &body["x509"]["signingCertificates"][slot]);
    let one = |at: usize| {
        let given = slots[at];
        given.is_object() && given["verified"] == true && (given["certificate"].is_string() || before[at])
    };
    [one(0), one(1)]
}

/// The certificates behind a group's thumbprints, as far as they are given now or were before.
pub(super) fn certificates(body: &Value, attestation: &Attestation, before: Certificates) -> Certificates {
    let given = |slot: &str| body["x509"]["signingCertificates"][slot]["certificate"].as_str();
    let one = |slot: &str, before: Option<Certificate>| {
        let certificate = given(slot).and_then(Certificate::read).or(before)?;
        attestation.has_certificate(&certificate.sha1).then_some(certificate)
    };
    Certificates { primary: one("primary", before.primary), secondary: one("secondary", before.secondary) }
}

/// Reads an individual attestation, which must be complete.
fn parse_device(body: &Value, known: Option<&Attestation>, switches: Switches) -> Result<Attestation, Fault> {
    match body["type"].as_str() {
        Some("symmetricKey") => parse_keys(&body["symmetricKey"], switches.foreign_key_fields),
        Some("x509") => {
            let given = &body["x509"]["clientCertificates"];
            let attestation = parse_certificates(given, known, switches.thumbprints_attest)?;
            match &attestation {
                Attestation::X509 { primary: None, .. } => {
                    Err(Fault::invalid_body("x509.clientCertificates.primary needs a certificate."))
                }
                _ => Ok(attestation),
            }
        }
        Some("tpm") => {
            let key = body["tpm"]["endorsementKey"].as_str();
            let key = key.ok_or_else(|| Fault::invalid_body("tpm needs an endorsementKey."))?;
            Ok(Attestation::Tpm { endorsement_key: key.to_owned() })
        }
        other => Err(Fault::invalid_body(format!("The attestation type {other:?} is not known."))),
    }
}

fn parse_keys(keys: &Value, foreign: ForeignFields) -> Result<Attestation, Fault> {
    let fields = keys.as_object().ok_or_else(|| Fault::invalid_body("symmetricKey needs two keys."))?;
    let unknown = fields.keys().find(|name| !is_key(name)).filter(|_| foreign == ForeignFields::Refused);
    if let Some(unknown) = unknown {
        return Err(Fault::invalid_body(format!("The field symmetricKey.{unknown} is not known.")));
    }
    let key = |name: &str| {
        let key = fields.get(name).and_then(Value::as_str).filter(|key| sas::is_valid_key(key));
        key.map(str::to_owned).ok_or_else(|| Fault::invalid_body(format!("{name} must be base64 of 16 to 64 bytes.")))
    };
    Ok(Attestation::SymmetricKey { primary: key("primaryKey")?, secondary: key("secondaryKey")? })
}

/// Certificates, or those that are there already: `info` says something about a certificate and does not stand for one,
/// unless it may.
fn parse_certificates(given: &Value, known: Option<&Attestation>, by_thumbprint: bool) -> Result<Attestation, Fault> {
    let read = |slot: &str| {
        if let Some(text) = given[slot]["certificate"].as_str() {
            let wrong = || Fault::invalid_body(format!("The {slot} certificate must be base64 of a PEM file."));
            return dps::thumbprint(text).map(Some).ok_or_else(wrong);
        }
        let named = given[slot]["info"]["sha1Thumbprint"].as_str();
        let is_there = |named: &&str| by_thumbprint || known.is_some_and(|known| known.has_certificate(named));
        Ok(named.filter(is_there).map(str::to_owned))
    };
    Ok(Attestation::X509 { primary: read("primary")?, secondary: read("secondary")?, ca_references: Vec::new() })
}

/// An attestation of a device: keys in clear, of certificates the thumbprint only.
fn show(attestation: &Attestation) -> Value {
    match attestation {
        Attestation::SymmetricKey { primary, secondary } => {
            json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}})
        }
        Attestation::X509 { .. } => json!({"type": "x509", "x509": {"clientCertificates": slots(attestation, None)}}),
        Attestation::Tpm { endorsement_key } => json!({"type": "tpm", "tpm": {"endorsementKey": endorsement_key}}),
    }
}

/// The same of a group, which also says which certificates are verified.
pub(super) fn show_group(group: &AppEnrollmentGroup) -> Value {
    match &group.attestation {
        own @ Attestation::X509 { .. } => {
            json!({"type": "x509", "x509": {"signingCertificates": slots(own, Some(group.verified))}})
        }
        own => {
            let mut shown = show(own);
            if !group.foreign.is_empty() {
                wire::merge_patch(&mut shown["symmetricKey"], &Value::Object(group.foreign.clone()));
            }
            shown
        }
    }
}

fn slots(attestation: &Attestation, verified: Option<[bool; 2]>) -> Value {
    let mut slots = json!({});
    if let Attestation::X509 { primary, secondary, .. } = attestation {
        for (at, (slot, thumbprint)) in [("primary", primary), ("secondary", secondary)].into_iter().enumerate() {
            if let Some(thumbprint) = thumbprint {
                slots[slot] = json!({"info": {"sha1Thumbprint": thumbprint}});
                if let Some(verified) = verified {
                    slots[slot]["verified"] = json!(verified[at]);
                }
            }
        }
    }
    slots
}
