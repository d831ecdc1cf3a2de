//! Reads which keys the source's devices may present, and which of them the target's DPS knows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::Engine;
use crate::azure::central::{Central, CentralAttestation, CentralEnrollmentGroup, GroupKind};
use crate::azure::dps::{Attestation, AttestationKind, Dps, DpsGroup};
use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::{Arm, ArmPolicyKeys};
use crate::ids::{EnrollmentGroupId, HubHost, PersonId, Subdomain};
use crate::migration::coverage::{Coverage, KeyPair, SourceGroup, TargetGroup};
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
        let arm = self.inner.azure.arm(tokens);
        let dps = self
            .inner
            .azure
            .dps(&plan.target.dps_host, Arc::new(ArmPolicyKeys::dps(arm.clone(), plan.target.dps_id.clone())))?;
        read(&central, &arm, &dps, plan).await
    }
}

/// Reads both sides and holds them against each other.
pub(super) async fn read(central: &Central, arm: &Arm, dps: &Dps, plan: &Plan) -> Result<KeysView, AzureError> {
    let (mut source, target) = tokio::try_join!(central.enrollment_groups(), target_groups(arm, dps, plan))?;
    // A list that changes while it is read can show a group on two pages.
    let mut seen = HashSet::new();
    source.retain(|group| seen.insert(group.id.clone()));
    let groups = source.iter().filter_map(group_keys).collect();
    let source: Vec<SourceGroup> = source.iter().map(source_group).collect();
    let subdomain = plan.source.subdomain.clone();
    let coverage =
        Coverage::of(&source, &target, &plan.target.hub_host, |id| planned_id(&subdomain, id, &plan.target.hub_host));
    Ok(KeysView { coverage, groups })
}

/// The id of the group that is made for a source group: the same at every try, and another for another hub, so that a
/// repeat finds its own work.
fn planned_id(subdomain: &Subdomain, group: &EnrollmentGroupId, hub: &HubHost) -> EnrollmentGroupId {
    let full = format!("{subdomain}/{group}/{hub}").to_ascii_lowercase();
    let mark: String =
        digest(&SHA256, full.as_bytes()).as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut name: String = format!("iotc-{subdomain}-{group}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':') { c } else { '-' })
        .collect();
    name.truncate(128 - 1 - mark.len());
    EnrollmentGroupId::new(format!("{name}-{mark}"))
}

async fn target_groups(arm: &Arm, dps: &Dps, plan: &Plan) -> Result<Vec<TargetGroup>, AzureError> {
    let (resource, mut groups) = tokio::try_join!(arm.get_dps(&plan.target.dps_id), dps.enrollment_groups())?;
    let mut seen = HashSet::new();
    groups.retain(|group| seen.insert(group.id.as_str().to_ascii_lowercase()));
    let linked: Vec<HubHost> = resource.linked_hubs.iter().map(|hub| hub.host.clone()).collect();
    let mut target = Vec::with_capacity(groups.len());
    for group in groups {
        let keys = match group.attestation_kind == AttestationKind::Symmetric {
            true => match dps.group_keys(&group.id).await {
                Ok(Attestation::Symmetric { primary, secondary }) => key_pair(&primary, &secondary),
                Ok(Attestation::Other(_)) => None,
                // It was deleted since the list was made.
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => continue,
                Err(error) => return Err(error),
            },
            false => None,
        };
        target.push(target_group(&group, keys, &linked));
    }
    Ok(target)
}

fn target_group(group: &DpsGroup, keys: Option<KeyPair>, linked: &[HubHost]) -> TargetGroup {
    let leads_to = if group.hubs.is_empty() { linked.to_vec() } else { group.hubs.clone() };
    TargetGroup { id: group.id.clone(), enabled: group.enabled, edge: group.edge, keys, leads_to }
}

fn source_group(group: &CentralEnrollmentGroup) -> SourceGroup {
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

/// The digests of two keys; `None` if they are not base64.
pub(super) fn key_pair(primary: &SecretString, secondary: &SecretString) -> Option<KeyPair> {
    Some(KeyPair::from_digests(key_digest(primary)?, key_digest(secondary)?))
}

fn key_digest(key: &SecretString) -> Option<[u8; 32]> {
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(key.expose_secret().trim()).ok()?);
    digest(&SHA256, &bytes).as_ref().try_into().ok()
}

/// The keys that a device derives from each of these groups.
pub(super) fn derived(
    groups: &[GroupKeys],
    device: &crate::ids::DeviceId,
) -> HashMap<EnrollmentGroupId, (SecretString, SecretString)> {
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
    fn a_planned_id_is_legal_stable_and_tells_hubs_apart() {
        let id = |hub: &str| planned_id(&"contoso-fleet".into(), &"SAS IoT Devices é".into(), &hub.into());
        assert_eq!(id("a.azure-devices.net"), id("A.azure-devices.net"));
        assert_ne!(id("a.azure-devices.net"), id("b.azure-devices.net"));
        let long = planned_id(&"x".repeat(90).as_str().into(), &"y".repeat(90).as_str().into(), &"h".into());
        assert!(long.as_str().len() <= 128);
        assert!(id("a").as_str().chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c)));
    }

    #[test]
    fn keys_are_compared_by_what_they_decode_to() {
        let key = |text: &str| SecretString::from(text);
        let one = key_pair(&key("AAECAw=="), &key("BAUGBw=="));
        assert_eq!(one, key_pair(&key(" AAECAw=="), &key("BAUGBw==")));
        assert_eq!(key_pair(&key("not base64!"), &key("BAUGBw==")), None);
    }
}
