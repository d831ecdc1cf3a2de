//! A small migration that is to end in the same way whatever happens on the way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::Place;
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, Spec, simple_world};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::program::Program;

pub const PATIENCE: Duration = Duration::from_secs(90);
const SPEED: u32 = 30;
const DEVICES: usize = 5;

/// Cases at once: each is a simulated Azure and a process, and there may be two cores only.
static ROOM: Semaphore = Semaphore::const_new(3);

/// Between two looks of somebody who waits.
#[expect(clippy::disallowed_methods, reason = "patience is real time: the clock of the lab runs faster")]
pub async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// How the devices after the canary are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Job,
    /// A blocked device in the group keeps the job away.
    Singles,
}

/// A case: an Azure with five obedient devices, the program, and Ada.
pub struct Case {
    pub lab: Lab,
    pub program: Program,
    pub ada: Person,
    _room: SemaphorePermit<'static>,
}

impl Case {
    pub async fn new(way: Way) -> Self {
        Self::with(way, |_| {}).await
    }

    pub async fn with(way: Way, change: impl FnOnce(&mut iotc_migrator::sandbox::SandboxOptions)) -> Self {
        let room = ROOM.acquire().await.expect("never closed");
        let lab = Lab::with(SPEED, |options| {
            let clock = SandboxClock::new(options.anchor, options.speed);
            let mut world = simple_world(&clock, DEVICES, "S2", 10);
            if way == Way::Singles {
                let blocked = Spec { blocked: true, online: false, ..Spec::new(BOILER) };
                fleet::add_devices(&mut world, MAIN_APP, "blocked", 1, 1, &blocked, clock.now());
            }
            options.world = Some(world);
            change(options);
        })
        .await;
        let program = lab.program().await;
        let ada = Person::new(&lab, &program);
        ada.sign_in("Ada").await;
        Self { lab, program, ada, _room: room }
    }

    /// The keys page of a new migration.
    pub async fn keys_page(&self) -> (Journey, Page) {
        self.ada.migrate(&Wish::default()).await
    }

    /// Presses *Start migration* until it is started; gives the pages that refused it.
    pub async fn start(&self, journey: &Journey) -> Vec<Page> {
        let mut refusals = Vec::new();
        let began = Instant::now();
        loop {
            let page = self.ada.open(&format!("/migrations/{}/keys", journey.id)).await;
            if !page.can_press("Start migration") {
                refusals.push(page);
            } else {
                let page = self.ada.press(&page, "Start migration").await;
                if !page.url.ends_with("/keys") && !page.url.ends_with("/start") {
                    return refusals;
                }
                refusals.push(page);
            }
            let last = refusals.last().map(Page::text).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "it does not start:\n{last}");
        }
    }

    /// Waits for the migration's end; presses nothing.
    pub async fn wait_for_end(&self, journey: &Journey) -> Page {
        let began = Instant::now();
        loop {
            let page = self.ada.see(journey).await;
            let text = page.text();
            if text.contains("Completed") && !page.can_press("Stop migration") {
                return page;
            }
            assert!(!page.can_press("Resume"), "it paused:\n{text}\n{}", self.tail());
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{text}\n{}", self.tail());
            a_moment().await;
        }
    }

    /// The end that an undisturbed migration has, by what the page says, by the devices themselves, and by what was done.
    pub async fn ended_as_undisturbed(&self, journey: &Journey) {
        let rows = self.ada.devices(journey).await;
        let moved = rows.values().filter(|row| row.values().any(|value| value.eq_ignore_ascii_case("moved"))).count();
        let page = self.ada.see(journey).await;
        assert_eq!(moved, DEVICES, "{rows:#?}\n{}\n{}", page.text(), self.tail());
        assert!(!page.text().contains("Completed with failures"), "{}", page.text());
        self.nothing_is_doubled();
        self.lab.shared().look(|world| {
            for device in world.devices.values().filter(|device| device.id.starts_with("boiler")) {
                assert!(matches!(device.place, Place::Hub { .. }), "{}: {:#?}", device.id, device.log);
            }
        });
    }

    /// One successful create an id, at most one job, and no device told again after it had answered.
    pub fn nothing_is_doubled(&self) {
        let mut made: BTreeMap<(String, String), u32> = BTreeMap::new();
        for (_, effect) in self.lab.shared().log().effects() {
            if effect.kind.ends_with(".created") {
                *made.entry((effect.kind.to_owned(), effect.subject.clone())).or_default() += 1;
            }
        }
        assert!(made.values().all(|times| *times == 1), "{made:#?}");
        assert!(made.keys().filter(|(kind, _)| kind == "job.created").count() <= 1, "{made:#?}");
        self.lab.shared().look(|world| {
            for device in world.devices.values() {
                assert!(!device.was_told_again_after_accepting(), "{}: {:#?}", device.id, device.log);
            }
        });
    }

    /// The end of the program's log.
    pub fn tail(&self) -> String {
        let output = self.program.output();
        let lines: Vec<&str> = output.lines().filter(|line| !line.contains("TRACE")).collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}
