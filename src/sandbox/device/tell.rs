//! A command reaches a device, or does not.

use serde_json::{Value, json};
use time::Duration;

use super::act;
use super::{Device, Errand, Firmware, Happening, Kind, Place, Via};
use crate::sandbox::state::Shared;
use crate::sandbox::world::{Moment, World};

/// Seconds that a slow device takes between answer and registration.
const SLOW_SECS: i64 = 20;

/// What the service hears from a device that it has delivered a command to.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The device's own status and payload.
    Answer {
        /// Status code chosen by the device.
        status: u16,
        /// Payload.
        payload: Value,
    },
    /// Nothing, until the caller's time is up.
    Silence,
}

/// Hands a method call to the device `id`, if `is_connected` still holds at that instant; `None` if not.
///
/// Whatever the device does because of it has begun when this returns: it has left its place in the same instant in which
/// it answered, so no second call can reach it.
pub fn deliver(
    shared: &Shared,
    id: &str,
    method: &str,
    payload: &Value,
    via: &Via,
    is_connected: impl FnOnce(&World) -> bool,
) -> Option<Heard> {
    let now = shared.clock().now();
    let (heard, errand) = shared.world(|world| {
        if !is_connected(world) {
            return None;
        }
        let device = world.devices.get_mut(id)?;
        let from = device.place.clone();
        let (heard, moves) = hear(device, method, payload, via, now);
        if moves {
            super::connect::disconnect(world, id, &from, now);
        }
        let errand = world.devices.get(id).and_then(|device| device.doing.as_ref().map(|errand| errand.number));
        Some((heard, errand.filter(|_| moves)))
    })?;
    if let Some(number) = errand {
        act::start(shared, id, number);
    }
    Some(heard)
}

/// What the device makes of a call: its answer, and whether it leaves.
fn hear(device: &mut Device, method: &str, payload: &Value, via: &Via, now: Moment) -> (Heard, bool) {
    let id_scope = payload.get("idScope").and_then(Value::as_str).map(str::to_owned);
    device.note(now, Happening::Commanded { method: method.to_owned(), id_scope: id_scope.clone(), via: via.clone() });
    let (status, answer) = decide(device, method, id_scope.as_deref());
    let reached_caller = device.kind != Kind::AnswerLost;
    device.note(now, Happening::Answered { status, via: via.clone(), reached_caller });
    let moves = status == 200 && device.kind != Kind::Simulated;
    if moves {
        depart(device, id_scope, now);
    }
    (if reached_caller { Heard::Answer { status, payload: answer } } else { Heard::Silence }, moves)
}

fn decide(device: &Device, method: &str, id_scope: Option<&str>) -> (u16, Value) {
    let knows = method == device.move_method() && !matches!(device.kind, Kind::Unable | Kind::Edge);
    match (device.kind, id_scope) {
        (Kind::Simulated, scope) => (200, json!(scope)),
        _ if !knows => (404, json!({"error": format!("method {method} is not implemented")})),
        (Kind::Refuses, _) => (403, json!({"error": "moving is not allowed by local policy"})),
        (_, None) if device.firmware == Firmware::DotNet => (400, json!({"error": "idScope is missing"})),
        (_, scope) => (200, device.firmware.answer(scope.unwrap_or_default())),
    }
}

/// Prepares the move. The samples do not look at the ID scope before they leave, so a missing one loses the device.
fn depart(device: &mut Device, id_scope: Option<String>, now: Moment) {
    let id_scope = id_scope.unwrap_or_default();
    device.note(now, Happening::Left { from: device.place.clone() });
    if device.kind == Kind::Vanishes {
        let why = "it answered and was never heard of again".to_owned();
        device.note(now, Happening::GaveUp { why: why.clone() });
        device.place = Place::Lost { why };
        return;
    }
    let delay = if device.kind == Kind::Slow { SLOW_SECS } else { device.firmware.delay_secs() };
    device.errands += 1;
    device.doing = Some(Errand {
        id_scope: id_scope.clone(),
        due: now + Duration::seconds(delay),
        attempts: 0,
        number: device.errands,
    });
    device.place = Place::Moving { id_scope };
}
