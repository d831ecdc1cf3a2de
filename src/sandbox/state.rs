//! What all parts of the sandbox share: the world, the clock, the log, faults, throttles, and the tasks that must end
//! when the sandbox stops.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SandboxError;
use super::clock::SandboxClock;
use super::entra::Entra;
use super::faults::Faults;
use super::fleet;
use super::log::CallLog;
use super::options::{SandboxOptions, Switches};
use super::throttle::Throttles;
use super::world::World;

/// A handle on the running sandbox. Cheap to clone.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    clock: Mutex<SandboxClock>,
    options: SandboxOptions,
    switches: Mutex<Switches>,
    world: Mutex<World>,
    entra: Mutex<Entra>,
    log: CallLog,
    faults: Faults,
    throttles: Throttles,
    tasks: TaskTracker,
    stop: CancellationToken,
    changed: Notify,
    sign_in_base: OnceLock<String>,
    saving: Mutex<()>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("clock", &self.clock()).finish_non_exhaustive()
    }
}

impl Shared {
    /// Everything but the network: what [`super::Sandbox::start`] builds on, and all that a router needs in a test.
    ///
    /// # Errors
    /// If no signing key can be made.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let clock = SandboxClock::new(options.anchor, options.speed);
        let world = options.world.clone().unwrap_or_else(|| fleet::default_world(&clock));
        Ok(Self::from_parts(options, world, Entra::new()?))
    }

    /// The same with a world and sign-ins saved earlier.
    pub(super) fn from_parts(options: SandboxOptions, world: World, entra: Entra) -> Self {
        let clock = SandboxClock::new(options.anchor, options.speed);
        Self(Arc::new(Inner {
            clock: Mutex::new(clock),
            switches: Mutex::new(Switches::from(&options)),
            options,
            world: Mutex::new(world),
            entra: Mutex::new(entra),
            log: CallLog::default(),
            faults: Faults::default(),
            throttles: Throttles::new(clock),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            changed: Notify::new(),
            sign_in_base: OnceLock::new(),
            saving: Mutex::default(),
        }))
    }

    /// The sandbox's time.
    #[must_use]
    pub fn clock(&self) -> SandboxClock {
        *lock(&self.0.clock)
    }

    /// Lets time pass at once, for tests of what days bring: whoever waits meanwhile waits on as before. Not saved with
    /// the world.
    pub fn jump(&self, by: Duration) {
        let mut clock = lock(&self.0.clock);
        *clock = clock.put_ahead(by);
    }

    /// What the sandbox was started with.
    #[must_use]
    pub fn options(&self) -> &SandboxOptions {
        &self.0.options
    }

    /// The settings in force now.
    #[must_use]
    pub fn switches(&self) -> Switches {
        *lock(&self.0.switches)
    }

    /// Changes settings while the sandbox runs.
    pub fn flip(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut lock(&self.0.switches));
    }

    /// Reads or changes the world, and has it saved where state is kept. Never call this from within `f`.
    pub fn world<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        let result = f(&mut lock(&self.0.world));
        self.0.changed.notify_one();
        result
    }

    /// Reads the world, which need not be saved for it.
    pub fn look<R>(&self, f: impl FnOnce(&World) -> R) -> R {
        f(&lock(&self.0.world))
    }

    /// Reads or changes what Entra keeps.
    pub fn entra<R>(&self, f: impl FnOnce(&mut Entra) -> R) -> R {
        let result = f(&mut lock(&self.0.entra));
        self.0.changed.notify_one();
        result
    }

    /// Reads what Entra keeps, which need not be saved for it.
    pub fn peek_entra<R>(&self, f: impl FnOnce(&Entra) -> R) -> R {
        f(&lock(&self.0.entra))
    }

    /// The calls made so far.
    #[must_use]
    pub fn log(&self) -> &CallLog {
        &self.0.log
    }

    /// The faults to inject.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The throttles of all services.
    #[must_use]
    pub fn throttles(&self) -> &Throttles {
        &self.0.throttles
    }

    /// Runs a task until it ends or the sandbox stops, whichever is first.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Resolves when the sandbox stops.
    pub async fn stopped(&self) {
        self.0.stop.cancelled().await;
    }

    /// `http://localhost:PORT`, where people sign in; empty until the sandbox listens.
    #[must_use]
    pub fn sign_in_base(&self) -> &str {
        self.0.sign_in_base.get().map_or("", String::as_str)
    }

    pub(super) fn set_sign_in_base(&self, base: String) {
        // Set once, by the only listener there is.
        let _ = self.0.sign_in_base.set(base);
    }

    /// Resolves when something has changed since it last resolved.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Held while the state is written, so that two writers do not mix.
    pub(super) fn saving(&self) -> MutexGuard<'_, ()> {
        lock(&self.0.saving)
    }

    /// Ends all tasks and waits until they have ended.
    pub(super) async fn end_tasks(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

/// A panic in one handler must not take the whole sandbox down with a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
