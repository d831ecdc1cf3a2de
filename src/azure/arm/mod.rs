//! Azure Resource Manager: subscriptions, IoT Central applications, DPS instances, hubs and their keys.
//!
//! Facts: azure-rest-api-specs (subscriptions 2022-12-01, `Microsoft.IoTCentral` 2021-06-01, `Microsoft.Devices` 2022-02-05
//! for DPS and 2023-06-30 for IoT hubs, Resource Graph 2021-03-01).

mod certificates;
mod graph;
mod inventory;
mod model;
mod wire;

pub use certificates::DpsCertificate;
pub use graph::Listed;
pub use inventory::Inventory;
pub use model::{CentralApp, DpsResource, HubResource, HubTier, LinkedHub, Subscription, Tenant};

use serde::de::DeserializeOwned;

use crate::azure::call::{Call, Path};
use crate::azure::channel::Channel;
use crate::azure::error::{AzureError, ErrorKind, Result};
use crate::azure::keys::SharedKey;
use crate::azure::pace::Scope;
use crate::azure::page::{AllPages, NextPage, Page};
use crate::ids::ArmId;

const API_SUBSCRIPTIONS: &str = "2022-12-01";
const API_CENTRAL: &str = "2021-06-01";
const API_DPS: &str = "2022-02-05";
const API_HUB: &str = "2023-06-30";

/// A client of ARM that acts as one person in one tenant.
#[derive(Debug, Clone)]
pub struct Arm {
    channel: Channel,
    person: usize,
}

impl Arm {
    pub(crate) fn new(channel: Channel, person: usize) -> Self {
        Self { channel, person }
    }

