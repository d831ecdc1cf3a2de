//! Token buckets and fixed windows on the sandbox's clock, one for each scope that Azure meters.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::clock::SandboxClock;

/// How fast a bucket refills and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Refilled every `per`.
    pub amount: u32,
    /// The time in which `amount` is refilled.
    pub per: Duration,
    /// The most that can be taken at once after a rest.
    pub burst: u32,
}

/// So many requests in a window of time that begins with the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Requests let through.
    pub amount: u32,
    /// How long the window lasts.
    pub per: Duration,
}

/// How a window stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether the request is let through.
    pub allowed: bool,
    /// How many more are.
    pub left: u32,
    /// When the window ends.
    pub resets_after: Duration,
}

/// All buckets and windows. A bucket is full when first used.
#[derive(Debug)]
pub struct Throttles {
    clock: SandboxClock,
    buckets: Mutex<HashMap<String, Bucket>>,
    windows: Mutex<HashMap<String, (OffsetDateTime, u32)>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: OffsetDateTime,
}

impl Throttles {
    /// No bucket used yet.
    #[must_use]
    pub fn new(clock: SandboxClock) -> Self {
        Self { clock, buckets: Mutex::default(), windows: Mutex::default() }
    }

    /// Takes `cost` from the bucket of `scope`, all or nothing. A cost above the burst is let through when the bucket is
    /// full, and leaves it in debt.
    ///
    /// # Errors
    /// How long to wait until it would succeed.
    pub fn take(&self, scope: &str, cost: u32, rate: Rate) -> Result<(), Duration> {
        let mut buckets = self.buckets();
        let bucket = refilled(&mut buckets, scope, rate, self.clock.now());
        let needed = f64::from(cost.min(rate.burst));
        if bucket.level + 1e-6 >= needed {
            bucket.level -= f64::from(cost);
            return Ok(());
        }
        Err(Duration::from_secs_f64((needed - bucket.level) / per_second(rate)))
    }

    /// What is left in the bucket of `scope`, whole units.
    #[must_use]
    pub fn left(&self, scope: &str, rate: Rate) -> u32 {
        let mut buckets = self.buckets();
        let level = refilled(&mut buckets, scope, rate, self.clock.now()).level.clamp(0.0, f64::from(rate.burst));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=burst just above")]
        let whole = level as u32;
        whole
    }

    /// Counts a request in the window of `scope`; a refused one does not prolong it.
    #[must_use]
    pub fn count(&self, scope: &str, window: Window) -> Reading {
        let now = self.clock.now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, used) = windows.entry(scope.to_owned()).or_insert((now, 0));
        if now - *since >= window.per {
            (*since, *used) = (now, 0);
        }
        let allowed = *used < window.amount;
        *used += u32::from(allowed);
        let resets_after = (window.per - (now - *since)).unsigned_abs();
        Reading { allowed, left: window.amount - *used, resets_after }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refilled<'a>(
    buckets: &'a mut HashMap<String, Bucket>,
    scope: &str,
    rate: Rate,
    now: OffsetDateTime,
) -> &'a mut Bucket {
    let full = f64::from(rate.burst);
    let bucket = buckets.entry(scope.to_owned()).or_insert(Bucket { level: full, at: now });
    let passed = (now - bucket.at).as_seconds_f64().max(0.0);
    bucket.level = (bucket.level + passed * per_second(rate)).min(full);
    bucket.at = now;
    bucket
}

fn per_second(rate: Rate) -> f64 {
    f64::from(rate.amount) / rate.per.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIFTEEN: Rate = Rate { amount: 15, per: Duration::from_secs(5), burst: 15 };

    fn throttles() -> Throttles {
        Throttles::new(SandboxClock::new(SandboxClock::real_now(), 1))
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_wait_is_told() {
        let throttles = throttles();
        for _ in 0..15 {
            assert_eq!(throttles.take("graph", 1, FIFTEEN), Ok(()));
        }
        let wait = throttles.take("graph", 1, FIFTEEN).unwrap_err();
        assert!(wait <= Duration::from_millis(334), "{wait:?}");
        assert_eq!(throttles.left("graph", FIFTEEN), 0);
    }

    #[test]
    fn a_window_lets_its_number_through_and_begins_anew_as_a_whole() {
        let clock = SandboxClock::new(SandboxClock::real_now(), 1);
        let window = Window { amount: 2, per: Duration::from_secs(5) };
        let mut throttles = Throttles::new(clock);
        let allowed = |throttles: &Throttles| throttles.count("graph", window).allowed;
        assert_eq!([allowed(&throttles), allowed(&throttles), allowed(&throttles)], [true, true, false]);
        throttles.clock = clock.put_ahead(Duration::from_secs(4));
        let refused = throttles.count("graph", window);
        assert!(!refused.allowed && refused.resets_after <= Duration::from_secs(1), "{refused:?}");
        throttles.clock = clock.put_ahead(Duration::from_secs(6));
        assert_eq!(throttles.count("graph", window).left, 1);
    }

    #[test]
    fn scopes_do_not_share_a_bucket() {
        let throttles = throttles();
        throttles.take("one", 15, FIFTEEN).unwrap();
        assert_eq!(throttles.take("two", 15, FIFTEEN), Ok(()));
    }

    #[test]
    fn a_cost_above_the_burst_passes_once_and_leaves_a_debt() {
        let throttles = throttles();
        throttles.take("bulk", 30, FIFTEEN).unwrap();
        assert!(throttles.take("bulk", 1, FIFTEEN).unwrap_err() > Duration::from_secs(5));
    }
}
