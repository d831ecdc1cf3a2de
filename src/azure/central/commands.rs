//! The move command, sent to one device, and what the device answered before.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::central::{Central, List, MoveCommand};
use crate::azure::channel::COMMAND_SLACK;
use crate::azure::error::Result;
use crate::azure::lenient::code;
use crate::azure::pace::Scope;
use crate::ids::DeviceId;

const EXECUTE: &str = "Device commands: execute";
const VIEW: &str = "Device instances: view";

/// What a device answered to a command.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandAnswer {
    /// The id of this execution, where the application tells it.
    #[serde(default, deserialize_with = "code")]
    pub id: Option<String>,
    /// What the device was sent, where the application tells it.
    #[serde(default)]
    pub request: Value,
    /// The device's own status; 2xx means that it accepted. `None` if it is not told.
    pub response_code: Option<u16>,
    /// The device's answer, if any.
    #[serde(default)]
    pub response: Value,
}

impl CommandAnswer {
    /// The ID scope that the device was told, where the application tells it.
    #[must_use]
    pub fn id_scope(&self) -> Option<&str> {
        self.request["idScope"].as_str()
    }

    /// True if the device accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.response_code.is_some_and(|code| (200..300).contains(&code))
    }
}

impl Central {
    /// Sends the command to one device and waits for its answer. Time-outs in seconds: `connection_timeout` 0–30 is how
    /// long to wait for the device to connect, `response_timeout` 5–30 for its answer (both are put into bounds).
    ///
    /// Never repeated here once it may have reached the device.
    ///
    /// # Errors
    /// `DeviceOffline` if the device is not connected; `DeviceTimeout` if it may have obeyed without answering; see
    /// [`crate::azure::AzureError`] for the rest.
    pub async fn run_command(
        &self,
        device: &DeviceId,
        command: &MoveCommand,
        payload: &Value,
        connection_timeout: u8,
        response_timeout: u8,
    ) -> Result<CommandAnswer> {
        let (connection_timeout, response_timeout) = (connection_timeout.min(30), response_timeout.clamp(5, 30));
        let mut call = Call::post_once("run the command", path(device, command))
            .target(device.as_str())
            .body(json!({
                "request": payload,
                "connectionTimeout": connection_timeout,
                "responseTimeout": response_timeout,
            }))
            .pace(Scope::CentralCommands(self.host.clone()), 1)
            .time_limit(
                Duration::from_secs(u64::from(connection_timeout) + u64::from(response_timeout)) + COMMAND_SLACK,
            );
        call.commands_device = true;
        self.channel.json(self.call(call, EXECUTE)).await
    }

    /// What the device answered to this command before, as far as the application remembers, in its order.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn command_history(&self, device: &DeviceId, command: &MoveCommand) -> Result<Vec<CommandAnswer>> {
        let call = Call::get("read the command's history", path(device, command)).target(device.as_str());
        let list: Option<List<CommandAnswer>> = self.channel.find(self.call(call, VIEW)).await?;
        Ok(list.map(|list| list.value).unwrap_or_default())
    }
}

fn path(device: &DeviceId, command: &MoveCommand) -> Path {
    let path = Path::new("/api/devices").id(device.as_str());
    let path = match &command.component {
        Some(component) => path.then("/components").id(component),
        None => path,
    };
    path.then("/commands").id(&command.command)
}
