//! What stands in the way of a migration, found before it is made: from what was read of source and target to findings,
//! each with what is wrong and what to do.
//!
//! Pure: the reading is somebody else's. A part of the [`Survey`] that has not been read yet gives no finding, so the same
//! rules serve a form that is half filled in and the last check before a migration is made.

mod carrying;
mod finding;
mod floor;
mod from_hub;
mod offline;
mod right;

pub use carrying::carrying;
pub use finding::{Finding, Severity, grouped};
pub use floor::{ArrivalFloor, FloorSetBy};
pub use from_hub::{FromHubFacts, FromHubsFacts, HubCounts, HubFinding, in_all};
pub use offline::{HubSize, offline};
pub use right::Right;

use crate::ids::HubHost;

/// What was read of the source and the target that a person chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// The application, once one is chosen.
    pub application: Option<ApplicationFacts>,
    /// The device template, once one is chosen.
    pub template: Option<TemplateFacts>,
    /// The members of the device group, as far as they are counted.
    pub members: Option<MemberFacts>,
    /// The application's enrollment groups, if they could be read.
    pub enrollment: Option<EnrollmentFacts>,
    /// The DPS, once one is chosen.
    pub dps: Option<DpsFacts>,
    /// The hub, once one is chosen.
    pub hub: Option<HubFacts>,
    /// The hubs that the devices come from, where they come from hubs.
    pub from_hubs: Option<FromHubsFacts>,
    /// The application that is both source and target.
    pub same_application: Option<String>,
    /// Hosts that Azure named and that are not of the configured cloud: nothing is sent to them.
    pub foreign_hosts: Vec<String>,
    /// Every right that was tried.
    pub rights: Vec<RightCheck>,
}

/// An IoT Central application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationFacts {
    /// The name that people see.
    pub name: String,
    /// ARM's `properties.state` in lower case: `created`, `suspended`; absent when it was given by its address.
    pub state: Option<String>,
}

/// A device template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFacts {
    /// Its display name.
    pub name: String,
    /// Whether its devices can be told to move.
    pub device_move: DeviceMove,
}

/// Whether and how a template carries the command DeviceMove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceMove {
    /// It does not.
    Absent,
    /// It does, marked *Queue if offline*: sent as a message, which the official samples do not see.
    Queued,
    /// It does.
    Present {
        /// The component; absent for a command at the template's root.
        component: Option<String>,
        /// What is unusual about it, in words.
        notice: Option<String>,
    },
}

/// The members of the device group, counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFacts {
    /// Display name of the group.
    pub group: String,
    /// Members of the template.
    pub matching: u64,
    /// Of these: simulated.
    pub simulated: u64,
    /// Of these: blocked, or waiting for approval (IoT Central does not tell which).
    pub blocked: u64,
    /// Of these: never connected.
    pub unprovisioned: u64,
    /// Members of another template.
    pub other_template: u64,
    /// Devices of the application without a template: in no device group.
    pub unassigned: u64,
    /// All members were read: `matching` and its parts are final.
    pub members_done: bool,
    /// What ended the counting early, in words.
    pub failed: Option<String>,
}

impl MemberFacts {
    /// Devices that can be told to move.
    #[must_use]
    pub fn movable(&self) -> u64 {
        self.matching.saturating_sub(self.simulated).saturating_sub(self.blocked)
    }
}

/// The enabled `iot` enrollment groups of the application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnrollmentFacts {
    /// With symmetric keys.
    pub symmetric: usize,
    /// With X.509, or an attestation that cannot be copied.
    pub other: usize,
}

/// A DPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpsFacts {
    /// Its name.
    pub name: String,
    /// `properties.state`.
    pub state: String,
    /// Number of hubs linked to it.
    pub linked_hubs: usize,
}

/// The chosen hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubFacts {
    /// Linked to the DPS, but not among the hubs that the person can read.
    Unreadable(HubHost),
    /// As ARM tells it.
    Known {
        /// Its name.
        name: String,
        /// `properties.state`.
        state: String,
        /// `F1`, `B1`, `S1`…
        sku: String,
        /// Units of the SKU.
        units: u32,
        /// Shared access keys are refused.
        local_auth_disabled: bool,
        /// The subscription, if it is another one than that of the DPS.
        other_subscription: Option<String>,
    },
}

/// A right that was tried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightCheck {
    /// Which.
    pub right: Right,
    /// On what: the name of an application, DPS or hub.
    pub scope: String,
    /// How it went.
    pub verdict: Verdict,
}

/// How trying a right went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The person has it.
    Granted,
    /// The service said no.
    Missing,
    /// The person may read the keys, but no shared access policy has what the move needs.
    NoPolicy,
    /// It could not be found out, in words with what to do.
    Unknown(String),
}

