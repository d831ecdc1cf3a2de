//! Whether the keys that devices may present are known to the target: the rule that keeps a device from being sent to a
//! DPS that will not let it in.
//!
//! Which key a device of IoT Central presents cannot be known, so every enabled `iot` group of the application counts.

use crate::ids::{EnrollmentGroupId, HubHost};

/// A key pair, comparable without being shown.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    primary: [u8; 32],
    secondary: [u8; 32],
}

impl KeyPair {
    /// From digests of the decoded primary and secondary keys.
    #[must_use]
    pub fn from_digests(primary: [u8; 32], secondary: [u8; 32]) -> Self {
        Self { primary, secondary }
    }

    /// The same two keys, the other way round.
    #[must_use]
    pub fn is_swapped(&self, other: &Self) -> bool {
        self.primary == other.secondary && self.secondary == other.primary && self != other
    }

    /// One key in common, in whatever place.
    #[must_use]
    pub fn shares_with(&self, other: &Self) -> bool {
        [self.primary, self.secondary].iter().any(|key| *key == other.primary || *key == other.secondary)
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(…)")
    }
}

/// An enrollment group of the source application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceGroup {
    /// Its id.
    pub id: EnrollmentGroupId,
    /// Its display name.
    pub name: String,
    /// Disabled groups admit nobody.
    pub enabled: bool,
    /// For IoT Edge devices: not of this migration.
    pub edge: bool,
    /// Its keys; absent for X.509 and anything else.
    pub keys: Option<KeyPair>,
}

/// An enrollment group of the target: of its DPS, or of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its id.
    pub id: EnrollmentGroupId,
    /// Disabled groups admit nobody.
    pub enabled: bool,
    /// For IoT Edge devices.
    pub edge: bool,
    /// Its keys; absent for X.509 and anything else.
    pub keys: Option<KeyPair>,
    /// Hubs that it can lead to: its own list, or all hubs linked to the DPS. Empty for a group of an application.
    pub leads_to: Vec<HubHost>,
}

/// How a source group stands at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// An equal group is there.
    Equal(EnrollmentGroupId),
    /// Nothing like it is there: a group of this id can be made.
    Creatable(EnrollmentGroupId),
    /// It is not there and cannot simply be made.
    Blocked(Obstacle),
}

/// Why a source group has no equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// X.509, or an attestation that cannot be copied.
    NotSymmetric,
    /// The group with these keys is disabled.
    Disabled(EnrollmentGroupId),
    /// The group with these keys is for IoT Edge devices.
    ForEdge(EnrollmentGroupId),
    /// The group with these keys leads to another hub, or to more than the chosen one.
    OtherHub(EnrollmentGroupId, Vec<HubHost>),
    /// Primary and secondary key are swapped.
    Swapped(EnrollmentGroupId),
    /// Only one of the two keys is the same.
    HalfEqual(EnrollmentGroupId),
    /// Two groups have these keys: which one wins is not documented.
    Ambiguous(EnrollmentGroupId, EnrollmentGroupId),
    /// A group of the id that ours would get has other keys.
    IdTaken(EnrollmentGroupId),
}

impl Obstacle {
    /// What is wrong, and what to do; `keeper` is what holds the groups of the target, such as "the DPS".
    #[must_use]
    pub fn words(&self, keeper: &str) -> String {
        match self {
            Self::NotSymmetric => {
                "It is an X.509 group: its certificate cannot be read from IoT Central. If no selected device uses it, state so below.".into()
            }
            Self::Disabled(id) => format!("Group {id} of {keeper} has these keys but is disabled. Enable it."),
            Self::ForEdge(id) => format!("Group {id} of {keeper} has these keys but is for IoT Edge devices. Use another group."),
            Self::OtherHub(id, hubs) => {
                let hubs: Vec<&str> = hubs.iter().map(HubHost::as_str).collect();
                format!("Group {id} of {keeper} has these keys but leads to {}. Make it lead to the chosen hub only.", hubs.join(", "))
            }
            Self::Swapped(id) => {
                format!("Group {id} of {keeper} has these keys with primary and secondary swapped. Put each in its own place.")
            }
            Self::HalfEqual(id) => {
                format!("Group {id} of {keeper} has only one of the two keys. Copy both, primary to primary and secondary to secondary.")
            }
            Self::Ambiguous(one, two) => {
                format!("Groups {one} and {two} of {keeper} both have these keys; which of them wins is not documented. Remove one.")
            }
            Self::IdTaken(id) => format!("Group {id} of {keeper} has other keys. It is not touched; rename or remove it, or add the keys by hand."),
        }
    }
}

