//! Signs of life of a device: in an IoT Central application its newest telemetry, or read-only property; at a hub its last
//! activity. All by Azure's clock. Other properties prove nothing: people and programs write them too.

use crate::azure::central::{Central, DeviceTemplate};
use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::hub::Hub;
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::Device;

/// Where to look for signs of devices.
#[derive(Debug)]
pub(super) enum Signs {
    /// Of one template in an application.
    App(Box<AppSigns>),
    /// At hubs.
    Hub(HubSigns),
}

/// Where to look for signs of devices of one template.
#[derive(Debug)]
pub(super) struct AppSigns {
    central: Central,
    place: String,
    /// Absent: the application no longer has it, and nothing is to be seen.
    template: Option<DeviceTemplate>,
}

/// The hubs that devices come from, with their names by host.
#[derive(Debug)]
pub(super) struct HubSigns {
    pub(super) place: String,
    pub(super) hubs: Vec<(String, Hub)>,
}

impl Signs {
    /// The name of the application, or of the hubs.
    pub(super) fn place(&self) -> &str {
        match self {
            Self::App(app) => &app.place,
            Self::Hub(hubs) => &hubs.place,
        }
    }

    /// Devices give signs that can be seen.
    pub(super) fn shows_any(&self) -> bool {
        match self {
            Self::App(app) => {
                let shows = |template: &DeviceTemplate| !template.telemetry.is_empty() || !template.reported.is_empty();
                app.template.as_ref().is_some_and(shows)
            }
            Self::Hub(_) => true,
        }
    }

    /// The newest sign of a device at its source; `None` where none can be seen.
    pub(super) async fn newest(&self, device: &Device) -> Result<Option<Timestamp>, AzureError> {
        match self {
            Self::App(app) => app.newest(&device.id).await,
            Self::Hub(hubs) => hubs.newest(device).await,
        }
    }
}

impl HubSigns {
    async fn newest(&self, device: &Device) -> Result<Option<Timestamp>, AzureError> {
        let hub = self.hubs.iter().find(|(host, _)| host.eq_ignore_ascii_case(&device.source));
        let Some((_, hub)) = hub else { return Ok(None) };
        Ok(hub.twin(&device.id).await?.and_then(|twin| twin.last_activity))
    }
}

impl AppSigns {
    /// In an application whose name is `place`.
    pub(super) fn new(central: &Central, place: &str, template: Option<DeviceTemplate>) -> Self {
        Self { central: central.clone(), place: place.to_owned(), template }
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
