//! What stands in the way of a move out of hubs: whether they can tell their devices, and whose devices are left out.

use super::Severity;
use super::finding::{devices, grouped};
use crate::ids::HubHost;
use crate::migration::source::SourceHub;

/// Hubs that devices come from, and the DPS by which they came there, if one was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FromHubsFacts {
    /// The chosen hubs that could be read.
    pub hubs: Vec<FromHubFacts>,
    /// The name of the DPS.
    pub dps: Option<String>,
    /// Names of hubs that are linked to the DPS and were not chosen.
    pub not_chosen: Vec<String>,
    /// Hubs that are linked to the DPS and that the person can find in no subscription.
    pub not_found: Vec<HubHost>,
}

/// A hub that devices come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FromHubFacts {
    /// Its name.
    pub name: String,
    /// `properties.state`.
    pub state: String,
    /// `F1`, `B1`, `S1`…
    pub sku: String,
    /// Units of the SKU.
    pub units: u32,
    /// Shared access keys are refused.
    pub local_auth_disabled: bool,
    /// Names of other DPS instances that it is linked to.
    pub other_dps: Vec<String>,
    /// How many devices it has; absent while that is not known.
    pub devices: Option<Result<HubCounts, String>>,
}

/// How many devices a hub has, by its own statistics, which lag by minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HubCounts {
    /// All.
    pub total: u64,
    /// Those that may connect.
    pub enabled: u64,
    /// Those that may not.
    pub disabled: u64,
}

/// Something to be known of hubs that devices come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubFinding {
    /// It does not run.
    NotActive {
        /// Its name.
        name: String,
        /// Azure's word.
        state: String,
    },
    /// It refuses shared access keys.
    KeysRefused {
        /// Its name.
        name: String,
    },
    /// It is of a tier without direct methods.
    NoMethods {
        /// Its name.
        name: String,
        /// Its SKU.
        sku: String,
    },
    /// Other DPS instances lead devices to it too.
    OtherDps {
        /// Its name.
        name: String,
        /// Theirs.
        others: Vec<String>,
        /// One was chosen.
        chosen: bool,
    },
    /// Hubs of the DPS that were not chosen.
    NotChosen {
        /// Name of the DPS.
        dps: String,
        /// Names of the hubs.
        hubs: Vec<String>,
    },
    /// A hub of the DPS that the person cannot find.
    NotFound {
        /// Name of the DPS.
        dps: String,
        /// Its host.
        host: HubHost,
    },
    /// Disabled identities.
    Disabled(u64),
    /// The chosen hubs have no device.
    NoDevices,
    /// A hub does not say how many devices it has.
    NotCounted {
        /// Its name.
        name: String,
        /// Why not.
        trouble: String,
    },
}

impl HubFinding {
    /// How grave it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::NotActive { .. } | Self::KeysRefused { .. } | Self::NoMethods { .. } => Severity::Blocking,
            _ => Severity::Warning,
        }
    }

    /// It is good to know and asks for nothing.
    #[must_use]
    pub fn is_remark(&self) -> bool {
        matches!(self, Self::NotChosen { .. } | Self::NotFound { .. } | Self::Disabled(_))
    }

    /// What is wrong, as one sentence.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::NotActive { name, state } => format!("The hub {name} is not active but “{state}”."),
            Self::KeysRefused { name } => {
                format!("The hub {name} refuses shared access keys (local authentication is disabled).")
            }
            Self::NoMethods { name, sku } => {
                format!("The hub {name} is of the Basic tier ({sku}): it has no direct methods to tell devices by.")
            }
            Self::OtherDps { name, others, chosen } => {
                let too = if *chosen { " too" } else { "" };
                format!("The hub {name} is linked to the DPS {}{too}.", others.join(", "))
            }
            Self::NotChosen { dps, hubs } => {
                let verb = if hubs.len() == 1 { "is" } else { "are" };
                format!("Of the hubs linked to {dps}, {} {verb} not chosen.", hubs.join(", "))
            }
            Self::NotFound { dps, host } => {
                format!("The hub {host} is linked to {dps}, but you can find it in no subscription.")
            }
            Self::Disabled(1) => "1 device is disabled.".into(),
            Self::Disabled(number) => format!("{} are disabled.", devices(*number)),
            Self::NoDevices => "There are no devices in what was chosen.".into(),
            Self::NotCounted { name, trouble } => {
                format!("The hub {name} does not say how many devices it has: {trouble}")
            }
        }
    }

    /// What to do about it, as one sentence or two.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NotActive { .. } => "Wait until Azure shows it as active, or choose another hub.".into(),
            Self::KeysRefused { .. } => {
                "Allow shared access policies on the hub for the time of the move, or choose another hub.".into()
            }
            Self::NoMethods { .. } => {
                "Move the hub to the Standard tier in the Azure portal, or choose another hub.".into()
            }
            Self::OtherDps { others, chosen: true, .. } => format!(
                "Devices whose enrollments are in {} are skipped here; move them with a migration from that DPS.",
                others.join(" or ")
            ),
            Self::OtherDps { .. } => {
                "Without a DPS, devices move only by keys that you paste. Choose a DPS to have its enrollments read."
                    .into()
            }
            Self::NotChosen { .. } => "Their devices stay where they are.".into(),
            Self::NotFound { .. } => {
                "It may be deleted, or you lack the role Reader on it. Its devices stay where they are.".into()
            }
            Self::Disabled(_) => "They are skipped; enable them in the hub if they are to move.".into(),
            Self::NoDevices => "The hub's own counts lag by minutes. Choose another hub if it stays so.".into(),
            Self::NotCounted { .. } => "The move does not need the number. Try again to see it.".into(),
        }
    }
}

