//! Who may see and do what: Azure roles, which are inherited from scope to scope.

use super::failure::Failure;
use super::target::Target;
use crate::sandbox::entra::tokens::Bearer;
use crate::sandbox::world::{Person, Resource, ServicePrincipal, Subscription, World};

/// The caller, with what the directory knows of the person or the application.
#[derive(Debug)]
pub struct Access<'a> {
    world: &'a World,
    bearer: &'a Bearer,
    person: Option<&'a Person>,
    principal: Option<&'a ServicePrincipal>,
}

impl<'a> Access<'a> {
    /// What `bearer` may do in `world`.
    #[must_use]
    pub fn new(world: &'a World, bearer: &'a Bearer) -> Self {
        let (person, principal) = (world.people.get(&bearer.oid), world.service_principals.get(&bearer.oid));
        Self { world, bearer, person, principal }
    }

    /// The person, if the directory has one.
    #[must_use]
    pub fn person(&self) -> Option<&'a Person> {
        self.person
    }

    /// Whether the caller has any role at `scope` or above it.
    #[must_use]
    pub fn may_read(&self, scope: &str) -> bool {
        self.roles().any(|(at, _)| covers(at, scope))
    }

    /// Whether the caller may list keys at `scope`: Owner and Contributor may, Reader may not.
    #[must_use]
    pub fn may_list_keys(&self, scope: &str) -> bool {
        self.roles().any(|(at, role)| covers(at, scope) && matches!(role, "Owner" | "Contributor"))
    }

    /// The subscriptions of the token's tenant in which the caller has a role anywhere.
    pub fn subscriptions(&self) -> impl Iterator<Item = &'a Subscription> {
        self.world
            .subscriptions
            .values()
            .filter(|subscription| subscription.tenant == self.bearer.tid && self.enters(subscription))
    }

    /// The subscription that `target` is under, if the caller may look into it.
    ///
    /// # Errors
    /// 400 no id at all, 404 unknown, 401 a token of another tenant, 403 no role anywhere in it.
    pub fn subscription(&self, target: &Target, id: &str) -> Result<&'a Subscription, Failure> {
        if uuid::Uuid::try_parse(id).is_err() {
            let message = format!("The provided subscription identifier '{id}' is malformed or invalid.");
            return Err(Failure::bad_request("InvalidSubscriptionId", message));
        }
        let found = self.world.subscriptions.values().find(|subscription| subscription.id.eq_ignore_ascii_case(id));
        let subscription = found.ok_or_else(|| {
            Failure::not_found("SubscriptionNotFound", format!("The subscription '{id}' could not be found."))
        })?;
        if subscription.tenant != self.bearer.tid {
            return Err(Failure::wrong_tenant(self.bearer, subscription));
        }
        if !self.enters(subscription) {
            let action = target.kind().map_or_else(
                || "Microsoft.Resources/subscriptions/read".to_owned(),
                |kind| format!("{}/read", kind.type_name()),
            );
            return Err(self.refuse(&action, &format!("/subscriptions/{}", subscription.id)));
        }
        Ok(subscription)
    }

    /// 403 for this caller.
    #[must_use]
    pub fn refuse(&self, action: &str, scope: &str) -> Failure {
        let person = self.person.map(|person| person.username.as_str());
        let client = person.or(self.principal.map(|principal| principal.app_id.as_str())).unwrap_or_default();
        Failure::not_authorized(self.bearer, client, action, scope)
    }

    fn enters(&self, subscription: &Subscription) -> bool {
        let scope = format!("/subscriptions/{}", subscription.id);
        self.roles().any(|(at, _)| covers(at, &scope) || covers(&scope, at))
    }

    fn roles(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let person = self.person.into_iter().flat_map(|person| &person.azure_roles);
        let principal = self.principal.into_iter().flat_map(|principal| &principal.azure_roles);
        person.chain(principal).map(|(at, role)| (at.as_str(), role.as_str()))
    }
}

/// Whether a role given at `at` reaches `scope`: the same or something below it.
fn covers(at: &str, scope: &str) -> bool {
    let (at, scope) = (at.trim_end_matches('/').to_ascii_lowercase(), scope.to_ascii_lowercase());
    scope.strip_prefix(&at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The id of a resource as its provider spells it.
#[must_use]
pub fn id_of(resource: &Resource, type_name: &str) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/{type_name}/{}",
        resource.subscription, resource.resource_group, resource.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reaches_what_is_below_and_nothing_beside() {
        assert!(covers("/subscriptions/1", "/Subscriptions/1/resourceGroups/rg"));
        assert!(covers("/", "/subscriptions/1"));
        assert!(!covers("/subscriptions/1", "/subscriptions/11"));
        assert!(!covers("/subscriptions/1/resourcegroups/rg", "/subscriptions/1"));
    }
}