    /// The tenants that the person belongs to.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let wire: Vec<wire::Tenant> = self.all("list your tenants", Path::new("/tenants"), API_SUBSCRIPTIONS).await?;
        Ok(wire.into_iter().map(Tenant::from).collect())
    }

    /// The subscriptions of the tenant that the person may see. None is normal for somebody without a role.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>> {
        let path = Path::new("/subscriptions");
        let wire: Vec<wire::Subscription> = self.all("list subscriptions", path, API_SUBSCRIPTIONS).await?;
        Ok(wire.into_iter().map(Subscription::from).collect())
    }

    /// The IoT Central applications of a subscription (its GUID).
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn list_central_apps(&self, subscription: &str) -> Result<Vec<CentralApp>> {
        let path = Path::new("/subscriptions").id(subscription).then("/providers/Microsoft.IoTCentral/iotApps");
        let wire = self.of_provider("list IoT Central applications", subscription, path, API_CENTRAL).await?;
        Ok(wire.into_iter().filter_map(CentralApp::read).collect())
    }

    /// The DPS instances of a subscription. Their linked hubs can be missing: [`Self::get_dps`] has them.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn list_dps(&self, subscription: &str) -> Result<Vec<DpsResource>> {
        let path =
            Path::new("/subscriptions").id(subscription).then("/providers/Microsoft.Devices/provisioningServices");
        let wire = self.of_provider("list DPS instances", subscription, path, API_DPS).await?;
        Ok(wire.into_iter().filter_map(DpsResource::read).collect())
    }

    /// The IoT hubs of a subscription.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn list_hubs(&self, subscription: &str) -> Result<Vec<HubResource>> {
        let path = Path::new("/subscriptions").id(subscription).then("/providers/Microsoft.Devices/IotHubs");
        let wire = self.of_provider("list IoT hubs", subscription, path, API_HUB).await?;
        Ok(wire.into_iter().filter_map(HubResource::read).collect())
    }

    /// One DPS, complete and current.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn get_dps(&self, id: &ArmId) -> Result<DpsResource> {
        let call = self.resource_call("read the DPS", id, API_DPS);
        let wire: wire::Resource = self.channel.json(call.clone()).await?;
        DpsResource::read(wire).ok_or_else(|| self.incomplete(&call))
    }

    /// One hub, complete and current.
    ///
    /// # Errors
    /// See [`AzureError`].
    pub async fn get_hub(&self, id: &ArmId) -> Result<HubResource> {
        let call = self.resource_call("read the IoT hub", id, API_HUB);
        let wire: wire::Resource = self.channel.json(call.clone()).await?;
        HubResource::read(wire).ok_or_else(|| self.incomplete(&call))
    }

    /// The shared access policies of a DPS, with keys.
    ///
    /// # Errors
    /// See [`AzureError`]; a 403 names the role that is missing.
    pub async fn list_dps_keys(&self, id: &ArmId) -> Result<Vec<SharedKey>> {
        const NEEDS: &str = "the role Contributor (or one with Microsoft.Devices/provisioningServices/listkeys/action)";
        self.keys("list the keys of the DPS", id, API_DPS, NEEDS).await
    }

    /// The shared access policies of a hub, with keys.
    ///
    /// # Errors
    /// See [`AzureError`]; a 403 names the role that is missing.
    pub async fn list_hub_keys(&self, id: &ArmId) -> Result<Vec<SharedKey>> {
        const NEEDS: &str = "the role Contributor (or one with Microsoft.Devices/iotHubs/listkeys/action)";
        self.keys("list the keys of the IoT hub", id, API_HUB, NEEDS).await
    }

    async fn keys(
        &self,
        operation: &'static str,
        id: &ArmId,
        api: &str,
        needs: &'static str,
    ) -> Result<Vec<SharedKey>> {
        let mut pages = AllPages::new();
        loop {
            let first = Call::ask(operation, resource_path(id).then("/listkeys")).query("api-version", api);
            let call = match pages.next() {
                // ARM documents a next link here and not how it is asked for; as a POST like the first page.
                Some(next) => first.at(next),
                None => first,
            };
            let call = call.target(id.as_str()).permission(needs).pace(Scope::Arm(self.person), 1);
            let list: wire::List<wire::Key> = self.channel.json(call).await?;
            if let Some(keys) = pages.add(list.page()).map_err(self.channel.circle(operation))? {
                return Ok(keys.into_iter().map(SharedKey::from).collect());
            }
        }
    }

    /// A provider that the subscription never registered has no resources there; that is no error.
    async fn of_provider(
        &self,
        operation: &'static str,
        subscription: &str,
        path: Path,
        api: &str,
    ) -> Result<Vec<wire::Resource>> {
        match self.all(operation, path, api).await {
            Err(AzureError { code: Some(code), .. }) if code == "MissingSubscriptionRegistration" => Ok(Vec::new()),
            Err(error) => Err(AzureError { target: format!("subscription {subscription}"), ..error }),
            listed => listed,
        }
    }

    async fn all<T: DeserializeOwned>(&self, operation: &'static str, path: Path, api: &str) -> Result<Vec<T>> {
        let mut pages = AllPages::new();
        loop {
            let page = self.page(operation, path.clone(), api, pages.next()).await?;
            if let Some(items) = pages.add(page).map_err(self.channel.circle(operation))? {
                return Ok(items);
            }
        }
    }

    async fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: Path,
        api: &str,
        next: Option<&NextPage>,
    ) -> Result<Page<T>> {
        let call = Call::list(operation, path, next).query("api-version", api).pace(Scope::Arm(self.person), 1);
        let list: wire::List<T> = self.channel.json(call).await?;
        Ok(list.page())
    }

    fn resource_call(&self, operation: &'static str, id: &ArmId, api: &str) -> Call {
        Call::get(operation, resource_path(id))
            .query("api-version", api)
            .target(id.as_str())
            .pace(Scope::Arm(self.person), 1)
    }

    fn incomplete(&self, call: &Call) -> AzureError {
        self.channel.error(call, ErrorKind::Malformed, "the resource lacks its host name or ID scope")
    }
}

/// The path of a resource id, encoded segment by segment.
fn resource_path(id: &ArmId) -> Path {
    id.as_str().trim_matches('/').split('/').fold(Path::new(""), Path::id)
}

#[cfg(test)]
mod tests;
