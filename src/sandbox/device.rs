//! The physical devices: the truth that no API of the simulated Azure shows.
//!
//! A device knows its id, its own key and the service that it talks to, and keeps a log of everything that happened to it.
//! What it does when it is told to move is in [`act`]; nothing here looks at what the services believe.

pub mod act;
pub(super) mod connect;
mod history;
mod tell;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use act::{forgotten, restart, resume, set_online};
pub use connect::{Presence, Sight, TELEMETRY_SECS, holds_connection, is_at_app, is_at_hub, reconcile, sight_of};
pub use history::{Entry, Happening, Via};
pub use tell::{Heard, deliver};

use super::world::Moment;

/// How a device behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Obeys, and tries a throttled registration again.
    Normal,
    /// Obeys, but gives up after one failed registration, as the official samples do.
    NoRetry,
    /// Obeys after twenty seconds.
    Slow,
    /// Obeys, but its answer never reaches the caller.
    AnswerLost,
    /// Answers 403 and stays.
    Refuses,
    /// Answers 200, leaves, and is never seen again.
    Vanishes,
    /// Has no `DeviceMove`, and treats it as it treats every method that it does not know.
    Unable,
    /// An IoT Edge runtime: provisioning is in its configuration file, and no method reaches it.
    Edge,
    /// Runs inside IoT Central and answers whatever is asked.
    Simulated,
}

impl Kind {
    /// Firmware that does not do as it is told, or not to the end.
    #[must_use]
    pub fn is_faulty(self) -> bool {
        matches!(self, Self::NoRetry | Self::AnswerLost | Self::Refuses | Self::Vanishes | Self::Unable)
    }
}

/// The official sample that the firmware was made from; they answer differently and leave after different times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Firmware {
    /// Answers with the ID scope as a JSON string.
    Node,
    /// Answers with an object.
    Python,
    /// Answers without a body, refuses a request that it cannot read, and is still there for three seconds.
    DotNet,
}

/// What becomes of the methods that are sent to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Listening {
    /// It hears them.
    #[default]
    Subscribed,
    /// They reach it, and nothing in it listens any more.
    Deaf,
    /// It has not asked for any, so the service takes it for offline.
    Unsubscribed,
}

/// What a device proves its identity with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    /// A symmetric key, base64: derived from a group's key, or individual.
    Key(String),
    /// A certificate: SHA-1 thumbprints (upper-case hex) of the leaf and of the authority that signed it.
    Certificate {
        /// The device's own certificate.
        leaf: String,
        /// The authority.
        issuer: String,
    },
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(…)",
            Self::Certificate { .. } => "Certificate(…)",
        })
    }
}

/// Where a device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// It talks (or would, were it on) to this IoT Central application, by subdomain.
    App {
        /// Subdomain.
        sub: String,
    },
    /// It talks (or would, were it on) to this hub.
    Hub {
        /// Lower-case host name.
        host: String,
    },
    /// It has left one place and is on its way to another.
    Moving {
        /// The ID scope that it was told.
        id_scope: String,
    },
    /// It talks to nobody and has given up.
    Lost {
        /// Why.
        why: String,
    },
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::App { sub } => write!(f, "application {sub}"),
            Self::Hub { host } => write!(f, "hub {host}"),
            Self::Moving { id_scope } => write!(f, "on its way to ID scope {id_scope}"),
            Self::Lost { why } => write!(f, "lost: {why}"),
        }
    }
}

/// A move under way; it outlives a restart of the sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Errand {
    /// The ID scope to register with.
    pub id_scope: String,
    /// When to try (next).
    #[serde(with = "time::serde::rfc3339")]
    pub due: Moment,
    /// Tries made.
    pub attempts: u32,
    /// Distinguishes this errand from an earlier one of the same device.
    pub number: u32,
}

