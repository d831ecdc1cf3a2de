//! Who is connected to what: the services' view of a device's connection follows from the truth about the device.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::{Credential, Device, Happening, Kind, Listening, Place};
use crate::sandbox::hub::model::{Authentication, Identity};
use crate::sandbox::world::{Moment, World};

/// Seconds between two telemetry messages of a connected device.
pub const TELEMETRY_SECS: i64 = 10;

/// What a service remembers of a device's connection. Telemetry comes every [`TELEMETRY_SECS`] while it lasts; it is
/// computed when asked for, so that a million silent ticks need not be simulated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    /// Start of the present connection.
    pub since: Option<Moment>,
    /// Last message of the connection before.
    pub last: Option<Moment>,
    /// When the connection last began or ended.
    pub changed: Option<Moment>,
    /// The connection before.
    #[serde(default)]
    pub before: Option<Stay>,
    /// The device sends nothing over the present connection.
    #[serde(default)]
    pub mute: bool,
}

/// A connection that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Moment,
}

/// What a service shows of a device's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// `connectionState`.
    pub is_connected: bool,
    /// `lastActivityTime`.
    pub last_message: Option<Moment>,
}

impl Presence {
    /// A connection begins; the first message is sent at once.
    pub fn begin(&mut self, now: Moment) {
        self.since = Some(now);
        self.changed = Some(now);
        self.mute = false;
    }

    /// The connection ends.
    pub fn end(&mut self, now: Moment) {
        if let Some(began) = self.since {
            self.last = self.last_message(now);
            self.changed = Some(now);
            self.before = Some(Stay { began, ended: now });
        }
        self.since = None;
    }

    /// What there was to see at `then`, if the connection has begun or ended since; further back than one connection
    /// nothing is remembered.
    #[must_use]
    pub fn before_change(&self, then: Moment) -> Option<Sight> {
        self.changed.filter(|changed| *changed > then)?;
        let nothing = Sight { is_connected: false, last_message: None };
        Some(match self.before {
            Some(stay) if stay.ended <= then => Sight { last_message: self.last, ..nothing },
            Some(stay) if stay.began <= then => {
                let so_far = Self { since: Some(stay.began), ..Self::default() }.last_message(then);
                Sight { is_connected: true, last_message: so_far.min(self.last) }
            }
            _ => nothing,
        })
    }

    /// The last message received.
    #[must_use]
    pub fn last_message(&self, now: Moment) -> Option<Moment> {
        let Some(since) = self.since else { return self.last };
        let sent = if self.mute { 0 } else { (now - since).whole_seconds().max(0) / TELEMETRY_SECS };
        Some(since + Duration::seconds(sent * TELEMETRY_SECS))
    }
}

/// Whether the device is connected to the application `sub` now.
#[must_use]
pub fn is_at_app(world: &World, sub: &str, id: &str) -> bool {
    let Some(known) = world.apps.get(sub).and_then(|app| app.devices.get(id)) else { return false };
    let Some(device) = world.devices.get(id) else { return false };
    let there = matches!(&device.place, Place::App { sub: at } if at == sub);
    there && known.enabled && (device.online || device.kind == Kind::Simulated)
}

/// Whether the device is connected to the hub `host` now.
#[must_use]
pub fn is_at_hub(world: &World, host: &str, id: &str) -> bool {
    let identity = world.hubs.get(host).and_then(|hub| hub.identities.get(id));
    identity.is_some_and(|identity| holds_connection(world.devices.get(id), host, identity))
}

/// The same for an identity at hand.
#[must_use]
pub fn holds_connection(device: Option<&Device>, host: &str, identity: &Identity) -> bool {
    device.is_some_and(|device| {
        matches!(&device.place, Place::Hub { host: at } if at == host)
            && device.online
            && identity.enabled
            && lets_in(&identity.authentication, &device.credential)
    })
}

/// What the hub `host` sees of the connection of an identity at hand.
#[must_use]
pub fn sight_of(world: &World, host: &str, identity: &Identity, now: Moment) -> Sight {
    let device = world.devices.get(&identity.device_id);
    Sight { is_connected: holds_connection(device, host, identity), last_message: identity.presence.last_message(now) }
}

