//! People who go: sign-ins that end, sessions that expire, signing out while a run goes on.

use std::time::{Duration, Instant};

use iotc_migrator::sandbox::device;
use iotc_migrator::sandbox::fleet::{ADA, CONTOSO};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use super::{PATIENCE, assert_all_by, calls_with_rights};
use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::moment;
use crate::support::person::Person;
use crate::support::program::Program;

const DAY: Duration = Duration::from_secs(24 * 3600 + 60);
const LATE: &str = "boiler-0005";

/// Ada's run of four obedient devices and one that is switched off, as far as it gets without that one.
async fn waiting_run(lab: &Lab, program: &Program) -> (Person, Journey) {
    let ada = Person::new(lab, program);
    ada.sign_in("Ada").await;
    let journey =
        ada.start(&Wish::default().with("Give up on a device that does not turn up after (minutes)", "10")).await;
    ada.wait_for(&journey, "Waiting for 1 device", PATIENCE).await;
    (ada, journey)
}

/// The device that was waited for is switched on; the run ends well.
async fn comes_to_its_end(lab: &Lab, ada: &Person, journey: &Journey) {
    device::set_online(&lab.shared(), LATE, true);
    let page = ada.wait_for(journey, "Waiting for 1 device", PATIENCE).await;
    if page.can_press("Try again now") {
        ada.press(&page, "Try again now").await;
    }
    ada.wait_for(journey, "Completed: 5 moved", PATIENCE).await;
}

