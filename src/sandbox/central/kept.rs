//! Families of an application that are kept as the JSON they are and can only be listed here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::door::{Call, Version};
use super::fault::{Answer, Fault};
use super::page;
use crate::sandbox::world::App;

/// `GET /scheduledJobs`
pub(super) async fn scheduled_jobs(call: Call) -> Answer {
    list(&call, |app| &app.configuration.scheduled_jobs)
}

/// `GET /dashboards`, which only the preview has.
pub(super) async fn dashboards(call: Call) -> Answer {
    need_preview(&call)?;
    list(&call, |app| &app.configuration.dashboards)
}

/// `GET /deploymentManifests`, which only the preview has.
pub(super) async fn deployment_manifests(call: Call) -> Answer {
    need_preview(&call)?;
    list(&call, |app| &app.configuration.deployment_manifests)
}

fn need_preview(call: &Call) -> Result<(), Fault> {
    if call.version == Version::NewPreview {
        return Ok(());
    }
    Err(Fault::not_found("The requested resource was not found."))
}

fn list(call: &Call, family: fn(&App) -> &BTreeMap<String, Value>) -> Answer {
    call.look(|app| page::answer(call, family(app).iter().map(|(id, own)| (id.as_str(), own)), Value::clone))
}
