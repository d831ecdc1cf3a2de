//! ARM's refusals, in ARM's shape; and the other shape that some errors of the `Microsoft.Devices` provider have.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sandbox::entra::tokens::{Bearer, BearerError};
use crate::sandbox::world::Subscription;

/// A refusal: status, ARM's code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    www_authenticate: Option<String>,
    retry_after: Option<u64>,
    of_provider: bool,
}

impl Failure {
    /// A refusal in ARM's own shape.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), www_authenticate: None, retry_after: None, of_provider: false }
    }

    /// 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 405.
    pub fn method_not_allowed(method: &axum::http::Method) -> Self {
        let message = format!("The requested resource does not support http method '{method}'.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// 404 in the shape of the `Microsoft.Devices` provider.
    pub fn no_such_key(name: &str) -> Self {
        let message = format!("The shared access policy '{name}' was not found.");
        Self { of_provider: true, ..Self::not_found("404404", message) }
    }

    /// 401 with the header that tells clients why, and where to get a token: at `tenant` if the path names a
    /// subscription of one.
    pub fn unauthorized(error: BearerError, tenant: Option<&str>) -> Self {
        let (code, message) = match &error {
            BearerError::Missing => {
                ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.".to_owned())
            }
            BearerError::Invalid => ("InvalidAuthenticationToken", "The access token is invalid.".to_owned()),
            BearerError::Expired => (
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.".to_owned(),
            ),
            BearerError::WrongAudience { found } => (
                "InvalidAuthenticationTokenAudience",
                format!(
                    "The access token has been obtained for wrong audience or resource '{found}'. It should exactly \
                     match with one of the allowed audiences 'https://management.core.windows.net/', \
                     'https://management.core.windows.net', 'https://management.azure.com/', 'https://management.azure.com'."
                ),
            ),
            BearerError::ClaimsChallenge { .. } => (
                "InvalidAuthenticationToken",
                "Continuous access evaluation resulted in a claims challenge.".to_owned(),
            ),
        };
        let www_authenticate = match error {
            BearerError::ClaimsChallenge { www_authenticate } => www_authenticate,
            _ => {
                let authority = tenant.map_or_else(
                    || "https://login.microsoftonline.com/common/oauth2/authorize".to_owned(),
                    |tenant| format!("https://login.windows.net/{tenant}"),
                );
                format!(
                    "Bearer authorization_uri=\"{authority}\", error=\"invalid_token\", \
                     error_description=\"{message}\""
                )
            }
        };
        Self { www_authenticate: Some(www_authenticate), ..Self::new(StatusCode::UNAUTHORIZED, code, message) }
    }

    /// 401 because the token was issued by another tenant than the subscription's.
    #[must_use]
    pub fn wrong_tenant(bearer: &Bearer, subscription: &Subscription) -> Self {
        let issuer = |tenant: &str| format!("https://sts.windows.net/{tenant}/");
        let message = format!(
            "The access token is from the wrong issuer '{}'. It must match the tenant '{}' associated with this \
             subscription. Please use the authority (URL) 'https://login.windows.net/{}' to get the token.",
            issuer(&bearer.tid),
            issuer(&subscription.tenant),
            subscription.tenant
        );
        let www_authenticate = format!(
            "Bearer authorization_uri=\"https://login.windows.net/{}\", error=\"invalid_token\", \
             error_description=\"The access token is from the wrong issuer.\"",
            subscription.tenant
        );
        let code = "InvalidAuthenticationTokenTenant";
        Self { www_authenticate: Some(www_authenticate), ..Self::new(StatusCode::UNAUTHORIZED, code, message) }
    }

    /// 403 that names the action and the scope.
    #[must_use]
    pub fn not_authorized(bearer: &Bearer, client: &str, action: &str, scope: &str) -> Self {
        let message = format!(
            "The client '{client}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            bearer.object_id
        );
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
    }

    /// 429; the wait is told in whole seconds, rounded up.
    #[must_use]
    pub fn throttled(code: &'static str, wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let message = format!("Number of requests exceeded the limit. Please try again after '{seconds}' seconds.");
        let failure = Self::new(StatusCode::TOO_MANY_REQUESTS, code, message);
        Self { retry_after: Some(seconds.max(1)), ..failure }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = if self.of_provider {
            let word = self.status.canonical_reason().unwrap_or_default().replace(' ', "");
            json!({ "code": self.code, "httpStatusCode": word, "message": self.message, "details": null })
        } else {
            json!({ "error": { "code": self.code, "message": self.message } })
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(value) = self.www_authenticate.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.insert("x-ms-failure-cause", HeaderValue::from_static("gateway"));
        response
    }
}
