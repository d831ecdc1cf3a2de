//! The keys of shared access policies.

use serde_json::{Value, json};

use super::access::{Access, id_of};
use super::failure::Failure;
use super::find;
use super::target::{Address, Kind};
use crate::sandbox::world::{Policy, World};

/// All policies of a hub or DPS with their keys, or the one named.
///
/// # Errors
/// 403 without the right to list keys, 404 for what is not there.
pub fn list(world: &World, access: &Access<'_>, address: &Address, name: Option<&str>) -> Result<Value, Failure> {
    let action = match (address.kind, name) {
        (Kind::Hub, Some(_)) => "iotHubKeys/listkeys/action",
        (_, Some(_)) => "keys/listkeys/action",
        (_, None) => "listkeys/action",
    };
    let found = find(world, access, address, action)?;
    let type_name = address.kind.type_name();
    let scope = id_of(found.resource(), type_name);
    if !access.may_list_keys(&scope) {
        return Err(access.refuse(&format!("{type_name}/{action}"), &scope));
    }
    match name {
        None => Ok(json!({ "value": found.policies().iter().map(key).collect::<Vec<_>>() })),
        Some(name) => found
            .policies()
            .iter()
            .find(|policy| policy.name.eq_ignore_ascii_case(name))
            .map(key)
            .ok_or_else(|| Failure::no_such_key(name)),
    }
}

fn key(policy: &Policy) -> Value {
    json!({
        "keyName": policy.name, "primaryKey": policy.primary, "secondaryKey": policy.secondary, "rights": policy.rights,
    })
}
