//! The resources that a migration is between.

use crate::azure::arm::wire;
use crate::ids::{ArmId, DpsHost, HubHost, IdScope, Subdomain, TenantId};

/// A tenant that a person belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name for people; may be empty.
    pub display_name: String,
    /// Its main domain.
    pub default_domain: Option<String>,
}

/// A subscription that a person can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its GUID.
    pub id: String,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its name for people.
    pub display_name: String,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
    pub state: String,
}

/// An IoT Central application as ARM knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CentralApp {
    /// Its resource id.
    pub id: ArmId,
    /// Its resource name.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// The first label of its host.
    pub subdomain: Subdomain,
    /// Its own GUID, which the ID scope can be remembered by.
    pub application_id: String,
    /// The GUID of its subscription.
    pub subscription: String,
    /// Its resource group.
    pub resource_group: String,
    /// Its region.
    pub location: String,
    /// `ST0`, `ST1`, `ST2`, `F1`.
    pub sku: String,
    /// `created` or `suspended`.
    pub state: String,
}

/// A Device Provisioning Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpsResource {
    /// Its resource id.
    pub id: ArmId,
    /// Its resource name.
    pub name: String,
    /// The GUID of its subscription.
    pub subscription: String,
    /// Its resource group.
    pub resource_group: String,
    /// Its region.
    pub location: String,
    /// Only `Active` is good.
    pub state: String,
    /// What devices provision with.
    pub id_scope: IdScope,
    /// Where its service API is.
    pub service_host: DpsHost,
    /// Where devices provision.
    pub device_host: String,
    /// `Hashed`, `GeoLatency` or `Static`.
    pub allocation_policy: String,
    /// The hubs linked to it. A list may lack them; the single read has them.
    pub linked_hubs: Vec<LinkedHub>,
    /// Its version.
    pub etag: Option<String>,
}

/// A hub as linked to a DPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedHub {
    /// The hub's host name.
    pub host: HubHost,
    /// The hub's region.
    pub location: String,
    /// Whether the DPS's own policy may choose it.
    pub apply_allocation_policy: bool,
    /// Its weight under that policy.
    pub allocation_weight: Option<u32>,
}

/// The tier of a hub, which decides what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubTier {
    /// 8,000 messages a day, otherwise as Standard.
    Free,
    /// No direct methods, no twins.
    Basic,
    /// Everything.
    Standard,
    /// A tier this program does not know.
    Other(String),
}

/// An IoT hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubResource {
    /// Its resource id.
    pub id: ArmId,
    /// Its resource name.
    pub name: String,
    /// The GUID of its subscription.
    pub subscription: String,
    /// Its resource group.
    pub resource_group: String,
    /// Its region.
    pub location: String,
    /// Only `Active` is good.
    pub state: String,
    /// Where its APIs are.
    pub host: HubHost,
    /// `F1`, `B1`–`B3`, `S1`–`S3`.
    pub sku_name: String,
    /// Its tier.
    pub tier: HubTier,
    /// Its number of units, at least 1.
    pub units: u32,
    /// True if SAS is refused.
    pub disable_local_auth: bool,
    /// `Enabled` or `Disabled`, where said.
    pub public_network_access: Option<String>,
}

impl CentralApp {
    /// `None` if there is no subdomain, hence nothing to call.
    pub(crate) fn read(wire: wire::Resource) -> Option<Self> {
        Some(Self {
            subdomain: Subdomain::from(wire.text("subdomain")?),
            display_name: wire.text("displayName").unwrap_or_else(|| wire.name.clone()),
            application_id: wire.text("applicationId").unwrap_or_default(),
            subscription: wire.segment_after("subscriptions"),
            resource_group: wire.segment_after("resourceGroups"),
            state: wire.text("state").unwrap_or_default(),
            id: ArmId::from(wire.id),
            name: wire.name,
            location: wire.location,
            sku: wire.sku.name,
        })
    }
}

impl DpsResource {
    /// `None` if it has no host or scope (yet).
    pub(crate) fn read(wire: wire::Resource) -> Option<Self> {
        let linked = wire.properties["iotHubs"].as_array();
        Some(Self {
            id_scope: IdScope::from(wire.text("idScope")?),
            service_host: DpsHost::from(wire.text("serviceOperationsHostName")?),
            device_host: wire.text("deviceProvisioningHostName").unwrap_or_default(),
            allocation_policy: wire.text("allocationPolicy").unwrap_or_default(),
            linked_hubs: linked.map(|hubs| hubs.iter().filter_map(LinkedHub::read).collect()).unwrap_or_default(),
            subscription: wire.segment_after("subscriptions"),
            resource_group: wire.segment_after("resourceGroups"),
            state: wire.text("state").unwrap_or_default(),
            id: ArmId::from(wire.id),
            name: wire.name,
            location: wire.location,
            etag: wire.etag,
        })
    }
}

impl LinkedHub {
    fn read(wire: &serde_json::Value) -> Option<Self> {
        Some(Self {
            host: HubHost::from(wire["name"].as_str()?),
            location: wire["location"].as_str().unwrap_or_default().to_owned(),
            apply_allocation_policy: wire["applyAllocationPolicy"].as_bool().unwrap_or(true),
            allocation_weight: wire["allocationWeight"].as_u64().and_then(|weight| u32::try_from(weight).ok()),
        })
    }
}

impl HubResource {
    /// `None` if it has no host (yet).
    pub(crate) fn read(wire: wire::Resource) -> Option<Self> {
        Some(Self {
            host: HubHost::from(wire.text("hostName")?),
            tier: HubTier::read(&wire.sku),
            units: wire.sku.capacity.max(1),
            disable_local_auth: wire.properties["disableLocalAuth"].as_bool().unwrap_or(false),
            public_network_access: wire.text("publicNetworkAccess"),
            subscription: wire.segment_after("subscriptions"),
            resource_group: wire.segment_after("resourceGroups"),
            state: wire.text("state").unwrap_or_default(),
            id: ArmId::from(wire.id),
            name: wire.name,
            location: wire.location,
            sku_name: wire.sku.name,
        })
    }
}

impl HubTier {
    /// The tier as ARM says it, or by the SKU's first letter where it does not.
    fn read(sku: &wire::Sku) -> Self {
        let first = sku.name.chars().next().map(|c| c.to_ascii_uppercase());
        match (sku.tier.to_ascii_lowercase().as_str(), first) {
            ("free", _) | ("", Some('F')) => Self::Free,
            ("basic", _) | ("", Some('B')) => Self::Basic,
            ("standard", _) | ("", Some('S')) => Self::Standard,
            _ => Self::Other(sku.tier.clone()),
        }
    }
}
