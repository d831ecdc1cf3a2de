//! The sandbox's time over several runs: it goes on where it would be, and never back.
//!
//! A sandbox at speed N is N times as far from its anchor as the machine. Its world is kept between runs, so its anchor
//! must be kept too; and if the speed changes, the new clock must meet the old one at this moment.

use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::error::StartError;
use crate::clock::{Clock, Timestamp};

const FILE: &str = "clock.json";

/// What two clocks must share to show the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pace {
    /// When sandbox time and real time were the same, in milliseconds since 1970.
    anchor_ms: i64,
    /// Sandbox seconds a second.
    pub(super) speed: u32,
}

impl Pace {
    /// The pace for a run at `speed` of the sandbox in `dir`, written there for the next run.
    pub(super) fn of_run(dir: &Path, speed: u32) -> Result<Self, StartError> {
        let file = dir.join(FILE);
        let unusable = |cause| StartError::DataDir { dir: file.clone(), cause };
        let before = match std::fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).ok(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(unusable(error)),
        };
        let now = milliseconds(Clock::system().now());
        let pace = match before {
            None => Self { anchor_ms: now, speed },
            Some(before) => {
                let ahead = || StartError::SandboxAhead { dir: dir.to_owned(), ran: Self::speed(&before) };
                before.at_speed(speed, now).ok_or_else(ahead)?
            }
        };
        let text = serde_json::to_vec(&pace).map_err(|error| StartError::Other(error.into()))?;
        std::fs::write(&file, text).map_err(unusable)?;
        Ok(pace)
    }

    fn speed(&self) -> u32 {
        self.speed
    }

    /// The pace at another speed that shows the same time at `now`: `anchor' + (now - anchor')·speed' = time`. Speed 1
    /// has only one time, the machine's, so a sandbox that is ahead of it cannot slow down to it.
    fn at_speed(self, speed: u32, now: i64) -> Option<Self> {
        if speed == self.speed {
            return Some(self);
        }
        let time = self.anchor_ms + (now - self.anchor_ms) * i64::from(self.speed);
        let faster = i64::from(speed) - 1;
        if faster == 0 {
            return (time <= now).then_some(Self { anchor_ms: now, speed });
        }
        // Rounded down, the new clock is ahead of the old one by less than its own grain.
        Some(Self { anchor_ms: (now * i64::from(speed) - time).div_euclid(faster), speed })
    }

    /// When sandbox time and real time were the same.
    pub(super) fn anchor(self) -> Timestamp {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.anchor_ms) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The program's clock, equal to the sandbox's.
    pub(super) fn clock(self) -> Clock {
        Clock::scaled(self.anchor(), self.speed)
    }
}

fn milliseconds(moment: Timestamp) -> i64 {
    moment.unix_timestamp() * 1000 + i64::from(moment.millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_of_the_same_speed_goes_on_where_it_would_be() {
        let dir = tempfile::tempdir().unwrap();
        let first = Pace::of_run(dir.path(), 20).unwrap();
        assert_eq!(Pace::of_run(dir.path(), 20).unwrap(), first);
    }

    #[test]
    fn a_sandbox_of_another_speed_never_goes_back() {
        let slow = Pace { anchor_ms: 1_000_000, speed: 20 };
        let now = 1_500_000;
        let at = |pace: Pace, real: i64| pace.anchor_ms + (real - pace.anchor_ms) * i64::from(pace.speed);
        for speed in [2, 7, 19, 21, 1000] {
            let other = slow.at_speed(speed, now).unwrap();
            let gap = at(other, now) - at(slow, now);
            assert!((0..i64::from(speed)).contains(&gap), "speed {speed}: {gap} ms");
        }
        assert!(slow.at_speed(1, now).is_none());
        assert!(Pace { anchor_ms: 0, speed: 1 }.at_speed(20, now).is_some());
    }

    #[test]
    fn a_sandbox_that_cannot_slow_down_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), r#"{"anchor_ms":0,"speed":20}"#).unwrap();
        let error = Pace::of_run(dir.path(), 1).unwrap_err();
        assert!(error.to_string().contains("--sandbox-speed 20"), "{error}");
    }
}
