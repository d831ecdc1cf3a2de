//! The sandbox's time: real time scaled from an anchor, so that hours of waiting pass in seconds. A pure function of the
//! machine's clock: a program given the same anchor and speed sees the same time.

use std::time::Duration;

use time::OffsetDateTime;

/// The only source of time in the sandbox. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct SandboxClock {
    anchor: OffsetDateTime,
    speed: u32,
    ahead: time::Duration,
}

impl SandboxClock {
    /// A clock that showed real time at `anchor` and has run `speed` times as fast since (0 counts as 1).
    #[must_use]
    pub fn new(anchor: OffsetDateTime, speed: u32) -> Self {
        Self { anchor, speed: speed.max(1), ahead: time::Duration::ZERO }
    }

    /// The current sandbox time: t = anchor + (real − anchor) · speed, and what it was put ahead by.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.anchor + (Self::real_now() - self.anchor) * self.speed + self.ahead
    }

    /// The same clock, put ahead.
    #[must_use]
    pub fn put_ahead(self, by: Duration) -> Self {
        Self { ahead: self.ahead + by, ..self }
    }

    /// Waits until `duration` of sandbox time has passed.
    pub async fn sleep(&self, duration: Duration) {
        Self::real_sleep(duration / self.speed).await;
    }

    /// How many sandbox seconds pass in a real one.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// The moment at which sandbox time and real time were the same.
    #[must_use]
    pub fn anchor(&self) -> OffsetDateTime {
        self.anchor
    }

    /// A clock of another speed that goes on from what this one shows now. At real speed there is only real time, so a
    /// sandbox that was ahead goes back to it.
    #[must_use]
    pub fn continued_at(&self, speed: u32) -> Self {
        if speed == self.speed || speed <= 1 {
            return Self::new(self.anchor, speed);
        }
        let real = Self::real_now();
        Self::new(real - (self.now() - real) / (speed - 1), speed)
    }

    /// The machine's time, for what lives outside the simulated world: certificates and the anchor.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place of the sandbox that reads the machine's clock")]
    pub fn real_now() -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    /// Waits in the machine's time, for what lives outside the simulated world: writing to disk.
    #[expect(clippy::disallowed_methods, reason = "the one place of the sandbox that waits")]
    pub async fn real_sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_another_speed_goes_on_from_the_same_moment() {
        let hour_ago = SandboxClock::real_now() - time::Duration::hours(1);
        let first = SandboxClock::new(hour_ago, 10);
        let second = first.continued_at(3);
        assert!((second.now() - first.now()).abs() < time::Duration::seconds(1), "{} {}", first.now(), second.now());
    }
}