/// Whether a hub accepts a device's credential.
fn lets_in(authentication: &Authentication, credential: &Credential) -> bool {
    match (authentication, credential) {
        (Authentication::Sas { primary, secondary }, Credential::Key(key)) => key == primary || key == secondary,
        (Authentication::SelfSigned { primary, secondary }, Credential::Certificate { leaf, .. }) => {
            [primary, secondary].into_iter().flatten().any(|thumbprint| thumbprint.eq_ignore_ascii_case(leaf))
        }
        (Authentication::CertificateAuthority, Credential::Certificate { .. }) => true,
        _ => false,
    }
}

/// The service at `from` sees the connection of the device end.
pub(super) fn disconnect(world: &mut World, id: &str, from: &Place, now: Moment) {
    if let Some(presence) = presence_at(world, id, from) {
        presence.end(now);
    }
}

/// The device connects to `to` with its own credential; what happens is in its log.
///
/// # Errors
/// Why the service refused it.
pub(super) fn connect(world: &mut World, id: &str, to: &Place, now: Moment) -> Result<(), String> {
    let result = admission(world, id, to);
    let Some(device) = world.devices.get_mut(id) else { return Err("there is no such device".to_owned()) };
    match &result {
        Ok(()) => {
            device.place = to.clone();
            device.note(now, Happening::Connected { to: to.clone() });
        }
        Err(why) => device.note(now, Happening::ConnectionRefused { by: to.clone(), why: why.clone() }),
    }
    result?;
    let (model, mute) = (device.model_id.clone(), device.listening == Listening::Unsubscribed);
    if let Some(presence) = presence_at(world, id, to) {
        presence.begin(now);
        presence.mute = mute;
    }
    match to {
        Place::App { sub } => {
            if let Some(known) = world.apps.get_mut(sub).and_then(|app| app.devices.get_mut(id)) {
                known.report("serialNumber", &serde_json::json!(format!("SN-{id}")), now);
            }
        }
        Place::Hub { host } => {
            if let Some(identity) = world.hubs.get_mut(host).and_then(|hub| hub.identities.get_mut(id)) {
                identity.model_id = model.or(identity.model_id.take());
                identity.report("serialNumber", &serde_json::json!(format!("SN-{id}")), now);
            }
        }
        Place::Moving { .. } | Place::Lost { .. } => {}
    }
    Ok(())
}

/// Brings the service's view of a device's connection in line with the truth, after an identity or a device of an
/// application was changed: a device that is no longer let in is cut off, one that is let in again comes back.
pub fn reconcile(world: &mut World, id: &str, now: Moment) {
    let Some(place) = world.devices.get(id).map(|device| device.place.clone()) else { return };
    let holds = match &place {
        Place::App { sub } => is_at_app(world, sub, id),
        Place::Hub { host } => is_at_hub(world, host, id),
        Place::Moving { .. } | Place::Lost { .. } => return,
    };
    let mute = world.devices.get(id).is_some_and(|device| device.listening == Listening::Unsubscribed);
    if let Some(presence) = presence_at(world, id, &place) {
        match (holds, presence.since.is_some()) {
            (true, false) => {
                presence.begin(now);
                presence.mute = mute;
            }
            (false, true) => presence.end(now),
            _ => {}
        }
    }
}

fn admission(world: &World, id: &str, to: &Place) -> Result<(), String> {
    let device = world.devices.get(id).ok_or("there is no such device")?;
    match to {
        Place::App { sub } => {
            let app = world.apps.get(sub).filter(|app| app.state == "created").ok_or("the application is not there")?;
            let known = app.devices.get(id).ok_or("the application does not know the device")?;
            if known.enabled { Ok(()) } else { Err("the device is blocked in the application".to_owned()) }
        }
        Place::Hub { host } => {
            let hub = world.hubs.get(host).ok_or("there is no such hub")?;
            let identity = hub.identities.get(id).ok_or("the hub has no identity of that id")?;
            if !identity.enabled {
                return Err("the identity is disabled".to_owned());
            }
            let fits = lets_in(&identity.authentication, &device.credential);
            if fits { Ok(()) } else { Err("the key is not one of the identity's keys".to_owned()) }
        }
        Place::Moving { .. } | Place::Lost { .. } => Err("there is nothing to connect to".to_owned()),
    }
}

fn presence_at<'a>(world: &'a mut World, id: &str, place: &Place) -> Option<&'a mut Presence> {
    match place {
        Place::App { sub } => Some(&mut world.apps.get_mut(sub)?.devices.get_mut(id)?.presence),
        Place::Hub { host } => Some(&mut world.hubs.get_mut(host)?.identities.get_mut(id)?.presence),
        Place::Moving { .. } | Place::Lost { .. } => None,
    }
}
