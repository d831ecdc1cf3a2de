//! Resource Graph's refusals: a general error for the support, and in its details what was wrong.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::sandbox::wire;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphFailure {
    status: StatusCode,
    code: &'static str,
    details: Vec<(&'static str, String)>,
}

impl GraphFailure {
    /// 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "BadRequest", details: vec![(code, message.into())] }
    }

    /// 400 for a query that is not understood.
    pub fn invalid_query(why: String) -> Self {
        let message = "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and \
                       fix the error before retrying.";
        let mut failure = Self::bad_request("InvalidQuery", message);
        failure.details.push(("ParserFailure", why));
        failure
    }

    /// 429.
    pub fn throttled() -> Self {
        let message = "Client application has been throttled and should not attempt to repeat the request until an \
                       amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.";
        let code = "RateLimiting";
        Self { status: StatusCode::TOO_MANY_REQUESTS, code, details: vec![(code, message.to_owned())] }
    }

    /// The answer.
    pub fn into_response_at(self, now: OffsetDateTime) -> Response {
        let detail = |(code, message): &(&str, String)| json!({ "code": code, "message": message });
        let details: Vec<Value> = self.details.iter().map(detail).collect();
        let message = format!(
            "Please provide below info when asking for support: timestamp = {}, correlationId = {}.",
            wire::iso(now),
            uuid::Uuid::new_v4()
        );
        let body = json!({ "error": { "code": self.code, "message": message, "details": details } });
        (self.status, Json(body)).into_response()
    }
}
