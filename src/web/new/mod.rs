//! *New migration*: the form at `/`, its lists, its summary, and *Migrate*.
//!
//! Promises: the form is data that travels in the page's address, so a reload, the way back, a script that is missing and
//! a sign-in in between lose nothing of it; whatever could not be read is said where it was to be shown, with a way to
//! try again; nothing that a form says is believed: *Migrate* holds each value against what Azure offers at that moment
//! ([`parse`]), tries every right that the move needs ([`rights`]), and makes a draft only if nothing stands in the way.

mod address;
mod application;
mod canary;
mod count_words;
mod create;
mod entered;
mod from_hub;
mod options;
mod page;
mod parse;
mod reading;
mod rights;
mod rights_from_hub;
mod summary;
mod survey;
mod surveyor;
mod try_again;
mod view;
mod waves;

use axum::Router;
use axum::routing::{get, post};

pub use surveyor::Surveyor;

pub(super) use address::subdomain;
pub(super) use count_words::CountWords;
pub(super) use entered::Entered;
pub(super) use options::carry_label;
pub(super) use page::show;
pub(super) use reading::Trouble;
pub(super) use summary::pace;

use super::paths;
use super::state::Web;

/// Routes of the form, but for `/` itself, which is also the way back from a sign-in ([`super::home`]).
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(paths::NEW, post(page::load))
        .route(paths::NEW_CHOICES, get(page::choices))
        .route(paths::NEW_SUMMARY, get(page::summary))
}

/// *Migrate*. Shares its address with the list of migrations.
pub(super) fn create_router() -> Router<Web> {
    Router::new().route(paths::MIGRATIONS, post(create::create))
}
