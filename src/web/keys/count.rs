//! How many devices the draft is about: a small part that is polled until the count is final.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::page::{Found, draft};
use super::view::Count;
use crate::engine::counting::CountKey;
use crate::identity::{Person, SignedInUser};
use crate::migration::model::Source;
use crate::migration::{Migration, Parent};
use crate::web::errors::PageError;
use crate::web::new::CountWords;
use crate::web::render;
use crate::web::state::Web;

#[derive(Template)]
#[template(path = "keys/count.html")]
struct CountFragment {
    count: Count,
    /// The count has not been there before: what follows from it is sent along.
    out_of_band: bool,
}

pub(super) async fn show(
    State(web): State<Web>,
    user: SignedInUser,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    match draft(&web, &user.person, &id).await? {
        Found::Draft(migration) => {
            let count = count(&web, &user.person, &migration).await;
            render::polled(&CountFragment { count, out_of_band: true }, &headers)
        }
        Found::Elsewhere(_) => {
            let count = Count { id, source: String::new(), target: String::new(), all: "", words: None };
            render::polled(&CountFragment { count, out_of_band: false }, &headers)
        }
    }
}

/// How far the count is; begins it if nobody has.
pub(super) async fn count(web: &Web, person: &Person, migration: &Migration) -> Count {
    if let Some(parent) = migration.parent {
        return Count { words: chosen(web, parent, migration).await, ..Count::none(migration) };
    }
    let source = match &migration.plan.source {
        Source::App(source) => source,
        Source::Hub(source) => {
            let words = web.surveyor.devices_of(&person.id, web.identity.tokens(&person.id), source).await;
            return Count { words, ..Count::none(migration) };
        }
    };
    let (Some(group), Some(template)) = (source.group.clone(), source.template.clone()) else {
        return Count::none(migration);
    };
    let key = CountKey {
        tenant: person.id.tid.clone(),
        app: source.subdomain.as_str().to_ascii_lowercase().into(),
        group,
        template,
    };
    let state = web.counting.of(&key, Arc::clone(&web.identity.tokens(&person.id)));
    Count { words: Some(CountWords::of(&state, migration.plan.tell_unassigned)), ..Count::none(migration) }
}

/// A follow-up is about devices that were chosen.
async fn chosen(web: &Web, parent: Parent, migration: &Migration) -> Option<CountWords> {
    match web.store.chosen_count(migration.id).await {
        Ok(number) => Some(CountWords::chosen(number, parent.relation)),
        Err(error) => {
            tracing::error!(migration = %migration.id, ?error, "the chosen devices could not be counted");
            None
        }
    }
}