/// Everything to be known of them.
pub(super) fn findings(facts: &FromHubsFacts) -> Vec<HubFinding> {
    let mut found: Vec<HubFinding> = facts.hubs.iter().flat_map(|hub| of_hub(hub, facts.dps.is_some())).collect();
    if let Some(dps) = &facts.dps {
        if !facts.not_chosen.is_empty() && !facts.hubs.is_empty() {
            found.push(HubFinding::NotChosen { dps: dps.clone(), hubs: facts.not_chosen.clone() });
        }
        let not_found = |host: &HubHost| HubFinding::NotFound { dps: dps.clone(), host: host.clone() };
        found.extend(facts.not_found.iter().map(not_found));
    }
    if let Some(counts) = in_all(&facts.hubs) {
        match counts {
            HubCounts { total: 0, .. } => found.push(HubFinding::NoDevices),
            HubCounts { disabled: 0, .. } => {}
            HubCounts { disabled, .. } => found.push(HubFinding::Disabled(disabled)),
        }
    }
    found
}

fn of_hub(hub: &FromHubFacts, with_dps: bool) -> Vec<HubFinding> {
    let name = || hub.name.clone();
    let mut found = Vec::new();
    if !hub.state.eq_ignore_ascii_case("active") {
        found.push(HubFinding::NotActive { name: name(), state: hub.state.clone() });
    }
    if hub.local_auth_disabled {
        found.push(HubFinding::KeysRefused { name: name() });
    }
    if !SourceHub::has_methods(&hub.sku) {
        found.push(HubFinding::NoMethods { name: name(), sku: hub.sku.clone() });
    }
    if !hub.other_dps.is_empty() {
        found.push(HubFinding::OtherDps { name: name(), others: hub.other_dps.clone(), chosen: with_dps });
    }
    if let Some(Err(trouble)) = &hub.devices {
        found.push(HubFinding::NotCounted { name: name(), trouble: trouble.clone() });
    }
    found
}

/// The devices of all hubs together; absent while one of them is not counted.
#[must_use]
pub fn in_all(hubs: &[FromHubFacts]) -> Option<HubCounts> {
    if hubs.is_empty() {
        return None;
    }
    let add = |sum: HubCounts, hub: &FromHubFacts| match &hub.devices {
        Some(Ok(counts)) => Some(HubCounts {
            total: sum.total + counts.total,
            enabled: sum.enabled + counts.enabled,
            disabled: sum.disabled + counts.disabled,
        }),
        _ => None,
    };
    hubs.iter().try_fold(HubCounts::default(), add)
}

impl HubCounts {
    /// `27 devices, of which 1 is disabled`.
    #[must_use]
    pub fn words(&self) -> String {
        let all = devices(self.total);
        match self.disabled {
            0 => all,
            1 => format!("{all}, of which 1 is disabled"),
            disabled => format!("{all}, of which {} are disabled", grouped(disabled)),
        }
    }
}

#[cfg(test)]
#[path = "from_hub_tests.rs"]
mod tests;
