//! An IoT Central application that devices go to.

pub(in crate::engine) mod approval;
pub(in crate::engine) mod baseline;
pub(in crate::engine) mod carry;
pub(in crate::engine) mod individual;
pub(in crate::engine) mod keys;
pub(in crate::engine) mod later;
pub(in crate::engine) mod scope;
pub(in crate::engine) mod sight;

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::azure::central::{Central, Device, DeviceTemplate};
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::clock::Timestamp;
use crate::engine::Inner;
use crate::engine::signs::AppSigns;
use crate::ids::DeviceId;
use crate::migration::app_evidence::AppSeen;
use crate::migration::model::AppTarget;

/// The client of an application.
#[derive(Debug)]
pub(in crate::engine) struct AtApp {
    pub(in crate::engine) target: AppTarget,
    pub(in crate::engine) central: Central,
    /// Its templates, read when the first device's signs of life are asked for.
    templates: OnceCell<Vec<DeviceTemplate>>,
}

impl AtApp {
    pub(in crate::engine) fn new(
        inner: &Inner,
        target: &AppTarget,
        tokens: &Arc<dyn TokenProvider>,
    ) -> Result<Self, AzureError> {
        let central = inner.azure.central(Arc::clone(tokens), &target.subdomain)?;
        Ok(Self { target: target.clone(), central, templates: OnceCell::new() })
    }

    /// What the application shows of a device now, without signs of life.
    pub(in crate::engine) async fn see(&self, id: &DeviceId) -> Result<Option<AppSeen>, AzureError> {
        Ok(self.central.find_device(id).await?.map(seen))
    }

    /// Its templates, as they were when they were first asked for.
    async fn templates(&self) -> Result<&[DeviceTemplate], AzureError> {
        self.templates.get_or_try_init(|| self.central.device_templates()).await.map(Vec::as_slice)
    }

    /// The newest sign of life of a device there; `None` where none can be seen.
    pub(in crate::engine) async fn newest(
        &self,
        id: &DeviceId,
        seen: &AppSeen,
    ) -> Result<Option<Timestamp>, AzureError> {
        let Some(template) = &seen.template else { return Ok(None) };
        let template = self.templates().await?.iter().find(|known| known.id == *template).cloned();
        AppSigns::new(&self.central, &self.target.app_display_name, template).newest(id).await
    }
}

fn seen(device: Device) -> AppSeen {
    AppSeen {
        provisioned: device.provisioned.unwrap_or_default(),
        enabled: device.enabled.unwrap_or(true),
        simulated: device.simulated.unwrap_or_default(),
        template: device.template,
        newest: None,
    }
}
