//! Entra tokens at the data planes of hubs and provisioning services: who calls, and what the person's data roles allow.
//!
//! Owner, Contributor and Reader have actions on the resource but none on its data, so they allow nothing here.

use axum::http::HeaderMap;

use super::entra::tokens::{Audience, BearerError, bearer_token, verify_bearer};
use super::state::Shared;
use super::world::{Resource, World};

/// Somebody with a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Object id.
    pub oid: String,
    roles: Vec<String>,
}

/// Why a token is refused; all of them are a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its time is over.
    Expired,
    /// Anything else: forged, for another resource, of another tenant.
    Invalid,
}

/// Whether the caller presents an Entra token rather than a shared access signature.
#[must_use]
pub fn is_bearer(headers: &HeaderMap) -> bool {
    bearer_token(headers).is_some()
}

/// Checks the token of a call to `resource`, whose ARM type is `type_name`.
///
/// # Errors
/// If it is not a current token for this audience from the tenant that the resource belongs to.
pub fn admit(
    shared: &Shared,
    headers: &HeaderMap,
    audience: Audience,
    resource: &Resource,
    type_name: &str,
) -> Result<Principal, Refusal> {
    let bearer = verify_bearer(shared, headers, audience).map_err(|error| match error {
        BearerError::Expired => Refusal::Expired,
        _ => Refusal::Invalid,
    })?;
    shared.look(|world| {
        let tenant = world.subscriptions.get(&resource.subscription).map(|subscription| subscription.tenant.as_str());
        if tenant != Some(&bearer.tid) {
            return Err(Refusal::Invalid);
        }
        let roles = roles_at(world, &bearer.oid, resource, type_name);
        Ok(Principal { oid: bearer.oid, roles })
    })
}

fn roles_at(world: &World, oid: &str, resource: &Resource, type_name: &str) -> Vec<String> {
    let Resource { subscription, resource_group, name, .. } = resource;
    let id = format!("/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{type_name}/{name}/");
    let id = id.to_ascii_lowercase();
    let reaches = |scope: &str| id.starts_with(&format!("{}/", scope.trim_end_matches('/').to_ascii_lowercase()));
    let person = world.people.get(oid).map(|person| person.azure_roles.as_slice());
    let application = world.service_principals.get(oid).map(|principal| principal.azure_roles.as_slice());
    person
        .or(application)
        .unwrap_or_default()
        .iter()
        .filter(|(scope, _)| reaches(scope))
        .map(|(_, role)| role.clone())
        .collect()
}

impl Principal {
    /// Whether one of the roles has the data action `action`, which is written without its provider and resource type
    /// (`devices/read`).
    #[must_use]
    pub fn may(&self, action: &str) -> bool {
        self.roles.iter().any(|role| match role.as_str() {
            "IoT Hub Data Contributor" | "Device Provisioning Service Data Contributor" => true,
            "IoT Hub Data Reader" | "Device Provisioning Service Data Reader" => action.ends_with("/read"),
            "IoT Hub Registry Contributor" => action.starts_with("devices/"),
            "IoT Hub Twin Contributor" => action.starts_with("twins/"),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(role: &str) -> Principal {
        Principal { oid: String::new(), roles: vec![role.to_owned()] }
    }

    #[test]
    fn each_role_allows_its_own_data_actions_and_owners_have_none() {
        assert!(with("IoT Hub Data Reader").may("twins/read") && !with("IoT Hub Data Reader").may("twins/write"));
        let registry = with("IoT Hub Registry Contributor");
        assert!(registry.may("devices/delete") && !registry.may("twins/read"));
        assert!(with("IoT Hub Twin Contributor").may("twins/write"));
        assert!(!with("Owner").may("devices/read") && !with("Contributor").may("devices/read"));
    }
}
