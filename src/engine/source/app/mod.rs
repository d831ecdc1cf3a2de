//! An IoT Central application that devices come from.

pub(in crate::engine) mod attestation;
pub(in crate::engine) mod belongings;
mod chosen;
pub(in crate::engine) mod command;
pub(in crate::engine) mod keys;
pub(in crate::engine) mod members;
pub(in crate::engine) mod review;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::azure::central::{Central, DeviceTemplate};
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::engine::Inner;
use crate::engine::given::Given;
use crate::engine::signs::{AppSigns, Signs};
use crate::ids::DeviceId;
use crate::migration::model::CentralSource;

/// The client of an application.
#[derive(Debug)]
pub(in crate::engine) struct FromApp {
    pub(in crate::engine) source: CentralSource,
    pub(in crate::engine) central: Central,
    given: Given,
    /// The devices' template, read when it is first asked for; absent if the application no longer has it.
    template: OnceCell<Option<DeviceTemplate>>,
    /// The ids of the group's devices by themselves in lower case; read when they are first asked for.
    spellings: OnceCell<HashMap<String, DeviceId>>,
}

impl FromApp {
    pub(in crate::engine) fn new(
        inner: &Inner,
        source: &CentralSource,
        given: Given,
        tokens: &Arc<dyn TokenProvider>,
    ) -> Result<Self, AzureError> {
        let central = inner.azure.central(Arc::clone(tokens), &source.subdomain)?;
        Ok(Self { source: source.clone(), central, given, template: OnceCell::new(), spellings: OnceCell::new() })
    }

    /// The devices' template, as it was when it was first asked for.
    pub(in crate::engine) async fn template(&self) -> Result<Option<&DeviceTemplate>, AzureError> {
        let read = || async {
            match &self.source.template {
                Some(template) => self.central.find_device_template(template).await,
                None => Ok(None),
            }
        };
        Ok(self.template.get_or_try_init(read).await?.as_ref())
    }

    /// How the application spells the id of a device of the group, found without regard to case.
    async fn spelled(&self, id: &DeviceId) -> Result<Option<&DeviceId>, AzureError> {
        let read = || async {
            let members = match &self.source.group {
                Some(group) => self.central.group_devices(group).await?,
                None => self.central.devices().await?,
            };
            Ok(members.into_iter().map(|device| (device.id.as_str().to_ascii_lowercase(), device.id)).collect())
        };
        let ids: &HashMap<String, DeviceId> = self.spellings.get_or_try_init(read).await?;
        Ok(ids.get(&id.as_str().to_ascii_lowercase()))
    }

    /// Where the application shows whether a device is alive there.
    pub(in crate::engine) async fn signs(&self) -> Result<Signs, AzureError> {
        let template = self.template().await?.cloned();
        Ok(Signs::App(Box::new(AppSigns::new(&self.central, &self.source.app_display_name, template))))
    }
}
