//! What people see when something did not work: what happened, what to do, and a reference for the log.
//!
//! Handlers return [`PageError`]. [`dress`], a layer, turns it into a page, or into a fragment for htmx, and does the
//! same with bare errors of axum and its layers (wrong method, too large, time-out), so that no answer is unreadable.

use std::any::Any;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tower_http::request_id::RequestId;
use tower_sessions::Session;
use url::{Position, Url};

use super::render::is_htmx;
use super::shell::Shell;
use super::site::Site;
use super::state::Web;
use crate::identity::LocalPath;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Nothing is at this address, or nothing that this person may see.
    #[error("there is no such page")]
    NotFound,
    /// The form's anti-forgery token is missing or of another session.
    #[error("the form does not belong to this session")]
    StaleForm,
    /// The request came from another site.
    #[error("the request came from another site")]
    ForeignOrigin,
    /// The request was made to another host name than ours.
    #[error("the request was made to another host name")]
    ForeignHost,
    /// What was asked cannot be done, for a reason that the person can understand and mend.
    #[error("{what}")]
    Refused {
        /// 4xx, or 502 where Azure failed.
        status: StatusCode,
        /// A few words.
        title: String,
        /// A sentence.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A part of the program, or Azure, failed.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Failed(anyhow::Error::new(error).context("a page could not be rendered"))
    }
}

impl From<crate::store::StoreError> for PageError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Failed(anyhow::Error::new(error))
    }
}

impl From<crate::identity::SessionError> for PageError {
    fn from(error: crate::identity::SessionError) -> Self {
        Self::Failed(anyhow::Error::new(error))
    }
}

impl From<tower_sessions::session::Error> for PageError {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Failed(anyhow::Error::new(error).context("the session could not be read or written"))
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let words = Words::of(&self);
        if let Self::Failed(cause) = &self {
            tracing::error!(cause = format!("{cause:#}"), "a request failed");
        }
        let mut response = words.status.into_response();
        response.extensions_mut().insert(words);
        response
    }
}

/// An error in words, on its way to [`dress`].
#[derive(Debug, Clone)]
pub struct Words {
    status: StatusCode,
    title: String,
    what: String,
    remedy: String,
    reference: Option<String>,
    /// The page that the request came from, where going back to it helps.
    back: Option<String>,
    leads_back: bool,
}

impl Words {
    fn new(status: StatusCode, title: &str, what: &str, remedy: &str) -> Self {
        let (title, what, remedy) = (title.into(), what.into(), remedy.into());
        Self { status, title, what, remedy, reference: None, back: None, leads_back: false }
    }

