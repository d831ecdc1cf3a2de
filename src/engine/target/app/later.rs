//! Later checks in an application that devices went to.
//!
//! A device has left when the application has it no more, or when the application that it came from shows a newer sign of
//! life than this one. Signs cost calls of a tight budget, so at each check some devices are asked for them, in turn.

use super::AtApp;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::signs::Signs;
use crate::engine::watch::{self, Later};
use crate::migration::Device;
use crate::migration::app_evidence::AppSeen;
use crate::migration::device::Fact;

/// Devices that are asked for signs of life at one check.
const SIGNS: usize = 100;
/// Seconds between checks, by which the turn moves on.
const TURN: i64 = 15 * 60;

pub(in crate::engine) async fn check(run: &Run, at: &AtApp, devices: &[Device]) -> Result<(), Halt> {
    if devices.is_empty() {
        return Ok(());
    }
    let home = Signs::at_the_source(run).await?;
    let turn = usize::try_from(run.now().unix_timestamp() / TURN).unwrap_or_default();
    let first = turn.wrapping_mul(SIGNS) % devices.len();
    for (place, device) in devices.iter().enumerate() {
        let in_turn = (place + devices.len() - first) % devices.len() < SIGNS;
        let later = check_one(at, &home, device, in_turn).await;
        watch::record(run, device, later).await?;
    }
    Ok(())
}

async fn check_one(at: &AtApp, home: &Signs, device: &Device, signs: bool) -> Result<Later, Halt> {
    let app = &at.target.app_display_name;
    let Some(seen) = at.see(&device.id).await? else {
        return Ok(Later::Left(format!("{app} does not have it any more")));
    };
    let note = seen.is_closed().then(|| format!("{app} has blocked it"));
    if !signs {
        return Ok(Later::There { newer: None, again: false, note: note.or_else(|| device.detail.clone()) });
    }
    let here = at.newest(&device.id, &seen).await?;
    let there = home.newest(&device.id).await?;
    if here.is_some() && there > here {
        return Ok(Later::Left(format!("{} shows a newer sign of life of it than {app}", home.place())));
    }
    let before = device.baseline.app.as_ref().and_then(|before: &AppSeen| before.newest);
    let newer = here.filter(|_| here > before);
    Ok(Later::There {
        newer: newer.map(|at| Fact { at, evidence: format!("{app} shows telemetry or properties of it") }),
        again: here > there,
        note: note.or_else(|| device.detail.clone()),
    })
}
