//! An IoT Central application that devices come from.

pub(in crate::engine) mod attestation;
pub(in crate::engine) mod belongings;
pub(in crate::engine) mod command;
pub(in crate::engine) mod keys;
pub(in crate::engine) mod members;
pub(in crate::engine) mod review;

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::azure::central::{Central, DeviceTemplate};
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::engine::Inner;
use crate::engine::given::Given;
use crate::engine::signs::{AppSigns, Signs};
use crate::migration::model::CentralSource;

/// The client of an application.
#[derive(Debug)]
pub(in crate::engine) struct FromApp {
    pub(in crate::engine) source: CentralSource,
    pub(in crate::engine) central: Central,
    given: Given,
    /// The devices' template, read when it is first asked for; absent if the application no longer has it.
    template: OnceCell<Option<DeviceTemplate>>,
}

impl FromApp {
    pub(in crate::engine) fn new(
        inner: &Inner,
        source: &CentralSource,
        given: Given,
        tokens: &Arc<dyn TokenProvider>,
    ) -> Result<Self, AzureError> {
        let central = inner.azure.central(Arc::clone(tokens), &source.subdomain)?;
        Ok(Self { source: source.clone(), central, given, template: OnceCell::new() })
    }

    /// The devices' template, as it was when it was first asked for.
    pub(in crate::engine) async fn template(&self) -> Result<Option<&DeviceTemplate>, AzureError> {
        let found = self.template.get_or_try_init(|| self.central.find_device_template(&self.source.template)).await?;
        Ok(found.as_ref())
    }

    /// Where the application shows whether a device is alive there.
    pub(in crate::engine) async fn signs(&self) -> Result<Signs, AzureError> {
        let template = self.template().await?.cloned();
        Ok(Signs::App(Box::new(AppSigns::new(&self.central, &self.source.app_display_name, template))))
    }
}
