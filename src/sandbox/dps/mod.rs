//! The Device Provisioning Service: the service API of each instance, and the device API that devices have compiled in.
//!
//! Written from azure-rest-api-specs (service 2021-10-01, device 2021-06-01) and the concept pages on symmetric keys and
//! reprovisioning.

mod assign;
mod attest;
mod bulk;
pub mod certificates;
mod device_api;
mod enrollments;
pub mod fault;
pub mod model;
mod page;
mod records;
pub mod register;
mod service;
mod settings;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response_with_state;
use axum::routing::{get, post, put};

use super::state::Shared;
use fault::{Fault, render};
pub(super) use settings::thumbprint;

/// The paths of the service API. Clients spell the words in them in any case.
pub(super) const SERVICE_PATHS: &[&str] = &[
    "/enrollmentGroups",
    "POST /enrollmentGroups/query",
    "/enrollmentGroups/{id}",
    "/enrollmentGroups/{id}/attestationmechanism",
    "/enrollments",
    "POST /enrollments/query",
    "/enrollments/{id}",
    "/enrollments/{id}/attestationmechanism",
    "/registrations/{id}",
    "/registrations/{id}/query",
];

/// The paths of the device API.
pub(super) const DEVICE_PATHS: &[&str] = &[
    "/{scope}/registrations/{id}",
    "/{scope}/registrations/{id}/register",
    "/{scope}/registrations/{id}/operations/{operation}",
];

/// The service API, for every `{dps}.azure-devices-provisioning.net`.
pub fn service_router(shared: Shared) -> Router {
    Router::new()
        .route("/enrollmentGroups", post(bulk::groups))
        .route("/enrollmentGroups/query", post(enrollments::query_groups))
        .route(
            "/enrollmentGroups/{id}",
            get(enrollments::get_group).put(enrollments::put_group).delete(enrollments::delete_group),
        )
        .route("/enrollmentGroups/{id}/attestationmechanism", post(enrollments::group_attestation))
        .route("/enrollments", post(bulk::enrollments))
        .route("/enrollments/query", post(enrollments::query))
        .route("/enrollments/{id}", get(enrollments::get).put(enrollments::put).delete(enrollments::delete))
        .route("/enrollments/{id}/attestationmechanism", post(enrollments::attestation))
        .route("/registrations/{id}", get(records::get).delete(records::delete))
        .route("/registrations/{id}/query", post(records::query))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response_with_state(shared.clone(), render))
        .with_state(shared)
}

/// The device API of `global.azure-devices-provisioning.net`.
pub fn device_router(shared: Shared) -> Router {
    Router::new()
        .route("/{scope}/registrations/{id}/register", put(device_api::register))
        .route("/{scope}/registrations/{id}/operations/{operation}", get(device_api::operation))
        .route("/{scope}/registrations/{id}", post(device_api::lookup))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response_with_state(shared.clone(), render))
        .with_state(shared)
}

async fn nothing_here() -> Fault {
    Fault::new(404_000, "Resource not found.")
}

async fn wrong_method() -> Fault {
    Fault::new(u32::from(StatusCode::METHOD_NOT_ALLOWED.as_u16()) * 1000, "Method not allowed.")
}