/// Whether the migration stays paused for Ada while Bob comes and goes.
async fn stays_paused_for(bob: &Person, journey: &Journey) {
    let page = bob.sign_in_to("Bob", &format!("/migrations/{}", journey.id)).await;
    assert!(page.text().contains("Paused: Ada Lovelace (ada@contoso.com) must sign in again"), "{}", page.text());
    assert!(!page.can_press("Resume"), "a push by somebody else does not help:\n{}", page.text());
    // What is not offered can still be sent; it must not make the run go on with other rights.
    bob.post(&format!("/migrations/{}/resume", journey.id), &[], &[("_csrf", &page.csrf())]).await;
    let page = bob.see(journey).await;
    assert!(page.text().contains("It goes on by itself as soon as Ada Lovelace signs in here."), "{}", page.text());
    assert!(page.text().contains("Paused: Ada Lovelace"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_a_run_waits_for_the_next_sign_in_of_its_person_and_nobody_elses() {
    let lab = Lab::small(20, 4, 1).await;
    let program = lab.program().await;
    let (_, journey) = waiting_run(&lab, &program).await;
    let port = program.port;
    assert_eq!(program.stop().await, Some(0));

    lab.jump(DAY);
    let program = Program::start(lab.data.path(), port, &lab.environment(port)).await;
    let bob = Person::new(&lab, &program);
    let since = lab.shared().log().last();
    bob.sign_in_to("Bob", "/migrations").await;
    let page = bob.wait_for(&journey, "Paused", PATIENCE).await;
    assert!(page.text().contains("AADSTS700084") && page.text().contains("24 hours"), "{}", page.text());
    stays_paused_for(&bob, &journey).await;
    assert_eq!(calls_with_rights(&lab, since).len(), 0, "nobody's rights were used");

    let ada = Person::new(&lab, &program);
    let page = ada.sign_in_to("Ada", &format!("/migrations/{}", journey.id)).await;
    assert!(page.text().contains("Boilers to the hub"), "{}", page.text());
    let page = ada.wait_for(&journey, "Waiting for 1 device", PATIENCE).await;
    assert!(page.text().contains("Ada Lovelace is signed in again; the migration goes on."), "{}", page.text());
    comes_to_its_end(&lab, &ada, &journey).await;
    assert_all_by(&calls_with_rights(&lab, since), ADA);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_needs_a_fresh_sign_in_pauses_names_the_person_and_goes_on_with_it() {
    let lab = Lab::small(20, 4, 1).await;
    let program = lab.program().await;
    let (ada, journey) = waiting_run(&lab, &program).await;
    lab.shared().flip(|switches| switches.challenge_all_clients = true);
    lab.shared().demand_claims(ADA);
    ada.press(&ada.see(&journey).await, "Try again now").await;
    ada.wait_for(&journey, "Paused: Ada Lovelace (ada@contoso.com) must sign in again", PATIENCE).await;

    let bob = Person::new(&lab, &program);
    let since = lab.shared().log().last();
    stays_paused_for(&bob, &journey).await;

    let page = ada.see(&journey).await;
    let sign_in = page.link("Sign in again").expect("a way to sign in again");
    let page = ada.open(&sign_in).await;
    let page = ada.pick(&page, "Ada").await;
    assert!(page.url.ends_with(&journey.id), "back at {}", page.url);
    ada.wait_for(&journey, "Waiting for 1 device", PATIENCE).await;
    comes_to_its_end(&lab, &ada, &journey).await;
    assert_all_by(&calls_with_rights(&lab, since), ADA);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_entered_is_lost_when_the_session_ends_in_the_middle_of_the_form() {
    let lab = Lab::small(20, 4, 0).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let wish = Wish { name: "Müller & Söhne, <1>".into(), ..Wish::default() }.with("Canary device", "boiler-0002");
    let (page, form) = ada.fill_in(&wish).await;
    ada.close_browser();
    let picker = ada.submit(&page, form.clone()).await;
    let back = ada.pick(&picker, "Ada").await;
    let refilled =
        back.form_with_button("Migrate").unwrap_or_else(|| panic!("not the form but {}:\n{}", back.url, back.text()));
    for (name, entered) in form.fields.iter().filter(|(name, _)| !matches!(name.as_str(), "_csrf" | "key")) {
        assert_eq!(refilled.get(name), Some(entered.as_str()), "{name}");
    }
    let page = ada.submit(&back, refilled).await;
    assert!(page.url.ends_with("/keys"), "{}\n{}", page.url, page.text());
    assert!(page.text().contains("Müller & Söhne, <1>"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_but_not_the_run_and_the_grant_goes_with_the_run() {
    let lab = Lab::small(60, 4, 1).await;
    let program = lab.program().await;
    let (ada, journey) = waiting_run(&lab, &program).await;
    let stolen = ada.cookie_values();
    let page = ada.open("/migrations").await;
    ada.press(&page, "Sign out").await;
    assert!(ada.open("/").await.text().contains("Sign in"));
    let asked = ada.open("/migrations").await;
    assert!(!asked.url.starts_with(&program.url("/")), "asked to sign in, not at {}", asked.url);
    let replayed = ada.with_cookie(&program, &stolen).await;
    assert!(!replayed.url.starts_with(&program.url("/")), "asked to sign in, not at {}", replayed.url);
    assert!(has_grant(&lab, ADA).await, "the run needs it");

    device::set_online(&lab.shared(), LATE, true);
    let bob = Person::new(&lab, &program);
    bob.sign_in_to("Bob", "/migrations").await;
    let page = bob.see(&journey).await;
    if page.can_press("Try again now") {
        bob.press(&page, "Try again now").await;
    }
    bob.wait_for(&journey, "Completed: 5 moved", PATIENCE).await;
    let ended = Instant::now();
    while has_grant(&lab, ADA).await {
        assert!(ended.elapsed() < PATIENCE, "the grant lies around");
        moment().await;
    }
}

/// Whether the program still holds a refresh token of somebody.
async fn has_grant(lab: &Lab, oid: &str) -> bool {
    let file = lab.data.path().join("migrator.db");
    let mut database = SqliteConnectOptions::new().filename(file).read_only(true).connect().await.expect("opens");
    let row = sqlx::query("select count(*) from grants where tid = ? and oid = ?").bind(CONTOSO).bind(oid);
    row.fetch_one(&mut database).await.expect("reads").get::<i64, _>(0) > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_entra_that_comes_again_does_not_say_that_nobody_is_signed_in() {
    let lab = Lab::small(20, 2, 0).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let trail = ada.trail();
    let callback = trail.iter().find(|visit| visit.url.query().is_some_and(|query| query.contains("code=0.")));
    let callback = callback.expect("the way back from Entra").url.clone();
    let path = &callback[url::Position::BeforePath..];
    let page = ada.open(path).await;
    let text = page.text();
    assert!(text.contains("Ada Lovelace") && text.contains("You are signed in all the same."), "{text}");
    assert!(!text.contains("not signed in"), "{text}");
    assert!(!page.url.contains("code="), "{}", page.url);
    ada.close_browser();
    let text = ada.open(path).await.text();
    assert!(text.contains("was not started in this browser"), "{text}");
}
