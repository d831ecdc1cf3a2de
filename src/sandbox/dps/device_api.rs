//! The device API over HTTPS: register, ask how the operation stands, look up the last registration.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::model::{Registration, Status};
use super::register::{self, Presented};
use super::{records, service};
use crate::sandbox::state::Shared;
use crate::sandbox::wire;
use crate::sandbox::x509::Chain;

const VERSIONS: [&str; 6] =
    ["2018-09-01-preview", "2018-11-01", "2019-03-31", "2021-06-01", "2021-10-01", "2021-11-01-preview"];

/// `PUT /{scope}/registrations/{id}/register`
pub(super) async fn register(
    State(shared): State<Shared>,
    Path((scope, id)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    chain: Option<Extension<Chain>>,
    body: Bytes,
) -> Answer {
    service::check_version(&uri, &VERSIONS)?;
    let body = service::json_body(&headers, &body)?;
    check_id(&body, &id)?;
    let payload = body.get("payload").filter(|payload| !payload.is_null()).cloned();
    let operation = register::begin(&shared, &scope, &id, &presented(&headers, chain), payload)?;
    let location = format!("https://{}/{scope}/registrations/{id}/operations/{operation}", wire::host(&headers, &uri));
    let mut response = assigning(&operation);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert("location", location);
    }
    Ok(wire::with_effect(response, "device.registering", id))
}

/// `GET /{scope}/registrations/{id}/operations/{operation}`
pub(super) async fn operation(
    State(shared): State<Shared>,
    Path((scope, id, operation)): Path<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
    chain: Option<Extension<Chain>>,
) -> Answer {
    service::check_version(&uri, &VERSIONS)?;
    let record = register::poll(&shared, &scope, &id, &presented(&headers, chain), &operation)?;
    if record.status == Status::Assigning {
        return Ok(assigning(&operation));
    }
    let mut state = state(&record);
    let with_certificate = record.operation.as_ref().is_some_and(|last| last.matched.leaf.is_some());
    state[if with_certificate { "x509" } else { "symmetricKey" }] = json!({"enrollmentGroupId": record.group});
    Ok(wire::ok(&json!({"operationId": operation, "status": record.status, "registrationState": state})))
}

/// `POST /{scope}/registrations/{id}`
pub(super) async fn lookup(
    State(shared): State<Shared>,
    Path((scope, id)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    chain: Option<Extension<Chain>>,
    body: Bytes,
) -> Answer {
    service::check_version(&uri, &VERSIONS)?;
    check_id(&service::json_body(&headers, &body)?, &id)?;
    let record = register::lookup(&shared, &scope, &id, &presented(&headers, chain))?;
    Ok(wire::ok(&state(&record)))
}

fn state(record: &Registration) -> Value {
    let mut state = records::show(record);
    state["payload"] = json!({});
    state
}

fn presented(headers: &HeaderMap, chain: Option<Extension<Chain>>) -> Presented {
    Presented::from_call(wire::header_text(headers, "authorization"), chain.map(|Extension(chain)| chain))
}

fn check_id(body: &Value, id: &str) -> Result<(), Fault> {
    match body.get("registrationId").and_then(Value::as_str) {
        Some(given) if given.eq_ignore_ascii_case(id) => Ok(()),
        _ => Err(Fault::bad_request("registrationId in the body must equal the one in the path.")),
    }
}

fn assigning(operation: &str) -> Response {
    let mut response = wire::json(StatusCode::ACCEPTED, &json!({"operationId": operation, "status": "assigning"}));
    response.headers_mut().insert("retry-after", HeaderValue::from_static("3"));
    response
}
