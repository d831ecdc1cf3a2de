//! What holds resources: tenants, subscriptions and resource groups; and the lists that tools read before they start.

use serde_json::{Value, json};

use super::access::Access;
use super::failure::Failure;
use super::resources;
use super::target::Kind;
use super::versions;
use crate::sandbox::entra::tokens::Bearer;
use crate::sandbox::world::{Subscription, World};

/// Where the resource types are offered.
const REGIONS: [(&str, &str, &str); 6] = [
    ("eastus", "East US", "US"),
    ("westus2", "West US 2", "US"),
    ("northeurope", "North Europe", "Europe"),
    ("westeurope", "West Europe", "Europe"),
    ("germanywestcentral", "Germany West Central", "Europe"),
    ("southeastasia", "Southeast Asia", "Asia Pacific"),
];

/// The tenants that the caller belongs to, whichever issued the token.
pub fn tenants(world: &World, access: &Access<'_>, bearer: &Bearer) -> Vec<Value> {
    let belongs = |id: &str| {
        id == bearer.tid || access.person().is_some_and(|person| person.tid == id || person.member_of.contains(id))
    };
    world
        .tenants
        .values()
        .filter(|tenant| belongs(&tenant.id))
        .map(|tenant| {
            json!({
                "id": format!("/tenants/{}", tenant.id), "tenantId": tenant.id, "countryCode": "DE",
                "displayName": tenant.display_name, "defaultDomain": tenant.default_domain,
                "domains": [tenant.default_domain], "tenantCategory": if tenant.id == bearer.tid { "Home" } else { "ProjectedBy" },
            })
        })
        .collect()
}

/// A subscription.
pub fn subscription(subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id), "subscriptionId": subscription.id,
        "tenantId": subscription.tenant, "displayName": subscription.display_name, "state": subscription.state,
        "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionPolicies": {
            "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off", "locationPlacementId": "Public_2014-09-01",
        },
    })
}

/// The resource groups of a subscription in which the caller may read anything. They exist through what is in them.
pub fn groups(world: &World, access: &Access<'_>, subscription: &str) -> Vec<Value> {
    let mut names: Vec<(&str, &str)> = resources::all(world)
        .filter(|found| {
            found.resource().subscription.eq_ignore_ascii_case(subscription) && access.may_read(&found.id())
        })
        .map(|found| (found.resource().resource_group.as_str(), found.resource().location.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup_by(|a, b| a.0.eq_ignore_ascii_case(b.0));
    names.into_iter().map(|(name, location)| group_body(subscription, name, location)).collect()
}

/// One resource group.
///
/// # Errors
/// 403 without a role at the group or above it, 404 if the subscription has no such group.
pub fn group(world: &World, access: &Access<'_>, subscription: &str, name: &str) -> Result<Value, Failure> {
    let scope = format!("/subscriptions/{subscription}/resourceGroups/{name}");
    if !access.may_read(&scope) {
        return Err(access.refuse("Microsoft.Resources/subscriptions/resourceGroups/read", &scope));
    }
    let found = members(world, subscription, name).next().ok_or_else(|| no_group(name))?;
    let resource = found.resource();
    Ok(group_body(&resource.subscription, &resource.resource_group, &resource.location))
}

/// 404 unless the subscription has the group.
///
/// # Errors
/// `ResourceGroupNotFound`.
pub fn check_group(world: &World, subscription: &str, name: &str) -> Result<(), Failure> {
    members(world, subscription, name).next().map(|_| ()).ok_or_else(|| no_group(name))
}

fn members<'a>(world: &'a World, subscription: &str, group: &str) -> impl Iterator<Item = resources::Found<'a>> {
    resources::all(world).filter(move |found| {
        found.resource().subscription.eq_ignore_ascii_case(subscription)
            && found.resource().resource_group.eq_ignore_ascii_case(group)
    })
}

fn no_group(name: &str) -> Failure {
    Failure::not_found("ResourceGroupNotFound", format!("Resource group '{name}' could not be found."))
}

fn group_body(subscription: &str, name: &str, location: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
        "type": "Microsoft.Resources/resourceGroups", "location": location,
        "properties": { "provisioningState": "Succeeded" },
    })
}

/// The regions that a subscription may use.
pub fn locations(subscription: &str) -> Vec<Value> {
    let region = |(name, display, geography): (&str, &str, &str)| {
        json!({
            "id": format!("/subscriptions/{subscription}/locations/{name}"), "name": name, "type": "Region",
            "displayName": display, "regionalDisplayName": format!("({geography}) {display}"),
            "metadata": { "regionType": "Physical", "regionCategory": "Recommended", "geographyGroup": geography },
        })
    };
    REGIONS.into_iter().map(region).collect()
}

/// The resource providers, all registered.
pub fn providers(subscription: &str) -> Vec<Value> {
    ["Microsoft.Devices", "Microsoft.IoTCentral"].into_iter().map(|name| provider(subscription, name)).collect()
}

/// One resource provider; one that the sandbox does not simulate is there and not registered.
pub fn provider(subscription: &str, asked: &str) -> Value {
    let own = |kind: &Kind| kind.type_name().split_once('/').filter(|(name, _)| name.eq_ignore_ascii_case(asked));
    let types: Vec<Value> = Kind::ALL
        .iter()
        .filter_map(|kind| {
            let (_, name) = own(kind)?;
            let regions: Vec<&str> = REGIONS.iter().map(|(_, display, _)| *display).collect();
            let versions: Vec<&str> = versions::of(*kind).iter().rev().copied().collect();
            Some(json!({
                "resourceType": name, "locations": regions, "apiVersions": versions,
                "capabilities": "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SupportsTags, SupportsLocation",
            }))
        })
        .collect();
    let name = Kind::ALL.iter().find_map(own).map_or(asked, |(name, _)| name);
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{name}"), "namespace": name,
        "registrationPolicy": "RegistrationRequired", "resourceTypes": types,
        "registrationState": if types.is_empty() { "NotRegistered" } else { "Registered" },
    })
}
