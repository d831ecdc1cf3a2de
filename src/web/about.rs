//! `/about`: version, what is kept where, licences of what the pages use.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::errors::PageError;
use super::shell::Shell;
use super::site::{HasSite, Site};
use super::{paths, render};

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage<'a> {
    shell: Shell,
    site: &'a Site,
}

/// Routes of this page.
pub fn router<S: HasSite>() -> Router<S> {
    Router::new().route(paths::ABOUT, get(about::<S>))
}

async fn about<S: HasSite>(State(state): State<S>, shell: Shell) -> Result<Response, PageError> {
    render::page(&AboutPage { shell, site: state.site() })
}
