//! The small fleets that the program is killed over.

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::{Kind, Place};
use iotc_migrator::sandbox::fleet::{self, BOILER, HubSpec, Spec};
use iotc_migrator::sandbox::world::World;
use time::Duration;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::truth::HUB;

/// A fleet, and how a person moves it.
#[derive(Clone, Copy)]
pub struct Case {
    /// What exists at the start.
    pub world: fn(&SandboxClock) -> World,
    /// DPS registers each device as it arrives, whatever is known of keys.
    pub on_arrival: bool,
    /// They go to another application, and not to the hub.
    pub into_app: bool,
    /// They come from a hub, which keeps no history of methods.
    pub from_hub: bool,
    /// Devices that are waited for in the end, until the person presses *Finish now*.
    pub waiting: usize,
    /// Names and properties are carried over.
    pub carries: bool,
}

/// Eight obedient devices with one key: identities are made ahead, a canary is told, the rest go by job.
pub const BY_JOB: Case =
    Case { world: obedient, on_arrival: false, into_app: false, from_hub: false, carries: false, waiting: 0 };

/// One device of each kind, among them a simulated one that a job would hit: single commands, two keys.
pub const SINGLY: Case =
    Case { world: mixed, on_arrival: false, into_app: false, from_hub: false, carries: false, waiting: 1 };

/// By job, and DPS makes the identities; some devices answer the job in ways that give no reason.
pub const ON_ARRIVAL: Case =
    Case { world: troubled, on_arrival: true, into_app: false, from_hub: false, carries: false, waiting: 1 };

/// Four obedient devices into an empty application: a temporary device is made for its ID scope, and the rest go by job.
pub const INTO_EMPTY: Case =
    Case { world: before_an_empty_app, on_arrival: false, into_app: true, from_hub: false, carries: true, waiting: 0 };

/// One device of each kind into an application that knows two of them: single commands, two keys.
pub const INTO_KNOWN: Case =
    Case { world: before_a_known_app, on_arrival: false, into_app: true, from_hub: false, carries: false, waiting: 1 };

/// One device of each kind out of a hub into an application: two keys, and one device with its own.
pub const FROM_HUB: Case =
    Case { world: in_a_hub, on_arrival: false, into_app: true, from_hub: true, carries: false, waiting: 1 };

/// A migration that nobody disturbs, and what follows it.
#[derive(Clone, Copy)]
pub struct Follow {
    /// What comes first.
    pub first: Case,
    /// What changes in between.
    pub mend: fn(&Lab),
    /// What makes it.
    pub button: &'static str,
    /// Devices go back to the application that they came from.
    pub home: bool,
    /// Devices that are waited for in the end.
    pub waiting: usize,
}

/// Of three devices that refused one obeys now, one obeys without an answer that arrives, and one refuses still.
pub const RERUN: Follow = Follow {
    first: Case { world: disobedient, waiting: 0, ..BY_JOB },
    mend: teach,
    button: "Rerun 3 failed devices",
    home: false,
    waiting: 0,
};

/// Four devices go back: one refuses, one's answer is lost, one is offline.
pub const BACK: Follow = Follow {
    first: Case { world: few, waiting: 0, ..BY_JOB },
    mend: trouble,
    button: "Make the fail back",
    home: true,
    waiting: 1,
};

/// The canary vanishes: the migration is paused until somebody resumes it.
pub const LOST_CANARY: Case = Case { world: with_a_lost_canary, ..ON_ARRIVAL };

impl Case {
    /// Where everybody is moved to.
    pub fn place(&self) -> Place {
        match self.into_app {
            true => Place::App { sub: fleet::NEXT_APP.to_owned() },
            false => Place::Hub { host: HUB.to_owned() },
        }
    }

