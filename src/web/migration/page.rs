//! The page of a migration, and the fragment that keeps it up to date. Both are made of the same parts.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::query::{DeviceQuery, RawQuery};
use super::view::{MigrationView, Viewer};
use super::visible;
use crate::clock::Timestamp;
use crate::identity::SignedInUser;
use crate::migration::Migration;
use crate::web::errors::PageError;
use crate::web::live::Tag;
use crate::web::moment::minute;
use crate::web::render;
use crate::web::shell::Shell;
use crate::web::state::Web;

#[derive(Template)]
#[template(path = "migration/page.html")]
struct MigrationPage {
    shell: Shell,
    view: MigrationView,
}

#[derive(Template)]
#[template(path = "migration/live.html")]
struct LiveFragment {
    view: MigrationView,
}

pub(super) async fn page(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(query): Query<RawQuery>,
    user: SignedInUser,
    shell: Shell,
) -> Result<Response, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let viewer = viewer(&web, &migration, &user).await?;
    let view = MigrationView::read(&web, migration, viewer, query.into(), false).await?;
    render::page(&MigrationPage { shell, view })
}

pub(super) async fn live(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(query): Query<RawQuery>,
    user: SignedInUser,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let viewer = viewer(&web, &migration, &user).await?;
    let query = DeviceQuery::from(query);
    let sign_in = viewer.signed_in_until.map(Timestamp::unix_timestamp);
    // Times to come say how far off they are, by the minute.
    let minute = migration.state.is_active().then(|| minute(web.clock.now()));
    let tag = Tag::of((migration.id, migration.revision, query.href(""), &viewer.csrf, sign_in, minute));
    if tag.is_known_to(&headers) {
        return Ok(tag.not_modified());
    }
    let view = MigrationView::read(&web, migration, viewer, query, true).await?;
    Ok(tag.on(render::page(&LiveFragment { view })?))
}

async fn viewer<'a>(web: &Web, migration: &Migration, user: &'a SignedInUser) -> Result<Viewer<'a>, PageError> {
    let signed_in_until = match &migration.runs_as {
        Some(runs_as) if migration.state.is_active() => web.identity.signed_in_until(&runs_as.id).await?,
        _ => None,
    };
    Ok(Viewer { person: &user.person.id, csrf: user.session.csrf_token().await?, signed_in_until })
}
