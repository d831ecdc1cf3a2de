//! Error answers of IoT Central.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use crate::sandbox::entra::tokens::BearerError;
use crate::sandbox::state::Shared;
use crate::sandbox::wire;

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    status: u16,
    code: &'static str,
    pub(super) message: String,
    /// Value of `WWW-Authenticate`.
    challenge: Option<String>,
}

/// The result of a handler.
pub(super) type Answer = Result<Response, Fault>;

impl Fault {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), challenge: None }
    }

    /// The token is not good.
    pub(super) fn unauthorized(error: BearerError) -> Self {
        let plain = Self::new(401, "Unauthorized", "The token is missing, has expired, or is for another resource.");
        match error {
            BearerError::ClaimsChallenge { www_authenticate } => Self { challenge: Some(www_authenticate), ..plain },
            _ => plain,
        }
    }

    /// The host does not lead to a running application.
    pub(super) fn no_application() -> Self {
        Self::new(404, "", "")
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "NotFound", message)
    }

    pub(super) fn no_device(id: &str) -> Self {
        Self::not_found(format!("Device {id} does not exist."))
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn invalid_body(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidBody", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "Forbidden", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "Conflict", message)
    }

    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, "UnprocessableEntity", message)
    }

    pub(super) fn precondition() -> Self {
        Self::new(412, "PreconditionFailed", "The resource has changed since it was read.")
    }

    pub(super) fn throttled() -> Self {
        Self::new(429, "TooManyRequests", "The rate limit of the application is exceeded.")
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives refused calls their body, which needs the sandbox's clock.
pub(super) async fn render(State(shared): State<Shared>, mut response: Response) -> Response {
    let Some(fault) = response.extensions_mut().remove::<Fault>() else { return response };
    if fault.code.is_empty() {
        let page = Html(
            "<!DOCTYPE html><html><head><title>Application not found</title></head><body><h1>Application not found</h1></body></html>",
        );
        return (StatusCode::NOT_FOUND, page).into_response();
    }
    let request = &uuid::Uuid::new_v4().simple().to_string()[..7];
    let message = format!(
        "{} You can contact support at https://aka.ms/iotcentral-support. Please include the following information. Request ID: {request}, Time: {}.",
        fault.message,
        wire::rfc1123(shared.clock().now()),
    );
    let mut rendered = wire::json(response.status(), &json!({"error": {"code": fault.code, "message": message}}));
    rendered.headers_mut().insert("x-ms-error-code", HeaderValue::from_static(fault.code));
    if let Some(challenge) = fault.challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
        rendered.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    rendered
}
