//! The enrollment groups of a DPS: which keys they have, where they lead, and how a new one is made.

use std::collections::HashSet;

use super::AtHub;
use crate::azure::dps::{Attestation, AttestationKind, DpsGroup, NewEnrollmentGroup, NewX509Group, TrustedBy};
use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::x509::{CertificateDer, Slots};
use crate::engine::certificates::{Supplied, trusted_by};
use crate::engine::keys::{NewGroup, key_pair, made_id};
use crate::ids::{EnrollmentGroupId, HubHost};
use crate::migration::coverage::{KeyPair, TargetGroup, Thumbprint};

/// Makes a group with this attestation that leads to the hub: always true. One that is there is a conflict.
pub(in crate::engine) async fn create(
    at: &AtHub,
    id: &EnrollmentGroupId,
    new: &NewGroup<'_>,
) -> Result<bool, AzureError> {
    let (id, hub) = (id.clone(), at.target.hub_host.clone());
    let made = match new {
        NewGroup::Keys(keys) => {
            let (primary, secondary) = (keys.primary.clone(), keys.secondary.clone());
            let new = NewEnrollmentGroup { id, primary, secondary, hub, initial_tags: None };
            at.dps.create_enrollment_group(&new).await
        }
        NewGroup::Certificates { primary, secondary, .. } => {
            let certificate = |supplied: &Supplied| CertificateDer::new(supplied.der.clone());
            let trust = Slots { primary: Some(certificate(primary)), secondary: secondary.map(certificate) };
            let new = NewX509Group { id, trust: TrustedBy::SigningCertificates(trust), hub, initial_tags: None };
            at.dps.create_x509_group(&new).await
        }
    };
    made.map(|_| true)
}

/// The id of the group that is made for a source group: another for another hub.
pub(in crate::engine) fn planned_id(from: &str, group: &EnrollmentGroupId, hub: &HubHost) -> EnrollmentGroupId {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    made_id(&format!("iotc-{from}-{group}"), &format!("{from}/{group}/{hub}"), allowed)
}

/// The groups of the DPS, with digests of their keys.
pub(in crate::engine) async fn groups(at: &AtHub) -> Result<Vec<TargetGroup>, AzureError> {
    let (resource, mut groups) = tokio::try_join!(at.arm.get_dps(&at.target.dps_id), at.dps.enrollment_groups())?;
    let mut seen = HashSet::new();
    groups.retain(|group| seen.insert(group.id.as_str().to_ascii_lowercase()));
    let linked: Vec<HubHost> = resource.linked_hubs.iter().map(|hub| hub.host.clone()).collect();
    let mut target = Vec::with_capacity(groups.len());
    for group in groups {
        let keys = match group.attestation_kind == AttestationKind::Symmetric {
            true => match at.dps.group_keys(&group.id).await {
                Ok(Attestation::Symmetric { primary, secondary }) => key_pair(&primary, &secondary),
                Ok(Attestation::Other(_)) => None,
                // It was deleted since the list was made.
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => continue,
                Err(error) => return Err(error),
            },
            false => None,
        };
        let trusted = trusted_by(&at.arm, &at.target.dps_id, &group).await?;
        let certificates = trusted.into_iter().map(|(thumbprint, _)| thumbprint).collect();
        target.push(target_group(&group, keys, certificates, &linked));
    }
    Ok(target)
}

fn target_group(
    group: &DpsGroup,
    keys: Option<KeyPair>,
    certificates: Vec<Thumbprint>,
    linked: &[HubHost],
) -> TargetGroup {
    let leads_to = if group.hubs.is_empty() { linked.to_vec() } else { group.hubs.clone() };
    TargetGroup {
        id: group.id.clone(),
        enabled: group.enabled,
        edge: group.edge,
        keys,
        certificates,
        unverified: Vec::new(),
        leads_to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_id_is_legal_stable_and_tells_hubs_apart() {
        let id = |hub: &str| planned_id("contoso-fleet", &"SAS IoT Devices é".into(), &hub.into());
        assert_eq!(id("a.azure-devices.net"), id("A.azure-devices.net"));
        assert_ne!(id("a.azure-devices.net"), id("b.azure-devices.net"));
        let long = planned_id(&"x".repeat(90), &"y".repeat(90).as_str().into(), &"h".into());
        assert!(long.as_str().len() <= 128);
        assert!(id("a").as_str().chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c)));
    }
}
