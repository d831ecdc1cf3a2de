//! The findings of a preflight and their words.

use super::from_hub::HubFinding;
use super::right::Right;
use crate::ids::HubHost;

/// How grave a finding is. Ordered: blocking first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The migration cannot be made.
    Blocking,
    /// It can be made; the person should know.
    Warning,
}

/// Something that stands in the way, or should be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A right is missing.
    RightMissing {
        /// Which.
        right: Right,
        /// On what.
        scope: String,
    },
    /// Whether a right is there could not be found out.
    RightUnknown {
        /// Which.
        right: Right,
        /// On what.
        scope: String,
        /// Why not.
        trouble: String,
    },
    /// No shared access policy carries what the move needs.
    NoPolicy {
        /// The right to list the keys of a DPS or hub.
        right: Right,
        /// Name of the DPS or hub.
        scope: String,
    },
    /// A host that Azure named is not of the configured cloud.
    ForeignHost(String),
    /// The application is suspended or otherwise not running.
    ApplicationNotRunning {
        /// Its name.
        name: String,
        /// Azure's word.
        state: String,
    },
    /// The application is both source and target.
    SameApplication {
        /// Its name.
        name: String,
    },
    /// The template does not carry DeviceMove.
    NoDeviceMove {
        /// Its name.
        template: String,
    },
    /// DeviceMove is queued for devices that are offline.
    QueuedIfOffline {
        /// Name of the template.
        template: String,
    },
    /// DeviceMove was found in an unusual shape.
    UnusualDeviceMove(String),
    /// No member of the group is of the template.
    EmptyGroup {
        /// Name of the group.
        group: String,
        /// Name of the template.
        template: String,
        /// Members of other templates.
        others: u64,
    },
    /// All matching devices are simulated or blocked.
    NothingMovable {
        /// How many match.
        matching: u64,
    },
    /// The group could not be counted.
    NotCounted {
        /// Name of the group.
        group: String,
        /// Why not.
        trouble: String,
    },
    /// Members of another template.
    OtherTemplate(u64),
    /// Devices of the application without a template.
    Unassigned(u64),
    /// Simulated devices.
    Simulated(u64),
    /// Blocked devices, or such that wait for approval.
    Blocked(u64),
    /// Devices that never connected.
    NeverConnected(u64),
    /// The application has no enabled enrollment group for IoT devices.
    NoEnrollmentGroup,
    /// Enrollment groups whose attestation cannot be copied.
    NotSymmetric(usize),
    /// The DPS does not run.
    DpsNotActive {
        /// Its name.
        name: String,
        /// Azure's word.
        state: String,
    },
    /// No hub is linked to the DPS.
    DpsWithoutHub {
        /// Name of the DPS.
        name: String,
    },
    /// The linked hub cannot be read.
    HubUnreadable {
        /// Its host.
        host: HubHost,
    },
    /// The hub does not run.
    HubNotActive {
        /// Its name.
        name: String,
        /// Azure's word.
        state: String,
    },
    /// The hub refuses shared access keys.
    KeysRefused {
        /// Its name.
        name: String,
    },
    /// The hub is of the Basic tier.
    BasicTier {
        /// Its name.
        name: String,
        /// Its SKU.
        sku: String,
    },
    /// The free hub holds fewer devices than are to be moved.
    FreeHubTooSmall {
        /// Its name.
        name: String,
        /// How many it holds.
        holds: u64,
    },
    /// The hub is in another subscription than the DPS.
    OtherSubscription {
        /// Its name.
        name: String,
        /// That subscription.
        subscription: String,
    },
    /// Something about hubs that devices come from.
    OfHub(HubFinding),
}

