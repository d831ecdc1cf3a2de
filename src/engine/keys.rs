//! Reads which keys the source's devices may present, and which of them the target knows.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::Engine;
use super::target::{self, At};
use crate::azure::central::{Central, CentralAttestation, CentralEnrollmentGroup, GroupKind};
use crate::azure::error::AzureError;
use crate::ids::{DeviceId, EnrollmentGroupId, PersonId};
use crate::migration::coverage::{Coverage, KeyPair, SourceGroup};
use crate::migration::model::{Migration, Plan};

/// The keys of a source group, to be shown to a person who adds them by hand.
#[derive(Debug, Clone)]
pub struct GroupKeys {
    /// The group.
    pub id: EnrollmentGroupId,
    /// Its display name.
    pub name: String,
    /// Primary key, base64.
    pub primary: SecretString,
    /// Secondary key, base64.
    pub secondary: SecretString,
}

/// How the source's keys stand at the target, with the keys themselves.
#[derive(Debug, Clone)]
pub struct KeysView {
    /// One entry an enabled `iot` group.
    pub coverage: Coverage,
    /// Keys of the enabled symmetric `iot` groups.
    pub groups: Vec<GroupKeys>,
}

impl Engine {
    /// Reads how the keys stand, with `person`'s rights.
    ///
    /// # Errors
    /// Whatever Azure answers; a missing right is named in the hint.
    pub async fn keys(&self, migration: &Migration, person: &PersonId) -> Result<KeysView, AzureError> {
        let tokens = self.inner.people.tokens(person);
        let plan = &migration.plan;
        let central = self.inner.azure.central(tokens.clone(), &plan.source.subdomain)?;
        let at = At::new(&self.inner, &plan.target, &tokens)?;
        read(&central, &at, plan).await
    }
}

/// Reads both sides and holds them against each other.
pub(super) async fn read(central: &Central, at: &At, plan: &Plan) -> Result<KeysView, AzureError> {
    let target = async {
        match at {
            At::Hub(at) => target::hub::keys::groups(at).await,
            At::App(at) => target::app::keys::groups(at).await,
        }
    };
    let (mut source, target) = tokio::try_join!(central.enrollment_groups(), target)?;
    // A list that changes while it is read can show a group on two pages.
    let mut seen = HashSet::new();
    source.retain(|group| seen.insert(group.id.clone()));
    let groups = source.iter().filter_map(group_keys).collect();
    let source: Vec<SourceGroup> = source.iter().map(source_group).collect();
    let from = &plan.source.subdomain;
    let coverage = match at {
        At::Hub(at) => {
            let hub = &at.target.hub_host;
            Coverage::of(&source, &target, Some(hub), |id| target::hub::keys::planned_id(from, id, hub))
        }
        At::App(_) => Coverage::of(&source, &target, None, |id| target::app::keys::planned_id(from, id)),
    };
    Ok(KeysView { coverage, groups })
}

pub(in crate::engine) fn source_group(group: &CentralEnrollmentGroup) -> SourceGroup {
    let keys = match &group.attestation {
        CentralAttestation::Symmetric { primary, secondary } => key_pair(primary, secondary),
        _ => None,
    };
    SourceGroup {
        id: group.id.clone(),
        name: group.display_name.clone(),
        enabled: group.enabled,
        edge: matches!(group.kind, GroupKind::IotEdge),
        keys,
    }
}

fn group_keys(group: &CentralEnrollmentGroup) -> Option<GroupKeys> {
    match &group.attestation {
        CentralAttestation::Symmetric { primary, secondary }
            if group.enabled && !matches!(group.kind, GroupKind::IotEdge) =>
        {
            Some(GroupKeys {
                id: group.id.clone(),
                name: group.display_name.clone(),
                primary: primary.clone(),
                secondary: secondary.clone(),
            })
        }
        _ => None,
    }
}

/// The longest id of a group that is made: a DPS allows 128 characters, an application 255.
const LONGEST: usize = 128;

/// The id of a group that is made: `name`, as far as the target allows its characters, and a mark of all that tells the group
/// from others, so that it is the same at every try and a repeat finds its own work.
pub(in crate::engine) fn made_id(name: &str, all: &str, is_allowed: fn(char) -> bool) -> EnrollmentGroupId {
    let hash = digest(&SHA256, all.to_ascii_lowercase().as_bytes());
    let mark: String = hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut name: String = name.chars().map(|c| if is_allowed(c) { c } else { '-' }).collect();
    name.truncate(LONGEST - 1 - mark.len());
    EnrollmentGroupId::new(format!("{name}-{mark}"))
}

/// Whether a device derives these keys from one of the groups.
pub(in crate::engine) fn is_derived(groups: &[GroupKeys], device: &DeviceId, keys: &KeyPair) -> bool {
    derived(groups, device).values().any(|(one, two)| key_pair(one, two).as_ref() == Some(keys))
}

/// The digests of two keys; `None` if they are not base64.
pub(in crate::engine) fn key_pair(primary: &SecretString, secondary: &SecretString) -> Option<KeyPair> {
    Some(KeyPair::from_digests(key_digest(primary)?, key_digest(secondary)?))
}

fn key_digest(key: &SecretString) -> Option<[u8; 32]> {
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(key.expose_secret().trim()).ok()?);
    digest(&SHA256, &bytes).as_ref().try_into().ok()
}

/// The keys that a device derives from each of these groups.
fn derived(groups: &[GroupKeys], device: &DeviceId) -> HashMap<EnrollmentGroupId, (SecretString, SecretString)> {
    groups
        .iter()
        .filter_map(|group| {
            let primary = crate::azure::sas::derive_device_key(&group.primary, device.as_str()).ok()?;
            let secondary = crate::azure::sas::derive_device_key(&group.secondary, device.as_str()).ok()?;
            Some((group.id.clone(), (primary, secondary)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_by_what_they_decode_to() {
        let key = |text: &str| SecretString::from(text);
        let one = key_pair(&key("AAECAw=="), &key("BAUGBw=="));
        assert_eq!(one, key_pair(&key(" AAECAw=="), &key("BAUGBw==")));
        assert_eq!(key_pair(&key("not base64!"), &key("BAUGBw==")), None);
    }
}
