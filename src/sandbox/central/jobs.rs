//! Jobs: made by the client under an id of its choice, run by [`super::job_run`].

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, check_id};
use super::fault::{Answer, Fault};
use super::model::{Job, JobDeviceStatus, JobStatus, JobWork};
use super::{job_check, job_run, page};
use crate::sandbox::options::SixthJob;
use crate::sandbox::wire;
use crate::sandbox::world::App;

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
    call.look(|app| job_check::check(app, &definition))?;
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
        work: JobWork::default(),
    };
    let shown = show(&job, false);
    let sixth = call.shared.switches().sixth_job;
    call.app(|app| {
        check_room(app, sixth)?;
        if app.jobs.contains_key(&id) {
            return Err(Fault::conflict(format!("A job with the id {id} exists.")));
        }
        app.jobs.insert(id.clone(), job);
        Ok(())
    })?;
    job_run::begin(&call.shared, &call.sub, &id);
    Ok(wire::with_effect(wire::ok(&shown), "job.created", id))
}

/// Refuses one more job where as many are pending or running as run at once, if that is how it is taken.
fn check_room(app: &App, sixth: SixthJob) -> Result<(), Fault> {
    let is_at_work = |job: &&Job| matches!(job.status, JobStatus::Pending | JobStatus::Running);
    if app.jobs.values().filter(is_at_work).count() < job_run::MOST_RUNNING {
        return Ok(());
    }
    match sixth {
        SixthJob::Pending => Ok(()),
        SixthJob::Conflict => Err(Fault::conflict("The request conflicts with the state of the application.")),
        SixthJob::TooManyRequests => {
            Err(Fault::new(429, "TooManyRequests", "The maximum number of jobs that run at the same time is reached."))
        }
    }
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
    let sixth = call.shared.switches().sixth_job;
    call.app(|app| {
        if find(app, &id)?.status != JobStatus::Stopped {
            return Err(Fault::conflict("The job is not stopped."));
        }
        check_room(app, sixth)?;
        let job = app.jobs.get_mut(&id).ok_or_else(|| missing(&id))?;
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
