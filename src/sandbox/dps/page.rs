//! Paging by headers: `x-ms-max-item-count` and `x-ms-continuation` there and back.

use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::fault::Fault;
use crate::sandbox::wire;

/// The most that a page holds, whatever was asked for.
const LARGEST: usize = 100;

/// One page of `items` (ordered by key) after the continuation that the client sent.
pub(super) fn answer<'a, T>(
    headers: &HeaderMap,
    item_type: &'static str,
    items: impl IntoIterator<Item = (&'a String, T)>,
    show: impl Fn(T) -> Value,
) -> Result<Response, Fault> {
    let size = match wire::header_text(headers, "x-ms-max-item-count").filter(|text| !text.is_empty()) {
        None => LARGEST,
        Some(text) => match text.parse::<i64>() {
            Ok(-1) => LARGEST,
            Ok(wanted @ 1..) => usize::try_from(wanted).unwrap_or(LARGEST).min(LARGEST),
            _ => return Err(Fault::bad_request("x-ms-max-item-count must be a positive number.")),
        },
    };
    let after = match wire::header_text(headers, "x-ms-continuation").filter(|text| !text.is_empty()) {
        None => None,
        Some(token) => Some(decode(token).ok_or_else(|| Fault::bad_request("x-ms-continuation is not valid."))?),
    };
    let mut rest = items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after)).peekable();
    let (mut page, mut last) = (Vec::new(), None);
    while page.len() < size
        && let Some((key, item)) = rest.next()
    {
        last = Some(key.clone());
        page.push(show(item));
    }
    let mut response = wire::ok(&Value::Array(page));
    let headers = response.headers_mut();
    headers.insert("x-ms-item-type", HeaderValue::from_static(item_type));
    headers.insert("x-ms-max-item-count", HeaderValue::from(size));
    if rest.peek().is_some()
        && let Some(token) = last.and_then(|last| HeaderValue::from_str(&STANDARD.encode(format!("after:{last}"))).ok())
    {
        headers.insert("x-ms-continuation", token);
    }
    Ok(response)
}

fn decode(token: &str) -> Option<String> {
    let bytes = STANDARD.decode(token).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix("after:").map(str::to_owned)
}
