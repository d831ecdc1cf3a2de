//! One migration whose program can be killed and started again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::Place;
use iotc_migrator::sandbox::faults::RuleHandle;
use iotc_migrator::sandbox::fleet::MAIN_APP;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::ends::End;
use super::worlds::{Case, Follow};
use crate::support::journey::Journey;
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::program::Program;

/// Sandbox seconds in a real one.
const SPEED: u32 = 25;
/// Real time in which things happen on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The words of the last event of a migration.
const ENDED: [&str; 2] = ["Completed: ", "Completed with failures: "];

/// Trials that run at once, over all tests of this process: they wait more than they work.
pub const AT_ONCE: usize = 6;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// Waits until there is room for another trial.
pub async fn room() -> SemaphorePermit<'static> {
    ROOM.acquire().await.expect("never closed")
}

/// The end of a migration whose program nobody disturbed.
pub async fn undisturbed(case: Case) -> End {
    let _room = room().await;
    let trial = Trial::ready(case).await;
    trial.start().await;
    trial.to_the_end().await
}

/// A migration that is ready to be started, or was.
pub struct Trial {
    pub lab: Lab,
    pub program: Program,
    pub ada: Person,
    pub journey: Journey,
    case: Case,
    keys: Page,
    /// Where everybody is to be in the end.
    place: Place,
    /// How much each device had written down before the migration was started.
    before: BTreeMap<String, usize>,
}

impl Trial {
    /// Signed in, everything chosen, *Migrate* pressed: the keys page with *Start migration* is open.
    pub async fn ready(case: Case) -> Self {
        let lab = Lab::with(SPEED, |options| {
            options.world = Some((case.world)(&SandboxClock::new(options.anchor, options.speed)));
        })
        .await;
        let program = lab.program().await;
        let ada = Person::new(&lab, &program);
        ada.sign_in("Ada").await;
        let (journey, keys) = ada.migrate(&case.wish()).await;
        Self { lab, program, ada, journey, case, keys, place: case.place(), before: BTreeMap::new() }
    }

    /// The draft of a follow-up of a migration that nobody disturbed: the keys page with *Start migration* is open.
    pub async fn following(follow: Follow) -> Self {
        let trial = Self::ready(follow.first).await;
        trial.start().await;
        trial.to_the_end().await;
        (follow.mend)(&trial.lab);
        let page = trial.ada.see(&trial.journey).await;
        let keys = trial.ada.press(&page, follow.button).await;
        let id = keys.url.split('/').rev().nth(1).expect("an id").to_owned();
        let devices = trial.lab.devices("");
        let before = devices.into_iter().map(|device| (device.id, device.log.len())).collect();
        let case = Case { waiting: follow.waiting, ..trial.case };
        let place = if follow.home { Place::App { sub: MAIN_APP.to_owned() } } else { trial.place.clone() };
        Self { journey: Journey { id }, keys, before, case, place, ..trial }
    }

    /// Presses *Start migration*.
    pub async fn start(&self) {
        let page = self.ada.press(&self.keys, "Start migration").await;
        assert!(page.url.ends_with(&self.journey.id), "not started, but on {}:\n{}", page.url, page.text());
    }

    /// SIGKILL, and up again on the same data and port.
    pub async fn killed(self) -> Self {
        let port = self.program.port;
        self.program.kill().await;
        let program = Program::start(self.lab.data.path(), port, &self.lab.environment(port)).await;
        Self { program, ..self }
    }

    /// SIGTERM, and up again; with the exit code and the real time that it took to end.
    pub async fn stopped(self) -> (Self, Option<i32>, Duration) {
        let port = self.program.port;
        let asked = Instant::now();
        let code = self.program.stop().await;
        let took = asked.elapsed();
        let program = Program::start(self.lab.data.path(), port, &self.lab.environment(port)).await;
        (Self { program, ..self }, code, took)
    }

    /// Kills the program as soon as `held` has a request, and starts it again. What is held stays so: it has no caller
    /// any more. `false`: the migration came to rest without such a request.
    pub async fn killed_at(self, held: &RuleHandle) -> (Self, bool) {
        let reached = tokio::select! {
            () = held.reached() => true,
            _ = self.rest() => held.struck() > 0,
        };
        if reached { (self.killed().await, true) } else { (self, false) }
    }

    /// Where everybody is to be in the end.
    pub fn target(&self) -> Place {
        self.place.clone()
    }

    /// Waits until only the devices that are waited for are left, or none.
    pub async fn rest(&self) -> Page {
        let waiting = match self.case.waiting {
            1 => "Waiting for 1 device: everything else is settled".to_owned(),
            many => format!("Waiting for {many} devices: everything else is settled"),
        };
        self.ada.wait_for_any(&self.journey, &[&waiting, ENDED[0], ENDED[1]], PATIENCE).await
    }

    /// To the end, by *Finish now* where devices are waited for.
    pub async fn to_the_end(&self) -> End {
        let page = self.rest().await;
        if page.can_press("Finish now") {
            self.ada.press(&page, "Finish now").await;
        }
        self.see_the_end().await
    }

    /// Waits for the end, and reads it.
    pub async fn see_the_end(&self) -> End {
        self.ada.wait_for_any(&self.journey, &ENDED, PATIENCE).await;
        End::of(&self.lab, &self.ada, &self.journey, self.place.clone()).await.after(&self.before)
    }
}
