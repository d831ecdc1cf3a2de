//! Telling a device by a direct method.

use serde_json::Value;

use super::FromHub;
use crate::azure::central::CommandAnswer;
use crate::azure::error::AzureError;
use crate::engine::source::Patience;
use crate::migration::{Device, FailReason, Outcome, SkipReason};

/// The command, as the method's name has it after the component's.
pub(super) const COMMAND: &str = "DeviceMove";
/// Statuses by which a device says that it does not know a method.
const UNKNOWN_METHOD: [u16; 2] = [404, 501];

/// Sends it; the device's own status is in the answer. Firmware that was written against the original tool knows the command
/// only without its component: it is tried once the device has said that it does not know the first.
pub(in crate::engine) async fn send(
    at: &FromHub,
    device: &Device,
    payload: &Value,
    patience: Patience,
) -> Result<CommandAnswer, AzureError> {
    let hub = at.hub_of(device)?;
    let Patience { connect, respond } = patience;
    let mut answer = hub.invoke_method(&device.id, &at.method(), payload, connect, respond).await?;
    if at.source.component.is_some() && answer.status.is_some_and(|status| UNKNOWN_METHOD.contains(&status)) {
        answer = hub.invoke_method(&device.id, COMMAND, payload, connect, respond).await?;
    }
    Ok(CommandAnswer { id: None, request: payload.clone(), response_code: answer.status, response: answer.payload })
}

/// What the device is, where the hub does not know it any more, or keeps it out.
pub(in crate::engine) async fn gone(at: &FromHub, device: &Device) -> Option<Outcome> {
    match at.hub_of(device).ok()?.identity(&device.id).await {
        Ok(None) => Some(Outcome::Failed(FailReason::Deleted)),
        Ok(Some(identity)) if !identity.enabled => Some(Outcome::Skipped(SkipReason::Disabled)),
        Ok(Some(_)) | Err(_) => None,
    }
}
