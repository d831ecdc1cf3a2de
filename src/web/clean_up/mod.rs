//! `/migrations/{id}/clean-up`: devices proven at the target are removed from their source, and enrollment groups that nobody
//! needs from the target; and `/migrations/{id}/clean-ups/{clean-up}`, one such clean-up.
//!
//! Promises: nothing is removed before a person has typed how much and the migration's name; what they chose is decided upon
//! by the engine, not by the form.

mod act;
mod entered;
mod export;
mod form;
mod groups;
pub(super) mod list;
mod run;
mod run_view;
#[cfg(test)]
mod tests;
mod trouble;

use axum::Router;
use axum::extract::Path;
use axum::response::Redirect;
use axum::routing::get;

use super::paths;
use super::state::Web;

/// Routes of these pages.
pub(super) fn router() -> Router<Web> {
    let to_form = async |Path(id): Path<String>| Redirect::to(&paths::clean_up(&id));
    let to_run = async |Path((id, run)): Path<(String, String)>| Redirect::to(&paths::clean_up_run(&id, &run));
    let one = paths::clean_up_run("{id}", "{run}");
    Router::new()
        .route(&paths::clean_up("{id}"), get(form::show).post(form::ask))
        .route(&paths::clean_up_groups("{id}"), get(to_form).post(groups::remove))
        .route(&one, get(run::page))
        .route(&format!("{one}/live"), get(run::live))
        .route(&format!("{one}/devices.csv"), get(export::devices))
        .route(&format!("{one}/stop"), get(to_run).post(act::stop))
        .route(&format!("{one}/resume"), get(to_run).post(act::resume))
}

/// `1 device`, `12 devices`.
fn devices(number: u64) -> String {
    if number == 1 { "1 device".to_owned() } else { format!("{number} devices") }
}
