//! Properties of a device: reported, writable and cloud properties alike, with the times of their last updates.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::central::devices::device;
use crate::azure::error::Result;
use crate::azure::lenient::parse_moment;
use crate::clock::Timestamp;
use crate::ids::DeviceId;

const VIEW: &str = "Device instances: view";
const UPDATE: &str = "Device instances: update";
const METADATA: &str = "$metadata";

/// A device's properties: those of the root and cloud properties at top level, those of components nested.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct DeviceProperties(Value);

impl DeviceProperties {
    /// As the application wrote them, with `$metadata`.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// When any of them was last updated, by the application's clock.
    #[must_use]
    pub fn newest_update(&self) -> Option<Timestamp> {
        newest_in_properties(&self.0)
    }

    /// When any of these was last updated, each named as `property` or `component.property`.
    #[must_use]
    pub fn newest_of(&self, names: &[String]) -> Option<Timestamp> {
        let update = |name: &String| {
            let (level, name) = match name.split_once('.') {
                Some((component, name)) => (&self.0[component], name),
                None => (&self.0, name.as_str()),
            };
            level[METADATA][name]["lastUpdateTime"].as_str().and_then(parse_moment)
        };
        names.iter().filter_map(update).max()
    }
}

fn newest_in_properties(level: &Value) -> Option<Timestamp> {
    let fields = level.as_object()?.iter();
    fields.filter_map(|(name, value)| if name == METADATA { newest(value) } else { newest_in_properties(value) }).max()
}

/// The newest time in metadata. A desired value is whatever somebody wrote there, so no time in it says anything.
fn newest(metadata: &Value) -> Option<Timestamp> {
    let fields = metadata.as_object()?.iter();
    let times = fields.filter_map(|(name, value)| match (name.as_str(), value) {
        ("lastUpdateTime", Value::String(text)) => parse_moment(text),
        ("desiredValue", _) => None,
        _ => newest(value),
    });
    times.max()
}

impl Central {
    /// A device's properties.
    ///
    /// # Errors
    /// `NotFound` if there is no such device; see [`crate::azure::AzureError`] for the rest.
    pub async fn device_properties(&self, id: &DeviceId) -> Result<DeviceProperties> {
        let call = Call::get("read the device's properties", properties(id)).target(id.as_str());
        self.channel.json(self.call(call, VIEW)).await
    }

    /// Sets the properties given (cloud and writable ones; null removes one), and leaves the others. `$metadata` is the
    /// application's own: it is left out of what is sent.
    ///
    /// # Errors
    /// `NotFound` if there is no such device; `Rejected` if its template has no such property; see
    /// [`crate::azure::AzureError`] for the rest.
    pub async fn change_device_properties(&self, id: &DeviceId, changes: &Map<String, Value>) -> Result<()> {
        let call = Call::patch("change the device's properties", properties(id))
            .target(id.as_str())
            .body(Value::Object(without_metadata(changes)));
        self.channel.done(self.call(call, UPDATE)).await
    }
}

fn properties(id: &DeviceId) -> Path {
    device(id).then("/properties")
}

fn without_metadata(level: &Map<String, Value>) -> Map<String, Value> {
    let kept = level.iter().filter(|(name, _)| *name != METADATA).map(|(name, value)| {
        let value = value.as_object().map_or_else(|| value.clone(), |inner| Value::Object(without_metadata(inner)));
        (name.clone(), value)
    });
    kept.collect()
}
