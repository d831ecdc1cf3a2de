//! Error answers of the provisioning service: a number whose first three digits are the HTTP status.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sandbox::state::Shared;
use crate::sandbox::wire;

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// For example 401002.
    pub code: u32,
    /// For people.
    pub message: String,
}

/// The result of a handler.
pub type Answer = Result<Response, Fault>;

impl Fault {
    /// Any error.
    #[must_use]
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Wrong, expired or missing credential, and devices that satisfy no enrollment.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(401_002, "Unauthorized")
    }

    /// A body or parameter that DPS does not understand.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400_004, message)
    }

    /// No group of that id.
    #[must_use]
    pub fn no_group() -> Self {
        Self::new(404_204, "Enrollment group not found.")
    }

    /// Too many calls. Whether Azure sends `Retry-After` is not documented; the harder reading is that it does not.
    #[must_use]
    pub fn throttled() -> Self {
        Self::new(429_001, "Operations are being throttled for this tenant. Please try again later.")
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        u16::try_from(self.code / 1000)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .unwrap_or(StatusCode::BAD_REQUEST)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives refused calls their body, which needs the sandbox's clock.
pub(super) async fn render(State(shared): State<Shared>, mut response: Response) -> Response {
    let tracking = uuid::Uuid::new_v4().to_string();
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let at = wire::iso(shared.clock().now());
        let body = json!({"errorCode": fault.code, "trackingId": tracking, "message": fault.message, "info": {}, "timestampUtc": at});
        response = wire::json(fault.status(), &body);
        response.headers_mut().insert("x-ms-error-code", HeaderValue::from(fault.code));
    }
    if let Ok(id) = HeaderValue::from_str(&tracking) {
        response.headers_mut().insert("x-ms-request-id", id);
    }
    response
}
