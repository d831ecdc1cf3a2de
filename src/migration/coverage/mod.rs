//! Whether the keys that devices may present are known to the target: the rule that keeps a device from being sent to a
//! DPS that will not let it in.
//!
//! Which key a device of IoT Central presents cannot be known, so every enabled `iot` group of the application counts.

mod obstacle;
mod standing;
#[cfg(test)]
mod tests;

pub use obstacle::Obstacle;

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

/// SHA-1 thumbprint of a certificate, upper-case hex without marks in between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thumbprint(String);

impl Thumbprint {
    /// However it is written (`AB:CD`, `ab cd`, `ABCD`).
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase())
    }

    /// In groups of four, as people compare it, and as a line can break.
    #[must_use]
    pub fn in_fours(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        characters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    /// Upper-case hex.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
    /// Thumbprints of its signing certificates, primary first; empty for keys and anything else.
    pub certificates: Vec<Thumbprint>,
    /// Those of its certificates that a person has supplied: no service gives them back.
    pub supplied: Vec<Thumbprint>,
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
    /// Thumbprints of its signing certificates; empty for keys, anything else, and an X.509 group that has none yet.
    pub certificates: Vec<Thumbprint>,
    /// Thumbprints of certificates that it has and that let nobody in, because they are not verified.
    pub unverified: Vec<Thumbprint>,
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
                standing: standing::of(group, target, hub, &planned_id(&group.id)),
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
