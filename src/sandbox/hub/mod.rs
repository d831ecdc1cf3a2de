//! IoT Hub's service API: identities, modules, bulk registry calls, queries, twins, direct methods, scheduled jobs,
//! configurations, statistics.
//!
//! Written from azure-rest-api-specs (iothub data-plane 2021-04-12) and the developer guide on throttles, direct methods and
//! the query language.

mod bulk;
pub mod configurations;
mod digital_twins;
mod fault;
mod identities;
mod identity_json;
mod index;
pub mod job_model;
mod job_run;
mod jobs;
pub mod limits;
mod methods;
pub mod model;
mod modules;
mod page;
mod query;
mod query_condition;
mod query_language;
mod query_lexer;
mod service;
#[cfg(test)]
mod tests;
pub mod twin;
pub(super) mod twin_rules;
mod twins;

use axum::Router;
use axum::middleware::map_response_with_state;
use axum::routing::{delete, get, post};

use super::state::Shared;
use fault::{Fault, render};
pub(super) use identity_json::is_device_id;
pub use job_run::resume;

/// The paths of the service API. Clients spell the words in them in any case.
pub(super) const PATHS: &[&str] = &[
    "/devices",
    "POST /devices/query",
    "/devices/{id}",
    "/devices/{id}/commands",
    "/devices/{id}/modules",
    "/devices/{id}/modules/{module}",
    "/twins/{id}",
    "/twins/{id}/methods",
    "/twins/{id}/modules/{module}",
    "/digitaltwins/{id}",
    "/digitaltwins/{id}/commands/{command}",
    "/digitaltwins/{id}/components/{component}/commands/{command}",
    "/statistics/devices",
    "/statistics/service",
    "GET /jobs/v2/query",
    "/jobs/v2/{id}",
    "/jobs/v2/{id}/cancel",
    "/configurations",
    "/configurations/{id}",
];

/// The service API of every `{hub}.azure-devices.net`.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/devices", get(identities::list).post(bulk::run))
        .route("/devices/query", post(query::run))
        .route("/devices/{id}", get(identities::get).put(identities::put).delete(identities::delete))
        .route("/devices/{id}/commands", delete(identities::purge))
        .route("/devices/{id}/modules", get(modules::list))
        .route("/devices/{id}/modules/{module}", get(modules::get).put(modules::put).delete(modules::delete))
        .route("/twins/{id}", get(twins::get).patch(twins::patch).put(twins::put))
        .route("/twins/{id}/methods", post(methods::invoke))
        .route("/twins/{id}/modules/{module}", get(modules::twin).patch(modules::patch_twin).put(modules::put_twin))
        .route("/digitaltwins/{id}", get(digital_twins::get).patch(digital_twins::patch))
        .route("/digitaltwins/{id}/commands/{command}", post(methods::root_command))
        .route("/digitaltwins/{id}/components/{component}/commands/{command}", post(methods::component_command))
        .route("/statistics/devices", get(query::device_statistics))
        .route("/statistics/service", get(query::service_statistics))
        .route("/jobs/v2/query", get(jobs::query))
        .route("/jobs/v2/{id}", get(jobs::get).put(jobs::put))
        .route("/jobs/v2/{id}/cancel", post(jobs::cancel))
        .route("/configurations", get(configurations::list))
        .route("/configurations/{id}", get(configurations::get).put(configurations::put).delete(configurations::delete))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response_with_state(shared.clone(), render))
        .with_state(shared)
}

async fn nothing_here() -> Fault {
    Fault::new(404, "NotFound", 404_000, "There is no such operation.")
}

async fn wrong_method() -> Fault {
    Fault::new(405, "MethodNotAllowed", 405_000, "The operation does not support this method.")
}
