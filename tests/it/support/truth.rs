//! What really happened: the devices' own logs, what the services hold, and the effects that calls had.

use iotc_migrator::sandbox::central::model::AppDevice;
use iotc_migrator::sandbox::device::{self, Device, Happening, Place, Via};
use iotc_migrator::sandbox::dps::model::{Group, Settings};
use iotc_migrator::sandbox::fleet::MAIN_APP;
use iotc_migrator::sandbox::hub::model::{Authentication, Identity};
use iotc_migrator::sandbox::log::{Call, Service};
use iotc_migrator::sandbox::world::World;

use super::lab::Lab;

/// Host of the hub that fleets move to unless a test says otherwise.
pub const HUB: &str = "contoso-hub.azure-devices.net";
/// Where the devices of the main application are told from.
pub const DPS: &str = "contoso-dps";

impl Lab {
    /// A device as it is now, with its log.
    pub fn device(&self, id: &str) -> Device {
        self.shared().look(|world| world.devices.get(id).cloned()).unwrap_or_else(|| panic!("no device {id}"))
    }

    /// The devices whose ids begin like this, in order.
    pub fn devices(&self, prefix: &str) -> Vec<Device> {
        let known = |world: &World| {
            world.devices.values().filter(|device| device.id.starts_with(prefix)).cloned().collect::<Vec<_>>()
        };
        self.shared().look(known)
    }

    /// The device is connected to this hub now.
    pub fn is_at_hub(&self, host: &str, id: &str) -> bool {
        self.shared().look(|world| device::is_at_hub(world, host, id))
    }

    /// The device is connected to this application now.
    pub fn is_at_app(&self, sub: &str, id: &str) -> bool {
        self.shared().look(|world| device::is_at_app(world, sub, id))
    }

    /// What an application knows of a device.
    pub fn known_at(&self, sub: &str, id: &str) -> Option<AppDevice> {
        self.shared().look(|world| world.apps[sub].devices.get(id).cloned())
    }

    /// The calls to a service, oldest first.
    pub fn calls_to(&self, service: Service) -> Vec<Call> {
        self.shared().log().all().into_iter().filter(|call| call.service == service).collect()
    }

    /// Switches a device on or off.
    pub fn set_online(&self, id: &str, online: bool) {
        device::set_online(&self.shared(), id, online);
    }

    /// What effects of this kind happened to, in order.
    pub fn effects(&self, kind: &str) -> Vec<String> {
        let effects = self.shared().log().effects();
        effects.into_iter().filter(|(_, effect)| effect.kind == kind).map(|(_, effect)| effect.subject).collect()
    }
}

/// The device has not left its application and was never told to.
pub fn was_left_alone(device: &Device) -> bool {
    device.times_commanded() == 0 && matches!(device.place, Place::App { .. })
}

/// How a device was told, each time.
pub fn told_by(device: &Device) -> Vec<Via> {
    let told = |happening: &Happening| match happening {
        Happening::Commanded { via, .. } => Some(via.clone()),
        _ => None,
    };
    device.log.iter().filter_map(|entry| told(&entry.what)).collect()
}

/// The keys that a device of the main application has if it belongs to this enrollment group.
pub fn keys_of(world: &World, group: &str, id: &str) -> (String, String) {
    let group = &world.apps[MAIN_APP].enrollment_groups[group];
    group.attestation.device_keys(id, true).expect("a symmetric group")
}

/// Puts an identity with these keys into the hub, as somebody did before the migration.
pub fn add_identity(world: &mut World, host: &str, id: &str, (primary, secondary): (String, String)) {
    let since = world.apps[MAIN_APP].devices.values().find_map(|device| device.presence.since).expect("a connection");
    let identity = Identity::new(id, Authentication::Sas { primary, secondary }, since);
    world.hubs.get_mut(host).expect("the hub").identities.insert(id.to_owned(), identity);
}

/// Puts a group with the keys of one of the application's into the DPS, leading to this hub only, as by hand.
pub fn add_by_hand(world: &mut World, source: &str, id: &str, host: &str, change: impl FnOnce(&mut Settings)) {
    let since = world.apps[MAIN_APP].devices.values().find_map(|device| device.presence.since).expect("a connection");
    let attestation = world.apps[MAIN_APP].enrollment_groups[source].attestation.clone();
    let mut settings = Settings::with_attestation(attestation, since);
    settings.allocation = Some("static".to_owned());
    settings.hubs = vec![host.to_owned()];
    change(&mut settings);
    let dps = world.dps.get_mut(DPS).expect("the DPS");
    dps.groups.insert(id.to_ascii_lowercase(), Group { id: id.to_owned(), settings });
}
