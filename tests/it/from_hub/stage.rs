//! What the tests of this room share: hubs, an application, the program, and Ada; and what was sent to the hubs.

use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::{Device, Kind, Place};
use iotc_migrator::sandbox::fleet::{self, NEXT_APP, PLANT, PLANT_DPS};
use iotc_migrator::sandbox::log::{Call, Service};
use iotc_migrator::sandbox::world::World;

use crate::support::journey::Wish;

pub const PATIENCE: Duration = Duration::from_secs(120);
/// The target's name on the pages.
pub const NEXT: &str = "Contoso next";
pub const PLANT_HOST: &str = "contoso-plant.azure-devices.net";
pub const GIVE_UP: &str = "Give up on a device that does not turn up after (minutes)";

/// The meters of the plant's hub, into the application, where they become meters.
pub fn wish() -> Wish {
    Wish::from_hubs(Some(PLANT_DPS), &[PLANT], NEXT, Some("Meter")).with(GIVE_UP, "2")
}

/// This many obedient meters of one group in the plant's hub.
pub fn meters(clock: &SandboxClock, number: usize) -> World {
    let mut world = fleet::hub_world(clock, number, "S2", 10);
    for device in world.devices.values_mut() {
        device.kind = Kind::Normal;
    }
    world
}

/// Groups of the target that were not born with it.
pub fn made_groups(world: &World) -> Vec<String> {
    let born = ["SAS-IoT-Devices", "SAS-IoT-Edge-Devices"];
    let groups = world.apps[NEXT_APP].enrollment_groups.values();
    groups.map(|group| group.id.clone()).filter(|id| !born.contains(&id.as_str())).collect()
}

/// Nobody told it anything, and it did not leave its hub.
pub fn was_never_told(device: &Device) -> bool {
    device.times_commanded() == 0 && matches!(device.place, Place::Hub { .. })
}

/// A direct method was sent.
pub fn is_method(call: &Call) -> bool {
    call.service == Service::Hub && call.method == "POST" && call.path.ends_with("/methods")
}
