//! What a device writes down: the witness that tests and the truth page call on.

use serde::{Deserialize, Serialize};

use super::Place;
use crate::sandbox::world::Moment;

/// How a command reached a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    /// A single command of IoT Central.
    Single,
    /// A job of IoT Central.
    Job {
        /// The job's id.
        id: String,
    },
    /// A direct method of a hub.
    Method {
        /// The hub's host name.
        host: String,
    },
}

/// Something that happened to a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// A command arrived.
    Commanded {
        /// Method name as on the wire, for example `migration*DeviceMove`.
        method: String,
        /// The ID scope in its payload.
        id_scope: Option<String>,
        /// How it came.
        via: Via,
    },
    /// It answered a command.
    Answered {
        /// Its own status code.
        status: u16,
        /// How the command had come.
        via: Via,
        /// False: the answer never reached the caller.
        reached_caller: bool,
    },
    /// It closed its connection in order to move.
    Left {
        /// What it left.
        from: Place,
    },
    /// It asked DPS for a hub.
    Registering {
        /// With this ID scope.
        id_scope: String,
        /// Counts from 1.
        attempt: u32,
    },
    /// DPS refused.
    RegistrationFailed {
        /// DPS error code, for example 401002.
        code: u32,
        /// Its words.
        message: String,
    },
    /// DPS assigned a hub.
    Assigned {
        /// The hub's host name.
        hub: String,
    },
    /// A service let it in.
    Connected {
        /// Which.
        to: Place,
    },
    /// A service did not let it in.
    ConnectionRefused {
        /// Which.
        by: Place,
        /// Why.
        why: String,
    },
    /// It was switched on.
    CameOnline,
    /// It was switched off.
    WentOffline,
    /// It restarted and went back to the ID scope in its configuration.
    Restarted,
    /// It has given up.
    GaveUp {
        /// Why.
        why: String,
    },
}

/// A line of a device's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Moment,
    /// What.
    pub what: Happening,
}