/// One physical device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Device {
    /// Device id and registration id.
    pub id: String,
    /// How it behaves.
    pub kind: Kind,
    /// What it was made from.
    pub firmware: Firmware,
    /// What it proves itself with, everywhere.
    pub credential: Credential,
    /// The model that it announces to DPS; the samples announce none.
    pub model_id: Option<String>,
    /// The component under which it listens for `DeviceMove`; `None` listens at root.
    pub component: Option<String>,
    /// The ID scope in its configuration, to which a restart leads back.
    pub home_scope: String,
    /// Where it is.
    pub place: Place,
    /// Whether it is switched on and has a network.
    pub online: bool,
    /// Everything that happened to it, oldest first.
    pub log: Vec<Entry>,
    /// The move it is in the middle of.
    pub doing: Option<Errand>,
    /// Errands started so far.
    pub errands: u32,
    /// Whether it can be told anything now.
    #[serde(default)]
    pub listening: Listening,
    /// After a move its loops go on with the connection that it has left, as those of the Python sample do: it connects at
    /// the target, but neither sends nor listens there until it is restarted.
    #[serde(default)]
    pub keeps_old_client: bool,
}

impl Device {
    /// A device that is switched on and talks to an application.
    #[must_use]
    pub fn at_app(id: &str, kind: Kind, credential: Credential, sub: &str, home_scope: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            firmware: Firmware::of(id),
            credential,
            model_id: None,
            component: Some("migration".to_owned()),
            home_scope: home_scope.to_owned(),
            place: Place::App { sub: sub.to_owned() },
            online: true,
            log: Vec::new(),
            doing: None,
            errands: 0,
            listening: Listening::Subscribed,
            keeps_old_client: false,
        }
    }

    /// Adds a line to the log.
    pub fn note(&mut self, at: Moment, what: Happening) {
        self.log.push(Entry { at, what });
    }

    /// How often a `DeviceMove` has reached the device.
    #[must_use]
    pub fn times_commanded(&self) -> usize {
        self.log.iter().filter(|entry| matches!(entry.what, Happening::Commanded { .. })).count()
    }

    /// Whether a command reached the device after it had accepted one that was answered to the caller.
    #[must_use]
    pub fn was_told_again_after_accepting(&self) -> bool {
        let accepted =
            |entry: &Entry| matches!(entry.what, Happening::Answered { status: 200..=299, reached_caller: true, .. });
        let Some(first) = self.log.iter().position(accepted) else { return false };
        self.log[first..].iter().any(|entry| matches!(entry.what, Happening::Commanded { .. }))
    }

    /// The method name under which the device listens for its move.
    #[must_use]
    pub fn move_method(&self) -> String {
        self.component.as_ref().map_or_else(|| "DeviceMove".to_owned(), |name| format!("{name}*DeviceMove"))
    }

    /// One sentence for people: where the device is and whether it is on.
    #[must_use]
    pub fn whereabouts(&self) -> String {
        if self.online { self.place.to_string() } else { format!("{}, switched off", self.place) }
    }
}

impl Firmware {
    /// A mix that depends on the id only.
    #[must_use]
    pub fn of(id: &str) -> Self {
        match id.bytes().map(u32::from).sum::<u32>() % 3 {
            0 => Self::Node,
            1 => Self::Python,
            _ => Self::DotNet,
        }
    }

    /// What it answers when it obeys.
    #[must_use]
    pub fn answer(self, id_scope: Option<&str>) -> Value {
        match self {
            Self::Node => id_scope.into(),
            Self::Python => serde_json::json!({"result": true, "data": "Migration received. Disconnecting..."}),
            Self::DotNet => Value::Null,
        }
    }

    /// What it answers to a method that it does not know; the samples that have no handler for it stay silent.
    #[must_use]
    pub fn answer_to_unknown(self) -> Option<u16> {
        match self {
            Self::Node | Self::Python => None,
            Self::DotNet => Some(501),
        }
    }

    /// Whether it is still connected until it registers, or leaves as it answers.
    #[must_use]
    pub fn lingers(self) -> bool {
        self == Self::DotNet
    }

    /// Seconds between the answer and the registration.
    #[must_use]
    pub fn delay_secs(self) -> i64 {
        match self {
            Self::Node => 1,
            Self::Python => 2,
            Self::DotNet => 3,
        }
    }
}
