//! The enrollment groups of an application that devices come from.

use std::collections::HashSet;

use super::FromApp;
use crate::azure::central::{CentralAttestation, CentralEnrollmentGroup, GroupKind};
use crate::azure::error::AzureError;
use crate::engine::certificates;
use crate::engine::keys::{FoundGroup, GroupKeys, key_pair};
use crate::migration::coverage::{SourceGroup, Thumbprint};

/// All of them: which one a device uses cannot be known.
pub(in crate::engine) async fn groups(at: &FromApp) -> Result<Vec<FoundGroup>, AzureError> {
    let mut groups = at.central.enrollment_groups().await?;
    // A list that changes while it is read can show a group on two pages.
    let mut seen = HashSet::new();
    groups.retain(|group| seen.insert(group.id.clone()));
    let found = |group: &CentralEnrollmentGroup| {
        let mut source = as_source(group);
        let of_it = at.given.certificates.iter().filter(|one| one.group == source.id);
        source.supplied = of_it.map(|one| one.thumbprint.clone()).collect();
        let certificates = certificates::all_of(&at.given, &source.id, &source.certificates).unwrap_or_default();
        FoundGroup { group: source, keys: keys(group), certificates }
    };
    Ok(groups.iter().map(found).collect())
}

/// A group with digests of its keys, or the thumbprints of its certificates.
pub(in crate::engine) fn as_source(group: &CentralEnrollmentGroup) -> SourceGroup {
    let keys = match &group.attestation {
        CentralAttestation::Symmetric { primary, secondary } => key_pair(primary, secondary),
        _ => None,
    };
    let certificates = match &group.attestation {
        CentralAttestation::X509 { thumbprints, .. } => thumbprints.iter().map(|one| Thumbprint::new(one)).collect(),
        _ => Vec::new(),
    };
    SourceGroup {
        id: group.id.clone(),
        name: group.display_name.clone(),
        enabled: group.enabled,
        edge: matches!(group.kind, GroupKind::IotEdge),
        keys,
        certificates,
        supplied: Vec::new(),
    }
}

fn keys(group: &CentralEnrollmentGroup) -> Option<GroupKeys> {
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