impl Finding {
    /// How grave it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::UnusualDeviceMove(_)
            | Self::NotCounted { .. }
            | Self::OtherTemplate(_)
            | Self::Unassigned(_)
            | Self::Simulated(_)
            | Self::Blocked(_)
            | Self::NeverConnected(_)
            | Self::NotSymmetric(_)
            | Self::FreeHubTooSmall { .. }
            | Self::OtherSubscription { .. } => Severity::Warning,
            Self::OfHub(finding) => finding.severity(),
            _ => Severity::Blocking,
        }
    }

    /// What is wrong, as one sentence.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::RightMissing { right, scope } => format!("You may not {} ({scope}).", right.words()),
            Self::RightUnknown { right, scope, trouble } => {
                format!("Whether you may {} ({scope}) could not be checked: {trouble}", right.words())
            }
            Self::NoPolicy { scope, .. } => {
                format!("No shared access policy of {scope} has the rights that the move needs.")
            }
            Self::ForeignHost(host) => format!("The host {host} is not of the cloud that this program is set up for."),
            Self::ApplicationNotRunning { name, state } => format!("The application {name} is {state}."),
            Self::NoDeviceMove { template } => {
                format!("The template {template} does not carry the command DeviceMove.")
            }
            Self::QueuedIfOffline { template } => {
                format!(
                    "The command DeviceMove of the template {template} is marked “Queue if offline”: devices would get it as a message, which firmware after the official samples does not see."
                )
            }
            Self::UnusualDeviceMove(notice) => notice.clone(),
            Self::EmptyGroup { group, template, others: 0 } => {
                format!("The device group {group} holds no device of the template {template}: it is empty.")
            }
            Self::EmptyGroup { group, template, others } => {
                format!(
                    "The device group {group} holds no device of the template {template}, only {} of other templates.",
                    devices(*others)
                )
            }
            Self::NothingMovable { matching: 1 } => "The only matching device is simulated or blocked.".into(),
            Self::NothingMovable { matching } => {
                format!("All {} are simulated or blocked.", matching_devices(*matching))
            }
            Self::NotCounted { group, trouble } => {
                format!("The devices of the group {group} could not be counted: {trouble}")
            }
            Self::OtherTemplate(number) => {
                format!("{} of the group {} another template.", devices(*number), have(*number))
            }
            Self::Unassigned(number) => format!(
                "{} of the application {} no template, and so {} in no device group.",
                devices(*number),
                have(*number),
                are(*number)
            ),
            Self::Simulated(number) => format!("{} {} simulated.", devices(*number), are(*number)),
            Self::Blocked(number) => format!("{} {} blocked or waiting for approval.", devices(*number), are(*number)),
            Self::NeverConnected(number) => {
                format!("{} {} never connected to IoT Central.", devices(*number), have(*number))
            }
            Self::SameApplication { name } => format!("The devices are in {name} already."),
            Self::NoEnrollmentGroup => "The application has no enabled enrollment group for IoT devices.".into(),
            Self::NotSymmetric(1) => {
                "One enrollment group of the application does not use symmetric keys (X.509).".into()
            }
            Self::NotSymmetric(number) => {
                format!("{number} enrollment groups of the application do not use symmetric keys (X.509).")
            }
            Self::DpsNotActive { name, state } => format!("The DPS {name} is not active but “{state}”."),
            Self::DpsWithoutHub { name } => format!("No hub is linked to the DPS {name}."),
            Self::HubUnreadable { host } => {
                format!("The hub {host} is linked to the DPS, but it is deleted or you may not read it.")
            }
            Self::HubNotActive { name, state } => format!("The hub {name} is not active but “{state}”."),
            Self::KeysRefused { name } => {
                format!("The hub {name} refuses shared access keys (local authentication is disabled).")
            }
            Self::BasicTier { name, sku } => {
                format!("The hub {name} is of the Basic tier ({sku}): it has no device twins.")
            }
            Self::FreeHubTooSmall { name, holds } => format!("The free hub {name} holds {holds} devices at most."),
            Self::OtherSubscription { name, subscription } => {
                format!("The hub {name} is in another subscription than the DPS ({subscription}).")
            }
            Self::OfHub(finding) => finding.what(),
        }
    }

    /// What to do about it, as one sentence or two.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::RightMissing { right, scope } => right.carrier(scope),
            Self::NoPolicy { right: Right::ListDpsKeys, .. } => "Add a policy with enrollment read, enrollment write and registration status read, for example “provisioningserviceowner”.".into(),
            Self::NoPolicy { right: Right::ListSourceDpsKeys, .. } => format!("Add a policy with enrollment read and registration status read, for example “provisioningserviceowner”. {}", Right::WITHOUT_DPS),
            Self::NoPolicy { right: Right::ListSourceHubKeys, .. } => "Add a policy with registry read and service connect, for example “iothubowner”.".into(),
            Self::NoPolicy { .. } => "Add a policy with registry write and service connect, for example “iothubowner”.".into(),
            Self::RightUnknown { .. } | Self::NotCounted { .. } => "Try again.".into(),
            Self::ForeignHost(_) => "Nothing is sent to it. Choose another DPS or hub, or set AZURE_CLOUD to the right cloud.".into(),
            Self::ApplicationNotRunning { .. } => "Resume the application in the Azure portal, then reload.".into(),
            Self::NoDeviceMove { .. } => "Add the component “migration” to the template and publish it; the set-up guide has it for download. The firmware must implement the command.".into(),
            Self::QueuedIfOffline { .. } => "Switch “Queue if offline” off in a new version of the template and publish it.".into(),
            Self::UnusualDeviceMove(_) => "Make sure that the firmware answers it; the first device is moved and proven before the rest.".into(),
            Self::EmptyGroup { .. } => "Choose another group or template, or change the group's filter in IoT Central.".into(),
            Self::NothingMovable { .. } => "Unblock or approve the devices in IoT Central, or choose another group.".into(),
            Self::OtherTemplate(_) => "They stay where they are; move them with a migration of their own.".into(),
            Self::Unassigned(_) => "Assign a template to them in IoT Central if they are to move.".into(),
            Self::Simulated(_) => "They are skipped: there is no real device to move.".into(),
            Self::Blocked(_) => "They are skipped; unblock or approve them in IoT Central if they are to move.".into(),
            Self::NeverConnected(_) => "They can only be moved once they connect; until then they wait.".into(),
            Self::SameApplication { .. } => "Choose another application as the target.".into(),
            Self::NoEnrollmentGroup => "Enable the enrollment group that the devices use, in IoT Central under Permissions, Device connection groups.".into(),
            Self::NotSymmetric(_) => "Their devices cannot be carried over. Before the start you are asked whether a selected device uses them.".into(),
            Self::DpsNotActive { .. } => "Wait until Azure shows it as active, or choose another DPS.".into(),
            Self::DpsWithoutHub { .. } => "Link a hub to it in the Azure portal under Linked IoT hubs and reload, or choose another DPS.".into(),
            Self::HubUnreadable { .. } => "Ask for the role Reader on it, or unlink it if it is deleted, or choose another hub.".into(),
            Self::HubNotActive { .. } => "Wait until Azure shows it as active, or choose another hub.".into(),
            Self::KeysRefused { .. } => "Allow shared access policies on the hub, or choose another hub.".into(),
            Self::BasicTier { .. } => "The proof that a device has arrived rests on its twin. Choose a Standard or Free hub.".into(),
            Self::FreeHubTooSmall { .. } => "Choose a Standard hub, or a smaller device group.".into(),
            Self::OtherSubscription { .. } => "Make sure that this is the hub you mean.".into(),
            Self::OfHub(finding) => finding.remedy(),
        }
    }
}

pub(super) fn devices(number: u64) -> String {
    if number == 1 { "1 device".into() } else { format!("{} devices", grouped(number)) }
}

fn matching_devices(number: u64) -> String {
    format!("{} matching devices", grouped(number))
}

fn have(number: u64) -> &'static str {
    if number == 1 { "has" } else { "have" }
}

fn are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// A number with its thousands apart: `3,400`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    groups.join(",")
}