/// A source group and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The source group.
    pub source: SourceGroup,
    /// How it stands at the target.
    pub standing: Standing,
}

/// How all groups that matter stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// One entry an enabled `iot` group of the source.
    pub groups: Vec<Covered>,
}

impl Coverage {
    /// Holds the source's groups against the target's. Where the target is a DPS, its groups must lead to `hub`.
    /// `planned_id` names the group that would be made for a source group.
    #[must_use]
    pub fn of(
        source: &[SourceGroup],
        target: &[TargetGroup],
        hub: Option<&HubHost>,
        planned_id: impl Fn(&EnrollmentGroupId) -> EnrollmentGroupId,
    ) -> Self {
        let groups = source
            .iter()
            .filter(|group| group.enabled && !group.edge)
            .map(|group| Covered {
                source: group.clone(),
                standing: standing(group, target, hub, &planned_id(&group.id)),
            })
            .collect();
        Self { groups }
    }

    /// Groups that have no equal and of which nobody stated that they are unused.
    #[must_use]
    pub fn uncovered<'a>(&'a self, stated_unused: &'a [String]) -> Vec<&'a Covered> {
        let covered = |group: &&Covered| {
            matches!(group.standing, Standing::Equal(_))
                || stated_unused.iter().any(|id| id == group.source.id.as_str())
        };
        self.groups.iter().filter(|group| !covered(group)).collect()
    }

    /// Groups that stand in the way even if the program makes all that it can make.
    #[must_use]
    pub fn blocking<'a>(&'a self, stated_unused: &'a [String]) -> Vec<&'a Covered> {
        self.uncovered(stated_unused)
            .into_iter()
            .filter(|group| matches!(group.standing, Standing::Blocked(_)))
            .collect()
    }

    /// No enabled group for IoT devices was shown: which keys devices present is wholly unknown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The one group whose keys every device presents, if that is certain: then identities can be made ahead.
    #[must_use]
    pub fn certain(&self) -> Option<&Covered> {
        match self.groups.as_slice() {
            [only] if only.source.keys.is_some() => Some(only),
            _ => None,
        }
    }

    /// Ids of the target's equal groups.
    #[must_use]
    pub fn equal_ids(&self) -> Vec<EnrollmentGroupId> {
        let equal = |group: &Covered| match &group.standing {
            Standing::Equal(id) => Some(id.clone()),
            Standing::Creatable(_) | Standing::Blocked(_) => None,
        };
        self.groups.iter().filter_map(equal).collect()
    }
}

