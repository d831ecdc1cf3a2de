//! The rights that a move needs, and what carries each: the one place of their names for the form and the set-up page.

/// A right that the move needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read the shared access keys of the DPS.
    ListDpsKeys,
    /// Read the shared access keys of the hub.
    ListHubKeys,
    /// Read the shared access keys of the DPS that devices came by.
    ListSourceDpsKeys,
    /// Read the shared access keys of a hub that devices come from.
    ListSourceHubKeys,
    /// Read device groups and templates in the application.
    ReadGroups,
    /// Read devices in the application.
    ReadDevices,
    /// Read the application's enrollment groups with their keys.
    ReadConnectivity,
    /// Read, make and run jobs in the application.
    Jobs,
    /// Make enrollment groups and attestations in the application that devices go to.
    MakeGroups,
    /// Make, change and delete devices there: templates, approval, names, a temporary device.
    ChangeDevices,
}

impl Right {
    /// What it allows.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ListDpsKeys | Self::ListSourceDpsKeys => "read the access keys of the DPS",
            Self::ListHubKeys | Self::ListSourceHubKeys => "read the access keys of the hub",
            Self::ReadGroups => "read device groups and device templates",
            Self::ReadDevices => "read devices",
            Self::ReadConnectivity => "read enrollment groups with their keys",
            Self::Jobs => "read and run jobs",
            Self::MakeGroups => "make enrollment groups",
            Self::ChangeDevices => "assign templates, approve devices, carry over names and properties",
        }
    }

    /// The permission of a custom role that carries it, as Azure or IoT Central calls it.
    #[must_use]
    pub fn permission(self) -> &'static str {
        match self {
            Self::ListDpsKeys | Self::ListSourceDpsKeys => "Microsoft.Devices/provisioningServices/listkeys/action",
            Self::ListHubKeys | Self::ListSourceHubKeys => "Microsoft.Devices/iotHubs/listkeys/action",
            Self::ReadGroups => "Device groups: view; Device templates: view",
            Self::ReadDevices => "Device instances: view",
            Self::ReadConnectivity => "Device connectivity management: read",
            Self::Jobs => "Jobs: create, execute, view",
            Self::MakeGroups => "Device connectivity management: manage",
            Self::ChangeDevices => "Device instances: create, update, delete",
        }
    }

    /// The rights within an IoT Central application, where Azure's roles do not count.
    pub const IN_CENTRAL: [Self; 4] = [Self::ReadGroups, Self::ReadDevices, Self::ReadConnectivity, Self::Jobs];

    /// The rights within an application that devices go to, beside reading devices and enrollment groups. Whether somebody has
    /// them shows only when they are used.
    pub const IN_TARGET: [Self; 2] = [Self::MakeGroups, Self::ChangeDevices];

    /// The roles of an IoT Central application that carry all of [`Self::IN_CENTRAL`] and [`Self::IN_TARGET`].
    pub const CENTRAL_ROLES: &'static str = "Administrator and Builder";

    /// What to do where the enrollments of a DPS that devices came by cannot be read.
    pub(super) const WITHOUT_DPS: &'static str =
        "Or choose “None: hubs without a DPS”, and paste the keys of its enrollment groups on the next page.";

    /// The role of Azure that lists keys.
    pub const KEYS_ROLE: &'static str = "Contributor";

    /// Whom to ask for what, for the remedy.
    pub(super) fn carrier(self, scope: &str) -> String {
        let (role, permission) = (Self::KEYS_ROLE, self.permission());
        let kind = match self {
            Self::ListDpsKeys | Self::ListSourceDpsKeys => "DPS",
            Self::ListHubKeys | Self::ListSourceHubKeys => "hub",
            Self::ReadGroups
            | Self::ReadDevices
            | Self::ReadConnectivity
            | Self::Jobs
            | Self::MakeGroups
            | Self::ChangeDevices => {
                return format!(
                    "Ask an administrator of the IoT Central application {scope} to add you as a user with the permission “{permission}” (the roles {} have it). Azure roles do not count there.",
                    Self::CENTRAL_ROLES
                );
            }
        };
        let ask = format!("Ask an owner for the role {role} on the {kind} {scope}, or for a role with {permission}.");
        if self == Self::ListSourceDpsKeys { format!("{ask} {}", Self::WITHOUT_DPS) } else { ask }
    }
}
