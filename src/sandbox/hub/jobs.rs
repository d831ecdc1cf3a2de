//! Scheduled jobs over the service API; what they do is in [`super::job_run`].

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Path;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fault::{Answer, Fault};
use super::job_model::{Job, JobStatus};
use super::limits::{self, Class};
use super::page::{self, Wanted};
use super::service::{Call, Right};
use super::{job_run, query_language, twin_rules};
use crate::sandbox::wire;

/// How long a job may take if the caller does not say.
const USUAL_SECONDS: i64 = 3600;

/// `PUT /jobs/v2/{id}`
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Right::JOB_WRITE)?;
    call.need_standard_tier()?;
    let body = call.json(&body)?;
    let job = parse(&call, &id, &body)?;
    call.meter(Class::Job, 1)?;
    let shown = call.hub(|hub| {
        if hub.jobs.contains_key(&id) {
            return Err(Fault::new(409, "JobAlreadyExists", 409_002, format!("Job {id} already exists.")));
        }
        let most = limits::jobs_at_once(&hub.sku);
        if job.start <= call.now && hub.jobs.values().filter(|job| job.is_active()).count() >= most {
            let message = format!("This hub runs {most} jobs at once.");
            return Err(Fault::new(429, "ThrottlingMaxActiveJobCountExceeded", 429_004, message));
        }
        let shown = job.show(&id);
        hub.jobs.insert(id.clone(), job);
        Ok(shown)
    })?;
    job_run::begin(&call.shared, &call.host, &id);
    Ok(wire::with_effect(wire::ok(&shown), "job.created", id))
}

/// `GET /jobs/v2/{id}`
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::JOB_READ)?;
    call.need_standard_tier()?;
    call.meter(Class::Job, 1)?;
    call.look(|hub| Ok(wire::ok(&hub.jobs.get(&id).ok_or_else(|| missing(&id))?.show(&id))))
}

/// `POST /jobs/v2/{id}/cancel`
pub(super) async fn cancel(call: Call, Path(id): Path<String>) -> Answer {
    call.need(Right::JOB_DELETE)?;
    call.need_standard_tier()?;
    call.meter(Class::Job, 1)?;
    let shown = call.hub(|hub| {
        let job = hub.jobs.get_mut(&id).ok_or_else(|| missing(&id))?;
        if !job.has_ended() {
            job.finish(JobStatus::Cancelled, call.now);
        }
        Ok(job.show(&id))
    })?;
    Ok(wire::with_effect(wire::ok(&shown), "job.cancelled", id))
}

/// `GET /jobs/v2/query?jobType=&jobStatus=`
pub(super) async fn query(call: Call) -> Answer {
    call.need(Right::JOB_READ)?;
    call.need_standard_tier()?;
    let wanted = Wanted::of(&call)?;
    let asked = |name: &str| wire::param(&call.uri, name).filter(|word| !word.is_empty());
    let (kind, status) = (asked("jobType"), asked("jobStatus"));
    call.meter(Class::Job, 1)?;
    let fits = |asked: &Option<String>, found: &Value| {
        asked.as_ref().is_none_or(|asked| found.as_str().is_some_and(|found| found.eq_ignore_ascii_case(asked)))
    };
    call.look(|hub| {
        let mut found = hub
            .jobs
            .iter()
            .filter(|(id, _)| wanted.after.as_ref().is_none_or(|after| *id > after))
            .map(|(id, job)| (id, job.show(id)))
            .filter(|(_, job)| fits(&kind, &job["type"]) && fits(&status, &job["status"]));
        let jobs: Vec<(&String, Value)> = found.by_ref().take(wanted.size).collect();
        let next = jobs.last().filter(|_| found.next().is_some()).map(|(id, _)| (*id).clone());
        Ok(page::answer(jobs.into_iter().map(|(_, job)| job).collect(), "jobResponse", next))
    })
}

fn missing(id: &str) -> Fault {
    Fault::new(404, "JobNotFound", 404_002, format!("Job {id} does not exist."))
}

fn parse(call: &Call, id: &str, body: &Value) -> Result<Job, Fault> {
    let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_id || body["jobId"].as_str().is_some_and(|given| given != id) {
        return Err(Fault::bad_request("A job id has at most 64 letters, digits and dashes and equals the path's."));
    }
    let (kind, payload) = match body["type"].as_str().unwrap_or_default() {
        word if word.eq_ignore_ascii_case("scheduleDeviceMethod") => ("scheduleDeviceMethod", "cloudToDeviceMethod"),
        word if word.eq_ignore_ascii_case("scheduleUpdateTwin") => ("scheduleUpdateTwin", "updateTwin"),
        other => return Err(Fault::bad_request(format!("The job type '{other}' is not possible."))),
    };
    let named = |name: &str| body.get(name).filter(|value| !value.is_null());
    let given = named(payload).filter(|given| given.is_object());
    let given = given.ok_or_else(|| Fault::bad_request(format!("{kind} needs {payload}.")))?;
    if payload == "cloudToDeviceMethod" && given["methodName"].as_str().is_none_or(str::is_empty) {
        return Err(Fault::bad_request("methodName is missing."));
    }
    twin_rules::check(given).map_err(Fault::bad_request)?;
    let condition = body["queryCondition"].as_str().unwrap_or_default();
    if !condition.trim().is_empty() && condition.trim() != "*" {
        query_language::parse_condition(condition)
            .map_err(|why| Fault::bad_request(format!("The query condition is not valid: {why}.")))?;
    }
    let start = match named("startTime") {
        None => call.now,
        Some(text) => text
            .as_str()
            .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
            .ok_or_else(|| Fault::bad_request("startTime is not a time."))?,
    };
    let definition: Map<String, Value> = [payload, "queryCondition"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), named(name)?.clone())))
        .collect();
    let most_seconds = body["maxExecutionTimeInSeconds"].as_i64().filter(|seconds| *seconds > 0);
    Ok(Job {
        kind: kind.to_owned(),
        definition,
        created: call.now,
        start,
        most_seconds: most_seconds.unwrap_or(USUAL_SECONDS),
        status: if start - call.now > Duration::ZERO { JobStatus::Scheduled } else { JobStatus::Queued },
        end: None,
        failure: None,
        devices: std::collections::BTreeMap::new(),
    })
}
