//! Where a count reads devices, page by page.

use std::collections::HashSet;

use async_trait::async_trait;

use crate::azure::central::{Central, Device};
use crate::azure::error::{AzureError, ErrorKind, Service};
use crate::azure::page::{NextPage, Page};
use crate::ids::{DeviceGroupId, DeviceId, TemplateId};

/// A device as far as it is counted. Members of a group may carry nothing but their id.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) id: DeviceId,
    pub(super) template: Option<TemplateId>,
    pub(super) enabled: Option<bool>,
    pub(super) provisioned: Option<bool>,
    pub(super) simulated: Option<bool>,
}

impl From<Device> for Member {
    fn from(device: Device) -> Self {
        let Device { id, template, enabled, provisioned, simulated, .. } = device;
        Self { id, template, enabled, provisioned, simulated }
    }
}

/// Where devices are read, page by page.
#[async_trait]
pub(super) trait Source: Send + Sync {
    async fn members(&self, next: Option<&NextPage>) -> Result<Page<Member>, AzureError>;
    async fn everybody(&self, next: Option<&NextPage>) -> Result<Page<Member>, AzureError>;
}

pub(super) struct Application {
    pub(super) central: Central,
    pub(super) group: DeviceGroupId,
}

#[async_trait]
impl Source for Application {
    async fn members(&self, next: Option<&NextPage>) -> Result<Page<Member>, AzureError> {
        Ok(as_members(self.central.group_devices_page(&self.group, next).await?))
    }

    async fn everybody(&self, next: Option<&NextPage>) -> Result<Page<Member>, AzureError> {
        Ok(as_members(self.central.devices_page(next).await?))
    }
}

fn as_members(page: Page<Device>) -> Page<Member> {
    Page { items: page.items.into_iter().map(Member::from).collect(), next: page.next }
}

/// The pages read so far, so that a service that leads in a circle is found out.
#[derive(Default)]
pub(super) struct Trail {
    pages: Vec<NextPage>,
    seen: HashSet<NextPage>,
}

impl Trail {
    pub(super) fn next(&self) -> Option<&NextPage> {
        self.pages.last()
    }

    pub(super) fn follow(&mut self, next: Option<NextPage>, operation: &'static str) -> Result<bool, AzureError> {
        let Some(next) = next else { return Ok(false) };
        if !self.seen.insert(next.clone()) {
            let message = "IoT Central's pages lead in a circle";
            return Err(AzureError::local(
                Service::Central,
                operation,
                "the application",
                ErrorKind::Malformed,
                message,
            ));
        }
        self.pages = vec![next];
        Ok(true)
    }
}
