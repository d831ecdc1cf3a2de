//! What the tests of this room share: two applications, the program, and Ada; and what was done to the target.

use std::time::Duration;

use iotc_migrator::sandbox::SandboxOptions;
use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::faults::Seen;
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, NEXT_APP, Spec};
use iotc_migrator::sandbox::log::{Call, Caller, Service};
use iotc_migrator::sandbox::world::World;

use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::program::Program;

pub const PATIENCE: Duration = Duration::from_secs(120);
/// The target's name on the pages.
pub const NEXT: &str = "Contoso next";
pub const MAIN_HOST: &str = "contoso-fleet.azureiotcentral.com";
pub const NEXT_HOST: &str = "contoso-next.azureiotcentral.com";
/// How the ids of temporary devices begin.
pub const PROBE: &str = "migrator-probe-";
pub const GIVE_UP: &str = "Give up on a device that does not turn up after (minutes)";

/// A lab with two applications, the program, and Ada at her browser.
pub struct Stage {
    pub lab: Lab,
    pub program: Program,
    pub ada: Person,
}

impl Stage {
    /// With this world.
    pub async fn of(speed: u32, world: impl FnOnce(&SandboxClock) -> World) -> Self {
        Self::with(speed, world, |_| {}).await
    }

    /// The same, with other options.
    pub async fn with(
        speed: u32,
        world: impl FnOnce(&SandboxClock) -> World,
        change: impl FnOnce(&mut SandboxOptions),
    ) -> Self {
        let lab = Lab::with(speed, |options| {
            options.world = Some(world(&SandboxClock::new(options.anchor, options.speed)));
            change(options);
        })
        .await;
        let program = lab.program().await;
        let ada = Person::new(&lab, &program);
        ada.sign_in("Ada").await;
        Self { lab, program, ada }
    }

    /// The program is killed and started again on the same data and port; Azure's time may be another by then.
    pub async fn killed(self) -> Self {
        let port = self.program.port;
        self.program.kill().await;
        let program = Program::start(self.lab.data.path(), port, &self.lab.environment(port)).await;
        Self { program, ..self }
    }

    /// Waits for the pause whose page has these words.
    pub async fn paused(&self, journey: &Journey, why: &str) -> Page {
        let page = self.ada.wait_for_state(journey, "Paused", PATIENCE).await;
        assert!(page.text().contains(why), "{}", page.text());
        page
    }

    /// Waits for the end of a migration in which every one of `devices` moved.
    pub async fn all_moved(&self, journey: &Journey, devices: usize) {
        let page = self.ada.wait_for_state(journey, "Completed", PATIENCE).await;
        let rows = self.ada.devices(journey).await;
        assert_eq!(rows.len(), devices, "{}", page.text());
        for (id, row) in &rows {
            assert!(
                row["outcome"] == "moved" && self.lab.is_at_app(NEXT_APP, id),
                "{row:?}: {:?}",
                self.lab.device(id)
            );
        }
    }

    /// Ids of the temporary devices that the target has now.
    pub fn probes(&self) -> Vec<String> {
        let of = |world: &World| {
            world.apps[NEXT_APP].devices.keys().filter(|id| id.starts_with(PROBE)).cloned().collect::<Vec<_>>()
        };
        self.lab.shared().look(of)
    }

    /// What people changed, or tried to, in the application at `host`.
    pub fn changes_at(&self, host: &str) -> Vec<Call> {
        let is_change = |call: &Call| {
            call.host == host
                && call.method != "GET"
                && call.path != "/api/query"
                && matches!(call.caller, Caller::Person { .. })
        };
        self.lab.calls_to(Service::Central).into_iter().filter(is_change).collect()
    }
}

/// The boilers into the other application, where those without a template become boilers again.
pub fn wish() -> Wish {
    Wish::into_app(NEXT, Some("Boiler"))
}

/// Both applications, of which the target is empty, and this many obedient boilers.
pub fn two_apps(clock: &SandboxClock, boilers: usize) -> World {
    let mut world = fleet::empty_world();
    fleet::add_app(&mut world, MAIN_APP, "0ne00A00001");
    fleet::add_group(&mut world, MAIN_APP, "boilers-all", "Boilers - all", BOILER);
    let since = clock.now() - time::Duration::hours(3);
    fleet::add_devices(&mut world, MAIN_APP, "boiler", 1, boilers, &Spec::new(BOILER), since);
    fleet::add_app(&mut world, NEXT_APP, "0ne00A00004");
    world
}

/// A request about a temporary device.
pub fn is_about_probe(seen: &Seen<'_>) -> bool {
    seen.host == NEXT_HOST && seen.path.starts_with(&format!("/api/devices/{PROBE}"))
}
