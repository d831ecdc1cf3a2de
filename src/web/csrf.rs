//! The anti-forgery token: a form is read only after its `_csrf` field has proven to be of the sender's session.

use axum::Form;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower_sessions::Session;
use url::form_urlencoded;

use super::errors::PageError;
use crate::identity::UserSession;

/// The form key of the token.
pub const FIELD: &str = "_csrf";

/// A form that was sent from one of our own pages. The only way to read a form: without the right token it is a 403.
///
/// Forms with repeated keys (check boxes) are read as `Verified<Vec<(String, String)>>`.
#[derive(Debug)]
pub struct Verified<T>(pub T);

/// A form whose only content is the button that was pressed.
#[derive(Debug, Deserialize)]
pub struct NoFields {}

impl<S, T> FromRequest<S> for Verified<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let session = request.extensions().get::<Session>().cloned().ok_or(PageError::StaleForm)?;
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unreadable(rejection.status()))?;
        let token = form_urlencoded::parse(&body).find(|(key, _)| key == FIELD).map(|(_, value)| value);
        let Some(token) = token else { return Err(PageError::StaleForm) };
        if !UserSession::new(session).csrf_matches(&token).await? {
            return Err(PageError::StaleForm);
        }
        let mut form = Request::post("/").body(body.into()).map_err(|error| PageError::Failed(error.into()))?;
        if let Some(content_type) = content_type {
            form.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        let Form(value) = Form::from_request(form, state).await.map_err(|rejection| unreadable(rejection.status()))?;
        Ok(Self(value))
    }
}

fn unreadable(status: StatusCode) -> PageError {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return PageError::Refused {
            status,
            title: "Too much was sent".into(),
            what: "The form is larger than this program accepts. Nothing was changed.".into(),
            remedy: "Send less at a time.".into(),
        };
    }
    PageError::Refused {
        status,
        title: "The form was not understood".into(),
        what: "A field of it is missing or malformed. Nothing was changed.".into(),
        remedy: "Reload the page and fill the form in again.".into(),
    }
}
