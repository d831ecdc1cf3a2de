//! Every button pressed by two people at once, twice by each: it acts once, and says who it was.

use futures_util::future::join_all;
use iotc_migrator::sandbox::device::Kind;
use iotc_migrator::sandbox::fleet::{self, ADA, BOB, MAIN_APP};

use super::PATIENCE;
use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;

/// The canary is lost.
const VANISHES: &str = "boiler-0001";
const OFF: &str = "boiler-0005";

/// Those who press.
struct Two<'a> {
    ada: &'a Person,
    people: Vec<&'a Person>,
}

impl Two<'_> {
    /// Everybody presses this button of a migration's page at once, each in two tabs.
    async fn press(&self, journey: &Journey, button: &str) {
        let path = format!("/migrations/{}/{button}", journey.id);
        let mut pressed = Vec::new();
        for person in &self.people {
            let csrf = person.open("/migrations").await.csrf();
            for _ in 0..2 {
                let (path, csrf) = (path.clone(), csrf.clone());
                pressed.push(async move { person.post(&path, &[], &[("_csrf", &csrf)]).await.as_u16() });
            }
        }
        let answers = join_all(pressed).await;
        assert!(answers.iter().all(|status| (200..400).contains(status)), "{button}: {answers:?}");
    }

    /// The same, and exactly one event with these words comes of it.
    async fn act_once(&self, journey: &Journey, button: &str, words: &str) {
        let before = self.said(journey, words).await;
        self.press(journey, button).await;
        assert_eq!(self.said(journey, words).await, before + 1, "{button}:\n{}", self.events(journey).await.text());
    }

    async fn events(&self, journey: &Journey) -> Page {
        self.ada.open(&format!("/migrations/{}/events", journey.id)).await
    }

    async fn said(&self, journey: &Journey, words: &str) -> usize {
        self.events(journey).await.text().matches(words).count()
    }

    /// The one draft that this button makes.
    async fn make_once(&self, journey: &Journey, button: &str, relation: &str) -> Journey {
        let drafts = async || {
            let list = self.ada.open("/migrations").await;
            list.texts("tbody tr").into_iter().filter(|row| row.contains(relation)).count()
        };
        assert_eq!(drafts().await, 0);
        self.press(journey, button).await;
        assert_eq!(drafts().await, 1, "{button}");
        let page = self.ada.see(journey).await;
        let name = if relation == "Rerun," { "Boilers to the hub, rerun" } else { "Boilers to the hub, fail back" };
        let href = page.link(name).unwrap_or_else(|| panic!("no {name}:\n{}", page.text()));
        Journey { id: href.split('/').nth(2).expect("an id").to_owned() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_button_that_two_people_press_at_once_acts_once() {
    let (lab, program, ada) = Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, 5, "S2", 10);
        world.devices.get_mut(VANISHES).expect("a boiler").kind = Kind::Vanishes;
        let app = world.apps.get_mut(MAIN_APP).expect("the application");
        let role = app.roles[ADA].clone();
        app.roles.insert(BOB.to_owned(), role);
        world
    })
    .await;
    lab.set_online(OFF, false);
    let bob = Person::new(&lab, &program);
    bob.sign_in("Bob").await;
    let two = Two { ada: &ada, people: vec![&ada, &bob] };

    let (first, _) = ada.migrate(&Wish::default()).await;
    two.act_once(&first, "start", "started the migration").await;
    let page = ada.wait_for_state(&first, "Paused", PATIENCE).await;
    assert!(page.text().contains(VANISHES), "{}", page.text());
    // Whose it is not already.
    let other = if page.can_press("Take over migration") { &ada } else { &bob };
    Two { ada: &ada, people: vec![other] }.act_once(&first, "take-over", "took the migration over").await;
    two.act_once(&first, "resume", "resumed the migration").await;
    ada.wait_for_state(&first, "Waiting for 1 device", PATIENCE).await;
    two.act_once(&first, "try-again", "asked for another try").await;
    two.act_once(&first, "finish-now", "finished the migration").await;
    ada.wait_for_state(&first, "Completed with failures", PATIENCE).await;

    let rerun = two.make_once(&first, "rerun", "Rerun,").await;
    let back = two.make_once(&first, "fail-back", "Fail back,").await;
    two.press(&rerun, "discard").await;
    assert_eq!(ada.see(&rerun).await.status, 404, "discarded");

    // One of those that go back is off: as long as it is waited for, nobody else can have it.
    lab.set_online("boiler-0004", false);
    two.act_once(&back, "start", "started the migration").await;
    ada.wait_for_state(&back, "Waiting for 1 device", PATIENCE).await;
    let other = ada.start(&Wish { name: "Another".into(), ..Wish::default() }).await;
    ada.wait_for(&other, "being moved by “Boilers to the hub, fail back”", PATIENCE).await;
    two.act_once(&back, "stop", "stopped the migration").await;
    ada.wait_for_state(&back, "Stopped", PATIENCE).await;
}
