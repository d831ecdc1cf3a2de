//! The page of a clean-up, and the fragment that keeps it up to date. Both are made of the same parts.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::run_view::{RawQuery, RunQuery, RunView};
use crate::identity::{Person, SignedInUser};
use crate::migration::Migration;
use crate::migration::clean_up::CleanUp;
use crate::web::errors::PageError;
use crate::web::live::Tag;
use crate::web::migration::visible;
use crate::web::moment::minute;
use crate::web::render;
use crate::web::shell::Shell;
use crate::web::state::Web;

#[derive(Template)]
#[template(path = "clean_up/run.html")]
struct RunPage {
    shell: Shell,
    view: RunView,
}

#[derive(Template)]
#[template(path = "clean_up/live.html")]
struct LiveFragment {
    view: RunView,
}

/// The migration and its clean-up of an address, if they are there for this person.
pub(super) async fn found(web: &Web, id: &str, run: &str, person: &Person) -> Result<(Migration, CleanUp), PageError> {
    let migration = visible(web, id, person).await?;
    let run = run.parse().map_err(|_| PageError::NotFound)?;
    let clean_up = web.store.clean_up(run).await?.filter(|clean_up| clean_up.migration == migration.id);
    Ok((migration, clean_up.ok_or(PageError::NotFound)?))
}

pub(super) async fn page(
    State(web): State<Web>,
    Path((id, run)): Path<(String, String)>,
    Query(query): Query<RawQuery>,
    user: SignedInUser,
    shell: Shell,
) -> Result<Response, PageError> {
    let (migration, clean_up) = found(&web, &id, &run, &user.person).await?;
    let csrf = user.session.csrf_token().await?;
    let view = RunView::read(&web, &migration, &clean_up, &user.person, csrf, query.into()).await?;
    render::page(&RunPage { shell, view })
}

pub(super) async fn live(
    State(web): State<Web>,
    Path((id, run)): Path<(String, String)>,
    Query(query): Query<RawQuery>,
    user: SignedInUser,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (migration, clean_up) = found(&web, &id, &run, &user.person).await?;
    let csrf = user.session.csrf_token().await?;
    let query = RunQuery::from(query);
    // Times to come say how far off they are, by the minute.
    let minute = clean_up.state.is_active().then(|| minute(web.clock.now()));
    let tag = Tag::of((run, clean_up.revision, query.href(""), &csrf, minute));
    if tag.is_known_to(&headers) {
        return Ok(tag.not_modified());
    }
    let view = RunView::read(&web, &migration, &clean_up, &user.person, csrf, query).await?;
    Ok(tag.on(render::page(&LiveFragment { view: RunView { oob: true, ..view } })?))
}
