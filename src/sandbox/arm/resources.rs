//! Resources as ARM shows them.

use serde_json::{Value, json};

use super::access::id_of;
use super::target::{Address, Kind};
use crate::sandbox::hosts::DPS_GLOBAL;
use crate::sandbox::world::{App, Dps, Hub, Policy, Resource, World};

/// One resource, borrowed from the world.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// An IoT Central application.
    App(&'a App),
    /// A DPS instance.
    Dps(&'a Dps),
    /// A hub.
    Hub(&'a Hub),
}

/// Every resource of every type, in a stable order.
pub fn all(world: &World) -> impl Iterator<Item = Found<'_>> {
    let apps = world.apps.values().map(Found::App);
    apps.chain(world.dps.values().map(Found::Dps)).chain(world.hubs.values().map(Found::Hub))
}

/// The resource at `address`.
#[must_use]
pub fn at<'a>(world: &'a World, address: &Address) -> Option<Found<'a>> {
    all(world).find(|found| {
        let resource = found.resource();
        found.kind() == address.kind
            && resource.subscription.eq_ignore_ascii_case(&address.subscription)
            && resource.resource_group.eq_ignore_ascii_case(&address.group)
            && resource.name.eq_ignore_ascii_case(&address.name)
    })
}

impl<'a> Found<'a> {
    /// Its type.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::App(_) => Kind::App,
            Self::Dps(_) => Kind::Dps,
            Self::Hub(_) => Kind::Hub,
        }
    }

    /// Where it lives.
    #[must_use]
    pub fn resource(self) -> &'a Resource {
        match self {
            Self::App(app) => &app.resource,
            Self::Dps(dps) => &dps.resource,
            Self::Hub(hub) => &hub.resource,
        }
    }

    /// Its id as its provider spells it.
    #[must_use]
    pub fn id(self) -> String {
        id_of(self.resource(), self.kind().type_name())
    }

    /// Its shared access policies.
    #[must_use]
    pub fn policies(self) -> &'a [Policy] {
        match self {
            Self::App(_) => &[],
            Self::Dps(dps) => &dps.policies,
            Self::Hub(hub) => &hub.policies,
        }
    }

    /// What a list of resources of all types shows.
    #[must_use]
    pub fn outline(self) -> Value {
        let resource = self.resource();
        let mut body = json!({
            "id": self.id(), "name": resource.name, "type": self.kind().type_name(),
            "location": resource.location, "tags": {}, "sku": self.sku(),
        });
        if matches!(self, Self::App(_)) {
            body["identity"] = json!({ "type": "None" });
        }
        body
    }

    fn sku(self) -> Value {
        match self {
            Self::App(_) => json!({ "name": "ST2" }),
            Self::Dps(_) => json!({ "name": "S1", "tier": "Standard", "capacity": 1 }),
            Self::Hub(hub) => json!({ "name": hub.sku, "tier": tier(&hub.sku), "capacity": hub.units }),
        }
    }

    /// The body of a GET. `linked_hubs` tells whether a DPS shows the hubs linked to it, which only the single GET is
    /// sure to do.
    #[must_use]
    pub fn body(self, world: &World, linked_hubs: bool) -> Value {
        let resource = self.resource();
        let properties = match self {
            Self::App(app) => app_properties(app),
            Self::Dps(dps) => dps_properties(world, dps, linked_hubs),
            Self::Hub(hub) => hub_properties(hub),
        };
        let mut body = self.outline();
        body["properties"] = properties;
        if matches!(self, Self::Dps(_) | Self::Hub(_)) {
            body["etag"] = json!("AAAAAADGk1U=");
            body["resourcegroup"] = json!(resource.resource_group);
            body["subscriptionid"] = json!(resource.subscription);
        }
        body
    }
}

fn app_properties(app: &App) -> Value {
    json!({
        "applicationId": app.application_id, "displayName": app.display_name, "subdomain": app.subdomain,
        "template": "iotc-pnp-preview@1.0.0", "state": app.state, "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
    })
}

fn dps_properties(world: &World, dps: &Dps, linked_hubs: bool) -> Value {
    let mut properties = json!({
        "state": dps.state, "provisioningState": "Succeeded", "publicNetworkAccess": "Enabled",
        "idScope": dps.id_scope, "serviceOperationsHostName": dps.service_host,
        "deviceProvisioningHostName": DPS_GLOBAL, "allocationPolicy": dps.allocation_policy,
        "enableDataResidency": false,
    });
    if linked_hubs {
        let link = |host: &String| {
            let known = world.hubs.get(&host.to_ascii_lowercase());
            json!({
                "name": host,
                "location": known.map_or(dps.resource.location.as_str(), |hub| hub.resource.location.as_str()),
                "connectionString":
                    format!("HostName={host};SharedAccessKeyName=iothubowner;SharedAccessKey=****"),
                "applyAllocationPolicy": true, "allocationWeight": 1, "authenticationType": "KeyBased",
            })
        };
        properties["iotHubs"] = dps.linked_hubs.iter().map(link).collect();
    }
    properties
}

fn hub_properties(hub: &Hub) -> Value {
    json!({
        "state": hub.state, "provisioningState": "Succeeded", "hostName": hub.host,
        "publicNetworkAccess": "Enabled", "disableLocalAuth": hub.disable_local_auth, "features": "None",
        "ipFilterRules": [], "minTlsVersion": "1.2",
        "locations": [{ "location": hub.resource.location, "role": "primary" }],
        "eventHubEndpoints": { "events": {
            "retentionTimeInDays": 1, "partitionCount": 4, "partitionIds": ["0", "1", "2", "3"],
            "path": hub.resource.name, "endpoint": format!("sb://{}.servicebus.windows.net/", hub.resource.name),
        } },
    })
}

fn tier(sku: &str) -> &'static str {
    match sku.bytes().next() {
        Some(b'F') => "Free",
        Some(b'B') => "Basic",
        _ => "Standard",
    }
}
