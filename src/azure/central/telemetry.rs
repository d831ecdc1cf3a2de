//! Signs of life of a device: the times that a target application keeps of what the device sent.

use serde_json::Value;

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::error::Result;
use crate::clock::Timestamp;
use crate::ids::DeviceId;

impl Central {
    /// The latest time at which a reported property of the device changed, in Azure's clock; `None` if none ever did.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn last_property_time(&self, id: &DeviceId) -> Result<Option<Timestamp>> {
        let path = Path::new("/api/devices").id(id.as_str()).then("/properties");
        let call = Call::get("read the device's properties", path).target(id.as_str());
        let found: Option<Value> = self.channel.find(self.call(call, "Device instances: view")).await?;
        Ok(found.as_ref().and_then(latest_update))
    }
}

/// The latest `lastUpdateTime` in any `$metadata`, at any depth.
fn latest_update(properties: &Value) -> Option<Timestamp> {
    let fields = properties.as_object()?;
    let own = fields.get("$metadata").and_then(Value::as_object).into_iter().flat_map(|metadata| metadata.values());
    let own = own.filter_map(|entry| crate::azure::lenient::parse_moment(entry["lastUpdateTime"].as_str()?)).max();
    let nested = fields.iter().filter(|(name, _)| *name != "$metadata").filter_map(|(_, value)| latest_update(value));
    own.into_iter().chain(nested).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_latest_update_counts_wherever_it_is() {
        let properties = json!({
            "serial": "a",
            "thermostat": { "t": 1, "$metadata": { "t": { "lastUpdateTime": "2026-01-02T00:00:00Z" } } },
            "$metadata": { "serial": { "lastUpdateTime": "2026-01-01T00:00:00Z" } }
        });
        assert_eq!(latest_update(&properties), Some(time::macros::datetime!(2026-01-02 0:00 UTC)));
        assert_eq!(latest_update(&json!({ "customer": "x" })), None);
    }
}