    /// What the person chooses.
    pub fn wish(&self) -> Wish {
        let wish = if self.into_app { Wish::into_app("Contoso next", Some("Boiler")) } else { Wish::default() };
        let hubs = || Wish::from_hubs(Some(fleet::PLANT_DPS), &[fleet::PLANT], "Contoso next", Some("Meter"));
        let wish = if self.from_hub { hubs() } else { wish };
        let wish = wish.with("Give up on a device that does not turn up after (minutes)", "1");
        // Each name is an effect more to be killed at: in one case they are enough.
        let wish = match self.from_hub {
            true => wish,
            false => wish.with("Carry over names and properties", if self.carries { "" } else { "nothing" }),
        };
        if self.on_arrival { wish.with("Let DPS register each device as it arrives", "yes") } else { wish }
    }
}

fn disobedient(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 4, "S2", 10);
    for id in ["boiler-0002", "boiler-0003", "boiler-0004"] {
        world.devices.get_mut(id).expect("a boiler").kind = Kind::Refuses;
    }
    world
}

fn teach(lab: &Lab) {
    lab.shared().world(|world| {
        world.devices.get_mut("boiler-0002").expect("a boiler").kind = Kind::Normal;
        world.devices.get_mut("boiler-0003").expect("a boiler").kind = Kind::AnswerLost;
    });
}

fn few(clock: &SandboxClock) -> World {
    fleet::simple_world(clock, 4, "S2", 10)
}

fn trouble(lab: &Lab) {
    lab.shared().world(|world| {
        world.devices.get_mut("boiler-0002").expect("a boiler").kind = Kind::AnswerLost;
        world.devices.get_mut("boiler-0003").expect("a boiler").kind = Kind::Refuses;
    });
    lab.set_online("boiler-0004", false);
}

fn with_a_lost_canary(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 3, "S2", 10);
    world.devices.get_mut("boiler-0001").expect("a boiler").kind = Kind::Vanishes;
    world
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

fn before_an_empty_app(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 4, "S2", 10);
    fleet::add_app(&mut world, fleet::NEXT_APP, "0ne00A00004");
    world
}

fn before_a_known_app(clock: &SandboxClock) -> World {
    let mut world = mixed(clock);
    let announces = Spec { announces: true, ..Spec::new(BOILER) };
    fleet::add_devices(&mut world, fleet::MAIN_APP, "boiler", 10, 1, &announces, clock.now() - Duration::hours(3));
    fleet::add_app(&mut world, fleet::NEXT_APP, "0ne00A00004");
    let now = clock.now() - Duration::hours(3);
    let before = Some(now - Duration::days(1));
    fleet::add_known_device(&mut world, fleet::NEXT_APP, "boiler-0003", Some(BOILER), before, now);
    fleet::add_known_device(&mut world, fleet::NEXT_APP, "boiler-0004", Some(BOILER), None, now);
    world
}

fn in_a_hub(clock: &SandboxClock) -> World {
    let since = clock.now() - Duration::hours(3);
    let mut world = fleet::hub_world(clock, 4, "S2", 10);
    fleet::add_dps_group(&mut world, fleet::PLANT_DPS, "annex", since);
    let host = format!("{}.azure-devices.net", fleet::PLANT);
    let specs = [
        HubSpec::new("annex"),
        HubSpec { kind: Kind::AnswerLost, ..HubSpec::new("plant") },
        HubSpec { online: false, ..HubSpec::new("plant") },
        HubSpec::from(fleet::Origin::Individual),
        HubSpec::from(fleet::Origin::Hub),
    ];
    for (number, spec) in (5..).zip(&specs) {
        fleet::add_hub_device(&mut world, fleet::PLANT_DPS, &host, &format!("meter-{number:04}"), spec, since);
    }
    world
}

fn add(world: &mut World, clock: &SandboxClock, specs: &[Spec]) {
    let since = clock.now() - Duration::hours(3);
    for (number, spec) in (1..).zip(specs) {
        fleet::add_devices(world, fleet::MAIN_APP, "boiler", number, 1, spec, since);
    }
}
