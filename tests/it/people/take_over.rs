//! A colleague's migration is gone on with by somebody else: explicitly, with their own rights, or not at all.

use iotc_migrator::sandbox::fleet::{ADA, BOB, MAIN_APP};

use super::{PATIENCE, assert_all_by, calls_with_rights};
use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::HUB;

/// Bob may do in the application what Ada may.
fn let_bob_in(lab: &Lab) {
    lab.shared().world(|world| {
        let app = world.apps.get_mut(MAIN_APP).expect("the application");
        let role = app.roles[ADA].clone();
        app.roles.insert(BOB.to_owned(), role);
    });
}

/// Ada's run, paused since no device is online; and Bob.
async fn paused_run() -> (Lab, Program, Person, Person, Journey) {
    let lab = Lab::small(30, 0, 3).await;
    let program = lab.program().await;
    let (ada, bob) = (Person::new(&lab, &program), Person::new(&lab, &program));
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for_state(&journey, "Paused", PATIENCE).await;
    bob.sign_in("Bob").await;
    (lab, program, ada, bob, journey)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_resumes_with_their_own_rights_and_nobody_elses_are_used_from_then_on() {
    let (lab, _program, ada, bob, journey) = paused_run().await;
    let_bob_in(&lab);
    let page = bob.see(&journey).await;
    assert!(!page.can_press("Resume"), "what is not taken over is not resumed");
    bob.post(&format!("/migrations/{}/resume", journey.id), &[], &[("_csrf", &page.csrf())]).await;
    let page = bob.see(&journey).await;
    assert!(page.text().contains("To have it go on with yours, take it over first"), "{}", page.text());
    assert!(!ada.see(&journey).await.can_press("Take over migration"), "it is hers");

    let page = bob.press(&page, "Take over migration").await;
    assert!(page.text().contains("Bob Bell took the migration over from Ada Lovelace"), "{}", page.text());
    assert!(page.text().contains("with the rights of Bob Bell since"), "{}", page.text());
    assert!(bob.open("/migrations").await.text().contains("Taken over"));
    let hers = ada.see(&journey).await;
    assert!(!hers.can_press("Resume") && hers.can_press("Take over migration"), "{}", hers.text());
    // Pressed twice, as by a second tab that was open: nothing more happens.
    bob.post(&format!("/migrations/{}/take-over", journey.id), &[], &[("_csrf", &page.csrf())]).await;
    assert!(bob.see(&journey).await.text().contains("It goes on with your rights already."));

    for device in lab.devices("boiler-") {
        lab.set_online(&device.id, true);
    }
    let since = lab.shared().log().last();
    bob.press(&bob.see(&journey).await, "Resume").await;
    bob.wait_for_state(&journey, "Completed", PATIENCE).await;
    let calls = calls_with_rights(&lab, since);
    assert!(calls.iter().any(|call| call.path.contains("/commands/")));
    assert_all_by(&calls, BOB);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_a_right_cannot_take_over_and_is_told_which() {
    let (_lab, _program, ada, bob, journey) = paused_run().await;
    let page = bob.press(&bob.see(&journey).await, "Take over migration").await;
    let words = page.text();
    assert!(words.contains("It was not taken over. Could not "), "{words}");
    assert!(words.contains("Ask an administrator of the IoT Central application"), "{words}");
    assert!(!page.text().contains("took the migration over"), "{}", page.text());
    assert!(ada.see(&journey).await.can_press("Resume"), "it is still hers");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_for_its_persons_sign_in_goes_on_at_once_for_who_takes_it_over() {
    let lab = Lab::small(30, 3, 1).await;
    let_bob_in(&lab);
    let program = lab.program().await;
    let (ada, bob) = (Person::new(&lab, &program), Person::new(&lab, &program));
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;
    let page = ada.wait_for(&journey, "Waiting for 1 device", PATIENCE).await;
    lab.shared().flip(|switches| switches.challenge_all_clients = true);
    lab.shared().demand_claims(ADA);
    ada.press(&page, "Try again now").await;
    ada.wait_for(&journey, "Paused: Ada Lovelace (ada@contoso.com) must sign in again", PATIENCE).await;

    bob.sign_in("Bob").await;
    lab.set_online("boiler-0004", true);
    let since = lab.shared().log().last();
    bob.press(&bob.see(&journey).await, "Take over migration").await;
    let page = bob.wait_for_any(&journey, &["Waiting for 1 device", "Completed"], PATIENCE).await;
    if page.can_press("Try again now") {
        bob.press(&page, "Try again now").await;
    }
    bob.wait_for_state(&journey, "Completed", PATIENCE).await;
    assert!(lab.devices("boiler-").iter().all(|device| lab.is_at_hub(HUB, &device.id)));
    assert_all_by(&calls_with_rights(&lab, since), BOB);
}
