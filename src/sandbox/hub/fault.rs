//! Error answers of a hub. They come in the three shapes that Azure is known to use, always with `iothub-errorcode`.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use time::macros::format_description;

use crate::sandbox::options::ErrorShape;
use crate::sandbox::state::Shared;
use crate::sandbox::wire;

/// Which body an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// The registry's.
    Registry,
    /// That of direct methods, always nested.
    Method,
    /// That of twins, as the switch says.
    Twin,
}

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    status: u16,
    /// Name, for example `DeviceNotFound`.
    pub(super) name: &'static str,
    code: u32,
    pub(super) message: String,
    body: Body,
}

/// The result of a handler.
pub(super) type Answer = Result<Response, Fault>;

impl Fault {
    /// The number, as jobs show it.
    pub(super) fn code(&self) -> String {
        self.code.to_string()
    }

    /// Any error, in the registry's shape.
    pub(super) fn new(status: u16, name: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self { status, name, code, message: message.into(), body: Body::Registry }
    }

    /// The same in the shape of direct methods.
    pub(super) fn of_method(self) -> Self {
        Self { body: Body::Method, ..self }
    }

    /// The same in the shape of twins.
    pub(super) fn of_twin(self) -> Self {
        Self { body: Body::Twin, ..self }
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "IotHubUnauthorizedAccess", 401_002, message)
    }

    /// The key is right, but the token's time is over or it is for another resource.
    pub(super) fn unauthorized_now(message: impl Into<String>) -> Self {
        Self::new(401, "IotHubUnauthorizedAccess", 401_003, message)
    }

    pub(super) fn lacks_right(right: &str) -> Self {
        Self::new(401, "IotHubUnauthorizedAccess", 401_003, format!("The policy does not have the permission {right}."))
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "ArgumentInvalid", 400_004, message)
    }

    pub(super) fn no_device(id: &str) -> Self {
        Self::new(404, "DeviceNotFound", 404_001, id)
    }

    pub(super) fn no_module(device: &str, id: &str) -> Self {
        Self::new(404, "ModuleNotFound", 404_010, format!("Module {id} on device {device} not registered"))
    }

    pub(super) fn module_exists(id: &str) -> Self {
        let message = format!("A module with ID '{id}' is already registered.");
        Self::new(409, "ModuleAlreadyExistsOnDevice", 409_301, message)
    }

    pub(super) fn exists(id: &str) -> Self {
        Self::new(409, "DeviceAlreadyExists", 409_001, format!("A device with ID '{id}' is already registered."))
    }

    pub(super) fn precondition(id: &str) -> Self {
        Self::new(
            412,
            "PreconditionFailed",
            412_001,
            format!("Precondition failed: Device version did not match, device {id}."),
        )
    }

    /// Azure sends no `Retry-After` here; its text names ten seconds.
    pub(super) fn throttled() -> Self {
        Self::new(
            429,
            "ThrottlingException",
            429_001,
            "Throttling exceeded for this operation. Please wait for 10 seconds and try again.",
        )
    }

    pub(super) fn wrong_tier() -> Self {
        Self::new(
            403,
            "OperationNotAvailableInCurrentTier",
            403_010,
            "The operation is not available in the current tier of the IoT hub.",
        )
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
    let request = uuid::Uuid::new_v4();
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let now = shared.clock().now();
        let format = format_description!("[month]/[day]/[year] [hour]:[minute]:[second]");
        let stamp = now.format(&format).unwrap_or_default();
        let tracking = format!("{}-G:2-TimeStamp:{stamp}", request.simple().to_string().to_uppercase());
        let flat = json!({"errorCode": fault.code, "trackingId": tracking, "message": fault.message, "info": {"timeout": "00:00:00"}, "timestampUtc": wire::iso(now)});
        let shape = match fault.body {
            Body::Registry => ErrorShape::Message,
            Body::Method => ErrorShape::Nested,
            Body::Twin => shared.switches().twin_errors,
        };
        let body = match shape {
            ErrorShape::Message => {
                json!({"Message": format!("ErrorCode:{};{}", fault.name, fault.message), "ExceptionMessage": format!("Tracking ID:{tracking}")})
            }
            ErrorShape::Nested => json!({"Message": flat.to_string(), "ExceptionMessage": ""}),
            ErrorShape::Flat => flat,
        };
        response = wire::json(response.status(), &body);
        response.headers_mut().insert("iothub-errorcode", HeaderValue::from_static(fault.name));
    }
    if let Ok(id) = HeaderValue::from_str(&request.to_string()) {
        response.headers_mut().insert("x-ms-request-id", id);
    }
    response
}