    fn of(error: &PageError) -> Self {
        match error {
            PageError::NotFound => Self::of_status(StatusCode::NOT_FOUND),
            PageError::StaleForm => Self {
                leads_back: true,
                ..Self::new(
                    StatusCode::FORBIDDEN,
                    "This form is out of date",
                    "It was made for another session, perhaps before you signed in or out. Nothing was changed.",
                    "Reload the page and send the form again.",
                )
            },
            PageError::ForeignOrigin => Self::new(
                StatusCode::FORBIDDEN,
                "Request from another site refused",
                "A page of another site tried to act here. Nothing was changed.",
                "Open IoTC Migrator itself and do it there.",
            ),
            PageError::ForeignHost => Self::new(
                StatusCode::MISDIRECTED_REQUEST,
                "Wrong address",
                "This program answers only to localhost and the loopback addresses, with its port.",
                "Open the address that it printed when it started.",
            ),
            PageError::Refused { status, title, what, remedy } => Self::new(*status, title, what, remedy),
            PageError::Failed(_) => Self::of_status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// What is said of a status that came without words.
    fn of_status(status: StatusCode) -> Self {
        let (title, what, remedy) = match status {
            StatusCode::NOT_FOUND => (
                "Page not found",
                "There is nothing at this address, or it belongs to another tenant.",
                "Check the address, or find the migration in the list.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => (
                "That cannot be done here",
                "The address exists, but not for this kind of request. Nothing was changed.",
                "Go back to the page and use its buttons.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("Too much was sent", "The form is larger than this program accepts.", "Send less at a time.")
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => (
                "It took too long",
                "The answer was not ready in time. Migrations that run are not affected.",
                "Try again; if it happens again, check the connection to Azure.",
            ),
            status if status.is_client_error() => (
                "The request was not understood",
                "Something in it is missing or malformed. Nothing was changed.",
                "Reload the page and try again.",
            ),
            _ => (
                "Something went wrong",
                "The program could not do this. Migrations that run are not affected.",
                "Try again; if it happens again, look for the reference in the log.",
            ),
        };
        Self::new(status, title, what, remedy)
    }
}

#[derive(Template)]
#[template(path = "errors/page.html")]
struct ErrorPage<'a> {
    shell: Shell,
    error: &'a Words,
}

#[derive(Template)]
#[template(path = "errors/fragment.html")]
struct ErrorFragment<'a> {
    error: &'a Words,
}

/// The layer that gives errors their page.
pub async fn dress(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let htmx = is_htmx(request.headers());
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).map(str::to_owned);
    let came_from = came_from(&site, &request);
    let mut response = next.run(request).await;
    let status = response.status();
    let shell = response.extensions_mut().remove::<Shell>();
    let words = response.extensions_mut().remove::<Words>();
    let speaks_for_itself =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !(status.is_client_error() || status.is_server_error()) || (words.is_none() && speaks_for_itself) {
        return response;
    }
    let mut words = words.unwrap_or_else(|| Words::of_status(status));
    words.reference = id.filter(|_| status.is_server_error());
    words.back = came_from.filter(|_| words.leads_back);
    let html = if htmx {
        ErrorFragment { error: &words }.render()
    } else {
        ErrorPage { shell: shell.unwrap_or_else(|| nobody(&site)), error: &words }.render()
    };
    // Headers such as Allow and Retry-After stay; the bare body's own description does not.
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let html = html.unwrap_or_else(|_| format!("<!doctype html><title>Error</title><p>{status}"));
    (parts, Html(html)).into_response()
}

/// Who is signed in may be what could not be found out. So nobody is asked to sign in, either.
fn nobody(site: &Site) -> Shell {
    let mut shell = Shell::anonymous(site);
    shell.can_sign_in = false;
    shell
}

/// The page of ours that a form was sent from.
fn came_from(site: &Site, request: &Request) -> Option<String> {
    let referer = Url::parse(request.headers().get(header::REFERER)?.to_str().ok()?).ok()?;
    let host = format!("{}:{}", referer.host_str()?, referer.port_or_known_default()?);
    let ours = referer.scheme() == "http" && site.hosts().contains(&host);
    let path = LocalPath::parse(&referer[Position::BeforePath..Position::AfterQuery])?;
    ours.then(|| path.as_str().to_owned())
}

/// The layer, within the sessions, that tells [`dress`] who looks at an error.
pub async fn tell_viewer(State(web): State<Web>, request: Request, next: Next) -> Response {
    let seen = (!is_htmx(request.headers())).then(|| Viewed::of(&request));
    let mut response = next.run(request).await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if let Some(seen) = seen.filter(|_| failed)
        && let Ok(shell) = Shell::of_error(&web, seen.session.as_ref(), &seen.path).await
    {
        response.extensions_mut().insert(shell);
    }
    response
}

/// What of a request tells who looks at its answer.
struct Viewed {
    session: Option<Session>,
    path: String,
}

impl Viewed {
    fn of(request: &Request) -> Self {
        Self { session: request.extensions().get().cloned(), path: request.uri().path().to_owned() }
    }
}

/// The answer in place of one whose handler panicked. The panic itself has been logged by the hook.
pub fn after_panic(_: Box<dyn Any + Send + 'static>) -> Response {
    Words::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_bare()
}

impl Words {
    fn into_bare(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
