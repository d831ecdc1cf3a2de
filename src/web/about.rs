//! `/about`: version, what is kept where, licences of what the pages use.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::get;
use axum::Router;

use super::errors::PageError;
use super::shell::Shell;
use super::site::Site;
use super::{paths, render};

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage<'a> {
    shell: Shell,
    site: &'a Site,
}

/// Routes of this page.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Site>: FromRef<S>,
{
    Router::new().route(paths::ABOUT, get(about))
}

async fn about(State(site): State<Arc<Site>>, shell: Shell) -> Result<Response, PageError> {
    render::page(&AboutPage { shell, site: &site })
}
