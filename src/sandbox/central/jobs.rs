//! Jobs: made by the client under an id of its choice, run by [`super::job_run`].

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, check_id};
use super::fault::{Answer, Fault};
use super::model::{Job, JobDeviceStatus, JobStatus};
use super::{groups, job_run, page, templates};
use crate::sandbox::wire;
use crate::sandbox::world::App;

const FIELDS: [&str; 8] =
    ["id", "displayName", "description", "group", "batch", "cancellationThreshold", "data", "organizations"];

/// `GET /jobs`, without progress, as in the published example.
pub(super) async fn list(call: Call) -> Answer {
    call.look(|app| page::answer(&call, app.jobs.iter().map(|(id, job)| (id.as_str(), job)), |job| show(job, false)))
}

/// `GET /jobs/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| Ok(wire::ok(&show(find(app, &id)?, true))))
}

/// `GET /jobs/{id}/devices`
pub(super) async fn devices(call: Call, Path(id): Path<String>) -> Answer {
    call.look(|app| {
        let devices = find(app, &id)?.devices.iter().flatten();
        let rows = devices.map(|row| (row.0.as_str(), row));
        page::answer(&call, rows, |(id, status)| json!({"id": id, "status": status}))
    })
}

/// `PUT /jobs/{id}`: a second one with the same id is refused.
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    check_id(&id)?;
    let definition = call.json(&body)?;
    call.look(|app| check_definition(app, &definition))?;
    create(&call, id, definition, None)
}

/// `PUT /jobs/{id}/rerun/{again}`: a new job on the devices that failed.
pub(super) async fn rerun(call: Call, Path((id, again)): Path<(String, String)>) -> Answer {
    check_id(&again)?;
    let (definition, failed) = call.look(|app| {
        let job = find(app, &id)?;
        if matches!(job.status, JobStatus::Pending | JobStatus::Running) {
            return Err(Fault::conflict("The job has not ended."));
        }
        let failed = job.devices.iter().flatten().filter(|(_, status)| *status == JobDeviceStatus::Failed);
        Ok((job.definition.clone(), failed.map(|(id, _)| (id.clone(), JobDeviceStatus::Pending)).collect()))
    })?;
    create(&call, again, definition, Some(failed))
}

fn create(call: &Call, id: String, definition: Value, devices: Option<Vec<(String, JobDeviceStatus)>>) -> Answer {
    let job = Job {
        id: id.clone(),
        definition,
        status: JobStatus::Pending,
        created: call.now,
        start: None,
        end: None,
        devices,
    };
    let shown = show(&job, false);
    call.app(|app| {
        if app.jobs.contains_key(&id) {
            return Err(Fault::conflict(format!("A job with the id {id} exists.")));
        }
        app.jobs.insert(id.clone(), job);
        Ok(())
    })?;
    job_run::begin(&call.shared, &call.sub, &id);
    Ok(wire::with_effect(wire::ok(&shown), "job.created", id))
}

/// `POST /jobs/{id}/stop`
pub(super) async fn stop(call: Call, Path(id): Path<String>) -> Answer {
    call.app(|app| {
        let job = app.jobs.get_mut(&id).ok_or_else(|| missing(&id))?;
        match job.status {
            JobStatus::Pending | JobStatus::Running => job.status = JobStatus::Stopped,
            JobStatus::Stopped => {}
            JobStatus::Complete | JobStatus::Cancelled => return Err(Fault::conflict("The job has ended.")),
        }
        Ok(())
    })?;
    Ok(wire::with_effect(wire::no_content(), "job.stopped", id))
}

/// `POST /jobs/{id}/resume`
pub(super) async fn resume(call: Call, Path(id): Path<String>) -> Answer {
    call.app(|app| {
        let job = app.jobs.get_mut(&id).ok_or_else(|| missing(&id))?;
        if job.status != JobStatus::Stopped {
            return Err(Fault::conflict("The job is not stopped."));
        }
        job.status = JobStatus::Pending;
        Ok(())
    })?;
    job_run::begin(&call.shared, &call.sub, &id);
    Ok(wire::with_effect(wire::no_content(), "job.resumed", id))
}

fn find<'a>(app: &'a App, id: &str) -> Result<&'a Job, Fault> {
    app.jobs.get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Job {id} does not exist."))
}

fn check_definition(app: &App, body: &Value) -> Result<(), Fault> {
    let unknown = body.as_object().and_then(|fields| fields.keys().find(|name| !FIELDS.contains(&name.as_str())));
    if let Some(unknown) = unknown {
        return Err(Fault::invalid_body(format!("The field {unknown} is not known.")));
    }
    let group = body["group"].as_str().ok_or_else(|| Fault::invalid_body("group is required."))?;
    groups::find(app, group)?;
    for name in ["batch", "cancellationThreshold"] {
        let given = &body[name];
        let well_formed = given.is_null()
            || (matches!(given["type"].as_str(), Some("number" | "percentage")) && given["value"].is_number());
        if !well_formed {
            return Err(Fault::invalid_body(format!("{name} needs a type (number or percentage) and a value.")));
        }
    }
    if body["organizations"].as_array().is_some_and(|list| list.len() > 1) {
        return Err(Fault::invalid_body("A job belongs to at most one organization."));
    }
    let data = body["data"].as_array().filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| Fault::invalid_body("data needs at least one entry."))?;
    if data.iter().any(|entry| entry["type"] != data[0]["type"]) {
        return Err(Fault::invalid_body("All entries of data must be of one type."));
    }
    data.iter().try_for_each(|entry| check_entry(app, entry))
}

fn check_entry(app: &App, entry: &Value) -> Result<(), Fault> {
    let target = entry["target"].as_str().ok_or_else(|| Fault::invalid_body("data.target is required."))?;
    let no_template =
        || Fault::unprocessable(format!("The device template {target} does not exist or is not published."));
    let template = templates::find(app, target).ok_or_else(no_template)?;
    match entry["type"].as_str() {
        Some("command") => {
            let path = entry["path"].as_str().ok_or_else(|| Fault::invalid_body("data.path is required."))?;
            let (component, command) = split_path(path);
            let missing = || Fault::unprocessable(format!("The device template {target} has no command {path}."));
            templates::command(template, component, command).map(drop).ok_or_else(missing)
        }
        Some("property" | "cloudProperty") if entry["path"].is_string() => Ok(()),
        Some("deviceTemplateMigration") if entry["value"].is_string() => Ok(()),
        _ => Err(Fault::invalid_body("data.type is not known, or the entry is not complete.")),
    }
}

/// `component.command`, or `command`.
pub(super) fn split_path(path: &str) -> (Option<&str>, &str) {
    path.split_once('.').map_or((None, path), |(component, command)| (Some(component), command))
}

fn show(job: &Job, in_full: bool) -> Value {
    let mut shown = job.definition.clone();
    shown["id"] = json!(job.id);
    shown["status"] = json!(job.status);
    if in_full {
        if let Some(devices) = &job.devices {
            shown["progress"] = json!({
                "total": devices.len(),
                "pending": job.count(JobDeviceStatus::Pending),
                "completed": job.count(JobDeviceStatus::Completed),
                "failed": job.count(JobDeviceStatus::Failed),
            });
        }
        for (name, moment) in [("start", job.start), ("end", job.end)] {
            if let Some(moment) = moment {
                shown[name] = json!(wire::iso(moment));
            }
        }
    }
    shown
}
