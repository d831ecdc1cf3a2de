//! The events of a migration: the newest on its page, older ones page by page at `/migrations/{id}/events`.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::visible;
use crate::identity::SignedInUser;
use crate::migration::MigrationId;
use crate::store::{Store, StoreError};
use crate::web::errors::PageError;
use crate::web::moment::Moment;
use crate::web::shell::Shell;
use crate::web::state::Web;
use crate::web::{paths, render};

/// Events on the page of a migration.
pub(super) const NEWEST: u32 = 20;
/// Events on a page of their own.
const PAGE: u32 = 100;

/// Some events, newest first.
#[derive(Debug, Clone)]
pub struct EventList {
    /// The events.
    pub rows: Vec<EventRow>,
    /// Where older ones are, if there are any.
    pub older: Option<String>,
}

/// An event.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Order of recording.
    pub id: i64,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// One sentence.
    pub text: String,
}

impl EventList {
    /// Reads up to `limit` events older than `before`.
    pub(super) async fn read(
        store: &Store,
        migration: MigrationId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Self, StoreError> {
        let mut events = store.events(migration, before, limit + 1).await?;
        let more = events.len() > limit as usize;
        events.truncate(limit as usize);
        let path = paths::migration(&migration.to_string());
        let older =
            events.last().filter(|_| more).map(|event| format!("{path}/events?before={}#events-title", event.id));
        let rows = events
            .into_iter()
            .map(|event| EventRow { id: event.id, at: event.at.into(), actor: event.actor, text: event.text })
            .collect();
        Ok(Self { rows, older })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Before {
    before: Option<String>,
}

struct EventsView {
    name: String,
    path: String,
    newest: bool,
    events: EventList,
}

#[derive(Template)]
#[template(path = "migration/events_page.html")]
struct EventsPage {
    shell: Shell,
    view: EventsView,
}

pub(super) async fn page(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(Before { before }): Query<Before>,
    user: SignedInUser,
    shell: Shell,
) -> Result<Response, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let before = before.and_then(|id| id.parse().ok());
    let events = EventList::read(&web.store, migration.id, before, PAGE).await?;
    let path = paths::migration(&migration.id.to_string());
    let view = EventsView { name: migration.name, path, newest: before.is_none(), events };
    render::page(&EventsPage { shell, view })
}
