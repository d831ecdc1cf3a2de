//! `/migrations/{id}`: one migration, its devices and events, and what people can do with it.
//!
//! A record is there only for people of the tenant that it was made in: for everybody else its address leads nowhere.

mod act;
pub mod action;
pub mod csv;
pub mod device_view;
#[cfg(test)]
mod end_tests;
pub mod events;
pub mod export;
pub mod family;
mod follow_up;
#[cfg(test)]
mod hub_tests;
pub mod page;
pub mod plan_view;
mod plan_words;
pub mod query;
pub mod reasons;
pub mod status_view;
pub mod summary;
#[cfg(test)]
mod tests;
mod unreachable;
pub mod view;
#[cfg(test)]
mod wave_tests;
pub mod wave_view;

use axum::Router;
use axum::routing::get;

use super::errors::PageError;
use super::state::Web;
use crate::identity::Person;
use crate::migration::Migration;

/// Routes of these pages.
pub fn router() -> Router<Web> {
    Router::new()
        .route("/migrations/{id}", get(page::page))
        .route("/migrations/{id}/live", get(page::live))
        .route("/migrations/{id}/events", get(events::page))
        .route("/migrations/{id}/devices.csv", get(export::devices))
        .merge(act::router())
        .merge(follow_up::router())
}

/// The migration of an address, if it is there for this person.
pub(in crate::web) async fn visible(web: &Web, id: &str, person: &Person) -> Result<Migration, PageError> {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let migration = web.store.migration(id).await?.ok_or(PageError::NotFound)?;
    if migration.created_by.id.tid == person.id.tid { Ok(migration) } else { Err(PageError::NotFound) }
}
