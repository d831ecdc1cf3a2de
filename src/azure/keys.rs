//! Shared access policies of hubs and DPS instances: which one to sign with, and fetching them through ARM.
//!
//! Promise: the policy with the fewest rights that suffice is used; keys stay in memory; a refused key is re-listed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use crate::azure::arm::Arm;
use crate::azure::error::{AzureError, ErrorKind, Result, Service};
use crate::ids::ArmId;

/// A right of a shared access policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Hub: read identities.
    RegistryRead,
    /// Hub: create, change and delete identities. Includes reading.
    RegistryWrite,
    /// Hub: queries, twins, direct methods.
    ServiceConnect,
    /// Hub and DPS: act as a device.
    DeviceConnect,
    /// DPS: change its configuration.
    ServiceConfig,
    /// DPS: read enrollments.
    EnrollmentRead,
    /// DPS: create, change and delete enrollments.
    EnrollmentWrite,
    /// DPS: read registration records.
    RegistrationStatusRead,
    /// DPS: delete registration records.
    RegistrationStatusWrite,
    /// A right this program does not know.
    Other(String),
}

impl Right {
    /// Reads ARM's `rights` text: comma-separated, in any order and case, spaces optional.
    #[must_use]
    pub fn parse_set(text: &str) -> BTreeSet<Self> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Self::parse).collect()
    }

    fn parse(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "registryread" => Self::RegistryRead,
            "registrywrite" => Self::RegistryWrite,
            "serviceconnect" => Self::ServiceConnect,
            "deviceconnect" => Self::DeviceConnect,
            "serviceconfig" => Self::ServiceConfig,
            "enrollmentread" => Self::EnrollmentRead,
            "enrollmentwrite" => Self::EnrollmentWrite,
            "registrationstatusread" => Self::RegistrationStatusRead,
            "registrationstatuswrite" => Self::RegistrationStatusWrite,
            _ => Self::Other(name.to_owned()),
        }
    }
}

/// A shared access policy with its keys.
#[derive(Debug, Clone)]
pub struct SharedKey {
    /// The policy's name.
    pub name: String,
    /// Its primary key, base64.
    pub primary: SecretString,
    /// Its secondary key, base64.
    pub secondary: SecretString,
    /// What it allows.
    pub rights: BTreeSet<Right>,
}

impl SharedKey {
    /// True if the policy certainly allows `need`.
    #[must_use]
    pub fn allows(&self, need: &[Right]) -> bool {
        need.iter().all(|right| {
            self.rights.contains(right)
                || (*right == Right::RegistryRead && self.rights.contains(&Right::RegistryWrite))
        })
    }

    /// The owner's policy of a DPS: the exact text of its rights is not documented, but it has these two.
    fn owns_dps(&self) -> bool {
        self.rights.contains(&Right::ServiceConfig) && self.rights.contains(&Right::EnrollmentWrite)
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.name == other.name && self.primary.expose_secret() == other.primary.expose_secret()
    }
}

/// Gives the key to sign with.
#[async_trait]
pub trait PolicyKeys: Send + Sync + std::fmt::Debug {
    /// A policy that allows `need`. With `refused`, that key was not accepted: another, or the same policy's new key, is
    /// looked for; if there is none, the refused one comes back.
    ///
    /// # Errors
    /// The keys cannot be listed, or no policy suffices.
    async fn key(&self, need: &[Right], refused: Option<&SharedKey>) -> Result<SharedKey>;
}

/// Lists keys through ARM, with the rights of the person whose tokens `arm` uses, and keeps them in memory.
#[derive(Debug)]
pub struct ArmPolicyKeys {
    arm: Arm,
    owner: Owner,
    listed: Mutex<Option<Arc<[SharedKey]>>>,
}

#[derive(Debug)]
enum Owner {
    Dps(ArmId),
    Hub(ArmId),
}

impl ArmPolicyKeys {
    /// The keys of a DPS.
    #[must_use]
    pub fn dps(arm: Arm, id: ArmId) -> Self {
        Self { arm, owner: Owner::Dps(id), listed: Mutex::new(None) }
    }

    /// The keys of a hub.
    #[must_use]
    pub fn hub(arm: Arm, id: ArmId) -> Self {
        Self { arm, owner: Owner::Hub(id), listed: Mutex::new(None) }
    }

    async fn list(&self) -> Result<Arc<[SharedKey]>> {
        let keys: Arc<[SharedKey]> = match &self.owner {
            Owner::Dps(id) => self.arm.list_dps_keys(id).await?.into(),
            Owner::Hub(id) => self.arm.list_hub_keys(id).await?.into(),
        };
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
        Ok(keys)
    }

