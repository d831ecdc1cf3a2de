//! `/migrations`: all migrations of the tenant acted in, newest first, live; and jobs in IoT Central.

mod jobs;
#[cfg(test)]
mod tests;
mod view;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub use view::{ListView, Row};

use super::errors::PageError;
use super::live::Tag;
use super::shell::Shell;
use super::state::Web;
use super::{paths, render};
use crate::identity::SignedInUser;

/// Routes of this page.
pub fn router() -> Router<Web> {
    Router::new().route(paths::MIGRATIONS, get(page)).route(paths::MIGRATIONS_LIVE, get(live))
}

/// The route of what is read from many applications while it is waited for.
pub fn slow_router() -> Router<Web> {
    Router::new().route(paths::MIGRATION_JOBS, get(jobs::jobs))
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    page: Option<String>,
}

impl ListQuery {
    /// The page asked for, from 1. Nonsense is the first.
    fn page(&self) -> u32 {
        self.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(1).max(1)
    }
}

#[derive(Template)]
#[template(path = "status/page.html")]
struct StatusPage {
    shell: Shell,
    view: ListView,
}

#[derive(Template)]
#[template(path = "status/live.html")]
struct LiveFragment {
    view: ListView,
}

async fn page(
    State(web): State<Web>,
    Query(query): Query<ListQuery>,
    user: SignedInUser,
    shell: Shell,
) -> Result<Response, PageError> {
    let view = ListView::read(&web.store, &user.person.id.tid, query.page()).await?;
    render::page(&StatusPage { shell, view })
}

async fn live(
    State(web): State<Web>,
    Query(query): Query<ListQuery>,
    user: SignedInUser,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let tenant = &user.person.id.tid;
    let tag = Tag::of((tenant, query.page(), web.store.migrations_version(tenant).await?));
    if tag.is_known_to(&headers) {
        return Ok(tag.not_modified());
    }
    let view = ListView::read(&web.store, tenant, query.page()).await?;
    Ok(tag.on(render::page(&LiveFragment { view })?))
}
