//! The small fleets that the program is killed over.

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::Kind;
use iotc_migrator::sandbox::fleet::{self, BOILER, Spec};
use iotc_migrator::sandbox::world::World;
use time::Duration;

use crate::support::journey::Wish;

/// A fleet, and how a person moves it.
#[derive(Clone, Copy)]
pub struct Case {
    /// What exists at the start.
    pub world: fn(&SandboxClock) -> World,
    /// DPS registers each device as it arrives, whatever is known of keys.
    pub on_arrival: bool,
    /// Devices that are waited for in the end, until the person presses *Finish now*.
    pub waiting: usize,
}

/// Eight obedient devices with one key: identities are made ahead, a canary is told, the rest go by job.
pub const BY_JOB: Case = Case { world: obedient, on_arrival: false, waiting: 0 };

/// One device of each kind, among them a simulated one that a job would hit: single commands, two keys.
pub const SINGLY: Case = Case { world: mixed, on_arrival: false, waiting: 1 };

/// By job, and DPS makes the identities; some devices answer the job in ways that give no reason.
pub const ON_ARRIVAL: Case = Case { world: troubled, on_arrival: true, waiting: 1 };

impl Case {
    /// What the person chooses.
    pub fn wish(&self) -> Wish {
        let wish = Wish::default().with("Give up on a device that does not turn up after (minutes)", "1");
        if self.on_arrival { wish.with("Let DPS register each device as it arrives", "yes") } else { wish }
    }
}

fn obedient(clock: &SandboxClock) -> World {
    fleet::simple_world(clock, 8, "S2", 10)
}

fn mixed(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 0, "S2", 10);
    fleet::add_symmetric_group(&mut world, fleet::MAIN_APP, "second-plant", false);
    let normal = Spec::new(BOILER);
    add(
        &mut world,
        clock,
        &[
            Spec { kind: Kind::Refuses, ..normal },
            normal,
            normal,
            normal,
            Spec { group: "second-plant", ..normal },
            Spec { kind: Kind::AnswerLost, ..normal },
            Spec { online: false, ..normal },
            Spec { kind: Kind::Vanishes, ..normal },
            Spec { kind: Kind::Simulated, ..normal },
        ],
    );
    world
}

fn troubled(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 0, "S2", 10);
    let normal = Spec::new(BOILER);
    add(
        &mut world,
        clock,
        &[
            normal,
            normal,
            Spec { kind: Kind::Refuses, ..normal },
            Spec { kind: Kind::AnswerLost, ..normal },
            Spec { online: false, ..normal },
            normal,
            normal,
        ],
    );
    world
}

fn add(world: &mut World, clock: &SandboxClock, specs: &[Spec]) {
    let since = clock.now() - Duration::hours(3);
    for (number, spec) in (1..).zip(specs) {
        fleet::add_devices(world, fleet::MAIN_APP, "boiler", number, 1, spec, since);
    }
}
