//! `/applications/{subdomain}/take-along`: what of an application's set-up can be taken along, and the zip itself. Both are
//! read from the application as the person who asks, and nothing of it is kept.

mod view;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use self::view::Row;
use super::errors::PageError;
use super::new::Trouble;
use super::shell::Shell;
use super::state::Web;
use super::{new, paths, render};
use crate::azure::error::{AzureError, ErrorKind};
use crate::engine::take_along::{BY_HAND, ByHand, NOT_TAKEN};
use crate::identity::{LocalPath, SignedInUser, sign_in_url};
use crate::ids::Subdomain;

/// The page's route.
pub fn router() -> Router<Web> {
    Router::new().route(&paths::take_along("{subdomain}"), get(page))
}

/// The zip's route. Reading a large application takes minutes.
pub fn downloads() -> Router<Web> {
    Router::new().route(&paths::take_along_zip("{subdomain}"), get(download))
}

#[derive(Template)]
#[template(path = "take_along/page.html")]
struct TakeAlongPage {
    shell: Shell,
    app: Subdomain,
    /// The application itself.
    link: Option<String>,
    zip: String,
    rows: Vec<Row>,
    not_taken: &'static [ByHand],
    by_hand: &'static [ByHand],
}

async fn page(
    State(web): State<Web>,
    Path(subdomain): Path<String>,
    user: SignedInUser,
    shell: Shell,
) -> Result<Response, PageError> {
    let app = new::subdomain(&subdomain).ok_or(PageError::NotFound)?;
    let seen = match web.engine.look_along(&user.person.id, &app).await {
        Ok(seen) => seen,
        Err(error) => return unreadable(&app, &error),
    };
    render::page(&TakeAlongPage {
        shell,
        link: web.azure.cloud().central_app_link(&app),
        zip: paths::take_along_zip(app.as_str()),
        rows: seen.into_iter().map(Row::from).collect(),
        not_taken: &NOT_TAKEN,
        by_hand: &BY_HAND,
        app,
    })
}

async fn download(
    State(web): State<Web>,
    Path(subdomain): Path<String>,
    user: SignedInUser,
) -> Result<Response, PageError> {
    let app = new::subdomain(&subdomain).ok_or(PageError::NotFound)?;
    let luggage = match web.engine.take_along(&user.person, &app).await {
        Ok(luggage) => luggage,
        Err(error) => return unreadable(&app, &error),
    };
    let taken = luggage.pack().await.map_err(|error| PageError::Failed(error.into()))?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", taken.file_name)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, taken.zip).into_response())
}

/// What is said instead: to sign in, or why it cannot be read.
fn unreadable(app: &Subdomain, error: &AzureError) -> Result<Response, PageError> {
    let trouble = Trouble::from(error);
    let back = LocalPath::parse(&paths::take_along(app.as_str()));
    if let Some(back) = back.filter(|_| trouble.sign_in) {
        let consent = if trouble.consent { "&prompt=consent" } else { "" };
        return Ok(Redirect::to(&format!("{}{consent}", sign_in_url(&back))).into_response());
    }
    tracing::warn!(%app, %error, request = error.request_id.as_deref(), "an application could not be read to take it along");
    let status = match error.kind {
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound | ErrorKind::NotJson | ErrorKind::UntrustedHost => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_GATEWAY,
    };
    Err(PageError::Refused {
        status,
        title: format!("{app} cannot be taken along"),
        what: format!("{}. Nothing was downloaded.", trouble.what.trim_end_matches('.')),
        remedy: trouble.remedy.unwrap_or_else(|| "Try again in a while.".to_owned()),
    })
}
