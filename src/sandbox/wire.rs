//! Small things that all simulated services need to speak HTTP: dates, query strings, JSON bodies, recorded effects.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::log::{Effect, Effects};

/// `2026-01-01T10:00:00.123Z`, as Azure's JSON bodies show a moment.
#[must_use]
pub fn iso(at: OffsetDateTime) -> String {
    let millis = at.replace_millisecond(at.millisecond()).unwrap_or(at);
    millis.format(&Rfc3339).unwrap_or_default()
}

/// A moment that may not have come yet; "never" is written as the year 1.
#[must_use]
pub fn iso_or_never(at: Option<OffsetDateTime>) -> String {
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), iso)
}

/// `Fri, 21 Aug 2026 02:15:35 GMT`.
#[must_use]
pub fn rfc1123(at: OffsetDateTime) -> String {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    at.format(&format).unwrap_or_default()
}

/// The host that the request is for, lower-case, without a port.
#[must_use]
pub fn host(headers: &HeaderMap, uri: &Uri) -> String {
    let host =
        headers.get(header::HOST).and_then(|value| value.to_str().ok()).or_else(|| uri.host()).unwrap_or_default();
    host.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// The first value of a query parameter, decoded.
#[must_use]
pub fn param(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A header as text.
#[must_use]
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A JSON answer.
#[must_use]
pub fn json(status: StatusCode, body: &Value) -> Response {
    let content = HeaderValue::from_static("application/json; charset=utf-8");
    (status, [(header::CONTENT_TYPE, content)], body.to_string()).into_response()
}

/// A 200 with a JSON body.
#[must_use]
pub fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body)
}

/// A 204.
#[must_use]
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Notes on the answer what the request changed in the world, for the call log.
#[must_use]
pub fn with_effect(mut response: Response, kind: &'static str, subject: impl Into<String>) -> Response {
    let effect = Effect { kind, subject: subject.into() };
    match response.extensions_mut().get_mut::<Effects>() {
        Some(Effects(effects)) => effects.push(effect),
        None => {
            response.extensions_mut().insert(Effects(vec![effect]));
        }
    }
    response
}

/// Merges `patch` into `target` as RFC 7396 says: objects are merged, `null` deletes, anything else replaces.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(object) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            object.remove(name);
        } else {
            merge_patch(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Whether an `If-Match` (or body) etag names `current`: `*` or the same value, with or without double quotes (Microsoft's
/// SDKs for IoT Hub quote the asterisk too).
#[must_use]
pub fn etag_matches(given: &str, current: &str) -> bool {
    let given = given.trim().trim_matches('"');
    given == "*" || given == current.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_etag_matches_with_and_without_quotes_and_so_does_the_asterisk() {
        for given in ["*", "\"*\"", "abc", "\"abc\""] {
            assert!(etag_matches(given, "\"abc\""), "{given}");
        }
        assert!(!etag_matches("\"abd\"", "abc"));
    }

    #[test]
    fn dates_are_written_as_azure_writes_them() {
        let at = datetime!(2026-08-21 02:15:35.123456 UTC);
        assert_eq!(rfc1123(at), "Fri, 21 Aug 2026 02:15:35 GMT");
        assert_eq!(iso(at), "2026-08-21T02:15:35.123Z");
        assert_eq!(iso_or_never(None), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn a_merge_patch_deletes_with_null_and_merges_objects() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge_patch(&mut target, &json!({"a": {"b": null, "x": 3}, "d": 4}));
        assert_eq!(target, json!({"a": {"c": 2, "x": 3}, "d": 4}));
    }

    #[test]
    fn etags_match_with_and_without_quotes() {
        assert!(etag_matches("*", "abc") && etag_matches("\"abc\"", "abc") && etag_matches("abc", "\"abc\""));
        assert!(!etag_matches("\"abd\"", "abc"));
    }
}
