//! Later checks in an application that devices went to.
//!
//! A device has left when the application has it no more, or when the application that it came from shows a newer sign of
//! life than this one. Both cost calls of a tight budget, so at each check some devices are asked about, in turn.

use super::{AtApp, sight};
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::signs::Signs;
use crate::engine::turns::{Question, in_turn};
use crate::engine::watch::{self, Later};
use crate::migration::device::Fact;
use crate::migration::{Device, Outcome};

/// Devices that are looked at in one check.
const LOOKS: usize = 500;

pub(in crate::engine) async fn check(run: &Run, at: &AtApp, devices: &[Device]) -> Result<(), Halt> {
    let home = watch::signs_at_the_source(run).await?;
    let turn = run.inner.turns.next(run.id(), Question::Later);
    let asked = in_turn(devices.iter().collect(), turn, watch::SIGNS);
    for device in in_turn(devices.iter().collect(), turn, LOOKS) {
        let home = home.as_ref().filter(|_| asked.iter().any(|one| one.id == device.id));
        let later = check_one(run, at, home, device).await;
        watch::record(run, device, later).await?;
    }
    Ok(())
}

/// `home`: where signs of life at the source are looked for, if they are.
async fn check_one(run: &Run, at: &AtApp, home: Option<&Signs>, device: &Device) -> Result<Later, Halt> {
    let app = &at.target.app_display_name;
    let Some(mut seen) = at.see(&device.id).await? else {
        return Ok(Later::Left(format!("{app} does not have it any more")));
    };
    let blocked = format!("{app} has blocked it");
    // What was said of its template stays true; that it was blocked, or why it had left, does not.
    let own = device.detail.clone().filter(|said| device.outcome == Outcome::Moved && *said != blocked);
    let note = if seen.is_closed() { Some(blocked) } else { own };
    let Some(home) = home else { return Ok(Later::There { newer: None, again: false, note }) };
    // One that was deleted and has come again has lost its template, and without one no sign of it is to be seen.
    let note = match device.outcome == Outcome::WentBack && seen.provisioned && seen.enabled {
        true => sight::give_template(run, at, &mut seen, device).await?.or(note),
        false => note,
    };
    let here = at.newest(&device.id, &seen).await?;
    let there = home.newest(device).await?;
    if here.is_some() && there > here {
        return Ok(Later::Left(format!("{} shows a newer sign of life of it than {app}", home.place())));
    }
    let known = device.facts.sending.as_ref().map(|fact| fact.at);
    let before = known.or_else(|| device.baseline.app.as_ref().and_then(|before| before.newest));
    let newer = here.filter(|_| here > before);
    Ok(Later::There {
        again: newer.is_some() && home.shows_any() && here > there,
        newer: newer.map(|at| Fact { at, evidence: format!("{app} shows telemetry or properties of it") }),
        note,
    })
}
