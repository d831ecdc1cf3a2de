//! What devices do by themselves: they register where they were told, connect, try again or give up.
//!
//! A device registers through the same code as the HTTP device API, with a token that it signs with its own key.

use std::time::Duration;

use serde_json::{Value, json};

use super::connect::{connect, disconnect};
use super::{Credential, Device, Errand, Happening, Kind, Listening, Place};
use crate::sandbox::dps::model::{Registration, Status};
use crate::sandbox::dps::register::{self, Presented};
use crate::sandbox::state::Shared;
use crate::sandbox::world::{Moment, World};
use crate::sandbox::{central, sas};

/// How often a device asks how its registration stands: the `Retry-After` of DPS.
const POLL: Duration = Duration::from_secs(3);
/// Lifetime of the tokens that devices sign, seconds.
const TOKEN_SECS: i64 = 3600;
/// How long a device goes on with a connection that the service has ended, until it registers anew.
const RECONNECT: Duration = Duration::from_secs(30);
/// DPS says with this code that the application has not approved the device.
const NOT_APPROVED: u32 = 400_209;

enum Outcome {
    Assigned { hub: String },
    Failed { code: u32, message: String },
}

/// Takes up again, after the state was loaded, what devices, registrations and jobs were in the middle of.
pub fn resume(shared: &Shared) {
    let errands: Vec<(String, u32)> = shared.look(|world| {
        let moving = world.devices.values().filter(|device| device.online);
        moving.filter_map(|device| Some((device.id.clone(), device.doing.as_ref()?.number))).collect()
    });
    for (id, number) in errands {
        start(shared, &id, number);
    }
    register::resume(shared);
    central::resume(shared);
}

/// Switches a device on or off. One that is switched on connects to where it was, or goes on with its move.
/// Nothing happens if there is no such device.
pub fn set_online(shared: &Shared, id: &str, online: bool) {
    let now = shared.clock().now();
    let errand = shared.world(|world| {
        let device = world.devices.get_mut(id)?;
        if device.online == online {
            return Some(None);
        }
        device.online = online;
        device.note(now, if online { Happening::CameOnline } else { Happening::WentOffline });
        let (place, errand) = (device.place.clone(), device.doing.as_ref().map(|errand| errand.number));
        if !online {
            disconnect(world, id, &place, now);
            return Some(None);
        }
        let is_somewhere = matches!(place, Place::App { .. } | Place::Hub { .. });
        // A refusal is in the device's log; it stays on and unconnected, unless it was forgotten.
        if is_somewhere && errand.is_none() && connect(world, id, &place, now).is_err() {
            return Some(provision_again(world, id, now));
        }
        Some(errand)
    });
    if let Some(Some(number)) = errand {
        start(shared, id, number);
    }
}

/// Restarts a device: the samples persist nothing, so it goes back to the ID scope in its configuration.
/// Returns whether there is such a device.
pub fn restart(shared: &Shared, id: &str) -> bool {
    let now = shared.clock().now();
    let number = shared.world(|world| {
        let device = world.devices.get_mut(id)?;
        device.note(now, Happening::Restarted);
        device.online = true;
        device.listening = Listening::Subscribed;
        let id_scope = device.home_scope.clone();
        let from = std::mem::replace(&mut device.place, Place::Moving { id_scope: id_scope.clone() });
        let number = send_to(device, id_scope, now + Duration::from_secs(1));
        disconnect(world, id, &from, now);
        Some(number)
    });
    if let Some(number) = number {
        start(shared, id, number);
    }
    number.is_some()
}

/// The application has forgotten the device: its connection breaks, and as it cannot come back with what it knows, it
/// registers once more by the ID scope that led it there. While its enrollment group is alive, that makes it unassigned.
pub fn forgotten(shared: &Shared, sub: &str, id: &str) {
    let now = shared.clock().now();
    let errand = shared.world(|world| {
        let device = world.devices.get_mut(id).filter(|device| device.online && device.kind != Kind::Simulated)?;
        let there = matches!(&device.place, Place::App { sub: at } if at == sub);
        if !there || device.doing.is_some() {
            return None;
        }
        let by = device.place.clone();
        device
            .note(now, Happening::ConnectionRefused { by, why: "the application does not know the device".to_owned() });
        provision_again(world, id, now)
    });
    if let Some(number) = errand {
        start(shared, id, number);
    }
}

/// Begins a registration where the application that the device talks to does not know it.
fn provision_again(world: &mut World, id: &str, now: Moment) -> Option<u32> {
    let device = world.devices.get_mut(id)?;
    let Place::App { sub } = &device.place else { return None };
    let app = world.apps.get(sub).filter(|app| !app.devices.contains_key(id))?;
    let id_scope = app.id_scope.clone();
    device.place = Place::Moving { id_scope: id_scope.clone() };
    Some(send_to(device, id_scope, now + RECONNECT))
}

fn send_to(device: &mut Device, id_scope: String, due: Moment) -> u32 {
    device.errands += 1;
    device.doing = Some(Errand { id_scope, due, attempts: 0, number: device.errands });
    device.errands
}

/// The device closes its connection in order to move, or never to be heard of again.
pub(super) fn leave(world: &mut World, id: &str, now: Moment) {
    let Some(device) = world.devices.get_mut(id) else { return };
    let from = device.place.clone();
    if !matches!(from, Place::App { .. } | Place::Hub { .. }) {
        return;
    }
    let Some(errand) = &device.doing else { return };
    device.place = Place::Moving { id_scope: errand.id_scope.clone() };
    device.note(now, Happening::Left { from: from.clone() });
    if device.keeps_old_client {
        device.listening = Listening::Unsubscribed;
    }
    if device.kind == Kind::Vanishes {
        give_up(world, id, "it answered and was never heard of again".to_owned(), now);
    }
    disconnect(world, id, &from, now);
}

