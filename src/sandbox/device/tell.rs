//! A command reaches a device, or does not.

use serde_json::{Value, json};
use time::Duration;

use super::act;
use super::{Device, Errand, Firmware, Happening, Kind, Listening, Via};
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

/// What a device makes of a call.
struct Reaction {
    /// Its own status and payload; `None`: it says nothing.
    answer: Option<(u16, Value)>,
    obeys: bool,
}

/// Hands a method call to the device `id`, if `is_connected` still holds at that instant and the device has asked for
/// methods; `None` if not.
///
/// Whatever the device does because of it has begun when this returns. Most firmware has left its place in the instant in
/// which it answered, so that no second call can reach it.
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
        if device.kind == Kind::Edge || device.listening == Listening::Unsubscribed {
            return None;
        }
        let (heard, obeys) = hear(device, method, payload, via, now);
        let errand = device.doing.as_ref().map(|errand| errand.number).filter(|_| obeys);
        if obeys && (!device.firmware.lingers() || device.kind == Kind::Slow) {
            act::leave(world, id, now);
        }
        Some((heard, errand))
    })?;
    if let Some(number) = errand {
        act::start(shared, id, number);
    }
    Some(heard)
}

/// The device's answer, and whether it moves.
fn hear(device: &mut Device, method: &str, payload: &Value, via: &Via, now: Moment) -> (Heard, bool) {
    let id_scope = payload.get("idScope").and_then(Value::as_str).map(str::to_owned);
    device.note(now, Happening::Commanded { method: method.to_owned(), id_scope: id_scope.clone(), via: via.clone() });
    if device.listening == Listening::Deaf {
        return (Heard::Silence, false);
    }
    let Reaction { answer, obeys } = decide(device, method, payload, id_scope.as_deref());
    let Some((status, payload)) = answer else { return (Heard::Silence, false) };
    let reached_caller = device.kind != Kind::AnswerLost;
    device.note(now, Happening::Answered { status, via: via.clone(), reached_caller });
    if obeys && id_scope.is_none() && device.firmware == Firmware::Python {
        // Its listener has answered by now, and breaks off when it looks for the scope.
        device.listening = Listening::Deaf;
        return (Heard::Answer { status, payload }, false);
    }
    if obeys {
        depart(device, id_scope, now);
    }
    (if reached_caller { Heard::Answer { status, payload } } else { Heard::Silence }, obeys)
}

fn decide(device: &Device, method: &str, payload: &Value, id_scope: Option<&str>) -> Reaction {
    let says = |status: u16, payload: Value| Reaction { answer: Some((status, payload)), obeys: false };
    let knows = method == device.move_method() && device.kind != Kind::Unable;
    match device.kind {
        Kind::Simulated => says(200, id_scope.into()),
        _ if !knows => {
            Reaction { answer: device.firmware.answer_to_unknown().map(|status| (status, Value::Null)), obeys: false }
        }
        Kind::Refuses => says(403, json!({"error": "moving is not allowed by local policy"})),
        _ if device.firmware == Firmware::DotNet && !payload.is_object() => says(400, Value::Null),
        _ => Reaction { obeys: true, ..says(200, device.firmware.answer(id_scope)) },
    }
}

/// Prepares the move. The samples do not look at the ID scope before they leave, so a missing one loses the device.
fn depart(device: &mut Device, id_scope: Option<String>, now: Moment) {
    let delay = if device.kind == Kind::Slow { SLOW_SECS } else { device.firmware.delay_secs() };
    device.errands += 1;
    device.doing = Some(Errand {
        id_scope: id_scope.unwrap_or_default(),
        due: now + Duration::seconds(delay),
        attempts: 0,
        number: device.errands,
    });
}
