//! How many devices a target takes, and how many were sent there.
//!
//! Shared by all migrations of this program, because two that lead to one hub or DPS share what it takes. Promises: devices
//! told one by one reach a target at four fifths of its rate at most, and many at once are sent only if all of them fit into
//! what it takes in a minute: firmware made from the official samples does not try a throttled registration again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::halt::Halt;
use super::run::Run;
use crate::clock::Timestamp;
use crate::migration::model::{HubTarget, Target};

const MINUTE: Duration = Duration::from_secs(60);
/// A sender that was late may catch up this much.
const CATCH_UP: Duration = Duration::from_secs(1);
/// Turns are never given further ahead than this: a job takes a minute's at most.
const FURTHEST: Duration = Duration::from_secs(120);
/// How long a look at whose turn it is may be old.
const LOOK: Duration = Duration::from_secs(1);
/// Registrations a minute of a DPS (azure-api §10).
const DPS_PER_MINUTE: u32 = 1_000;
/// Registrations a minute of an IoT Central application (azure-api §3.10).
const APP_PER_MINUTE: u32 = 200;

/// Registry operations a minute that a hub takes (azure-api §10: 100 a unit on S1 and S2, 5,000 on S3). A device that
/// registers needs one.
fn hub_per_minute(target: &HubTarget) -> u32 {
    let unit = if target.hub_sku.ends_with('3') { 5_000 } else { 100_u32 };
    unit.saturating_mul(target.hub_units.max(1))
}

/// How many devices a minute a target takes.
pub(super) fn per_minute(target: &Target) -> u32 {
    scopes(target).into_iter().map(|(_, per_minute)| per_minute).min().unwrap_or(APP_PER_MINUTE)
}

/// What was sent where.
#[derive(Debug, Default)]
pub(super) struct Arrivals(Mutex<Kept>);

type Kept = HashMap<String, Sent>;

/// What was sent to one hub or DPS.
#[derive(Debug)]
struct Sent {
    /// When the next device may be sent.
    free_at: Timestamp,
    /// How many were sent when, in the last minute.
    recent: VecDeque<(Timestamp, u32)>,
}

impl Sent {
    fn note(&mut self, number: u32, now: Timestamp) {
        self.look(now);
        self.recent.push_back((now, number));
    }

    /// Forgets what is over. A clock that was set back must not make turns of long ago lie far ahead.
    fn look(&mut self, now: Timestamp) {
        self.recent.retain(|(at, _)| *at > now - MINUTE && *at <= now + CATCH_UP);
        self.free_at = self.free_at.min(now + FURTHEST);
    }

    fn in_the_last_minute(&self, now: Timestamp) -> u32 {
        self.recent.iter().filter(|(at, _)| *at > now - MINUTE).fold(0, |sum, (_, number)| sum.saturating_add(*number))
    }
}

/// What we take of a minute's.
fn share(per_minute: u32) -> u32 {
    per_minute / 5 * 4
}

/// Between two devices: a fifth is left for other users of the target.
fn pause(per_minute: u32) -> Duration {
    MINUTE.mul_f64(1.25 / f64::from(per_minute))
}

/// What has a rate on the way to a target, and which.
fn scopes(target: &Target) -> Vec<(String, u32)> {
    match target {
        Target::Hub(hub) => vec![
            (registry(hub), hub_per_minute(hub)),
            (format!("dps {}", hub.dps_host.as_str().to_ascii_lowercase()), DPS_PER_MINUTE),
        ],
        Target::App(app) => vec![(format!("app {}", app.subdomain.as_str().to_ascii_lowercase()), APP_PER_MINUTE)],
    }
}

fn registry(hub: &HubTarget) -> String {
    format!("hub {}", hub.hub_host.as_str().to_ascii_lowercase())
}

impl Arrivals {
    /// When the next device may be sent, as far as known now.
    pub(super) fn free_at(&self, target: &Target, now: Timestamp) -> Timestamp {
        free_at(&mut self.kept(), target, now)
    }

    /// Takes the turn of one device; false if it is not free now.
    pub(super) fn take_one(&self, target: &Target, now: Timestamp) -> bool {
        let mut kept = self.kept();
        if free_at(&mut kept, target, now) > now {
            return false;
        }
        let fits = each(&mut kept, target, now, |sent, per_minute| sent.in_the_last_minute(now) < share(per_minute));
        if fits.contains(&false) {
            return false;
        }
        each(&mut kept, target, now, |sent, per_minute| {
            sent.free_at = sent.free_at.max(now - CATCH_UP) + pause(per_minute);
            sent.note(1, now);
        });
        true
    }

    /// Takes the turns of `number` devices that leave at once; false if the target would not take them within a minute.
    pub(super) fn take_many(&self, target: &Target, number: usize, now: Timestamp) -> bool {
        let Ok(number) = u32::try_from(number) else { return false };
        let mut kept = self.kept();
        let fit = each(&mut kept, target, now, |sent, per_minute| {
            sent.in_the_last_minute(now).saturating_add(number) <= share(per_minute)
        });
        if fit.contains(&false) {
            return false;
        }
        each(&mut kept, target, now, |sent, per_minute| {
            sent.free_at = sent.free_at.max(now) + pause(per_minute) * number;
            sent.note(number, now);
        });
        true
    }

