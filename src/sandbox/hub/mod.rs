//! IoT Hub's service API: identities, bulk registry calls, queries, twins, direct methods, statistics.
//!
//! Written from azure-rest-api-specs (iothub data-plane 2021-04-12) and the developer guide on throttles, direct methods and
//! the query language.

mod bulk;
mod fault;
mod identities;
mod identity_json;
pub mod limits;
mod methods;
pub mod model;
mod query;
mod query_language;
mod query_lexer;
mod service;
#[cfg(test)]
mod tests;
mod twins;

use axum::Router;
use axum::middleware::map_response_with_state;
use axum::routing::{get, post};

use super::state::Shared;
use fault::{Fault, render};

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
    "/twins/{id}/modules/{module}/methods",
    "/digitaltwins/{id}",
    "/digitaltwins/{id}/commands/{command}",
    "/digitaltwins/{id}/components/{component}/commands/{command}",
    "/statistics/devices",
    "/statistics/service",
    "GET /jobs/v2/query",
    "/jobs/v2/{id}",
    "/jobs/v2/{id}/cancel",
    "/configurations",
    "POST /configurations/testQueries",
    "/configurations/{id}",
];

/// The service API of every `{hub}.azure-devices.net`.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/devices", get(identities::list).post(bulk::run))
        .route("/devices/query", post(query::run))
        .route("/devices/{id}", get(identities::get).put(identities::put).delete(identities::delete))
        .route("/twins/{id}", get(twins::get).patch(twins::patch).put(twins::put))
        .route("/twins/{id}/methods", post(methods::invoke))
        .route("/digitaltwins/{id}/commands/{command}", post(methods::root_command))
        .route("/digitaltwins/{id}/components/{component}/commands/{command}", post(methods::component_command))
        .route("/statistics/devices", get(query::device_statistics))
        .route("/statistics/service", get(query::service_statistics))
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
