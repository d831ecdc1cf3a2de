//! Paging by headers: `x-ms-max-item-count` and `x-ms-continuation` there and back.

use axum::http::HeaderValue;
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::fault::Fault;
use super::service::Call;
use crate::sandbox::wire;

const MOST_ROWS: usize = 1000;
const USUAL_ROWS: usize = 100;

/// What a caller asks for: how many rows, and after which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub size: usize,
    /// The key of the last row of the page before.
    pub after: Option<String>,
}

impl Wanted {
    /// Reads the headers.
    pub(super) fn of(call: &Call) -> Result<Self, Fault> {
        Ok(Self { size: size(call)?, after: after(call)? })
    }
}

fn size(call: &Call) -> Result<usize, Fault> {
    match wire::header_text(&call.headers, "x-ms-max-item-count").filter(|text| !text.is_empty()) {
        None => Ok(USUAL_ROWS),
        Some(text) => match text.parse::<i64>() {
            Ok(-1) => Ok(USUAL_ROWS),
            Ok(size @ 1..=1000) => Ok(usize::try_from(size).unwrap_or(MOST_ROWS)),
            _ => Err(Fault::bad_request("x-ms-max-item-count must be from 1 to 1000.")),
        },
    }
}

fn after(call: &Call) -> Result<Option<String>, Fault> {
    let Some(token) = wire::header_text(&call.headers, "x-ms-continuation").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(token).ok();
    let last = bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.strip_prefix("after:").map(str::to_owned));
    last.map(Some).ok_or_else(|| Fault::bad_request("x-ms-continuation is not valid."))
}

/// A page; `next` is the key of its last row if there are more.
pub(super) fn answer(rows: Vec<Value>, item_type: &'static str, next: Option<String>) -> Response {
    let mut response = wire::ok(&Value::Array(rows));
    response.headers_mut().insert("x-ms-item-type", HeaderValue::from_static(item_type));
    if let Some(next) = next.and_then(|last| HeaderValue::from_str(&STANDARD.encode(format!("after:{last}"))).ok()) {
        response.headers_mut().insert("x-ms-continuation", next);
    }
    response
}
