//! Twins and queries: what a hub knows of its devices besides their identity.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::error::Result;
use crate::azure::hub::identity::WireCapabilities;
use crate::azure::hub::{AuthType, Hub, Thumbprints};
use crate::azure::keys::Right;
use crate::azure::lenient::{if_readable, moment, or_default};
use crate::azure::page::{AllPages, NextPage, Page};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, ModelId};

const SERVICE: &[Right] = &[Right::ServiceConnect];
const QUERY: &str = "query devices";
const PAGE_SIZE: &str = "1000";

/// A device's twin, as far as it is read here. From a query it lags by minutes; a projection carries only what it named.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Twin {
    /// The device.
    pub device_id: DeviceId,
    /// As of a while ago; no proof.
    #[serde(default, deserialize_with = "or_default")]
    pub connection_state: ConnectionState,
    /// When it last did anything, in Azure's clock; `None` for never.
    #[serde(default, rename = "lastActivityTime", deserialize_with = "moment")]
    pub last_activity: Option<Timestamp>,
    /// `enabled` or `disabled`.
    pub status: Option<String>,
    /// Rises with every change of the twin.
    pub version: Option<u64>,
    /// How the device proves itself.
    pub authentication_type: Option<AuthType>,
    /// The certificates that it may present, if it is known by them.
    #[serde(default, rename = "x509Thumbprint", deserialize_with = "if_readable")]
    pub thumbprints: Thumbprints,
    /// The model it announced.
    pub model_id: Option<ModelId>,
    #[serde(default, deserialize_with = "or_default")]
    capabilities: WireCapabilities,
    #[serde(default, deserialize_with = "or_default")]
    device_scope: String,
    #[serde(default, deserialize_with = "or_default")]
    parent_scopes: Vec<String>,
    /// Tags, properties.
    #[serde(default)]
    pub tags: Value,
}

/// A twin out of a query.
pub type TwinSummary = Twin;

impl Twin {
    /// Whether it is an IoT Edge device.
    #[must_use]
    pub fn is_edge(&self) -> bool {
        self.capabilities.iot_edge
    }

    /// Whether it is a device behind an IoT Edge gateway: it has the gateway's scope (azure-api §7.4).
    #[must_use]
    pub fn is_child(&self) -> bool {
        !self.is_edge() && (!self.device_scope.is_empty() || !self.parent_scopes.is_empty())
    }

    /// Whether it may connect.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case("enabled"))
    }
}

/// Whether a device is connected, as the hub saw it some minutes ago.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
pub enum ConnectionState {
    /// It is.
    Connected,
    /// It is not, or never was.
    Disconnected,
    /// Another word, or none.
    #[default]
    Other,
}

impl From<String> for ConnectionState {
    fn from(word: String) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "connected" => Self::Connected,
            "disconnected" => Self::Disconnected,
            _ => Self::Other,
        }
    }
}

/// A hub's counts of devices; they lag by minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// All.
    pub total_device_count: u64,
    /// Those that may connect.
    pub enabled_device_count: u64,
    /// Those that may not.
    pub disabled_device_count: u64,
}

impl Hub {
    /// A page of a query's result, e.g. of `SELECT * FROM devices`. The query must give `deviceId`.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn query_devices_page(&self, query: &str, next: Option<&NextPage>) -> Result<Page<TwinSummary>> {
        let call = Call::ask(QUERY, Path::new("/devices/query"))
            .header("x-ms-max-item-count", PAGE_SIZE)
            .body(json!({ "query": query }))
            .pace(self.queries(), 1);
        self.channel.header_page(Self::call(call, SERVICE), next).await
    }

    /// The whole result of a query.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn query_devices(&self, query: &str) -> Result<Vec<TwinSummary>> {
        let mut pages = AllPages::new();
        loop {
            let page = self.query_devices_page(query, pages.next()).await?;
            if let Some(twins) = pages.add(page).map_err(self.channel.circle(QUERY))? {
                return Ok(twins);
            }
        }
    }

    /// The twin of a device, current; `None` if the hub has no such device. A Basic hub has no twins.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn twin(&self, id: &DeviceId) -> Result<Option<Twin>> {
        let call = Call::get("read the device's twin", Path::new("/twins").id(id.as_str()))
            .target(id.as_str())
            .pace(self.twin_reads(), 1);
        self.channel.find(Self::call(call, SERVICE)).await
    }

    /// Sets these tags and desired properties of a device's twin, and leaves the others. Its device sees the desired ones.
    /// Repeating it changes nothing more.
    ///
    /// # Errors
    /// `NotFound` if the hub has no such device; see [`crate::azure::AzureError`] for the rest.
    pub async fn patch_twin(
        &self,
        id: &DeviceId,
        tags: &Map<String, Value>,
        desired: &Map<String, Value>,
    ) -> Result<()> {
        // An update costs about twice what a read does (azure-api §5.9).
        let call = Call::patch("change the device's twin", Path::new("/twins").id(id.as_str()))
            .target(id.as_str())
            .body(json!({ "tags": tags, "properties": { "desired": desired } }))
            .pace(self.twin_reads(), 2);
        self.channel.done(Self::call(call, SERVICE)).await
    }

    /// The hub's counts.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn statistics(&self) -> Result<Statistics> {
        let call = Call::get("read the hub's statistics", Path::new("/statistics/devices")).pace(self.registry(), 1);
        self.channel.json(Self::call(call, &[Right::RegistryRead])).await
    }
}
