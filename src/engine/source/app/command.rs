//! Telling a device by way of IoT Central, and what the application keeps of that.

use serde_json::Value;

use super::FromApp;
use crate::azure::central::{CommandAnswer, MoveCommand};
use crate::azure::error::{AzureError, ErrorKind};
use crate::engine::source::Patience;
use crate::ids::DeviceId;
use crate::migration::Device;

/// Seconds that a device has to answer: the most that IoT Central allows.
pub(in crate::engine) const RESPONSE_SECONDS: u8 = 30;

impl FromApp {
    /// The command of the devices' template.
    pub(in crate::engine) fn command(&self) -> MoveCommand {
        MoveCommand {
            component: self.source.component.clone(),
            command: "DeviceMove".into(),
            queued_if_offline: false,
            notice: None,
        }
    }

    /// The command as it reaches this device. One without a template has no component: it is told by the method that its
    /// firmware listens to (azure-api §3.5).
    fn command_to(&self, device: &Device) -> MoveCommand {
        let command = self.command();
        match device.unassigned {
            true => MoveCommand { component: None, command: command.method_name(), ..command },
            false => command,
        }
    }
}

/// Sends it; the device's own status is in the answer.
pub(in crate::engine) async fn send(
    at: &FromApp,
    device: &Device,
    payload: &Value,
    patience: Patience,
) -> Result<CommandAnswer, AzureError> {
    let connect = u8::try_from(patience.connect).unwrap_or(RESPONSE_SECONDS);
    at.central.run_command(&device.id, &at.command_to(device), payload, connect, RESPONSE_SECONDS).await
}

/// The answers so far. A device that cannot be asked about has none.
pub(in crate::engine) async fn history(at: &FromApp, device: &Device) -> Result<Vec<CommandAnswer>, AzureError> {
    match at.central.command_history(&device.id, &at.command_to(device)).await {
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::DeviceOffline | ErrorKind::Rejected) => {
            Ok(Vec::new())
        }
        answered => answered,
    }
}

/// The application does not know the device any more.
pub(in crate::engine) async fn is_gone(at: &FromApp, id: &DeviceId) -> bool {
    matches!(at.central.device(id).await, Err(AzureError { kind: ErrorKind::NotFound, .. }))
}
