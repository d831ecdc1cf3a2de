//! Signs of life of a device in an IoT Central application: its newest telemetry, or read-only property, by the
//! application's clock. Other properties prove nothing: people and programs write them too.

use super::halt::Halt;
use super::run::Run;
use crate::azure::central::{Central, DeviceTemplate};
use crate::azure::error::{AzureError, ErrorKind};
use crate::clock::Timestamp;
use crate::ids::DeviceId;

/// Where to look for signs of devices of one template.
#[derive(Debug)]
pub(super) struct Signs {
    central: Central,
    place: String,
    /// Absent: the application no longer has it, and nothing is to be seen.
    template: Option<DeviceTemplate>,
}

impl Signs {
    /// In the application that the devices come from.
    pub(super) async fn at_the_source(run: &Run) -> Result<Self, Halt> {
        let source = &run.migration.plan.source;
        let template = run.central.find_device_template(&source.template).await?;
        Ok(Self::new(&run.central, &source.app_display_name, template))
    }

    /// In an application whose name is `place`.
    pub(super) fn new(central: &Central, place: &str, template: Option<DeviceTemplate>) -> Self {
        Self { central: central.clone(), place: place.to_owned(), template }
    }

    /// The application's name.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Devices of the template give signs that can be seen.
    pub(super) fn shows_any(&self) -> bool {
        self.template.as_ref().is_some_and(|template| !template.telemetry.is_empty() || !template.reported.is_empty())
    }

    /// The newest sign of a device; `None` where none can be seen.
    pub(super) async fn newest(&self, id: &DeviceId) -> Result<Option<Timestamp>, AzureError> {
        let Some(template) = &self.template else { return Ok(None) };
        let mut newest = None;
        if !template.telemetry.is_empty() {
            newest = self.central.last_telemetry(&template.id, &template.telemetry, id).await?;
        }
        if !template.reported.is_empty() {
            let properties = match self.central.device_properties(id).await {
                Ok(properties) => properties.newest_of(&template.reported),
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => None,
                Err(error) => return Err(error),
            };
            newest = newest.max(properties);
        }
        Ok(newest)
    }
}
