//! What Entra answers when it refuses: the AADSTS code in a JSON body at the token endpoint, in the redirect at the
//! authorize endpoint.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The OAuth error word.
    pub error: &'static str,
    /// The number after `AADSTS`.
    pub code: u32,
    /// In words.
    pub text: String,
    /// Finer class that MSAL looks at.
    pub suberror: Option<&'static str>,
    /// JSON to pass on to the authorize endpoint.
    pub claims: Option<String>,
}

impl Failure {
    /// A refusal without `suberror` and `claims`.
    pub fn new(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { error, code, text: text.into(), suberror: None, claims: None }
    }

    /// The request itself is wrong.
    pub fn invalid_request(code: u32, text: impl Into<String>) -> Self {
        Self::new("invalid_request", code, text)
    }

    /// The code or refresh token is no longer good.
    pub fn invalid_grant(code: u32, text: impl Into<String>) -> Self {
        Self::new("invalid_grant", code, text)
    }

    /// The client did not authenticate as its registration demands.
    pub fn invalid_client(code: u32, text: impl Into<String>) -> Self {
        Self::new("invalid_client", code, text)
    }

    /// A parameter is missing.
    pub fn missing(parameter: &str) -> Self {
        Self::invalid_request(900_144, format!("The request body must contain the following parameter: '{parameter}'."))
    }

    /// 400, or 401 where the client's own authentication failed.
    fn status(&self) -> StatusCode {
        match self.code {
            7_000_218 | 7_000_215 | 700_025 | 700_027 => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The text as Entra writes it, with ids and time.
    #[must_use]
    pub fn description(&self, traces: &Traces) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code, self.text, traces.trace, traces.correlation, traces.timestamp
        )
    }

    /// The answer of the token endpoint.
    #[must_use]
    pub fn into_token_response(self, now: OffsetDateTime) -> Response {
        let traces = Traces::new(now);
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(&traces),
            "error_codes": [self.code],
            "timestamp": traces.timestamp,
            "trace_id": traces.trace,
            "correlation_id": traces.correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = json!(suberror);
        }
        if let Some(claims) = &self.claims {
            body["claims"] = json!(claims);
        }
        (self.status(), Json(body)).into_response()
    }
}

/// What Entra adds to an error so that its support can find it.
#[derive(Debug, Clone)]
pub struct Traces {
    /// Trace id.
    pub trace: uuid::Uuid,
    /// Correlation id.
    pub correlation: uuid::Uuid,
    /// `2026-01-01 00:00:00Z`.
    pub timestamp: String,
}

impl Traces {
    /// New ids, at this moment.
    #[must_use]
    pub fn new(now: OffsetDateTime) -> Self {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
        Self {
            trace: uuid::Uuid::new_v4(),
            correlation: uuid::Uuid::new_v4(),
            timestamp: now.format(format).unwrap_or_default(),
        }
    }
}
