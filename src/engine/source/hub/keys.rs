//! The enrollment groups by which devices came to the hubs: those of the DPS, and those whose keys a person pasted.

use std::collections::{HashMap, HashSet};

use super::FromHub;
use crate::azure::dps::{Attestation, AttestationKind, Dps, DpsGroup};
use crate::azure::error::{AzureError, ErrorKind};
use crate::engine::certificates::{Supplied, all_of, trusted_by};
use crate::engine::keys::{FoundGroup, GroupKeys, key_pair};
use crate::ids::{ArmId, EnrollmentGroupId};
use crate::migration::coverage::SourceGroup;

/// The groups for IoT devices, the disabled ones too: a device that one let in is there still.
pub(in crate::engine) async fn groups(at: &FromHub) -> Result<&[FoundGroup], AzureError> {
    let read = || async {
        let mut groups: Vec<FoundGroup> = at.given.keys.iter().map(pasted).collect();
        if let (Some(dps), Some(source)) = (&at.dps, &at.source.dps) {
            groups.extend(of_dps(at, dps, &source.id).await?);
        }
        Ok(groups)
    };
    at.groups.get_or_try_init(read).await.map(Vec::as_slice)
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

async fn of_dps(at: &FromHub, dps: &Dps, id: &ArmId) -> Result<Vec<FoundGroup>, AzureError> {
    let mut groups = dps.enrollment_groups().await?;
    let mut seen = HashSet::new();
    groups.retain(|group| seen.insert(group.id.as_str().to_ascii_lowercase()) && !group.edge);
    let mut found = Vec::with_capacity(groups.len());
    for group in groups {
        match group.attestation_kind {
            AttestationKind::Symmetric => found.extend(symmetric(dps, &group).await?),
            AttestationKind::X509 => found.push(x509(at, id, &group).await?),
            AttestationKind::Tpm | AttestationKind::Other(_) => {}
        }
    }
    Ok(found)
}

async fn symmetric(dps: &Dps, group: &DpsGroup) -> Result<Option<FoundGroup>, AzureError> {
    let (primary, secondary) = match dps.group_keys(&group.id).await {
        Ok(Attestation::Symmetric { primary, secondary }) => (primary, secondary),
        Ok(Attestation::Other(_)) => return Ok(None),
        // It was deleted since the list was made.
        Err(error) if matches!(error.kind, ErrorKind::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut source = bare(group);
    source.keys = key_pair(&primary, &secondary);
    let keys = GroupKeys { id: group.id.clone(), name: group.id.to_string(), primary, secondary };
    Ok(Some(FoundGroup { group: source, keys: Some(keys), certificates: Vec::new() }))
}

/// Its certificates are those that the DPS gives back, or that a person supplied.
async fn x509(at: &FromHub, dps: &ArmId, group: &DpsGroup) -> Result<FoundGroup, AzureError> {
    let mut source = bare(group);
    let mut given = at.given.clone();
    for (thumbprint, der) in trusted_by(&at.arm, dps, group).await? {
        source.certificates.push(thumbprint.clone());
        given.certificates.extend(der.map(|der| Supplied { group: group.id.clone(), thumbprint, der }));
    }
    let of_it = given.certificates.iter().filter(|one| one.group == group.id);
    source.supplied = of_it.map(|one| one.thumbprint.clone()).collect();
    let certificates = all_of(&given, &group.id, &source.certificates).unwrap_or_default();
    Ok(FoundGroup { group: source, keys: None, certificates })
}

/// A group without what its devices prove themselves with.
fn bare(group: &DpsGroup) -> SourceGroup {
    SourceGroup {
        id: group.id.clone(),
        name: group.id.to_string(),
        enabled: group.enabled,
        edge: group.edge,
        keys: None,
        certificates: Vec::new(),
        supplied: Vec::new(),
    }
}

/// Which X.509 group each device came by that has a certificate: its identity shows only the device's own. By registration
/// id, in lower case.
pub(in crate::engine) async fn by_certificate(at: &FromHub) -> Result<HashMap<String, EnrollmentGroupId>, AzureError> {
    let Some(dps) = &at.dps else { return Ok(HashMap::new()) };
    let mut members = HashMap::new();
    for found in groups(at).await?.iter().filter(|found| !found.group.certificates.is_empty()) {
        for record in dps.group_registrations(&found.group.id).await? {
            members.insert(record.registration_id.as_str().to_ascii_lowercase(), found.group.id.clone());
        }
    }
    Ok(members)
}
