//! *Add the device keys to DPS*, `/migrations/{id}/keys`: the review of a draft, and its start.
//!
//! Promises: keys are shown only to a person who chose to add them by hand, on a page that no cache keeps; keys that are
//! pasted are never sent back; whether the
//! migration can start is judged by what Azure says at that moment, here for the button and once more by the engine; a
//! migration that has been started is shown on its own page instead.

mod act;
mod certificate;
mod count;
mod device_certificates;
mod page;
mod paste;
mod review;
mod source_words;
mod stated;
mod view;

use axum::Router;
use axum::routing::{get, post};

use super::paths;
use super::state::Web;

/// Routes of this page.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(&paths::keys("{id}"), get(page::show).post(act::choose))
        .route(&paths::keys_count("{id}"), get(count::show))
        .route(&paths::paste("{id}"), get(act::to_page).post(paste::add))
        .route(&paths::certificate("{id}"), get(act::to_page).post(certificate::add))
        .route(&paths::device_certificates("{id}"), get(act::to_page).post(device_certificates::add))
        .route(&paths::erase("{id}"), get(act::to_page).post(paste::erase))
        .route(&paths::start("{id}"), post(act::start))
        .route(&paths::discard("{id}"), get(act::to_page).post(act::discard))
}
