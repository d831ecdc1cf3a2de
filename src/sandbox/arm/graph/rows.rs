//! The rows of Resource Graph's tables, as far as the caller may read them.

use serde_json::{Value, json};

use super::failure::GraphFailure;
use crate::sandbox::arm::access::Access;
use crate::sandbox::arm::containers;
use crate::sandbox::arm::kql::Table;
use crate::sandbox::arm::resources::{self, Found};
use crate::sandbox::world::{Subscription, World};

/// The subscriptions that a query is about: those asked for, or all that the caller has a role in.
///
/// # Errors
/// 400 if one of them is no GUID, or if the caller has a role in none of them.
pub fn visible<'a>(access: &Access<'a>, asked: &[String]) -> Result<Vec<&'a Subscription>, GraphFailure> {
    let malformed: Vec<&str> =
        asked.iter().map(String::as_str).filter(|id| uuid::Uuid::try_parse(id).is_err()).collect();
    if !malformed.is_empty() {
        let message = format!("The given subscriptions contain invalid GUIDs: {}.", malformed.join(", "));
        return Err(GraphFailure::bad_request("SubscriptionsContainInvalidGuids", message));
    }
    let wanted = |id: &str| asked.is_empty() || asked.iter().any(|one| one.eq_ignore_ascii_case(id));
    let visible: Vec<_> = access.subscriptions().filter(|one| wanted(&one.id)).collect();
    if visible.is_empty() && !asked.is_empty() {
        let message = "There must be at least one subscription that is eligible to contain resources. Given: ";
        let message = format!("{message}'{}'.", asked.join("', '"));
        return Err(GraphFailure::bad_request("NoValidSubscriptionsInQueryRequest", message));
    }
    Ok(visible)
}

/// All rows of `table` within these subscriptions.
pub fn of(
    table: Table,
    world: &World,
    access: &Access<'_>,
    subscriptions: &[&Subscription],
    linked_hubs: bool,
) -> Vec<Value> {
    match table {
        Table::Resources => resources::all(world)
            .filter_map(|found| {
                let subscription = subscriptions.iter().find(|one| one.id == found.resource().subscription)?;
                access.may_read(&found.id()).then(|| resource(found, &found.body(world, linked_hubs), subscription))
            })
            .collect(),
        Table::ResourceContainers => subscriptions
            .iter()
            .flat_map(|one| {
                let groups = containers::groups(world, access, &one.id);
                std::iter::once(subscription(one)).chain(groups.into_iter().map(|group| self::group(&group, one)))
            })
            .collect(),
    }
}

/// A row of the `resources` table: types in lower case, ids in whatever case Azure happens to have.
fn resource(found: Found<'_>, body: &Value, subscription: &Subscription) -> Value {
    let resource = found.resource();
    let id = found.id();
    let id =
        if resource.name.len().is_multiple_of(2) { id.replace("/resourceGroups/", "/resourcegroups/") } else { id };
    json!({
        "id": id, "name": resource.name, "type": found.kind().type_name().to_ascii_lowercase(),
        "tenantId": subscription.tenant, "kind": "", "location": resource.location,
        "resourceGroup": resource.resource_group.to_ascii_lowercase(), "subscriptionId": resource.subscription,
        "managedBy": "", "sku": body["sku"], "plan": null, "properties": body["properties"],
        "tags": null, "identity": body["identity"], "zones": null, "extendedLocation": null,
    })
}

fn subscription(one: &Subscription) -> Value {
    let shown = containers::subscription(one);
    json!({
        "id": shown["id"], "name": one.display_name, "type": "microsoft.resources/subscriptions",
        "tenantId": one.tenant, "kind": "", "location": "", "resourceGroup": "", "subscriptionId": one.id,
        "managedBy": "", "sku": null, "plan": null, "tags": null, "identity": null, "zones": null,
        "extendedLocation": null,
        "properties": {
            "state": one.state, "subscriptionPolicies": shown["subscriptionPolicies"], "managedByTenants": [],
        },
    })
}

fn group(shown: &Value, subscription: &Subscription) -> Value {
    let name = shown["name"].as_str().unwrap_or_default();
    json!({
        "id": shown["id"], "name": name, "type": "microsoft.resources/subscriptions/resourcegroups",
        "tenantId": subscription.tenant, "kind": "", "location": shown["location"],
        "resourceGroup": name.to_ascii_lowercase(), "subscriptionId": subscription.id, "managedBy": "",
        "sku": null, "plan": null, "tags": null, "identity": null, "zones": null, "extendedLocation": null,
        "properties": shown["properties"],
    })
}
