//! The rights that a move needs, and what carries each.

/// A right that the move needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read the shared access keys of the DPS.
    ListDpsKeys,
    /// Read the shared access keys of the hub.
    ListHubKeys,
    /// Read device groups and templates in the application.
    ReadGroups,
    /// Read devices in the application.
    ReadDevices,
    /// Read the application's enrollment groups with their keys.
    ReadConnectivity,
    /// Read, make and run jobs in the application.
    Jobs,
}

impl Right {
    /// What it allows.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ListDpsKeys => "read the access keys of the DPS",
            Self::ListHubKeys => "read the access keys of the hub",
            Self::ReadGroups => "read device groups and device templates",
            Self::ReadDevices => "read devices",
            Self::ReadConnectivity => "read enrollment groups with their keys",
            Self::Jobs => "read and run jobs",
        }
    }

    /// The role or permission that carries it, for the remedy.
    pub(super) fn carrier(self, scope: &str) -> String {
        match self {
            Self::ListDpsKeys => format!(
                "Ask an owner for the role Contributor on the DPS {scope}, or for a role with Microsoft.Devices/provisioningServices/listkeys/action."
            ),
            Self::ListHubKeys => format!(
                "Ask an owner for the role Contributor on the hub {scope}, or for a role with Microsoft.Devices/iotHubs/listkeys/action."
            ),
            Self::ReadGroups => central(scope, "View device groups, View device templates"),
            Self::ReadDevices => central(scope, "View device instances"),
            Self::ReadConnectivity => central(scope, "Device connectivity management: read"),
            Self::Jobs => central(scope, "Jobs: create, execute, view"),
        }
    }
}

fn central(scope: &str, permission: &str) -> String {
    format!(
        "Ask an administrator of the IoT Central application {scope} for the role Builder or Administrator, or for a role with the permission “{permission}”."
    )
}
