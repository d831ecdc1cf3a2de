//! Waves: the devices after the canary are told in parts. One begins when nobody of those before it is on the way, and none
//! of them failed too often.
//!
//! Who is in which wave is on the rows, and a wave begins in one transaction with what is judged for it: whoever was
//! interrupted finds it begun, or judges anew.

use super::halt::Halt;
use super::run::Run;
use crate::clock::Timestamp;
use crate::migration::model::PauseReason;
use crate::migration::sentence::tally;
use crate::migration::waves::{Next, Wave, WaveState, Waves};
use crate::migration::{Device, Relation, Via};
use crate::store::events::{self, EventKind, PROGRAM};
use crate::store::{devices, migrations};

impl Run {
    /// Devices to be told singly by then; where there are waves, of those that have begun.
    pub(super) async fn due(&self, by: Timestamp, limit: u32) -> Result<Vec<Device>, Halt> {
        let in_waves = self.migration.plan.waves.is_some();
        Ok(self.store().devices_due(self.id(), in_waves, by, limit).await?)
    }

    /// The wave of a device that is about to be told, where it is in none: whoever is tried as the canary is before all.
    pub(super) fn wave_when_told(&self, via: Via) -> Option<u32> {
        (via == Via::Canary && self.migration.plan.waves.is_some()).then_some(0)
    }
}

/// Says which waves have ended, and lets the next begin if nothing speaks against it.
pub(super) async fn run(run: &Run) -> Result<(), Halt> {
    let Some(plan) = &run.migration.plan.waves else { return Ok(()) };
    let (id, now) = (run.id(), run.now());
    let mut tx = run.store().begin_write().await?;
    if !migrations::lookup(&mut tx, id).await?.is_some_and(|now| run.goes_on(&now)) {
        return Err(Halt::LookAgain);
    }
    let course = devices::course(&mut tx, id).await?;
    let next = course.next(plan);
    if let Next::Halt(wave) = next {
        return Err(halt(&wave, plan));
    }
    for wave in course.to_note() {
        let text = ended(wave, course.state(wave, plan), run.migration.relation());
        events::append(&mut tx, id, now, PROGRAM, EventKind::Wave, &text).await?;
        devices::note_end(&mut tx, id, wave.number).await?;
    }
    if let Next::Release { number, size } = next {
        devices::release(&mut tx, id, number, size).await?;
        let text = begins(number, size, course.left);
        events::append(&mut tx, id, now, PROGRAM, EventKind::Wave, &text).await?;
    }
    Ok(tx.commit().await?)
}

/// Halts while a wave is at work, as soon as it cannot come to a good end.
pub(super) async fn look(run: &Run) -> Result<(), Halt> {
    let Some(plan) = &run.migration.plan.waves else { return Ok(()) };
    match run.store().course(run.id()).await?.halted(plan) {
        Some(wave) => Err(halt(&wave, plan)),
        None => Ok(()),
    }
}

fn begins(number: u32, size: u64, left: u64) -> String {
    match (size, left) {
        (1, 1) => format!("Wave {number} begins: the last device."),
        (size, left) if size == left => format!("Wave {number} begins: the last {size} devices."),
        (size, left) => format!("Wave {number} begins: {size} of the {left} devices that are left."),
    }
}

fn ended(wave: &Wave, state: WaveState, relation: Option<Relation>) -> String {
    let Wave { number, counts, .. } = wave;
    let tally = tally(counts, relation);
    match state {
        WaveState::Proven | WaveState::AtWork => format!("Wave {number} is proven: {tally}."),
        WaveState::Unproven => format!("Wave {number} is settled without proof: {tally}."),
        WaveState::TooMany => format!("Wave {number} has ended: {tally}."),
        WaveState::Accepted => {
            format!("Wave {number} has ended: {tally}; its failures were accepted.")
        }
    }
}

fn halt(wave: &Wave, plan: &Waves) -> Halt {
    let Wave { number, failures, .. } = wave;
    let settled = if wave.is_settled() { " that are settled" } else { "" };
    let (of, share) = (wave.judged_by(), plan.halt_percent());
    Halt::pause(
        PauseReason::Wave,
        format!(
            "{failures} of the {of} devices of wave {number}{settled} failed, more than {share} %. Nobody else is told."
        ),
        "Look at the failed devices: their rows say why. Mend what they have in common, then press Resume, which accepts these \
         failures and goes on with the others; or stop the migration.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Counts;
    use crate::migration::waves::Percent;

    #[test]
    fn the_beginning_of_a_wave_says_how_many_of_how_many() {
        assert_eq!(begins(2, 20, 180), "Wave 2 begins: 20 of the 180 devices that are left.");
        assert_eq!(begins(3, 160, 160), "Wave 3 begins: the last 160 devices.");
        assert_eq!(begins(4, 1, 1), "Wave 4 begins: the last device.");
    }

    #[test]
    fn a_halt_names_wave_numbers_share_and_remedy() {
        let plan = Waves::parse("10", Percent::new(25).expect("a share")).expect("waves");
        let counts = Counts { moved: 1, failed: 2, waiting: 5, ..Counts::default() };
        let Halt::Pause(pause) = halt(&Wave { number: 3, counts, failures: 2 }, &plan) else { panic!("no pause") };
        assert_eq!(
            pause.detail,
            "2 of the 3 devices of wave 3 that are settled failed, more than 25 %. Nobody else is told."
        );
        assert!(pause.remedy.contains("Resume") && pause.remedy.contains("stop"));
    }
}
