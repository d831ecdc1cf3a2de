//! Extractors that tell a handler who is signed in, or send the browser to sign in.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::local_path::LocalPath;
use super::session::UserSession;
use super::{Identity, Person};

/// Where the browser goes to sign in; takes `return_to`.
pub const SIGN_IN_PATH: &str = "/sign-in";

/// The person signed in. Without one the browser is sent to [`SIGN_IN_PATH`], and back afterwards.
#[derive(Debug, Clone)]
pub struct SignedInUser {
    /// Who.
    pub person: Person,
    /// In which session.
    pub session: UserSession,
}

/// The person signed in, if there is one, and the session in any case.
#[derive(Debug, Clone)]
pub struct MaybeUser {
    /// Who.
    pub person: Option<Person>,
    /// In which session.
    pub session: UserSession,
}

/// Why a handler that needs somebody signed in was not reached.
#[derive(Debug)]
pub enum NotSignedIn {
    /// Sign in first: a redirect, which htmx follows as a whole page.
    SignIn {
        /// Where to go on afterwards.
        return_to: LocalPath,
        /// The request came from htmx.
        htmx: bool,
    },
    /// The session or the person could not be read. The cause is in the log.
    Failed,
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { return_to, htmx: false } => Redirect::to(&sign_in_url(&return_to)).into_response(),
            Self::SignIn { return_to, htmx: true } => {
                (StatusCode::UNAUTHORIZED, [("hx-redirect", sign_in_url(&return_to))]).into_response()
            }
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// [`SIGN_IN_PATH`] with the way back.
#[must_use]
pub fn sign_in_url(return_to: &LocalPath) -> String {
    format!("{SIGN_IN_PATH}?return_to={}", byte_serialize(return_to.as_str().as_bytes()).collect::<String>())
}

impl<S> FromRequestParts<S> for MaybeUser
where
    S: Send + Sync,
    Identity: FromRef<S>,
{
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let failed = |error: &dyn std::fmt::Debug| {
            tracing::error!(?error, "who is signed in could not be read");
            NotSignedIn::Failed
        };
        let session = UserSession::from_request_parts(parts, state).await.map_err(|error| failed(&error))?;
        let person = match session.user().await.map_err(|error| failed(&error))? {
            Some(id) => Identity::from_ref(state).person(&id).await.map_err(|error| failed(&error))?,
            None => None,
        };
        Ok(Self { person, session })
    }
}

impl<S> FromRequestParts<S> for SignedInUser
where
    S: Send + Sync,
    Identity: FromRef<S>,
{
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let MaybeUser { person, session } = MaybeUser::from_request_parts(parts, state).await?;
        match person {
            Some(person) => Ok(Self { person, session }),
            None => Err(sign_in_first(parts)),
        }
    }
}

/// Back to the page: the one asked for, or for a fragment the one that the browser shows. What a form posted is lost
/// anyway, so its page is not known; the start page it is.
fn sign_in_first(parts: &Parts) -> NotSignedIn {
    let htmx = parts.headers.get("hx-request").is_some_and(|value| value == "true");
    let return_to = if htmx {
        shown_page(&parts.headers)
    } else if parts.method == Method::GET {
        parts.uri.path_and_query().and_then(|path| LocalPath::parse(path.as_str()))
    } else {
        None
    };
    NotSignedIn::SignIn { return_to: return_to.unwrap_or_default(), htmx }
}

fn shown_page(headers: &HeaderMap) -> Option<LocalPath> {
    let url = Url::parse(headers.get("hx-current-url")?.to_str().ok()?).ok()?;
    LocalPath::parse(&url[url::Position::BeforePath..url::Position::AfterQuery])
}
