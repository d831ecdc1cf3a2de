//! The enrollment groups by which devices came to the hubs: those of the DPS, and those whose keys a person pasted.

use std::collections::HashSet;

use super::FromHub;
use crate::azure::dps::{Attestation, AttestationKind, Dps, DpsGroup};
use crate::azure::error::{AzureError, ErrorKind};
use crate::engine::keys::{FoundGroup, GroupKeys, key_pair};
use crate::migration::coverage::SourceGroup;

/// The symmetric groups for IoT devices, the disabled ones too: a device that one let in is there still.
pub(in crate::engine) async fn groups(at: &FromHub) -> Result<Vec<FoundGroup>, AzureError> {
    let read = || async {
        let mut groups: Vec<FoundGroup> = at.given.keys.iter().map(pasted).collect();
        if let Some(dps) = &at.dps {
            groups.extend(of_dps(dps).await?);
        }
        Ok(groups)
    };
    at.groups.get_or_try_init(read).await.cloned()
}

fn pasted(keys: &GroupKeys) -> FoundGroup {
    let group = SourceGroup {
        id: keys.id.clone(),
        name: keys.name.clone(),
        enabled: true,
        edge: false,
        keys: key_pair(&keys.primary, &keys.secondary),
        certificates: Vec::new(),
        supplied: Vec::new(),
    };
    FoundGroup { group, keys: Some(keys.clone()), certificates: Vec::new() }
}

async fn of_dps(dps: &Dps) -> Result<Vec<FoundGroup>, AzureError> {
    let mut groups = dps.enrollment_groups().await?;
    let mut seen = HashSet::new();
    groups.retain(|group| seen.insert(group.id.as_str().to_ascii_lowercase()));
    let mut found = Vec::with_capacity(groups.len());
    for group in groups {
        if group.edge || group.attestation_kind != AttestationKind::Symmetric {
            continue;
        }
        match dps.group_keys(&group.id).await {
            Ok(Attestation::Symmetric { primary, secondary }) => {
                let keys = GroupKeys { id: group.id.clone(), name: group.id.to_string(), primary, secondary };
                found.push(with_keys(&group, keys));
            }
            Ok(Attestation::Other(_)) => {}
            // It was deleted since the list was made.
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn with_keys(group: &DpsGroup, keys: GroupKeys) -> FoundGroup {
    let source = SourceGroup {
        id: group.id.clone(),
        name: group.id.to_string(),
        enabled: group.enabled,
        edge: false,
        keys: key_pair(&keys.primary, &keys.secondary),
        certificates: Vec::new(),
        supplied: Vec::new(),
    };
    FoundGroup { group: source, keys: Some(keys), certificates: Vec::new() }
}
