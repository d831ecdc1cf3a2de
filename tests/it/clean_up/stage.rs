//! A fleet that moved more than a day ago, and what a person does on the pages of a clean-up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::world::World;

use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::moment;
use crate::support::page::{Form, Page};
use crate::support::person::Person;
use crate::support::program::Program;

/// Sandbox seconds in a real one: later checks are a quarter of an hour apart, so a device has long to turn up.
const SPEED: u32 = 100;
/// Real time in which things happen on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// A day, by which every soak is over, and an hour.
const SOAKED: Duration = Duration::from_secs(25 * 3600);

/// Everybody and everything.
pub struct Stage {
    pub lab: Lab,
    pub program: Program,
    pub ada: Person,
    pub journey: Journey,
}

impl Stage {
    /// A fleet has moved and its migration has ended like this.
    pub async fn moved(world: impl FnOnce(&SandboxClock) -> World, wish: Wish, ended: &str) -> Self {
        let (lab, program, ada) = Lab::with_ada(SPEED, world).await;
        let wish = wish.with("Give up on a device that does not turn up after (minutes)", "60");
        let journey = ada.start(&wish).await;
        ada.wait_for_state(&journey, ended, PATIENCE).await;
        Self { lab, program, ada, journey }
    }

    /// A day goes by, and the program is started anew.
    pub async fn a_day_later(self) -> Self {
        self.lab.jump(SOAKED);
        let stage = self.killed().await;
        stage.ada.sign_in("Ada").await;
        stage
    }

    /// SIGKILL, and up again on the same data and port.
    pub async fn killed(self) -> Self {
        let port = self.program.port;
        self.program.kill().await;
        let program = Program::start(self.lab.data.path(), port, &self.lab.environment(port)).await;
        Self { program, ..self }
    }

    /// The page on which a clean-up is asked for.
    pub async fn page(&self) -> Page {
        self.ada.open(&format!("/migrations/{}/clean-up", self.journey.id)).await
    }

    /// The form, confirmed.
    pub fn form(&self, page: &Page, number: usize, name: &str) -> Form {
        let form = page.form_with_button("Remove devices").unwrap_or_else(|| panic!("no form:\n{}", page.text()));
        let field = |label: &str| page.name_of(label).unwrap_or_else(|| panic!("no {label}:\n{}", page.text()));
        form.set(&field("Type the number of devices"), &number.to_string())
            .set(&field("Type the migration's name"), name)
    }

    /// Asks for all that qualify, and gives the page of the clean-up.
    pub async fn clean_up(&self, number: usize, name: &str) -> Page {
        let page = self.page().await;
        let begun = self.ada.submit(&page, self.form(&page, number, name)).await;
        assert!(begun.url.contains("/clean-ups/"), "not begun: {}\n{}", begun.url, begun.text());
        begun
    }

    /// Waits until the clean-up of this page has ended.
    pub async fn ended(&self, run: &Page) -> Page {
        self.look_until(run, |page| page.texts(".state").iter().any(|state| state.starts_with("Completed"))).await
    }

    /// Looks at a clean-up's page until it is as wanted.
    pub async fn look_until(&self, run: &Page, good: impl Fn(&Page) -> bool) -> Page {
        let began = Instant::now();
        loop {
            let page = self.ada.open(&run.url).await;
            if good(&page) {
                return page;
            }
            assert!(began.elapsed() < PATIENCE, "it did not come on {}:\n{}", page.url, page.text());
            moment().await;
        }
    }

    /// The devices of a clean-up by id, with state and reason.
    pub async fn fates(&self, run: &Page) -> BTreeMap<String, (String, String)> {
        let page = self.ada.open(&format!("{}/devices.csv", run.url)).await;
        let mut reader = csv::Reader::from_reader(page.html.as_bytes());
        let rows = reader.records().map(|row| row.expect("a row"));
        rows.map(|row| (row[0].to_owned(), (row[1].to_owned(), row[2].to_owned()))).collect()
    }

    /// The ids that something of this kind happened to, in order.
    pub fn sorted(&self, effect: &str) -> Vec<String> {
        let mut ids = self.lab.effects(effect);
        ids.sort();
        ids
    }
}

/// State and reason as the CSV has them.
pub fn fate(state: &str, reason: &str) -> (String, String) {
    (state.to_owned(), reason.to_owned())
}
