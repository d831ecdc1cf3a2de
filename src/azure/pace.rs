//! Pacing: a token bucket per throttle scope of Azure, shared by everybody in this process who calls in that scope.
//!
//! Promises: first come, first served; a caller that gives up takes nothing from the budget; waiting runs on the clock.
//! After a 429 the scope pauses as long as Azure said (at most a minute) and runs at half its rate for some minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// What shares one budget at Azure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// ARM, per giver of tokens (a person in a tenant).
    Arm(usize),
    /// Resource Graph, per giver of tokens.
    Graph(usize),
    /// All REST calls to an IoT Central application, by host.
    Central(String),
    /// Command executions in an application.
    CentralCommands(String),
    /// Queries to an application.
    CentralQueries(String),
    /// Service API of a DPS.
    Dps(String),
    /// Identity registry of a hub.
    HubRegistry(String),
    /// Queries to a hub.
    HubQuery(String),
    /// Twin reads from a hub.
    HubTwins(String),
    /// Direct methods through a hub.
    HubMethods(String),
}

/// Tokens per second and how many may be saved up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

/// Calls a second to one application, of the 20 that it takes ("Azure IoT Central limits").
pub const CENTRAL_PER_SECOND: u32 = 10;

const PAUSE_LIMIT: Duration = Duration::from_secs(60);
const HALVED_FOR: Duration = Duration::from_secs(120);
const ENOUGH_BUCKETS: usize = 512;

impl Scope {
    /// The budget before anything better is known. Azure's limits are shared with other callers: plan with 80 % or less.
    fn default_rate(&self) -> Rate {
        let (per_second, burst) = match self {
            Self::Arm(_) => (10.0, 100.0),
            Self::Graph(_) => (3.0, 5.0),
            Self::Central(_) => (f64::from(CENTRAL_PER_SECOND), 10.0),
            Self::CentralCommands(_) => (16.0, 4.0),
            Self::CentralQueries(_) => (0.8, 1.0),
            Self::Dps(_) => (10.0, 20.0),
            Self::HubRegistry(_) => (80.0 / 60.0, 10.0),
            Self::HubQuery(_) => (16.0 / 60.0, 4.0),
            Self::HubTwins(_) => (80.0, 20.0),
            // Half: the daily quota and the hub's other callers draw on it too.
            Self::HubMethods(_) => (20.0, 10.0),
        };
        Rate { per_second, burst }
    }
}

/// All buckets of the process.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    buckets: Mutex<HashMap<Scope, Arc<Bucket>>>,
}

#[derive(Debug)]
struct Bucket {
    /// Held while waiting, so that callers queue in order. Never held across a network call.
    queue: tokio::sync::Mutex<Level>,
    limits: Mutex<Limits>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Timestamp,
}

#[derive(Debug)]
struct Limits {
    rate: Rate,
    pause_until: Option<Timestamp>,
    halved_until: Option<Timestamp>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pacer {
    /// Waits until `cost` operations in `scope` are within the budget.
    pub async fn acquire(&self, clock: &Clock, scope: &Scope, cost: u32) {
        let bucket = self.bucket(clock, scope);
        bucket.acquire(clock, f64::from(cost)).await;
    }

    /// Takes note of a 429.
    pub fn throttled(&self, clock: &Clock, scope: &Scope, retry_after: Duration) {
        let now = clock.now();
        let bucket = self.bucket(clock, scope);
        let mut limits = lock(&bucket.limits);
        let pause = now + retry_after.min(PAUSE_LIMIT);
        limits.pause_until = Some(limits.pause_until.map_or(pause, |until| until.max(pause)));
        limits.halved_until = Some(now + HALVED_FOR);
    }

    /// Sets what a scope may do, once its capacity is known.
    pub fn set_rate(&self, clock: &Clock, scope: &Scope, rate: Rate) {
        lock(&self.bucket(clock, scope).limits).rate = rate;
    }

    fn bucket(&self, clock: &Clock, scope: &Scope) -> Arc<Bucket> {
        let mut buckets = lock(&self.buckets);
        if buckets.len() > ENOUGH_BUCKETS {
            buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1);
        }
        let bucket = buckets.entry(scope.clone()).or_insert_with(|| Arc::new(Bucket::new(clock, scope.default_rate())));
        Arc::clone(bucket)
    }
}

