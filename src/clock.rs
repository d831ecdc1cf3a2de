//! Time as a dependency: everything that asks for the time or waits does it through a [`Clock`], so that the sandbox
//! and the tests can run faster than life.
//!
//! A scaled clock is a pure function of the machine's clock: two processes (or two runs of one) given the same anchor
//! and speed agree on the time without talking to each other.

use std::time::Duration;

use time::OffsetDateTime;

/// A moment in UTC.
pub type Timestamp = OffsetDateTime;

/// The program's source of time. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    anchor: Timestamp,
    speed: u32,
    offset: time::Duration,
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self { anchor: OffsetDateTime::UNIX_EPOCH, speed: 1, offset: time::Duration::ZERO }
    }

    /// A clock that read the machine's time at `anchor` and has run `speed` times as fast since. A speed of 0 counts as 1.
    #[must_use]
    pub fn scaled(anchor: Timestamp, speed: u32) -> Self {
        Self { anchor, speed: speed.max(1), offset: time::Duration::ZERO }
    }

    /// The same clock, wrong by `offset`: what a badly set workstation sees.
    #[must_use]
    pub fn wrong_by(self, offset: time::Duration) -> Self {
        Self { offset, ..self }
    }

    /// The current time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        let real = OffsetDateTime::now_utc();
        let scaled = if self.speed == 1 { real } else { self.anchor + (real - self.anchor) * self.speed };
        scaled + self.offset
    }

    /// Waits until `duration` has passed on this clock.
    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.speed).await;
    }

    /// Waits until this clock shows `moment`; returns at once if it has passed.
    pub async fn sleep_until(&self, moment: Timestamp) {
        let left = moment - self.now();
        if left.is_positive() {
            self.sleep(left.unsigned_abs()).await;
        }
    }

    /// How many of this clock's seconds pass in one of the machine's.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.speed
    }
}
