//! Direct methods: a question to one device, answered by the device itself while the hub waits.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::channel::COMMAND_SLACK;
use crate::azure::error::{ErrorKind, Result};
use crate::azure::hub::Hub;
use crate::azure::keys::Right;
use crate::azure::lenient::text_of;
use crate::ids::DeviceId;

/// What one method counts for in the hub's budget: methods are metered by pieces of so many bytes.
const METER_BYTES: usize = 4096;
const UNKNOWN_DEVICE: &str = "The hub has no device of this id, or it is disabled there.";

/// What a device answered to a direct method.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MethodAnswer {
    /// The device's own status; 2xx means that it accepted, 404 and 501 mostly that it does not know the method. `None` if
    /// the hub tells none, or none that could be one: then it is not known whether the device obeyed.
    #[serde(default, deserialize_with = "status")]
    pub status: Option<u16>,
    /// The device's answer, if any.
    #[serde(default)]
    pub payload: Value,
}

impl MethodAnswer {
    /// True if the device accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Devices choose their status freely: one that is none must not hide that the device answered.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u16>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.as_ref().and_then(text_of).and_then(|text| text.parse().ok()))
}

impl Hub {
    /// Invokes a method of one device and waits for its answer. A component's command is the method `component*command`.
    /// Time-outs in seconds: `connect_seconds` 0–300 is how long to wait for the device to connect, `respond_seconds` 5–300
    /// for its answer (both are put into bounds).
    ///
    /// Never repeated here once it may have reached the device.
    ///
    /// # Errors
    /// `DeviceOffline` if the device is not connected (or listens to no methods); `NotFound` if the hub has no such device
    /// or it is disabled; `DeviceTimeout` if it may have obeyed without answering;
    /// [`is_beyond_tier`](crate::azure::AzureError::is_beyond_tier) if the hub has no methods; `Throttled` also when the
    /// day's messages are used up; see [`crate::azure::AzureError`] for the rest.
    pub async fn invoke_method(
        &self,
        id: &DeviceId,
        method: &str,
        payload: &Value,
        connect_seconds: u16,
        respond_seconds: u16,
    ) -> Result<MethodAnswer> {
        let call = self.invocation(id, method, payload, connect_seconds.min(300), respond_seconds.clamp(5, 300));
        match self.channel.json(call).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => Err(error.with_hint(UNKNOWN_DEVICE)),
            answer => answer,
        }
    }

    fn invocation(&self, id: &DeviceId, method: &str, payload: &Value, connect: u16, respond: u16) -> Call {
        let cost = u32::try_from(payload.to_string().len() / METER_BYTES).unwrap_or(u32::MAX - 1) + 1;
        let mut call = Call::post_once("invoke the method", Path::new("/twins").id(id.as_str()).then("/methods"))
            .target(id.as_str())
            .body(json!({
                "methodName": method,
                "payload": payload,
                "connectTimeoutInSeconds": connect,
                "responseTimeoutInSeconds": respond,
            }))
            .pace(self.methods(), cost)
            .time_limit(Duration::from_secs(u64::from(connect) + u64::from(respond)) + COMMAND_SLACK);
        call.commands_device = true;
        Self::call(call, &[Right::ServiceConnect])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::testing::{fast, hub_at};

    #[test]
    fn the_hub_is_waited_for_longer_than_it_waits_for_the_device() {
        let hub = hub_at("http://127.0.0.1:9", fast(), std::sync::Arc::default());
        for (connect, respond) in [(0, 5), (30, 30), (300, 300)] {
            let call = hub.invocation(&DeviceId::new("d"), "m", &Value::Null, connect, respond);
            assert!(call.time_limit > Duration::from_secs(u64::from(connect + respond)));
        }
    }

    #[test]
    fn a_method_counts_for_each_4_kb_that_it_sends() {
        let hub = hub_at("http://127.0.0.1:9", fast(), std::sync::Arc::default());
        let cost = |payload: &str| hub.invocation(&DeviceId::new("d"), "m", &json!(payload), 0, 30).paces[0].1;
        assert_eq!((cost(""), cost(&"x".repeat(4000)), cost(&"x".repeat(9000))), (1, 1, 3));
    }
}