impl Bucket {
    fn new(clock: &Clock, rate: Rate) -> Self {
        Self {
            queue: tokio::sync::Mutex::new(Level { tokens: rate.burst, at: clock.now() }),
            limits: Mutex::new(Limits { rate, pause_until: None, halved_until: None }),
        }
    }

    async fn acquire(&self, clock: &Clock, cost: f64) {
        let mut level = self.queue.lock().await;
        loop {
            let now = clock.now();
            let (rate, pause) = self.limits_at(now);
            level.refill(rate, now);
            // A cost above the burst needs a full bucket and leaves a debt, so that large calls pass and still count.
            let needed = cost.min(rate.burst);
            let wait = pause.max(Duration::from_secs_f64(((needed - level.tokens) / rate.per_second).max(0.0)));
            if wait.is_zero() {
                level.tokens -= cost;
                return;
            }
            clock.sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    fn limits_at(&self, now: Timestamp) -> (Rate, Duration) {
        let limits = lock(&self.limits);
        let halved = limits.halved_until.is_some_and(|until| now < until);
        let per_second = if halved { limits.rate.per_second / 2.0 } else { limits.rate.per_second };
        let pause = limits.pause_until.map_or(time::Duration::ZERO, |until| until - now);
        // A clock that was set back must not turn a minute's pause into a day's.
        let pause = if pause.is_positive() { pause.unsigned_abs().min(PAUSE_LIMIT) } else { Duration::ZERO };
        (Rate { per_second, ..limits.rate }, pause)
    }
}

impl Level {
    fn refill(&mut self, rate: Rate, now: Timestamp) {
        let elapsed = (now - self.at).as_seconds_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * rate.per_second).min(rate.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn fast() -> Clock {
        Clock::scaled(time::macros::datetime!(2026-01-01 0:00 UTC), 1000)
    }

    #[tokio::test]
    async fn a_burst_passes_at_once_and_then_calls_keep_to_the_rate() {
        let (clock, pacer, scope) = (fast(), Pacer::default(), Scope::Central("a".into()));
        pacer.set_rate(&clock, &scope, Rate { per_second: 0.5, burst: 2.0 });
        let before = clock.now();
        for _ in 0..12 {
            pacer.acquire(&clock, &scope, 1).await;
        }
        // The bucket was filled with the default burst of ten, of which two were kept.
        assert!((clock.now() - before).as_seconds_f64() >= 19.0);
    }

    #[tokio::test]
    async fn a_large_call_passes_and_those_after_it_pay() {
        let (clock, pacer, scope) = (fast(), Pacer::default(), Scope::HubRegistry("h".into()));
        let before = clock.now();
        pacer.acquire(&clock, &scope, 100).await;
        pacer.acquire(&clock, &scope, 1).await;
        assert!((clock.now() - before).as_seconds_f64() >= 60.0);
    }

    #[tokio::test]
    async fn a_429_pauses_its_scope_and_no_other() {
        let (clock, pacer) = (fast(), Pacer::default());
        let (hit, other) = (Scope::Dps("a".into()), Scope::Dps("b".into()));
        let before = clock.now();
        pacer.throttled(&clock, &hit, Duration::from_secs(30));
        assert!(pacer.acquire(&clock, &other, 1).now_or_never().is_some());
        pacer.acquire(&clock, &hit, 1).await;
        assert!((clock.now() - before).as_seconds_f64() >= 30.0);
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_takes_nothing() {
        let clock = Clock::system();
        let (pacer, scope) = (Pacer::default(), Scope::HubQuery("h".into()));
        pacer.acquire(&clock, &scope, 3).await;
        assert!(pacer.acquire(&clock, &scope, 4).now_or_never().is_none(), "one token is left");
        assert!(pacer.acquire(&clock, &scope, 1).now_or_never().is_some(), "and it is still there");
    }
}
