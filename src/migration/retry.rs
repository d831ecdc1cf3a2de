//! How often devices that could not be reached are tried again, and for how long: there is no sign by which a device that
//! is on again would be noticed, and every try costs a command.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::stored_names;
use crate::clock::Timestamp;

/// Tries within the first minute before a device counts as waiting.
const QUICK_TRIES: u32 = 3;
/// Between the quick tries.
const QUICK_PAUSE: Duration = Duration::from_secs(20);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a device that is waited for is tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TryEvery {
    /// Every 10 minutes.
    #[default]
    TenMinutes,
    /// Every 30 minutes.
    HalfHour,
    /// Every hour.
    Hour,
    /// Every 6 hours.
    SixHours,
    /// Only when a person asks for it.
    Asked,
}
stored_names!(TryEvery {
    TenMinutes = "ten_minutes",
    HalfHour = "half_hour",
    Hour = "hour",
    SixHours = "six_hours",
    Asked = "asked",
});

impl TryEvery {
    /// Between two tries; `None` if nobody is tried unless a person asks.
    #[must_use]
    pub fn pause(self) -> Option<Duration> {
        match self {
            Self::TenMinutes => Some(10 * MINUTE),
            Self::HalfHour => Some(30 * MINUTE),
            Self::Hour => Some(HOUR),
            Self::SixHours => Some(6 * HOUR),
            Self::Asked => None,
        }
    }

    /// How often a device is tried in a day by itself.
    #[must_use]
    pub fn tries_a_day(self) -> u64 {
        self.pause().map_or(0, |pause| DAY.as_secs() / pause.as_secs())
    }

    /// `every 10 minutes`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::TenMinutes => "every 10 minutes",
            Self::HalfHour => "every 30 minutes",
            Self::Hour => "every hour",
            Self::SixHours => "every 6 hours",
            Self::Asked => "only when somebody asks for it",
        }
    }
}

/// For how long, counted from the start of the migration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TryFor {
    /// Until a person finishes or stops the migration.
    #[default]
    UntilFinished,
    /// For a day.
    Day,
    /// For three days.
    ThreeDays,
    /// For seven days.
    Week,
}
stored_names!(TryFor { UntilFinished = "until_finished", Day = "day", ThreeDays = "three_days", Week = "week" });

impl TryFor {
    /// How long that is; `None` if it has no end of its own.
    #[must_use]
    pub fn time(self) -> Option<Duration> {
        match self {
            Self::UntilFinished => None,
            Self::Day => Some(DAY),
            Self::ThreeDays => Some(3 * DAY),
            Self::Week => Some(7 * DAY),
        }
    }

    /// `for 3 days`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::UntilFinished => "until somebody finishes the migration",
            Self::Day => "for 1 day",
            Self::ThreeDays => "for 3 days",
            Self::Week => "for 7 days",
        }
    }
}

/// What a person chose for devices that cannot be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TryAgain {
    /// How often they are tried.
    pub every: TryEvery,
    /// For how long; then they are given up.
    #[serde(rename = "for")]
    pub time: TryFor,
}

/// What becomes of a device that could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// It is tried again within a minute.
    Soon(Timestamp),
    /// It is waited for, and tried at this moment, if at any.
    Waits(Option<Timestamp>),
}

impl Unreached {
    /// When it is tried again by itself.
    #[must_use]
    pub fn next(self) -> Option<Timestamp> {
        match self {
            Self::Soon(at) => Some(at),
            Self::Waits(at) => at,
        }
    }
}

impl TryAgain {
    /// When devices are given up that have not been reached by then, in a migration that was started at `started`.
    #[must_use]
    pub fn until(self, started: Option<Timestamp>) -> Option<Timestamp> {
        Some(started? + self.time.time()?)
    }

    /// That moment has come.
    #[must_use]
    pub fn is_over(self, started: Option<Timestamp>, now: Timestamp) -> bool {
        self.until(started).is_some_and(|until| until <= now)
    }

    /// What becomes of a device that could not be reached at the last of so many `attempts`.
    #[must_use]
    pub fn unreached(self, attempts: u32, started: Option<Timestamp>, now: Timestamp) -> Unreached {
        if attempts < QUICK_TRIES {
            return Unreached::Soon(now + QUICK_PAUSE);
        }
        let next = self.every.pause().map(|pause| now + pause);
        Unreached::Waits(next.filter(|next| self.until(started).is_none_or(|until| *next < until)))
    }

    /// `Tried again every hour for 3 days after the start, then recorded as failed`.
    #[must_use]
    pub fn words(self) -> String {
        let (every, time) = (self.every.words(), self.time.words());
        match self.time {
            TryFor::UntilFinished => format!("Tried again {every}, {time}"),
            _ => format!("Tried again {every}, {time} after the start; then recorded as failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn choice(every: TryEvery, time: TryFor) -> TryAgain {
        TryAgain { every, time }
    }

    #[test]
    fn a_device_is_tried_three_times_within_a_minute_whatever_was_chosen() {
        for every in TryEvery::ALL {
            let choice = choice(*every, TryFor::Day);
            for attempts in [1, 2] {
                assert_eq!(choice.unreached(attempts, Some(START), START), Unreached::Soon(START + QUICK_PAUSE));
            }
            let after = choice.unreached(3, Some(START), START);
            assert_eq!(after, Unreached::Waits(every.pause().map(|pause| START + pause)));
        }
    }

    #[test]
    fn unless_a_person_chose_it_is_tried_every_ten_minutes_without_end() {
        let today = TryAgain::default();
        let later = START + 400 * DAY;
        assert_eq!(today.unreached(3_000, Some(START), later).next(), Some(later + 10 * MINUTE));
        assert!(!today.is_over(Some(START), later));
        assert_eq!(today.every.tries_a_day(), 144);
    }

    #[test]
    fn nobody_is_tried_without_being_asked_for_where_that_was_chosen() {
        let asked = choice(TryEvery::Asked, TryFor::UntilFinished);
        assert_eq!(asked.unreached(3, Some(START), START), Unreached::Waits(None));
        assert_eq!(asked.every.tries_a_day(), 0);
    }

    #[test]
    fn the_time_is_counted_from_the_start_and_no_try_is_promised_after_it() {
        let day = choice(TryEvery::SixHours, TryFor::Day);
        assert_eq!(day.until(Some(START)), Some(START + DAY));
        assert!(!day.is_over(Some(START), START + DAY - QUICK_PAUSE) && day.is_over(Some(START), START + DAY));
        assert!(!day.is_over(None, START + DAY), "it was not started");
        assert_eq!(day.unreached(5, Some(START), START + 17 * HOUR).next(), Some(START + 23 * HOUR));
        assert_eq!(day.unreached(5, Some(START), START + 18 * HOUR).next(), None, "it is given up then");
    }
}
