//! A world for moves between two applications: one device or a few of every kind that such a move meets.
//!
//! | number | kind | must end as |
//! | --- | --- | --- |
//! | 1–6 | connected, key of the default group | moved |
//! | 7–8 | key of a second symmetric group | moved |
//! | 9 | slow (20 s) | moved |
//! | 10 | the answer to the command is lost, the device moves | moved |
//! | 11–12 | offline | waiting |
//! | 13 | answers 403 | failed: refused |
//! | 14 | answers, then vanishes | failed: not seen at the target |
//! | 15–16 | individual symmetric attestation | moved if its attestation is carried over, else skipped: individual attestation |
//! | 17 | simulated | skipped: simulated |
//! | 18 | blocked | skipped: blocked |
//! | 19 | announces its model id | moved, and has the model's template by itself |
//! | 20 | known at the target and provisioned there a day ago, with a template; connected at the source | moved, proven by newer telemetry only |
//! | 21 | created ahead at the target, with name and template | moved, and keeps both |
//! | 22 | individual attestation by the certificate [`BOILER_CERTIFICATE`] | moved if its attestation is carried over and the certificate is supplied, else skipped: individual attestation |
//! | `unassigned-0001` | has no template, so it is in no device group | outside |
//!
//! The numbers are those of `boiler-0001` and so on, in the device group `boilers-all` of [`MAIN_APP`]. The target
//! [`NEXT_APP`] lets everybody in that its enrollment groups know, and knows none of the source's keys yet.

#[cfg(test)]
mod tests;

use time::Duration;

use super::apps::{Spec, add_app, add_devices, add_group, add_known_device, add_symmetric_group};
use super::{BOILER, MAIN_APP, NEXT_APP, UPTIME, empty_world};
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::device::Kind;
use crate::sandbox::world::{Moment, World};

/// The certificate (PEM) that boiler 22 presents; nobody has its key.
pub const BOILER_CERTIFICATE: &str = include_str!("certificates/boiler-0022.pem");

/// The kinds in the order of the table, as the source has them.
const KINDS: [(usize, Spec); 13] = {
    let normal = Spec::new(BOILER);
    [
        (6, normal),
        (2, Spec { group: "second-plant", ..normal }),
        (1, Spec { kind: Kind::Slow, ..normal }),
        (1, Spec { kind: Kind::AnswerLost, ..normal }),
        (2, Spec { online: false, ..normal }),
        (1, Spec { kind: Kind::Refuses, ..normal }),
        (1, Spec { kind: Kind::Vanishes, ..normal }),
        (2, Spec { individual: true, ..normal }),
        (1, Spec { kind: Kind::Simulated, ..normal }),
        (1, Spec { blocked: true, online: false, ..normal }),
        (1, Spec { announces: true, ..normal }),
        (2, normal),
        (1, Spec { certificate: Some(BOILER_CERTIFICATE), ..normal }),
    ]
};
/// The device that was at the target before.
const RETURNER: &str = "boiler-0020";
/// The device that somebody created at the target ahead of its arrival.
const EXPECTED: &str = "boiler-0021";
/// How long ago the returner was at the target.
const ABSENCE: Duration = Duration::days(1);

/// [`MAIN_APP`] with the devices of the table, and [`NEXT_APP`] to move them to.
#[must_use]
pub fn central_to_central_world(clock: &SandboxClock) -> World {
    let since = clock.now() - UPTIME;
    let mut world = empty_world();
    source(&mut world, since);
    add_app(&mut world, NEXT_APP, "0ne00A00004");
    add_known_device(&mut world, NEXT_APP, RETURNER, Some(BOILER), Some(since - ABSENCE), since);
    add_known_device(&mut world, NEXT_APP, EXPECTED, Some(BOILER), None, since);
    world
}

fn source(world: &mut World, since: Moment) {
    add_app(world, MAIN_APP, "0ne00A00001");
    add_symmetric_group(world, MAIN_APP, "second-plant", false);
    add_group(world, MAIN_APP, "boilers-all", "Boilers - all", BOILER);
    let mut number = 1;
    for (count, spec) in &KINDS {
        add_devices(world, MAIN_APP, "boiler", number, *count, spec, since);
        number += count;
    }
    add_devices(world, MAIN_APP, "unassigned", 1, 1, &Spec { template: None, ..Spec::new(BOILER) }, since);
}
