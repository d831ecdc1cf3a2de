//! Keys that somebody pastes are nowhere in the clear, and gone when their migration has ended.

use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::fleet::{self, LOOSE};
use iotc_migrator::store::Store;

use super::stage::NEXT;
use crate::secrets::files;
use crate::secrets::search::Needles;
use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;

const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn pasted_keys_let_devices_in_and_are_on_no_page_in_no_log_and_in_no_file() {
    let lab = Lab::with(20, |options| {
        options.world = Some(fleet::hub_to_central_world(&SandboxClock::new(options.anchor, options.speed)));
    })
    .await;
    let port = Program::free_port();
    let mut environment = lab.environment(port);
    environment.push(("RUST_LOG".into(), "trace".into()));
    let program = Program::start(lab.data.path(), port, &environment).await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let (journey, page) = ada.migrate(&Wish::from_hubs(None, &[LOOSE], NEXT, None)).await;
    let (primary, secondary) = fleet::loose_keys();

    let form = page.form_with_button("Add keys").expect("a form");
    let swapped = ada.submit(&page, form.clone().set("primary", &secondary).set("secondary", &primary)).await;
    assert!(
        swapped.text().contains("None of the 3 devices looked at has keys derived from these."),
        "{}",
        swapped.text()
    );
    let erased = ada.press(&swapped, &erase(&swapped.texts(".pasted .mono"))).await;
    assert!(erased.text().contains("are erased"), "{}", erased.text());
    let page = ada.submit(&erased, form.set("primary", &format!(" {primary} ")).set("secondary", &secondary)).await;
    assert!(page.text().contains("3 of the 3 devices looked at have keys derived from these."), "{}", page.text());
    let id = journey.id.parse().expect("an id");
    let store = Store::open(&lab.data.path().join("migrator.db")).await.expect("opens");
    assert_eq!(store.pasted_keys(id).await.expect("reads").len(), 1);
    let kept = files(lab.data.path());

    ada.press(&page, "Start migration").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.len() == 3 && rows.values().all(|row| row["outcome"] == "moved"), "{rows:?}");
    assert_eq!(store.pasted_keys(id).await.expect("reads"), []);

    let needles = Needles::new(&[primary, secondary]);
    for (name, content) in kept.into_iter().chain(files(lab.data.path())) {
        needles.assert_not_in(&name, &content);
    }
    needles.assert_not_in("the log", program.output().as_bytes());
    for visit in ada.trail().into_iter().filter(|visit| visit.url.as_str().starts_with(&program.url("/"))) {
        needles.assert_not_in(visit.url.path(), visit.body.as_bytes());
        needles.assert_not_in("an address", visit.url.as_str().as_bytes());
        needles.assert_not_in("a redirect", visit.location.unwrap_or_default().as_bytes());
    }
}

/// The words of the button that erases the only keys.
fn erase(pasted: &[String]) -> String {
    let [only] = pasted else { panic!("one group was pasted: {pasted:?}") };
    format!("Erase {only}")
}