/// Begins (or resumes) errand `number` of a device.
pub(super) fn start(shared: &Shared, id: &str, number: u32) {
    shared.spawn(run(shared.clone(), id.to_owned(), number));
}

async fn run(shared: Shared, id: String, number: u32) {
    while let Some(errand) = shared.look(|world| current(world, &id, number)) {
        let wait = errand.due - shared.clock().now();
        if wait.is_positive() {
            shared.clock().sleep(wait.unsigned_abs()).await;
            continue;
        }
        let now = shared.clock().now();
        let is_on_its_way = shared.world(|world| {
            // Meanwhile it may have been told something else.
            if current(world, &id, number).is_some() {
                leave(world, &id, now);
            }
            current(world, &id, number).is_some()
        });
        if !is_on_its_way {
            return;
        }
        let outcome = attempt(&shared, &id, &errand).await;
        let now = shared.clock().now();
        shared.world(|world| {
            if current(world, &id, number).is_some() {
                conclude(world, &id, outcome, now);
            }
        });
    }
}

/// The errand, if it is still the device's present one and the device is on.
fn current(world: &World, id: &str, number: u32) -> Option<Errand> {
    let device = world.devices.get(id).filter(|device| device.online)?;
    device.doing.clone().filter(|errand| errand.number == number)
}

/// One registration, from the first call to its result.
async fn attempt(shared: &Shared, id: &str, errand: &Errand) -> Outcome {
    let now = shared.clock().now();
    let prepared = shared.world(|world| {
        let device = world.devices.get_mut(id)?;
        let attempt = errand.attempts + 1;
        device.note(now, Happening::Registering { id_scope: errand.id_scope.clone(), attempt });
        if let Some(doing) = &mut device.doing {
            doing.attempts = attempt;
        }
        let payload = device.model_id.as_ref().map(|model| json!({"modelId": model}));
        Some((device.credential.clone(), payload))
    });
    let Some((credential, payload)) = prepared else {
        return Outcome::Failed { code: 404_000, message: "there is no such device".to_owned() };
    };
    match register_once(shared, &errand.id_scope, id, &credential, payload).await {
        Ok(Registration { status: Status::Assigned, assigned_hub: Some(hub), .. }) => Outcome::Assigned { hub },
        Ok(record) => {
            let (code, message) = record.error.unwrap_or((500_000, "no hub was assigned".to_owned()));
            Outcome::Failed { code, message }
        }
        Err(fault) => Outcome::Failed { code: fault.code, message: fault.message },
    }
}

async fn register_once(
    shared: &Shared,
    id_scope: &str,
    id: &str,
    credential: &Credential,
    payload: Option<Value>,
) -> Result<Registration, crate::sandbox::dps::fault::Fault> {
    let token = match credential {
        Credential::Key(key) => {
            let expires = shared.clock().now().unix_timestamp() + TOKEN_SECS;
            sas::sign(&format!("{id_scope}/registrations/{id}"), key, expires, Some("registration"))
        }
        Credential::Certificate { .. } => None,
    };
    let presented = match credential {
        Credential::Key(_) => Presented::from_header(token.as_deref()),
        Credential::Certificate { leaf, issuer } => {
            Presented::Certificate { leaf: leaf.clone(), issuer: issuer.clone() }
        }
    };
    let operation = register::begin(shared, id_scope, id, &presented, payload)?;
    loop {
        shared.clock().sleep(POLL).await;
        let record = register::poll(shared, id_scope, id, &presented, &operation)?;
        if record.status != Status::Assigning {
            return Ok(record);
        }
    }
}

/// Draws the consequence of a registration.
fn conclude(world: &mut World, id: &str, outcome: Outcome, now: Moment) {
    let Some(device) = world.devices.get_mut(id) else { return };
    match outcome {
        Outcome::Assigned { hub } => {
            device.note(now, Happening::Assigned { hub: hub.clone() });
            device.doing = None;
            let to = match central::model::app_behind(world, &hub) {
                Some(sub) => Place::App { sub },
                None => Place::Hub { host: hub },
            };
            if let Err(why) = connect(world, id, &to, now) {
                give_up(world, id, format!("{to} refused it: {why}"), now);
            }
        }
        Outcome::Failed { code, message } => {
            device.note(now, Happening::RegistrationFailed { code, message: message.clone() });
            let retries = device.kind != Kind::NoRetry && is_worth_retrying(code);
            let spread = Duration::from_millis(u64::from(id.bytes().map(u32::from).sum::<u32>()) * 37 % 5000);
            match &mut device.doing {
                Some(errand) if retries => {
                    errand.due = now + backoff(code, errand.attempts) + spread;
                }
                _ => give_up(world, id, format!("its registration failed: {code} {message}"), now),
            }
        }
    }
}

/// Throttling, server errors, and approvals that may still come.
fn is_worth_retrying(code: u32) -> bool {
    code == NOT_APPROVED || matches!(code / 1000, 429 | 500..=599)
}

fn backoff(code: u32, attempts: u32) -> Duration {
    if code == NOT_APPROVED {
        return Duration::from_secs(60);
    }
    Duration::from_secs(10 << attempts.saturating_sub(1).min(3))
}

fn give_up(world: &mut World, id: &str, why: String, now: Moment) {
    if let Some(device) = world.devices.get_mut(id) {
        device.doing = None;
        device.note(now, Happening::GaveUp { why: why.clone() });
        device.place = Place::Lost { why };
    }
}
