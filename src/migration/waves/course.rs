//! How far the waves of a migration have come, and what follows from that.

use super::Waves;
use crate::migration::{Counts, FailReason, Outcome};

/// A wave that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wave {
    /// From 1.
    pub number: u32,
    /// Its devices.
    pub counts: Counts,
    /// Those whose failure speaks against going on: neither left offline nor ended by a person.
    pub failures: u64,
}

/// The waves that have begun, and who is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// In order.
    pub waves: Vec<Wave>,
    /// Devices to be told that are in no wave yet.
    pub left: u64,
    /// The last wave whose failures a person accepted.
    pub accepted: u32,
    /// The last wave whose end is on record.
    pub noted: u32,
}

/// What is to be done about the waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The last wave is at work, or there is nobody left.
    GoOn,
    /// Too many of this wave failed: somebody must look.
    Halt(Wave),
    /// This wave begins, with so many of the devices that are left.
    Release {
        /// Its number.
        number: u32,
        /// How many devices.
        size: u64,
    },
}

/// Where a wave stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveState {
    /// Not every device is settled.
    AtWork,
    /// Settled, and the failures are within the share.
    Proven,
    /// Settled, and none of it moved; not that too many failed.
    Unproven,
    /// More failed than the share.
    TooMany,
    /// More failed than the share, and somebody accepted that.
    Accepted,
}

/// Whether this outcome of a device speaks against going on with others: a device that could not be reached says nothing
/// of the way, nor one whose end a person wanted.
#[must_use]
pub fn is_failure(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed(reason) => {
            !matches!(reason, FailReason::Offline | FailReason::Stopped | FailReason::NotApproved)
        }
        Outcome::WentBack => true,
        Outcome::Pending | Outcome::Waiting(_) | Outcome::Moved | Outcome::Skipped(_) | Outcome::Returned => false,
    }
}

impl Wave {
    /// A wave without devices.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self { number, counts: Counts::default(), failures: 0 }
    }

    /// Nobody of it is still to be told or on the way. Those that are waited for hold up no other wave.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.counts.unsettled() == 0
    }

    /// Those by which it is judged: its settled devices, or all of it before the end.
    #[must_use]
    pub fn judged_by(&self) -> u64 {
        if self.is_settled() { self.counts.arrived() + self.failures } else { self.counts.total() }
    }

    fn exceeds(&self, percent: u8) -> bool {
        self.failures * 100 > self.judged_by() * u64::from(percent)
    }
}

impl Course {
    /// What is to be done next.
    #[must_use]
    pub fn next(&self, plan: &Waves) -> Next {
        if let Some(wave) = self.halted(plan) {
            return Next::Halt(wave);
        }
        let begun = self.waves.len();
        if self.left == 0 || !self.waves.iter().all(Wave::is_settled) {
            return Next::GoOn;
        }
        let size = plan.size(begun, self.begun() + self.left, self.left);
        Next::Release { number: self.last() + 1, size }
    }

    /// The wave that keeps the others from being told: too many of it failed, and nobody has accepted that. Once everybody
    /// was told there is nothing to be kept from.
    #[must_use]
    pub fn halted(&self, plan: &Waves) -> Option<Wave> {
        let untold = self.left + self.waves.iter().map(|wave| wave.counts.pending).sum::<u64>();
        let wave = self.waves.iter().find(|wave| self.state(wave, plan) == WaveState::TooMany)?;
        (untold > 0).then_some(*wave)
    }

    /// Where a wave of it stands.
    #[must_use]
    pub fn state(&self, wave: &Wave, plan: &Waves) -> WaveState {
        match (wave.exceeds(plan.halt_percent()), wave.is_settled()) {
            (true, _) if wave.number > self.accepted => WaveState::TooMany,
            (_, false) => WaveState::AtWork,
            (true, true) => WaveState::Accepted,
            (false, true) if wave.counts.arrived() == 0 => WaveState::Unproven,
            (false, true) => WaveState::Proven,
        }
    }

    /// Waves that are settled and whose end is not on record yet.
    pub fn to_note(&self) -> impl Iterator<Item = &Wave> {
        let settled = self.waves.iter().take_while(|wave| wave.is_settled());
        settled.filter(|wave| wave.number > self.noted)
    }

