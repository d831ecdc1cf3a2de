//! View model of the waves of a migration: a row for each that has begun, and who is still to come.

use super::summary::Badge;
use crate::migration::waves::{Course, Wave, WaveState, Waves};
use crate::migration::{Migration, MigrationState, PauseReason};
use crate::web::components::Kind;

/// The waves.
#[derive(Debug, Clone)]
pub struct WavesView {
    /// Those that have begun, in order.
    pub rows: Vec<WaveRow>,
    /// Who is in none of them yet, if anybody; what an empty table says.
    pub rest: Option<String>,
}

/// A wave.
#[derive(Debug, Clone)]
pub struct WaveRow {
    /// From 1.
    pub number: u32,
    /// Its devices, in places that add up.
    pub devices: u64,
    /// Proven at the target.
    pub moved: u64,
    /// Still to be told, or on the way.
    pub open: u64,
    /// Did not move, or went back.
    pub failed: u64,
    /// Waited for.
    pub waiting: u64,
    /// Neither: skipped since it began, or brought back.
    pub left_out: u64,
    /// Where it stands.
    pub state: Badge,
}

impl WavesView {
    /// The waves of a migration, if its devices go in waves.
    #[must_use]
    pub fn of(migration: &Migration, course: &Course) -> Option<Self> {
        let plan = migration.plan.waves.as_ref()?;
        let row = |wave: &Wave| WaveRow::of(wave, state(course, wave, plan, &migration.state), &migration.state);
        Some(Self { rows: course.waves.iter().map(row).collect(), rest: rest(course, plan, &migration.state) })
    }
}

impl WaveRow {
    fn of(wave: &Wave, state: WaveState, migration: &MigrationState) -> Self {
        let counts = &wave.counts;
        let failed = counts.failed + counts.went_back;
        Self {
            number: wave.number,
            devices: counts.total(),
            moved: counts.arrived(),
            open: counts.unsettled(),
            failed,
            waiting: counts.waiting,
            left_out: counts.skipped + counts.already,
            state: badge(state, migration),
        }
    }
}

/// Where a wave stands. One in which a person stopped the rest has not come to an end of its own.
fn state(course: &Course, wave: &Wave, plan: &Waves, migration: &MigrationState) -> WaveState {
    match course.state(wave, plan) {
        WaveState::Proven | WaveState::Unproven if migration.is_ended() && wave.number > course.noted => {
            WaveState::AtWork
        }
        state => state,
    }
}

fn badge(state: WaveState, migration: &MigrationState) -> Badge {
    let halted = matches!(migration, MigrationState::Paused(pause) if pause.reason == PauseReason::Wave);
    let (kind, icon, label) = match (state, migration) {
        (WaveState::TooMany, _) if halted => (Kind::Error, "error", "Halted"),
        (WaveState::TooMany, _) => (Kind::Error, "error", "Too many failed"),
        (WaveState::AtWork, MigrationState::Paused(_)) => (Kind::Warning, "warning", "Paused"),
        (WaveState::AtWork, migration) if migration.is_ended() => (Kind::Neutral, "neutral", "Ended early"),
        (WaveState::AtWork, _) => (Kind::Info, "info", "At work"),
        (WaveState::Proven, _) => (Kind::Success, "success", "Proven"),
        (WaveState::Unproven, _) => (Kind::Neutral, "neutral", "Nobody moved"),
        (WaveState::Accepted, _) => (Kind::Warning, "warning", "Failures accepted"),
    };
    Badge { kind, icon, label }
}

fn rest(course: &Course, plan: &Waves, migration: &MigrationState) -> Option<String> {
    if course.waves.is_empty() && !migration.is_ended() {
        return Some("The first wave begins when the canary is proven at the target.".into());
    }
    if course.waves.is_empty() {
        return Some("It ended before the first wave.".into());
    }
    let waves = match course.in_all(plan).saturating_sub(course.last()) {
        0 => return None,
        1 => "1 more wave".to_owned(),
        number => format!("{number} more waves"),
    };
    let devices = if course.left == 1 { "1 device".to_owned() } else { format!("{} devices", course.left) };
    Some(format!("{waves} to come: {devices}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::waves::Percent;
    use crate::migration::{Counts, Pause};

    fn plan() -> Waves {
        Waves::parse("10, 30", Percent::new(10).expect("a share")).expect("waves")
    }

    #[test]
    fn it_is_said_who_is_still_to_come() {
        let at = |waves: u32, left| {
            let waves = (1..=waves).map(Wave::new).collect();
            rest(&Course { waves, left, ..Course::default() }, &plan(), &MigrationState::Running)
        };
        assert!(at(0, 9).expect("words").contains("canary"));
        assert_eq!(at(1, 9).as_deref(), Some("2 more waves to come: 9 devices."));
        assert_eq!(at(2, 1).as_deref(), Some("1 more wave to come: 1 device."));
        assert_eq!(at(3, 0), None);
    }

    #[test]
    fn a_wave_that_was_stopped_is_not_called_proven() {
        let counts = Counts { moved: 5, failed: 15, ..Counts::default() };
        let wave = Wave { number: 2, counts, failures: 0 };
        let course = |noted| Course { waves: vec![wave], noted, ..Course::default() };
        assert_eq!(state(&course(1), &wave, &plan(), &MigrationState::Stopped), WaveState::AtWork);
        assert_eq!(state(&course(2), &wave, &plan(), &MigrationState::Completed), WaveState::Proven);
        assert_eq!(state(&course(1), &wave, &plan(), &MigrationState::Running), WaveState::Proven);
    }

    #[test]
    fn a_wave_that_halts_the_migration_says_so_only_while_it_does() {
        let pause = |reason| MigrationState::Paused(Pause { reason, detail: String::new(), remedy: String::new() });
        let label = |state, migration: &MigrationState| badge(state, migration).label;
        assert_eq!(label(WaveState::TooMany, &pause(PauseReason::Wave)), "Halted");
        assert_eq!(label(WaveState::TooMany, &MigrationState::Stopped), "Too many failed");
        assert_eq!(label(WaveState::AtWork, &pause(PauseReason::SignIn)), "Paused");
        assert_eq!(label(WaveState::AtWork, &MigrationState::Stopped), "Ended early");
    }
}