/// Everything that stands in the way, blocking findings first.
#[must_use]
pub fn findings(survey: &Survey) -> Vec<Finding> {
    let mut found = Vec::new();
    survey.rights.iter().filter_map(right).for_each(|finding| found.push(finding));
    found.extend(survey.foreign_hosts.iter().cloned().map(Finding::ForeignHost));
    if let Some(application) = &survey.application {
        found.extend(of_application(application));
    }
    if let Some(template) = &survey.template {
        found.extend(of_template(template));
    }
    if let Some(members) = &survey.members {
        of_members(members, survey.template.as_ref(), &mut found);
    }
    if let Some(enrollment) = &survey.enrollment {
        found.extend(of_enrollment(*enrollment));
    }
    found.extend(survey.same_application.clone().map(|name| Finding::SameApplication { name }));
    if let Some(dps) = &survey.dps {
        found.extend(of_dps(dps));
    }
    if let Some(hub) = &survey.hub {
        of_hub(hub, survey.members.as_ref(), &mut found);
    }
    if let Some(hubs) = &survey.from_hubs {
        found.extend(from_hub::findings(hubs).into_iter().map(Finding::OfHub));
    }
    found.sort_by_key(Finding::severity);
    found
}

/// Whether anything found forbids to go on.
#[must_use]
pub fn blocks(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity() == Severity::Blocking)
}

fn right(check: &RightCheck) -> Option<Finding> {
    let (right, scope) = (check.right, check.scope.clone());
    match &check.verdict {
        Verdict::Granted => None,
        Verdict::Missing => Some(Finding::RightMissing { right, scope }),
        Verdict::NoPolicy => Some(Finding::NoPolicy { right, scope }),
        Verdict::Unknown(trouble) => Some(Finding::RightUnknown { right, scope, trouble: trouble.clone() }),
    }
}

fn of_application(application: &ApplicationFacts) -> Option<Finding> {
    let state = application.state.as_ref().filter(|state| !state.eq_ignore_ascii_case("created"))?;
    Some(Finding::ApplicationNotRunning { name: application.name.clone(), state: state.clone() })
}

fn of_template(template: &TemplateFacts) -> Option<Finding> {
    match &template.device_move {
        DeviceMove::Absent => Some(Finding::NoDeviceMove { template: template.name.clone() }),
        DeviceMove::Queued => Some(Finding::QueuedIfOffline { template: template.name.clone() }),
        DeviceMove::Present { notice, .. } => notice.clone().map(Finding::UnusualDeviceMove),
    }
}

fn of_members(members: &MemberFacts, template: Option<&TemplateFacts>, found: &mut Vec<Finding>) {
    if let Some(trouble) = &members.failed {
        found.push(Finding::NotCounted { group: members.group.clone(), trouble: trouble.clone() });
    } else if members.members_done && members.matching == 0 {
        found.push(Finding::EmptyGroup {
            group: members.group.clone(),
            template: template.map(|template| template.name.clone()).unwrap_or_default(),
            others: members.other_template,
        });
    } else if members.members_done && members.movable() == 0 {
        found.push(Finding::NothingMovable { matching: members.matching });
    }
    let counted = [
        (members.other_template, Finding::OtherTemplate as fn(u64) -> Finding),
        (members.unassigned, Finding::Unassigned),
        (members.simulated, Finding::Simulated),
        (members.blocked, Finding::Blocked),
        (members.unprovisioned, Finding::NeverConnected),
    ];
    found.extend(counted.into_iter().filter(|(number, _)| *number > 0).map(|(number, finding)| finding(number)));
}

fn of_enrollment(enrollment: EnrollmentFacts) -> Option<Finding> {
    match enrollment {
        EnrollmentFacts { symmetric: 0, other: 0 } => Some(Finding::NoEnrollmentGroup),
        EnrollmentFacts { other: 0, .. } => None,
        EnrollmentFacts { other, .. } => Some(Finding::NotSymmetric(other)),
    }
}

fn of_dps(dps: &DpsFacts) -> Option<Finding> {
    if !dps.state.eq_ignore_ascii_case("active") {
        return Some(Finding::DpsNotActive { name: dps.name.clone(), state: dps.state.clone() });
    }
    (dps.linked_hubs == 0).then(|| Finding::DpsWithoutHub { name: dps.name.clone() })
}

/// Devices that a free hub holds (IoT Hub's published limits).
const FREE_HUB_DEVICES: u64 = 500;

fn of_hub(hub: &HubFacts, members: Option<&MemberFacts>, found: &mut Vec<Finding>) {
    let HubFacts::Known { name, state, sku, local_auth_disabled, other_subscription, .. } = hub else {
        if let HubFacts::Unreadable(host) = hub {
            found.push(Finding::HubUnreadable { host: host.clone() });
        }
        return;
    };
    if !state.eq_ignore_ascii_case("active") {
        found.push(Finding::HubNotActive { name: name.clone(), state: state.clone() });
    }
    if *local_auth_disabled {
        found.push(Finding::KeysRefused { name: name.clone() });
    }
    if sku.starts_with(['B', 'b']) {
        found.push(Finding::BasicTier { name: name.clone(), sku: sku.clone() });
    }
    if sku.starts_with(['F', 'f']) && members.is_some_and(|members| members.movable() > FREE_HUB_DEVICES) {
        found.push(Finding::FreeHubTooSmall { name: name.clone(), holds: FREE_HUB_DEVICES });
    }
    if let Some(subscription) = other_subscription {
        found.push(Finding::OtherSubscription { name: name.clone(), subscription: subscription.clone() });
    }
}

#[cfg(test)]
mod tests;