    /// The last wave that has begun; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.waves.last().map_or(0, |wave| wave.number)
    }

    /// How many waves there are in all, if nobody joins them.
    #[must_use]
    pub fn in_all(&self, plan: &Waves) -> u32 {
        let (mut number, mut left, all) = (self.waves.len(), self.left, self.begun() + self.left);
        while left > 0 {
            left -= plan.size(number, all, left);
            number += 1;
        }
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    fn begun(&self) -> u64 {
        self.waves.iter().map(|wave| wave.counts.total()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::waves::Percent;
    use crate::migration::{SkipReason, WaitReason};

    fn plan(halt: u8) -> Waves {
        Waves::parse("10, 30", Percent::new(halt).expect("a share")).expect("waves")
    }

    fn wave(number: u32, moved: u64, failures: u64, on_the_way: u64, pending: u64) -> Wave {
        let counts = Counts { moved, failed: failures, on_the_way, pending, ..Counts::default() };
        Wave { number, counts, failures }
    }

    fn course(waves: Vec<Wave>, left: u64) -> Course {
        Course { waves, left, ..Course::default() }
    }

    #[test]
    fn a_wave_begins_when_the_one_before_is_settled_and_good_enough() {
        assert_eq!(course(Vec::new(), 100).next(&plan(10)), Next::Release { number: 1, size: 10 });
        let next = |wave: Wave| course(vec![wave], 90).next(&plan(10));
        assert_eq!(next(wave(1, 9, 1, 0, 0)), Next::Release { number: 2, size: 30 });
        assert_eq!(next(wave(1, 9, 0, 1, 0)), Next::GoOn);
        assert_eq!(next(wave(1, 9, 0, 0, 1)), Next::GoOn);
        assert_eq!(
            course(vec![wave(1, 10, 0, 0, 0), wave(2, 30, 0, 0, 0)], 60).next(&plan(10)),
            Next::Release { number: 3, size: 60 }
        );
        assert_eq!(course(vec![wave(1, 10, 0, 0, 0)], 0).next(&plan(10)), Next::GoOn);
    }

    #[test]
    fn who_joins_late_is_of_the_next_wave() {
        let three = vec![wave(1, 1, 0, 0, 0), wave(2, 3, 0, 0, 0), wave(3, 6, 0, 0, 0)];
        assert_eq!(course(three.clone(), 2).next(&plan(10)), Next::Release { number: 4, size: 2 });
        assert_eq!((course(three.clone(), 2).in_all(&plan(10)), course(three, 0).in_all(&plan(10))), (4, 3));
        assert_eq!(course(vec![wave(1, 1, 0, 0, 0)], 1).in_all(&plan(10)), 2);
    }

    #[test]
    fn too_many_failures_halt_it_at_once_and_once_only() {
        let halts = |wave: Wave, halt| course(vec![wave], 90).next(&plan(halt)) == Next::Halt(wave);
        assert!(halts(wave(1, 8, 2, 0, 0), 10));
        assert!(halts(wave(1, 0, 2, 3, 5), 10), "while others of it are still to be told");
        assert!(!halts(wave(1, 0, 1, 4, 5), 10), "a tenth of the whole wave is no more than the share");
        assert!(halts(wave(1, 9, 1, 0, 0), 0));
        assert!(!halts(wave(1, 0, 10, 0, 0), 100));
        let accepted = Course { accepted: 1, ..course(vec![wave(1, 8, 2, 0, 0)], 90) };
        assert_eq!(accepted.next(&plan(10)), Next::Release { number: 2, size: 30 });
        assert_eq!(accepted.state(&accepted.waves[0], &plan(10)), WaveState::Accepted);
    }

    #[test]
    fn a_wave_that_fails_later_halts_the_one_at_work() {
        let went_back = wave(1, 5, 5, 0, 0);
        assert_eq!(course(vec![went_back, wave(2, 3, 0, 2, 25)], 60).next(&plan(10)), Next::Halt(went_back));
    }

    #[test]
    fn nothing_is_halted_once_everybody_was_told() {
        let last = |on_the_way, pending| course(vec![wave(1, 1, 5, on_the_way, pending)], 0).next(&plan(10));
        assert_eq!((last(0, 0), last(4, 0)), (Next::GoOn, Next::GoOn));
        assert!(matches!(last(4, 1), Next::Halt(_)));
    }

    #[test]
    fn waiting_devices_count_on_neither_side() {
        let counts = Counts { waiting: 8, moved: 1, failed: 1, ..Counts::default() };
        let some = Wave { number: 1, counts, failures: 1 };
        assert!(matches!(course(vec![some], 5).next(&plan(49)), Next::Halt(_)));
        assert_eq!(course(vec![some], 5).next(&plan(50)), Next::Release { number: 2, size: 5 });
        let nobody = Wave { number: 1, counts: Counts { waiting: 10, ..Counts::default() }, failures: 0 };
        let course = course(vec![nobody], 90);
        assert_eq!(course.next(&plan(0)), Next::Release { number: 2, size: 30 });
        assert_eq!(course.state(&nobody, &plan(0)), WaveState::Unproven);
    }

    #[test]
    fn the_end_of_a_wave_is_noted_once_and_in_order() {
        let waves = vec![wave(1, 1, 0, 0, 0), wave(2, 1, 0, 0, 0), wave(3, 0, 0, 1, 0)];
        let noted = |noted| {
            let course = Course { noted, ..course(waves.clone(), 0) };
            course.to_note().map(|wave| wave.number).collect::<Vec<_>>()
        };
        assert_eq!((noted(0), noted(1), noted(2)), (vec![1, 2], vec![2], vec![]));
    }

    #[test]
    fn only_failures_of_the_way_count() {
        for outcome in [Outcome::WentBack, Outcome::Failed(FailReason::Refused), Outcome::Failed(FailReason::NotSeen)] {
            assert!(is_failure(outcome), "{outcome:?}");
        }
        for outcome in [
            Outcome::Failed(FailReason::Offline),
            Outcome::Failed(FailReason::Stopped),
            Outcome::Failed(FailReason::NotApproved),
            Outcome::Waiting(WaitReason::Offline),
            Outcome::Skipped(SkipReason::Simulated),
            Outcome::Moved,
        ] {
            assert!(!is_failure(outcome), "{outcome:?}");
        }
    }
}