    /// Notes identities that were made in the hub: its registry counts them together with arrivals.
    pub(super) fn made(&self, target: &HubTarget, identities: usize, now: Timestamp) {
        let identities = u32::try_from(identities).unwrap_or(u32::MAX);
        at(&mut self.kept(), registry(target), now).note(identities, now);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn free_at(kept: &mut Kept, target: &Target, now: Timestamp) -> Timestamp {
    each(kept, target, now, |sent, _| sent.free_at).into_iter().max().unwrap_or(now)
}

/// Looks at everything on the way to a target, with what each takes a minute.
fn each<R>(kept: &mut Kept, target: &Target, now: Timestamp, mut look: impl FnMut(&mut Sent, u32) -> R) -> Vec<R> {
    scopes(target).into_iter().map(|(scope, per_minute)| look(at(kept, scope, now), per_minute)).collect()
}

fn at(kept: &mut Kept, scope: String, now: Timestamp) -> &mut Sent {
    let sent = kept.entry(scope).or_insert_with(|| Sent { free_at: now, recent: VecDeque::new() });
    sent.look(now);
    sent
}

/// Waits for the turn of one device of this migration.
pub(super) async fn wait_for_turn(run: &Run) -> Result<(), Halt> {
    let (target, turns) = (&run.migration.plan.target, &run.inner.arrivals);
    while !turns.take_one(target, run.now()) {
        run.still_wanted().await?;
        run.inner.clock.sleep(LOOK).await;
    }
    Ok(())
}

/// Waits until the target takes so many devices within a minute, and takes their turns.
pub(super) async fn wait_for_many(run: &Run, number: usize) -> Result<(), Halt> {
    let (target, turns) = (&run.migration.plan.target, &run.inner.arrivals);
    while !turns.take_many(target, number, run.now()) {
        run.still_wanted().await?;
        run.inner.clock.sleep(LOOK).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ArmId, DpsHost, HubHost, IdScope};

    fn target(sku: &str, units: u32) -> Target {
        Target::Hub(hub(sku, units))
    }

    fn hub(sku: &str, units: u32) -> HubTarget {
        HubTarget {
            dps_id: ArmId::new("/dps"),
            dps_name: "dps".into(),
            dps_host: DpsHost::new("dps.azure-devices-provisioning.net"),
            id_scope: IdScope::new("0ne00000001"),
            hub_id: ArmId::new("/hub"),
            hub_name: "hub".into(),
            hub_host: HubHost::new("hub.azure-devices.net"),
            hub_sku: sku.into(),
            hub_units: units,
        }
    }

    const NOW: Timestamp = time::macros::datetime!(2026-01-01 10:00 UTC);

    #[test]
    fn one_after_the_other_never_exceeds_four_fifths_of_the_target() {
        let (arrivals, small) = (Arrivals::default(), target("S1", 1));
        let mut sent = 0;
        for tick in 0..600 {
            sent += u32::from(arrivals.take_one(&small, NOW + Duration::from_millis(100) * tick));
        }
        assert!((78..=82).contains(&sent), "{sent} in a minute");
    }

    #[test]
    fn many_at_once_must_fit_into_a_minute_with_what_was_sent_and_made() {
        let (arrivals, small) = (Arrivals::default(), target("S1", 1));
        assert!(!arrivals.take_many(&small, 81, NOW));
        arrivals.made(&hub("S1", 1), 30, NOW);
        assert!(!arrivals.take_many(&small, 60, NOW));
        assert!(arrivals.take_many(&small, 50, NOW));
        assert!(!arrivals.take_many(&small, 1, NOW));
        assert!(!arrivals.take_one(&small, NOW + Duration::from_secs(30)), "their turns are not over");
        assert!(arrivals.take_many(&small, 80, NOW + Duration::from_secs(61)));
    }

    #[test]
    fn identities_made_a_moment_ago_leave_less_room_for_arrivals() {
        let (arrivals, small) = (Arrivals::default(), target("S1", 1));
        arrivals.made(&hub("S1", 1), 80, NOW);
        assert!(!arrivals.take_one(&small, NOW + Duration::from_secs(30)));
        assert!(arrivals.take_one(&small, NOW + Duration::from_secs(61)));
    }

    #[test]
    fn a_clock_that_is_set_back_an_hour_holds_nobody_up_for_an_hour() {
        let (arrivals, small) = (Arrivals::default(), target("S1", 1));
        assert!(arrivals.take_many(&small, 80, NOW));
        let back = NOW - Duration::from_secs(3600);
        assert!(!arrivals.take_one(&small, back));
        assert!(arrivals.take_one(&small, back + FURTHEST));
    }

    #[test]
    fn a_large_hub_is_bounded_by_the_dps_and_hubs_of_one_dps_share_it() {
        let (arrivals, large) = (Arrivals::default(), target("S3", 2));
        assert_eq!(per_minute(&large), 1_000);
        assert!(arrivals.take_many(&large, 700, NOW));
        let other = Target::Hub(HubTarget { hub_host: HubHost::new("other.azure-devices.net"), ..hub("S3", 2) });
        assert!(!arrivals.take_many(&other, 700, NOW));
    }
}
