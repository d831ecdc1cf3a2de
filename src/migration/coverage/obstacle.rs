//! Why a source group has no equal at the target, and what to do.

use super::Thumbprint;
use crate::ids::{EnrollmentGroupId, HubHost};

/// Why a source group has no equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// An attestation that cannot be copied, or an X.509 group without a certificate.
    NotSymmetric,
    /// This certificate of an X.509 group must be supplied by a person.
    CertificateNeeded(Thumbprint),
    /// The group has such a certificate, which lets nobody in before it is verified.
    Unverified(EnrollmentGroupId),
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
                "What its devices prove themselves with cannot be copied. If no selected device uses it, state so below.".into()
            }
            Self::CertificateNeeded(thumbprint) => format!(
                "It is an X.509 group, and no service gives a certificate back. Supply the one with the SHA-1 thumbprint {}; or, before the start, state that no selected device uses the group.",
                thumbprint.in_fours()
            ),
            Self::Unverified(id) => format!("Group {id} of {keeper} has its certificate, which is not verified there. Verify it."),
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
                format!("Group {id} of {keeper} has only one of the two keys or certificates. Copy both, primary to primary and secondary to secondary.")
            }
            Self::Ambiguous(one, two) => {
                format!("Groups {one} and {two} of {keeper} both have these keys; which of them wins is not documented. Remove one.")
            }
            Self::IdTaken(id) => format!("Group {id} of {keeper} has other keys. It is not touched; rename or remove it, or add the keys by hand."),
        }
    }
}
