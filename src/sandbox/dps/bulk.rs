//! Bulk operations on enrollments: at most ten, each succeeding or failing by itself.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::enrollments::{Family, remove, store};
use super::fault::{Answer, Fault};
use super::service::{Call, Right, json_body};
use super::settings;
use crate::sandbox::wire;
use crate::sandbox::world::Dps;

const MOST: usize = 10;

/// `POST /enrollmentGroups`
pub(super) async fn groups(call: Call, body: Bytes) -> Answer {
    run(&call, Family::Groups, "enrollmentGroups", &body)
}

/// `POST /enrollments`
pub(super) async fn enrollments(call: Call, body: Bytes) -> Answer {
    run(&call, Family::Individuals, "enrollments", &body)
}

fn run(call: &Call, family: Family, list: &str, body: &[u8]) -> Answer {
    call.need(Right::EnrollmentWrite)?;
    let body = json_body(&call.headers, body)?;
    let mode = settings::text(&body, "mode")?.unwrap_or_default();
    let mode = ["create", "update", "updateIfMatchETag", "delete"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(mode))
        .ok_or_else(|| Fault::bad_request(format!("The mode '{mode}' is not known.")))?;
    let items = body[list].as_array().ok_or_else(|| Fault::bad_request(format!("The body needs {list}.")))?;
    if items.is_empty() || items.len() > MOST {
        return Err(Fault::bad_request(format!("A bulk operation takes 1 to {MOST} items.")));
    }
    let mut errors = Vec::new();
    let mut done = Vec::new();
    call.dps(|dps| {
        for item in items {
            let id = item[family.id_field()].as_str().unwrap_or_default();
            match one(call, dps, family, mode, item) {
                Ok(()) => done.push(id.to_owned()),
                Err(fault) => {
                    errors.push(json!({family.id_field(): id, "errorCode": fault.code, "errorStatus": fault.message}));
                }
            }
        }
        Ok(())
    })?;
    let mut response = wire::ok(&json!({"isSuccessful": errors.is_empty(), "errors": errors}));
    let effect = match mode {
        "create" => "enrollment.created",
        "delete" => "enrollment.deleted",
        _ => "enrollment.updated",
    };
    for id in done {
        response = wire::with_effect(response, effect, id);
    }
    Ok(response)
}

fn one(call: &Call, dps: &mut Dps, family: Family, mode: &str, item: &Value) -> Result<(), Fault> {
    let id = item[family.id_field()].as_str().unwrap_or_default();
    let etag = item["etag"].as_str();
    match mode {
        "delete" => remove(dps, family, id, etag),
        "create" => store(dps, family, item, None, call.now).map(drop),
        "update" => store(dps, family, item, Some("*"), call.now).map(drop),
        _ => {
            let etag = etag.ok_or_else(|| Fault::bad_request("updateIfMatchETag needs an etag."))?;
            store(dps, family, item, Some(etag), call.now).map(drop)
        }
    }
}
