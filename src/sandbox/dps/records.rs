//! Registration records over the service API: the proof that a device came.

use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::model::Registration;
use super::page;
use super::service::{Call, Right};
use crate::sandbox::wire;

/// `GET /registrations/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::RegistrationRead)?;
    let record = call.look(|dps| dps.registrations.get(&id.to_ascii_lowercase()).map(show).ok_or_else(missing))?;
    Ok(wire::ok(&record))
}

/// `DELETE /registrations/{id}`
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::RegistrationDelete)?;
    call.dps(|dps| {
        let key = id.to_ascii_lowercase();
        let record = dps.registrations.get(&key).ok_or_else(missing)?;
        if call.if_match().is_some_and(|etag| !wire::etag_matches(etag, &record.etag)) {
            return Err(Fault::new(412_002, "Precondition failed."));
        }
        dps.registrations.remove(&key);
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "registration.deleted", id))
}

/// `POST /registrations/{group}/query`
pub(super) async fn query(call: Call, Path(group): Path<String>) -> Result<Response, Fault> {
    call.need(Right::RegistrationRead)?;
    call.look(|dps| {
        if !dps.groups.contains_key(&group.to_ascii_lowercase()) {
            return Err(Fault::no_group());
        }
        let of_group =
            |record: &Registration| record.group.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&group));
        let records = dps.registrations.iter().filter(|(_, record)| of_group(record));
        page::answer(&call.headers, "deviceRegistration", records, show)
    })
}

fn missing() -> Fault {
    Fault::new(404_202, "Registration not found.")
}

/// A record as the wire shows it.
pub(super) fn show(record: &Registration) -> Value {
    let mut shown = json!({
        "registrationId": record.registration_id,
        "deviceId": record.device_id,
        "status": record.status,
        "createdDateTimeUtc": wire::iso(record.created),
        "lastUpdatedDateTimeUtc": wire::iso(record.updated),
        "etag": record.etag,
    });
    if let Some(hub) = &record.assigned_hub {
        shown["assignedHub"] = json!(hub);
    }
    if let Some(substatus) = record.substatus {
        shown["substatus"] = json!(substatus);
    }
    if let Some((code, message)) = &record.error {
        shown["errorCode"] = json!(code);
        shown["errorMessage"] = json!(message);
    }
    shown
}
