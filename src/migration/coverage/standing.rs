//! How one source group stands at the target.

use super::{KeyPair, Obstacle, SourceGroup, Standing, TargetGroup};
use crate::ids::{EnrollmentGroupId, HubHost};

/// Holds a group against those of the target.
pub(super) fn of(
    group: &SourceGroup,
    target: &[TargetGroup],
    hub: Option<&HubHost>,
    planned: &EnrollmentGroupId,
) -> Standing {
    match &group.keys {
        Some(keys) => by_keys(keys, target, hub, planned),
        None if group.certificates.is_empty() => Standing::Blocked(Obstacle::NotSymmetric),
        None => by_certificates(group, target, hub, planned),
    }
}

/// Devices of a group with two certificates may be signed by either: the target must know both.
fn by_certificates(
    group: &SourceGroup,
    target: &[TargetGroup],
    hub: Option<&HubHost>,
    planned: &EnrollmentGroupId,
) -> Standing {
    let unverified = |other: &&TargetGroup| other.unverified.iter().any(|one| group.certificates.contains(one));
    if let Some(other) = target.iter().find(unverified) {
        return Standing::Blocked(Obstacle::Unverified(other.id.clone()));
    }
    let shares = |other: &&TargetGroup| other.certificates.iter().any(|one| group.certificates.contains(one));
    let kin: Vec<&TargetGroup> = target.iter().filter(shares).collect();
    match kin.as_slice() {
        [] => without_kin(group, target, hub, planned),
        [one, two, ..] => Standing::Blocked(Obstacle::Ambiguous(one.id.clone(), two.id.clone())),
        [only] if group.certificates.iter().any(|one| !only.certificates.contains(one)) => {
            // In an application it takes two calls: of its own id, with the first certificate only, it is ours, half made.
            let ours = hub.is_none() && only.id.same_as(planned.as_str());
            let begun = ours && group.certificates.starts_with(&only.certificates);
            if begun { without_kin(group, &[], None, planned) } else { half(only) }
        }
        [only] => match closed(only, hub) {
            Some(obstacle) => Standing::Blocked(obstacle),
            None => Standing::Equal(only.id.clone()),
        },
    }
}

fn half(group: &TargetGroup) -> Standing {
    Standing::Blocked(Obstacle::HalfEqual(group.id.clone()))
}

/// It can be made once every certificate was supplied. In an application a group of its own id without a certificate is ours,
/// half made; a DPS makes a group with its certificates.
fn without_kin(
    group: &SourceGroup,
    target: &[TargetGroup],
    hub: Option<&HubHost>,
    planned: &EnrollmentGroupId,
) -> Standing {
    let mut of_that_id = target.iter().filter(|other| other.id.same_as(planned.as_str()));
    if of_that_id.any(|other| hub.is_some() || other.keys.is_some() || !other.certificates.is_empty()) {
        return Standing::Blocked(Obstacle::IdTaken(planned.clone()));
    }
    match group.certificates.iter().find(|one| !group.supplied.contains(one)) {
        Some(missing) => Standing::Blocked(Obstacle::CertificateNeeded(missing.clone())),
        None => Standing::Creatable(planned.clone()),
    }
}

fn by_keys(keys: &KeyPair, target: &[TargetGroup], hub: Option<&HubHost>, planned: &EnrollmentGroupId) -> Standing {
    let kin: Vec<(&TargetGroup, &KeyPair)> = target
        .iter()
        .filter_map(|other| other.keys.as_ref().map(|own| (other, own)))
        .filter(|(_, own)| own.shares_with(keys))
        .collect();
    match kin.as_slice() {
        [] if target.iter().any(|other| other.id.same_as(planned.as_str())) => {
            Standing::Blocked(Obstacle::IdTaken(planned.clone()))
        }
        [] => Standing::Creatable(planned.clone()),
        [(one, _), (two, _), ..] => Standing::Blocked(Obstacle::Ambiguous(one.id.clone(), two.id.clone())),
        [(only, own)] => match obstacle(only, own, keys, hub) {
            Some(obstacle) => Standing::Blocked(obstacle),
            None => Standing::Equal(only.id.clone()),
        },
    }
}

fn obstacle(group: &TargetGroup, own: &KeyPair, keys: &KeyPair, hub: Option<&HubHost>) -> Option<Obstacle> {
    if own.is_swapped(keys) {
        return Some(Obstacle::Swapped(group.id.clone()));
    }
    if own != keys {
        return Some(Obstacle::HalfEqual(group.id.clone()));
    }
    closed(group, hub)
}

/// Why a group would not let the devices in to where they are to go, though it has what they present.
fn closed(group: &TargetGroup, hub: Option<&HubHost>) -> Option<Obstacle> {
    if group.edge {
        return Some(Obstacle::ForEdge(group.id.clone()));
    }
    if !group.enabled {
        return Some(Obstacle::Disabled(group.id.clone()));
    }
    let only_there = |hub: &HubHost| matches!(group.leads_to.as_slice(), [one] if one.same_as(hub.as_str()));
    (!hub.is_none_or(only_there)).then(|| Obstacle::OtherHub(group.id.clone(), group.leads_to.clone()))
}
