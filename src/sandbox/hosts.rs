//! Azure's host names: which service answers under which.

use super::log::Service;
use super::world::World;

/// The global host that devices have compiled in.
pub const DPS_GLOBAL: &str = "global.azure-devices-provisioning.net";

/// What the name of a host leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Entra ID.
    Entra,
    /// ARM and Resource Graph.
    Arm,
    /// An IoT Central application; unknown ones answer with a page.
    Central,
    /// DPS for devices.
    DpsDevice,
    /// A DPS instance.
    DpsService,
    /// A hub.
    Hub,
}

impl Site {
    /// The site of a lower-case host name; `None` for names that are not Azure's.
    #[must_use]
    pub fn of(host: &str) -> Option<Self> {
        let below =
            |suffix: &str| host.strip_suffix(suffix).is_some_and(|label| !label.is_empty() && !label.contains('.'));
        match host {
            "login.microsoftonline.com" => Some(Self::Entra),
            "login.windows.net" | "login.microsoft.com" | "sts.windows.net" => Some(Self::Entra),
            "management.azure.com" => Some(Self::Arm),
            DPS_GLOBAL => Some(Self::DpsDevice),
            _ if below(".azureiotcentral.com") => Some(Self::Central),
            _ if below(".azure-devices-provisioning.net") => Some(Self::DpsService),
            _ if below(".azure-devices.net") => Some(Self::Hub),
            _ => None,
        }
    }

    /// Whether the name resolves: a hub or DPS that does not exist has no DNS record.
    #[must_use]
    pub fn resolves(self, world: &World, host: &str) -> bool {
        match self {
            Self::Hub => world.hubs.contains_key(host),
            Self::DpsService => world.dps.values().any(|dps| dps.service_host.eq_ignore_ascii_case(host)),
            _ => true,
        }
    }

    /// The service that a path of this site belongs to.
    #[must_use]
    pub fn service(self, path: &str) -> Service {
        match self {
            Self::Entra => Service::Entra,
            Self::Arm if path.to_ascii_lowercase().contains("/microsoft.resourcegraph/") => Service::Graph,
            Self::Arm => Service::Arm,
            Self::Central => Service::Central,
            Self::DpsDevice => Service::DpsDevice,
            Self::DpsService => Service::DpsService,
            Self::Hub => Service::Hub,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_azures_own_names_are_sites() {
        assert_eq!(Site::of("contoso.azure-devices.net"), Some(Site::Hub));
        assert_eq!(Site::of("global.azure-devices-provisioning.net"), Some(Site::DpsDevice));
        assert_eq!(Site::of("contoso-dps.azure-devices-provisioning.net"), Some(Site::DpsService));
        assert_eq!(Site::of("a.b.azure-devices.net"), None);
        assert_eq!(Site::of("azure-devices.net"), None);
        assert_eq!(Site::of("contoso.azure-devices.net.example.com"), None);
        assert_eq!(Site::of("example.com"), None);
    }
}