fn standing(
    group: &SourceGroup,
    target: &[TargetGroup],
    hub: Option<&HubHost>,
    planned: &EnrollmentGroupId,
) -> Standing {
    let Some(keys) = &group.keys else { return Standing::Blocked(Obstacle::NotSymmetric) };
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
    if group.edge {
        return Some(Obstacle::ForEdge(group.id.clone()));
    }
    if !group.enabled {
        return Some(Obstacle::Disabled(group.id.clone()));
    }
    let only_there = |hub: &HubHost| matches!(group.leads_to.as_slice(), [one] if one.same_as(hub.as_str()));
    (!hub.is_none_or(only_there)).then(|| Obstacle::OtherHub(group.id.clone(), group.leads_to.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(seed: u8) -> KeyPair {
        KeyPair::from_digests([seed; 32], [seed + 100; 32])
    }

    fn hub() -> HubHost {
        HubHost::new("contoso-hub.azure-devices.net")
    }

    fn source(id: &str, keys: Option<KeyPair>) -> SourceGroup {
        SourceGroup { id: id.into(), name: id.into(), enabled: true, edge: false, keys }
    }

    fn target(id: &str, keys: KeyPair) -> TargetGroup {
        TargetGroup { id: id.into(), enabled: true, edge: false, keys: Some(keys), leads_to: vec![hub()] }
    }

    fn standing_of(target: &[TargetGroup]) -> Standing {
        let coverage =
            Coverage::of(&[source("sas", Some(keys(1)))], target, Some(&hub()), |id| format!("iotc-{id}").into());
        coverage.groups[0].standing.clone()
    }

    #[test]
    fn equal_keys_in_an_enabled_group_to_the_hub_are_equal() {
        assert_eq!(standing_of(&[target("other", keys(2)), target("mine", keys(1))]), Standing::Equal("mine".into()));
    }

    #[test]
    fn without_kin_a_group_can_be_made() {
        assert_eq!(standing_of(&[target("other", keys(2))]), Standing::Creatable("iotc-sas".into()));
    }

    #[test]
    fn an_id_in_use_with_other_keys_is_never_taken_over() {
        assert_eq!(
            standing_of(&[target("IOTC-sas", keys(2))]),
            Standing::Blocked(Obstacle::IdTaken("iotc-sas".into()))
        );
    }

    #[test]
    fn every_way_of_being_almost_equal_blocks() {
        let disabled = TargetGroup { enabled: false, ..target("g", keys(1)) };
        assert_eq!(standing_of(&[disabled]), Standing::Blocked(Obstacle::Disabled("g".into())));
        let edge = TargetGroup { edge: true, ..target("g", keys(1)) };
        assert_eq!(standing_of(&[edge]), Standing::Blocked(Obstacle::ForEdge("g".into())));
        let elsewhere = TargetGroup { leads_to: vec![hub(), "b.azure-devices.net".into()], ..target("g", keys(1)) };
        assert!(matches!(standing_of(&[elsewhere]), Standing::Blocked(Obstacle::OtherHub(..))));
        let swapped = target("g", KeyPair::from_digests([101; 32], [1; 32]));
        assert_eq!(standing_of(&[swapped]), Standing::Blocked(Obstacle::Swapped("g".into())));
        let half = target("g", KeyPair::from_digests([1; 32], [7; 32]));
        assert_eq!(standing_of(&[half]), Standing::Blocked(Obstacle::HalfEqual("g".into())));
        let twice = [target("g", keys(1)), target("h", keys(1))];
        assert!(matches!(standing_of(&twice), Standing::Blocked(Obstacle::Ambiguous(..))));
    }

    #[test]
    fn an_x509_group_blocks_until_it_is_stated_unused() {
        let groups = [source("sas", Some(keys(1))), source("certs", None)];
        let coverage = Coverage::of(&groups, &[target("g", keys(1))], Some(&hub()), Clone::clone);
        assert_eq!(coverage.blocking(&[]).len(), 1);
        assert!(coverage.uncovered(&["certs".into()]).is_empty());
        assert!(coverage.certain().is_none());
    }

    #[test]
    fn disabled_and_edge_groups_of_the_source_do_not_count() {
        let edge = SourceGroup { edge: true, ..source("edge", Some(keys(3))) };
        let off = SourceGroup { enabled: false, ..source("off", Some(keys(4))) };
        let coverage = Coverage::of(&[source("sas", Some(keys(1))), edge, off], &[], Some(&hub()), Clone::clone);
        assert_eq!(coverage.groups.len(), 1);
        assert!(coverage.certain().is_some());
    }
}
