//! Direct methods. A 200 means that the device answered; what it answered is in the body's `status`.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::HeaderValue;
use serde_json::{Value, json};

use super::fault::{Answer, Fault};
use super::limits::Class;
use super::service::{Call, Right};
use crate::sandbox::device::{self, Heard, Via, is_at_hub};
use crate::sandbox::state::Shared;
use crate::sandbox::wire;
use crate::sandbox::world::World;

/// The way to a device and back.
const TRAVEL: Duration = Duration::from_millis(80);
const MOST_PAYLOAD_BYTES: usize = 128 * 1024;

/// `POST /twins/{id}/methods`
pub(super) async fn invoke(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    call.need(Right::METHOD)?;
    call.need_standard_tier()?;
    let body = call.json(&body)?;
    let method = body["methodName"].as_str().filter(|name| !name.is_empty());
    let method = method.ok_or_else(|| Fault::bad_request("methodName is missing.").of_method())?;
    let respond = seconds(&body, "responseTimeoutInSeconds", 5..=300, 30)?;
    let connect = seconds(&body, "connectTimeoutInSeconds", 0..=300, 0)?;
    let payload = body.get("payload").cloned().unwrap_or(Value::Null);
    if payload.to_string().len() > MOST_PAYLOAD_BYTES {
        return Err(Fault::bad_request("The payload is larger than 128 KB.").of_method());
    }
    let (status, payload) = carry_out(&call, &id, method, &payload, respond, connect).await?;
    Ok(wire::with_effect(wire::ok(&json!({"status": status, "payload": payload})), "command.sent", id))
}

/// `POST /digitaltwins/{id}/components/{component}/commands/{command}`
pub(super) async fn component_command(
    call: Call,
    Path((id, component, command)): Path<(String, String, String)>,
    body: Bytes,
) -> Answer {
    plug_and_play(&call, id, &format!("{component}*{command}"), &body).await
}

/// `POST /digitaltwins/{id}/commands/{command}`
pub(super) async fn root_command(call: Call, Path((id, command)): Path<(String, String)>, body: Bytes) -> Answer {
    plug_and_play(&call, id, &command, &body).await
}

/// A Plug and Play command: the method behind it, with time-outs in the query, the payload as the body, and the device's
/// status in a header.
async fn plug_and_play(call: &Call, id: String, method: &str, body: &Bytes) -> Answer {
    // Measured: an Entra token is refused here, whatever its roles.
    call.need_policy()?;
    call.need(Right::METHOD)?;
    call.need_standard_tier()?;
    let payload = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
    let payload = payload.map_err(|_| Fault::bad_request("The body is not JSON."))?;
    let asked = |name: &str| {
        wire::param(&call.uri, name).map_or(Value::Null, |text| text.parse().map_or(json!(text), |n: u64| json!(n)))
    };
    let timeouts = json!({
        "responseTimeoutInSeconds": asked("responseTimeoutInSeconds"),
        "connectTimeoutInSeconds": asked("connectTimeoutInSeconds"),
    });
    let respond = seconds(&timeouts, "responseTimeoutInSeconds", 5..=300, 30)?;
    let connect = seconds(&timeouts, "connectTimeoutInSeconds", 0..=300, 0)?;
    let (status, payload) = carry_out(call, &id, method, &payload, respond, connect).await?;
    let mut response = wire::ok(&payload);
    response.headers_mut().insert("x-ms-command-statuscode", HeaderValue::from(status));
    Ok(wire::with_effect(response, "command.sent", id))
}

/// A method call to a device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub host: &'a str,
    pub id: &'a str,
    pub method: &'a str,
    pub payload: &'a Value,
    /// How long to wait for the answer.
    pub respond: Duration,
    /// How long to wait for the device to connect.
    pub connect: Duration,
}

async fn carry_out(
    call: &Call,
    id: &str,
    method: &str,
    payload: &Value,
    respond: Duration,
    connect: Duration,
) -> Result<(u16, Value), Fault> {
    call.meter(Class::Method, 1)?;
    let asked = Asked { host: &call.host, id, method, payload, respond, connect };
    deliver(&call.shared, &asked).await.map_err(Fault::of_method)
}

/// Delivers a method and waits for the device's status and payload.
pub(super) async fn deliver(shared: &Shared, asked: &Asked<'_>) -> Result<(u16, Value), Fault> {
    let Asked { host, id, method, payload, respond, connect } = *asked;
    let is_known =
        |world: &World| world.hubs.get(host).and_then(|hub| hub.identities.get(id)).is_some_and(|it| it.enabled);
    if !shared.look(is_known) {
        return Err(Fault::no_device(id));
    }
    let deadline = shared.clock().now() + connect;
    let via = Via::Method { host: host.to_owned() };
    shared.clock().sleep(TRAVEL).await;
    let heard = loop {
        match device::deliver(shared, id, method, payload, &via, |world| is_at_hub(world, host, id)) {
            Some(heard) => break heard,
            None if shared.clock().now() >= deadline => return Err(not_online(connect)),
            None => shared.clock().sleep(Duration::from_millis(500)).await,
        }
    };
    match heard {
        Heard::Answer { status, payload } => Ok((status, payload)),
        Heard::Silence => {
            shared.clock().sleep(respond).await;
            Err(Fault::new(504, "GatewayTimeout", 504_101, "Timed out waiting for the response from device."))
        }
    }
}

fn not_online(connect: Duration) -> Fault {
    let message = format!(
        "The operation failed because the requested device isn't online or hasn't registered the direct method callback. Connect timeout: {} s.",
        connect.as_secs()
    );
    Fault::new(404, "DeviceNotOnline", 404_103, message)
}

fn seconds(body: &Value, name: &str, range: std::ops::RangeInclusive<u64>, default: u64) -> Result<Duration, Fault> {
    let value = match &body[name] {
        Value::Null => Some(default),
        value => value.as_u64().filter(|value| range.contains(value)),
    };
    let wrong = || Fault::bad_request(format!("{name} must be from {} to {}.", range.start(), range.end())).of_method();
    value.map(Duration::from_secs).ok_or_else(wrong)
}
