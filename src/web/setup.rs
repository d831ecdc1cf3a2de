//! `/setup`: what to register in Entra ID and to configure here, after Microsoft's guide "Migrate devices from IoT
//! Central to IoT Hub", with values to copy; and the migration component to download.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::errors::PageError;
use super::shell::Shell;
use super::site::{HasSite, Site};
use super::{paths, render};
use crate::migration::preflight::Right;

/// The interface `dtmi:azureiot:DeviceMigration;1`, as a device template takes it in.
const DEVICE_MIGRATION: &str = include_str!("../../templates/setup/device-migration.json");
/// Delegated permissions, in the form of the Microsoft Graph app manifest.
const PERMISSIONS: &str = include_str!("../../templates/setup/permissions.json");

#[derive(Template)]
#[template(path = "setup/page.html")]
struct SetupPage<'a> {
    shell: Shell,
    site: &'a Site,
    permissions: &'static str,
    /// The rights that are needed within an IoT Central application.
    central: [Right; 4],
    /// Those that are needed beside in one that devices go to.
    target: [Right; 2],
    env: String,
}

/// Routes of this page.
pub fn router<S: HasSite>() -> Router<S> {
    Router::new().route(paths::SETUP, get(setup::<S>)).route(paths::DEVICE_MIGRATION_JSON, get(device_migration))
}

async fn setup<S: HasSite>(State(state): State<S>, shell: Shell) -> Result<Response, PageError> {
    let site = state.site();
    render::page(&SetupPage {
        shell,
        site,
        permissions: PERMISSIONS.trim_end(),
        central: Right::IN_CENTRAL,
        target: Right::IN_TARGET,
        env: env_lines(site),
    })
}

/// The lines of a `.env` file for this program as it is served.
fn env_lines(site: &Site) -> String {
    let mut lines = format!(
        "REACT_APP_AAD_APP_CLIENT_ID=<Application (client) ID>\nREACT_APP_AAD_APP_TENANT_ID=<Directory (tenant) ID>\n\
         REACT_APP_AAD_APP_REDIRECT_URI={}",
        site.origin()
    );
    if site.port != crate::config::DEFAULT_PORT {
        lines.push_str(&format!("\nPORT={}", site.port));
    }
    lines
}

async fn device_migration() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"DeviceMigration.json\""),
    ];
    (headers, DEVICE_MIGRATION)
}