    /// What was listed before, unless it still says what was refused.
    fn remembered(&self, refused: Option<&SharedKey>) -> Option<Arc<[SharedKey]>> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let stale = refused.is_some_and(|refused| listed.iter().any(|key| key.is_same_as(refused)));
        (!stale).then_some(listed)
    }

    fn none_suffices(&self, need: &[Right]) -> AzureError {
        let (service, id) = match &self.owner {
            Owner::Dps(id) => (Service::Dps, id),
            Owner::Hub(id) => (Service::Hub, id),
        };
        let rights = need.iter().map(|right| format!("{right:?}")).collect::<Vec<_>>().join(" and ");
        let message = format!("no shared access policy has the rights {rights}");
        AzureError::local(service, "choose a shared access policy", id.as_str(), ErrorKind::Forbidden, message)
            .with_hint(format!("Add a shared access policy with {rights} to the resource in the portal."))
    }
}

#[async_trait]
impl PolicyKeys for ArmPolicyKeys {
    async fn key(&self, need: &[Right], refused: Option<&SharedKey>) -> Result<SharedKey> {
        let keys = match self.remembered(refused) {
            Some(keys) => keys,
            None => self.list().await?,
        };
        choose(&keys, need, refused).ok_or_else(|| self.none_suffices(need))
    }
}

/// The policy with the fewest rights that suffices, other than the refused one if there is another.
fn choose(keys: &[SharedKey], need: &[Right], refused: Option<&SharedKey>) -> Option<SharedKey> {
    let mut enough: Vec<&SharedKey> = keys.iter().filter(|key| key.allows(need)).collect();
    if enough.is_empty() {
        enough = keys.iter().filter(|key| key.owns_dps()).collect();
    }
    enough.sort_by_key(|key| (key.rights.len(), key.name.clone()));
    let first = enough.first().copied();
    let chosen = refused.map_or(first, |refused| {
        let other = enough.iter().find(|key| !key.is_same_as(refused) && outranks(key, refused));
        let same = enough.iter().find(|key| key.is_same_as(refused));
        other.or(same).copied().or(first)
    });
    chosen.cloned()
}

/// After a refusal: the same policy with a new key, or one with more rights. Never one with fewer.
fn outranks(key: &SharedKey, refused: &SharedKey) -> bool {
    key.name == refused.name || key.rights.len() > refused.rights.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, rights: &str, key: &str) -> SharedKey {
        SharedKey {
            name: name.to_owned(),
            primary: SecretString::from(key),
            secondary: SecretString::from("s"),
            rights: Right::parse_set(rights),
        }
    }

    fn hub() -> Vec<SharedKey> {
        vec![
            policy("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect", "a"),
            policy("service", "ServiceConnect", "b"),
            policy("registryReadWrite", "registrywrite", "c"),
        ]
    }

    #[test]
    fn the_policy_with_the_fewest_sufficient_rights_is_used() {
        let name = |need: &[Right]| choose(&hub(), need, None).unwrap().name;
        assert_eq!(name(&[Right::ServiceConnect]), "service");
        assert_eq!(name(&[Right::RegistryRead]), "registryReadWrite");
        assert_eq!(name(&[Right::RegistryWrite, Right::ServiceConnect]), "iothubowner");
        assert!(choose(&hub(), &[Right::ServiceConfig], None).is_none());
    }

    #[test]
    fn the_owner_of_a_dps_suffices_whatever_else_its_rights_say() {
        let keys = [policy("x", "EnrollmentRead", "a"), policy("owner", "ServiceConfig,EnrollmentWrite,New", "b")];
        assert_eq!(choose(&keys, &[Right::RegistrationStatusRead], None).unwrap().name, "owner");
    }

    #[test]
    fn a_refused_key_leads_to_its_successor_or_to_a_stronger_policy() {
        let refused = policy("service", "ServiceConnect", "old");
        assert_eq!(choose(&hub(), &[Right::ServiceConnect], Some(&refused)).unwrap().name, "service");
        let unchanged = policy("service", "ServiceConnect", "b");
        assert_eq!(choose(&hub(), &[Right::ServiceConnect], Some(&unchanged)).unwrap().name, "iothubowner");
        let owner = policy("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect", "a");
        assert!(choose(&hub(), &[Right::RegistryWrite], Some(&owner)).unwrap().is_same_as(&owner));
    }
}
