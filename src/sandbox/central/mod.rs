//! The data plane of IoT Central applications, version 2022-07-31 and what of the previews is used.
//!
//! Written from azure-rest-api-specs (`specification/iotcentral/data-plane`) and the how-to pages. Where the documentation
//! leaves room, the reading that is harder on clients is taken: request ids only inside messages, no `Retry-After`, job lists
//! without progress.

mod api_tokens;
mod arrangement;
mod certificates;
mod commands;
mod condition;
pub mod configuration;
mod devices;
mod door;
mod enrollment;
mod exports;
mod fault;
mod filter;
mod gateways;
mod groups;
mod hidden;
mod job_check;
mod job_run;
mod jobs;
mod kept;
pub mod model;
mod organizations;
mod page;
mod people;
mod properties;
mod query;
mod security;
mod templates;
#[cfg(test)]
mod tests;
mod words;

use axum::Router;
use axum::middleware::map_response_with_state;
use axum::routing::{get, post, put};

use super::state::Shared;
use super::world::App;
use fault::{Fault, render};
pub use job_run::resume;

/// The API of every `{subdomain}.azureiotcentral.com`.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/api/deviceGroups", get(groups::list))
        .route("/api/deviceGroups/{id}", get(groups::get).put(groups::put).patch(groups::patch).delete(groups::delete))
        .route("/api/deviceGroups/{id}/devices", get(groups::members))
        .route("/api/deviceTemplates", get(templates::list))
        .route(
            "/api/deviceTemplates/{id}",
            get(templates::get).put(templates::put).patch(templates::patch).delete(templates::delete),
        )
        .merge(device_routes())
        .merge(job_routes())
        .merge(enrollment_routes())
        .merge(administration_routes())
        .route("/api/query", post(query::run))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response_with_state(shared.clone(), render))
        .with_state(shared)
}

fn device_routes() -> Router<Shared> {
    Router::new()
        .route("/api/devices", get(devices::list))
        .route("/api/devices/{id}", get(devices::get).put(devices::put).patch(devices::patch).delete(devices::delete))
        .route("/api/devices/{id}/credentials", get(security::credentials))
        .route(
            "/api/devices/{id}/attestation",
            get(security::get).put(security::put).patch(security::patch).delete(security::delete),
        )
        .route("/api/devices/{id}/properties", get(properties::get).put(properties::put).patch(properties::patch))
        .route(
            "/api/devices/{id}/components/{component}/properties",
            get(properties::get_component).put(properties::put_component).patch(properties::patch_component),
        )
        .route("/api/devices/{id}/components", get(properties::components))
        .route("/api/devices/{id}/modules", get(gateways::modules))
        .route("/api/devices/{id}/relationships", get(gateways::list))
        .route(
            "/api/devices/{id}/relationships/{relationship}",
            get(gateways::get).put(gateways::put).patch(gateways::patch).delete(gateways::delete),
        )
        .route("/api/devices/{id}/telemetry/{name}", get(properties::telemetry))
        .route("/api/devices/{id}/components/{component}/telemetry/{name}", get(properties::component_telemetry))
        .route("/api/devices/{id}/commands/{command}", get(commands::root_history).post(commands::root))
        .route(
            "/api/devices/{id}/components/{component}/commands/{command}",
            get(commands::history).post(commands::run),
        )
}

fn job_routes() -> Router<Shared> {
    Router::new()
        .route("/api/jobs", get(jobs::list))
        .route("/api/jobs/{id}", get(jobs::get).put(jobs::put))
        .route("/api/jobs/{id}/devices", get(jobs::devices))
        .route("/api/jobs/{id}/stop", post(jobs::stop))
        .route("/api/jobs/{id}/resume", post(jobs::resume))
        .route("/api/jobs/{id}/rerun/{again}", put(jobs::rerun))
}

fn enrollment_routes() -> Router<Shared> {
    Router::new()
        .route("/api/enrollmentGroups", get(enrollment::list))
        .route(
            "/api/enrollmentGroups/{id}",
            get(enrollment::get).put(enrollment::put).patch(enrollment::patch).delete(enrollment::delete),
        )
        .route(
            "/api/enrollmentGroups/{id}/certificates/{entry}",
            get(certificates::get).put(certificates::put).delete(certificates::delete),
        )
        .route(
            "/api/enrollmentGroups/{id}/certificates/{entry}/generateVerificationCode",
            post(certificates::generate_code),
        )
        .route("/api/enrollmentGroups/{id}/certificates/{entry}/verify", post(certificates::verify))
}

fn administration_routes() -> Router<Shared> {
    Router::new()
        .route("/api/users", get(people::users))
        .route("/api/users/{id}", get(people::user))
        .route("/api/roles", get(people::roles))
        .route("/api/roles/{id}", get(people::role))
        .route("/api/organizations", get(organizations::list))
        .route(
            "/api/organizations/{id}",
            get(organizations::get).put(organizations::put).patch(organizations::patch).delete(organizations::delete),
        )
        .route("/api/apiTokens", get(api_tokens::list))
        .route("/api/apiTokens/{id}", get(api_tokens::get).put(api_tokens::put).delete(api_tokens::delete))
        .route(
            "/api/fileUploads",
            get(exports::uploads).put(exports::put_uploads).patch(exports::put_uploads).delete(exports::delete_uploads),
        )
        .route("/api/scheduledJobs", get(kept::scheduled_jobs))
        .route("/api/dashboards", get(kept::dashboards))
        .route("/api/deploymentManifests", get(kept::deployment_manifests))
        .route("/api/dataExport/{family}", get(exports::list))
        .route("/api/dataExport/{family}/{id}", get(exports::get))
}

/// What an API token looks like in a header, for the list of everything that is secret.
pub fn api_token_text(app: &App, token: &configuration::ApiToken) -> Option<String> {
    api_tokens::text(app, token)
}

/// What is secret of how an application is set up, for the same list.
pub fn configured_secrets(app: &App) -> Vec<String> {
    let kept = &app.configuration;
    let exports = kept.export_destinations.values().flat_map(hidden::of_destination);
    let manifests = kept.deployment_manifests.values().flat_map(hidden::of_manifest);
    exports.chain(manifests).chain(app.jobs.values().flat_map(|job| hidden::of_job(&job.definition))).collect()
}

/// Unknown paths tell nothing to callers that are not let in.
async fn nothing_here(_call: door::Call) -> Fault {
    Fault::not_found("The requested resource was not found.")
}

async fn wrong_method(_call: door::Call) -> Fault {
    Fault::new(405, "MethodNotAllowed", "The method is not allowed for this resource.")
}
