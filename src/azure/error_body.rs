//! Error answers of all services, read into one shape.
//!
//! ARM says `{"error":{…}}` or the same fields at top level in any case; IoT Central like ARM, with the request id
//! inside the message; DPS and IoT Hub `{"errorCode":…}`, and IoT Hub also `{"Message":"…"}` with JSON or
//! `ErrorCode:Name;text` inside. Headers come first.

use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use crate::azure::lenient::text_of;

/// What an error answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub code: Option<String>,
    pub message: Option<String>,
    pub request_id: Option<String>,
}

const MESSAGE_LIMIT: usize = 600;

/// Reads headers and body of an error answer. Never fails: what cannot be read stays empty.
pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> ErrorBody {
    let header = |names: &[&str]| {
        names.iter().find_map(|name| headers.get(*name)?.to_str().ok()).filter(|v| !v.is_empty()).map(str::to_owned)
    };
    let inner = serde_json::from_slice::<Value>(body).map(|value| from_value(&value)).unwrap_or_default();
    ErrorBody {
        code: header(&["iothub-errorcode", "x-ms-error-code"]).or(inner.code),
        message: inner.message.map(|message| tidy(&message)).filter(|message| !message.is_empty()),
        request_id: header(&["x-ms-request-id", "x-ms-correlation-request-id"]).or(inner.request_id),
    }
}

fn from_value(value: &Value) -> ErrorBody {
    match value {
        Value::Object(fields) => match field(fields, "error") {
            Some(Value::Object(error)) => from_fields(error),
            Some(Value::String(code)) => ErrorBody { code: Some(code.clone()), ..from_fields(fields) },
            _ => from_fields(fields),
        },
        Value::String(text) => from_text(text),
        _ => ErrorBody::default(),
    }
}

fn from_fields(fields: &Map<String, Value>) -> ErrorBody {
    let text = |name| field(fields, name).and_then(text_of);
    let nested = text("message").map(|message| from_text(&message)).unwrap_or_default();
    ErrorBody {
        code: text("errorCode").or_else(|| text("code")).or(nested.code),
        message: nested.message.or_else(|| text("details")),
        request_id: text("requestId")
            .or_else(|| text("trackingId"))
            .or(nested.request_id)
            .or_else(|| text("exceptionMessage").and_then(|text| text.strip_prefix("Tracking ID:").map(str::to_owned))),
    }
}

/// A message may be JSON again, or `ErrorCode:Name;text`, or have the request id at its end.
fn from_text(text: &str) -> ErrorBody {
    if let Ok(Value::Object(inner)) = serde_json::from_str(text) {
        return from_fields(&inner);
    }
    if let Some((code, rest)) = text.strip_prefix("ErrorCode:").and_then(|rest| rest.split_once(';')) {
        return ErrorBody { code: Some(code.trim().to_owned()), message: Some(rest.to_owned()), request_id: None };
    }
    let request_id = text.split_once("Request ID: ").and_then(|(_, rest)| rest.split([',', ' ']).next());
    let request_id = request_id.filter(|id| !id.is_empty()).map(str::to_owned);
    ErrorBody { code: None, message: Some(text.to_owned()), request_id }
}

fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// One line, without IoT Central's support paragraph, of bearable length, and without anything that looks like a secret.
fn tidy(message: &str) -> String {
    let end = message.find(" You can contact support at").unwrap_or(message.len());
    let words: Vec<&str> = message[..end].split_whitespace().collect();
    let mut tidy = String::new();
    let mut after_bearer = false;
    for word in words {
        if tidy.len() + word.len() > MESSAGE_LIMIT {
            tidy.push('…');
            break;
        }
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(if after_bearer || is_secret(word) { "[hidden]" } else { word });
        after_bearer = word.eq_ignore_ascii_case("bearer");
    }
    tidy
}

fn is_secret(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["sharedaccesskey=", "sig=", "primarykey", "secondarykey", "eyj0e", "eyjhbg"].iter().any(|mark| word.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn read(body: &str) -> ErrorBody {
        parse(&HeaderMap::new(), body.as_bytes())
    }

    fn body(code: Option<&str>, message: &str, request_id: Option<&str>) -> ErrorBody {
        ErrorBody {
            code: code.map(str::to_owned),
            message: Some(message.to_owned()),
            request_id: request_id.map(str::to_owned),
        }
    }

    #[test]
    fn arms_shapes_are_read_with_and_without_envelope_and_in_any_case() {
        assert_eq!(
            read(r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#),
            body(Some("AuthorizationFailed"), "no", None)
        );
        assert_eq!(
            read(r#"{"Code":"NotFound","HttpStatusCode":"404","Message":"gone"}"#),
            body(Some("NotFound"), "gone", None)
        );
        assert_eq!(
            read(r#"{"code":"404001","httpStatusCode":"NotFound","message":"gone"}"#),
            body(Some("404001"), "gone", None)
        );
    }

    #[test]
    fn centrals_request_id_is_found_inside_the_message() {
        let text = r#"{"error":{"code":"NotFound","message":"Could not connect to device in order to send command. You can contact support at https://aka.ms/x. Please include the following information. Request ID: tsbbfyb, Time: Fri, 21 Aug 2026 02:15:35 GMT."}}"#;
        assert_eq!(
            read(text),
            body(Some("NotFound"), "Could not connect to device in order to send command.", Some("tsbbfyb"))
        );
    }

    #[test]
    fn the_hubs_three_shapes_are_read() {
        let nested = r#"{"Message":"{\"errorCode\":404103,\"trackingId\":\"A1\",\"message\":\"not online\"}","ExceptionMessage":""}"#;
        assert_eq!(read(nested), body(Some("404103"), "not online", Some("A1")));
        let named = r#"{"Message":"ErrorCode:DeviceNotOnline;Timed out.","ExceptionMessage":"Tracking ID:fb98"}"#;
        assert_eq!(read(named), body(Some("DeviceNotOnline"), "Timed out.", Some("fb98")));
        let flat = r#"{"errorCode":404001,"message":"none","trackingId":"t1"}"#;
        assert_eq!(read(flat), body(Some("404001"), "none", Some("t1")));
    }

    #[test]
    fn a_header_says_the_code_before_the_body_does() {
        let mut headers = HeaderMap::new();
        headers.insert("iothub-errorcode", HeaderValue::from_static("DeviceNotFound"));
        headers.insert("x-ms-request-id", HeaderValue::from_static("r-1"));
        let read = parse(&headers, br#"{"errorCode":404001,"message":"none"}"#);
        assert_eq!(read, body(Some("DeviceNotFound"), "none", Some("r-1")));
    }

    #[test]
    fn secrets_that_a_service_echoes_are_hidden() {
        let read = read(r#"{"message":"bad HostName=h;SharedAccessKey=abc= and Bearer abc.def x"}"#);
        assert_eq!(read.message.unwrap(), "bad [hidden] and Bearer [hidden] x");
    }

    #[test]
    fn what_is_no_json_says_nothing() {
        assert_eq!(read("<html>"), ErrorBody::default());
        assert_eq!(read(""), ErrorBody::default());
        assert_eq!(read("[1]"), ErrorBody::default());
    }
}
