//! Commands on one device, and their history.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::devices::find;
use super::door::{COMMANDS, Call};
use super::fault::{Answer, Fault};
use super::model::CommandRecord;
use super::templates;
use crate::sandbox::device::{self, Heard, Via, is_at_app};
use crate::sandbox::state::Shared;
use crate::sandbox::wire;

/// The way to a device and back.
const TRAVEL: Duration = Duration::from_millis(80);

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// The device was not connected in time.
    Offline,
    /// It did not answer in time.
    Silence,
    /// It answered.
    Answered { status: u16, payload: Value },
    /// The command waits for it as a message, which it never answers.
    Queued,
}

/// What somebody asked of a device.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// `component.command`, or `command`.
    pub path: &'a str,
    pub request: &'a Value,
    pub connect: Duration,
    pub respond: Duration,
    /// A job asked.
    pub by_job: bool,
}

/// `POST /devices/{id}/commands/{command}`
pub(super) async fn root(call: Call, Path((id, command)): Path<(String, String)>, body: Bytes) -> Answer {
    execute(&call, &id, None, &command, &body).await
}

/// `POST /devices/{id}/components/{component}/commands/{command}`
pub(super) async fn run(
    call: Call,
    Path((id, component, command)): Path<(String, String, String)>,
    body: Bytes,
) -> Answer {
    execute(&call, &id, Some(&component), &command, &body).await
}

/// `GET` of the same.
pub(super) async fn root_history(call: Call, Path((id, command)): Path<(String, String)>) -> Answer {
    shown_history(&call, &id, &path(None, &command))
}

/// `GET` of the same.
pub(super) async fn history(call: Call, Path((id, component, command)): Path<(String, String, String)>) -> Answer {
    shown_history(&call, &id, &path(Some(&component), &command))
}

fn path(component: Option<&str>, command: &str) -> String {
    component.map_or_else(|| command.to_owned(), |component| format!("{component}.{command}"))
}

/// The last invocation, as the service keeps it. That it kept them all, and which it leaves out, are readings that the
/// documentation does not exclude.
fn shown_history(call: &Call, id: &str, path: &str) -> Answer {
    let switches = call.shared.switches();
    let is_kept = |record: &&CommandRecord| {
        (switches.history_shows_timeouts || !record.timed_out) && (switches.history_shows_jobs || !record.by_job)
    };
    let most = if switches.history_is_whole { usize::MAX } else { 1 };
    call.look(|app| {
        let records = find(app, id)?.commands.get(path);
        let shown: Vec<Value> = records.into_iter().flatten().rev().filter(is_kept).take(most).map(show).collect();
        Ok(wire::ok(&json!({"value": shown})))
    })
}

fn show(record: &CommandRecord) -> Value {
    let mut shown = json!({
        "id": record.id, "request": record.request,
        "connectionTimeout": record.connection_timeout, "responseTimeout": record.response_timeout,
    });
    if let Some(code) = record.response_code {
        shown["response"] = record.response.clone();
        shown["responseCode"] = json!(code);
    }
    shown
}

async fn execute(call: &Call, id: &str, component: Option<&str>, command: &str, body: &[u8]) -> Answer {
    let body = if body.is_empty() { json!({}) } else { call.json(body)? };
    let connect = seconds(&body, "connectionTimeout", 0..=30, 0)?;
    let respond = seconds(&body, "responseTimeout", 5..=30, 30)?;
    let request = body.get("request").cloned().unwrap_or(Value::Null);
    let queued = check_command(call, id, component, command)?;
    call.shared
        .throttles()
        .take(&format!("central/{}/commands", call.sub), 1, COMMANDS)
        .map_err(|_| Fault::throttled())?;
    let outcome = if queued {
        None
    } else {
        let method = component.map_or_else(|| command.to_owned(), |component| format!("{component}*{command}"));
        Some(send(&call.shared, &call.sub, id, &method, &request, &Via::Single, connect, respond).await)
    };
    if outcome == Some(Outcome::Offline) {
        return Err(Fault::not_found("Could not connect to device in order to send command."));
    }
    let path = path(component, command);
    let asked = Asked { path: &path, request: &request, connect, respond, by_job: false };
    let record = record(&call.shared, &call.sub, id, &asked, outcome.as_ref().unwrap_or(&Outcome::Queued));
    if record.timed_out {
        return Err(Fault::new(504, "RequestTimeout", "Request timeout waiting for the device."));
    }
    Ok(wire::with_effect(wire::json(StatusCode::CREATED, &show(&record)), "command.sent", id))
}

/// Whether the command exists for the device, and whether it is a queued one. An unassigned device takes any name at root.
fn check_command(call: &Call, id: &str, component: Option<&str>, command: &str) -> Result<bool, Fault> {
    call.look(|app| {
        let device = find(app, id)?;
        let missing = || Fault::not_found(format!("Device {id} has no command {}.", path(component, command)));
        let Some(template) = &device.template else {
            return if component.is_none() { Ok(false) } else { Err(missing()) };
        };
        let template = templates::find(app, template).ok_or_else(missing)?;
        templates::command(template, component, command).map(templates::is_queued).ok_or_else(missing)
    })
}

/// Delivers a method to a device of an application and waits for what comes of it.
#[expect(clippy::too_many_arguments, reason = "a command has this many parts, and both callers give all of them")]
pub(super) async fn send(
    shared: &Shared,
    sub: &str,
    id: &str,
    method: &str,
    request: &Value,
    via: &Via,
    connect: Duration,
    respond: Duration,
) -> Outcome {
    let deadline = shared.clock().now() + connect;
    shared.clock().sleep(TRAVEL).await;
    loop {
        match device::deliver(shared, id, method, request, via, |world| is_at_app(world, sub, id)) {
            Some(Heard::Answer { status, payload }) => return Outcome::Answered { status, payload },
            Some(Heard::Silence) => {
                shared.clock().sleep(respond).await;
                return Outcome::Silence;
            }
            None if shared.clock().now() >= deadline => return Outcome::Offline,
            None => shared.clock().sleep(Duration::from_millis(500)).await,
        }
    }
}

/// Adds a line to a device's command history.
pub(super) fn record(shared: &Shared, sub: &str, id: &str, asked: &Asked<'_>, outcome: &Outcome) -> CommandRecord {
    let (response_code, response) = match outcome {
        Outcome::Answered { status, payload } => (Some(*status), payload.clone()),
        Outcome::Offline | Outcome::Silence | Outcome::Queued => (None, Value::Null),
    };
    let record = CommandRecord {
        id: uuid::Uuid::new_v4().to_string(),
        request: asked.request.clone(),
        response,
        response_code,
        connection_timeout: asked.connect.as_secs(),
        response_timeout: asked.respond.as_secs(),
        by_job: asked.by_job,
        timed_out: *outcome == Outcome::Silence,
    };
    shared.world(|world| {
        if let Some(device) = world.apps.get_mut(sub).and_then(|app| app.devices.get_mut(id)) {
            device.commands.entry(asked.path.to_owned()).or_default().push(record.clone());
        }
    });
    record
}

fn seconds(body: &Value, name: &str, range: std::ops::RangeInclusive<u64>, default: u64) -> Result<Duration, Fault> {
    let value = match &body[name] {
        Value::Null => Some(default),
        value => value.as_u64().filter(|value| range.contains(value)),
    };
    let wrong = || Fault::invalid_body(format!("{name} must be from {} to {}.", range.start(), range.end()));
    value.map(Duration::from_secs).ok_or_else(wrong)
}
