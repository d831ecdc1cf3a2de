//! Certificates of an X.509 enrollment group: put there, proven to be the caller's, taken away. They are never shown.

use axum::body::Bytes;
use axum::extract::Path;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::door::{Call, Permission};
use super::enrollment::{find, save};
use super::fault::{Answer, Fault};
use super::model::AppEnrollmentGroup;
use crate::sandbox::dps::model::{Attestation, Certificates};
use crate::sandbox::x509::Certificate;
use crate::sandbox::{dps, wire};

/// `GET /enrollmentGroups/{id}/certificates/{entry}`
pub(super) async fn get(call: Call, Path((id, entry)): Path<(String, String)>) -> Answer {
    call.need(Permission::Connectivity)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    present(&mut group, &entry)?;
    Ok(wire::ok(&show(&mut group, &entry)?))
}

/// `PUT` of the same.
pub(super) async fn put(call: Call, Path((id, entry)): Path<(String, String)>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let body = call.json(&body)?;
    let thumbprint = body["certificate"].as_str().and_then(dps::thumbprint);
    let thumbprint = thumbprint.ok_or_else(|| Fault::invalid_body("certificate must be base64 of a PEM file."))?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    call.check_etag(&body, &group.etag)?;
    let (at, slot) = slot(&mut group, &entry)?;
    *slot = Some(thumbprint);
    *certificate(&mut group, at) = body["certificate"].as_str().and_then(Certificate::read);
    group.verified[at] = body["verified"] == true;
    group.codes[at] = None;
    save(&call, group, "enrollment.updated")?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    Ok(wire::with_effect(wire::ok(&show(&mut group, &entry)?), "certificate.saved", id))
}

/// `DELETE` of the same.
pub(super) async fn delete(call: Call, Path((id, entry)): Path<(String, String)>) -> Answer {
    call.need(Permission::Connectivity)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    call.check_etag(&Value::Null, &group.etag)?;
    let at = present(&mut group, &entry)?;
    *slot(&mut group, &entry)?.1 = None;
    *certificate(&mut group, at) = None;
    group.verified[at] = false;
    save(&call, group, "enrollment.updated")?;
    Ok(wire::with_effect(wire::no_content(), "certificate.deleted", id))
}

/// `POST …/generateVerificationCode`
pub(super) async fn generate_code(call: Call, Path((id, entry)): Path<(String, String)>) -> Answer {
    call.need(Permission::Connectivity)?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    let at = present(&mut group, &entry)?;
    let code = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
    group.codes[at] = Some(code.clone());
    save(&call, group, "enrollment.updated")?;
    Ok(wire::ok(&json!({"verificationCode": code})))
}

/// `POST …/verify`: the proof is a certificate that names the code. Who signed it is not looked at.
pub(super) async fn verify(call: Call, Path((id, entry)): Path<(String, String)>, body: Bytes) -> Answer {
    call.need(Permission::Connectivity)?;
    let body = call.json(&body)?;
    let proof = body["certificate"].as_str().and_then(decoded);
    let proof = proof.ok_or_else(|| Fault::invalid_body("certificate must be base64 of a PEM file."))?;
    let mut group = call.look(|app| find(app, &id).cloned())?;
    let at = present(&mut group, &entry)?;
    let names = |code: &String| proof.windows(code.len()).any(|part| part == code.as_bytes());
    if !group.codes[at].as_ref().is_some_and(names) {
        return Err(Fault::unprocessable("The certificate does not prove possession: it lacks the verification code."));
    }
    group.verified[at] = true;
    save(&call, group, "enrollment.updated")?;
    Ok(wire::with_effect(wire::no_content(), "certificate.verified", id))
}

fn show(group: &mut AppEnrollmentGroup, entry: &str) -> Result<Value, Fault> {
    let etag = format!("\"{}\"", group.etag);
    let verified = group.verified;
    let (at, thumbprint) = slot(group, entry)?;
    Ok(json!({"verified": verified[at], "info": {"sha1Thumbprint": thumbprint}, "etag": etag}))
}

/// The place of a certificate that must be there.
fn present(group: &mut AppEnrollmentGroup, entry: &str) -> Result<usize, Fault> {
    let (at, slot) = slot(group, entry)?;
    slot.as_ref().map(|_| at).ok_or_else(|| Fault::not_found("There is no such certificate."))
}

fn slot<'a>(group: &'a mut AppEnrollmentGroup, entry: &str) -> Result<(usize, &'a mut Option<String>), Fault> {
    match (&mut group.attestation, entry) {
        (Attestation::X509 { primary, .. }, "primary") => Ok((0, primary)),
        (Attestation::X509 { secondary, .. }, "secondary") => Ok((1, secondary)),
        (Attestation::X509 { .. }, _) => Err(Fault::bad_request("The entry must be primary or secondary.")),
        _ => Err(Fault::unprocessable("The enrollment group does not use certificates.")),
    }
}

/// The same place, for the certificate itself.
fn certificate(group: &mut AppEnrollmentGroup, at: usize) -> &mut Option<Certificate> {
    let Certificates { primary, secondary } = &mut group.certificates;
    if at == 0 { primary } else { secondary }
}

/// The bytes of a certificate, given as PEM or as base64 of PEM or DER.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let joined = |text: &str| {
        let body: String = text.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        STANDARD.decode(body).ok()
    };
    let bytes = joined(text)?;
    match std::str::from_utf8(&bytes) {
        Ok(pem) if pem.contains("-----BEGIN") => joined(pem),
        _ => Some(bytes),
    }
}
