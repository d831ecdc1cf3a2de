//! A target application that lets nobody in before somebody approves: by the program where a person asks for it, or by hand.

use axum::http::StatusCode;
use iotc_migrator::sandbox::device::{Happening, Place};
use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP, NEXT_APP};
use iotc_migrator::sandbox::world::World;

use super::stage::{GIVE_UP, NEXT_HOST, PATIENCE, Stage, two_apps, wish};
use crate::support::journey::Journey;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::truth::was_left_alone;

const APPROVE: &str = "Approve arriving devices";

/// The canary of a fleet of `boilers` waits in an application that wants approval.
async fn the_canary_waits(boilers: usize, change: impl FnOnce(&mut World)) -> (Stage, Journey, Page, String) {
    let stage = Stage::of(40, |clock| {
        let mut world = two_apps(clock, boilers);
        fleet::require_approval(&mut world, NEXT_APP);
        change(&mut world);
        world
    })
    .await;
    let journey = stage.ada.start(&wish().with(GIVE_UP, "5")).await;
    let page = stage.paused(&journey, "Paused: devices wait for approval at the target").await;
    let told: Vec<_> = stage.lab.devices("boiler-").into_iter().filter(|device| !was_left_alone(device)).collect();
    assert_eq!(told.len(), 1, "nobody else was told");
    let canary = told[0].id.clone();
    let words =
        format!("The canary {canary} has come to Contoso next, which lets no device in before somebody approves it.");
    assert!(page.text().contains(&words), "{}", page.text());
    assert!(page.can_press(APPROVE) && page.can_press("Resume"), "{}", page.text());
    let row = &stage.ada.devices(&journey).await[&canary];
    assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), ("waiting", "approval at the target"), "{row:?}");
    (stage, journey, page, canary)
}

/// Approves in the application, as a person does there.
fn approve_by_hand(stage: &Stage, ids: &[String]) {
    stage.lab.shared().world(|world| {
        let app = world.apps.get_mut(NEXT_APP).expect("the app");
        for id in ids {
            app.devices.get_mut(id).unwrap_or_else(|| panic!("{id} has not come")).enabled = true;
        }
    });
}

/// Devices that have come to the target and wait there.
fn waiting_there(stage: &Stage) -> Vec<String> {
    stage.lab.shared().look(|world| {
        let devices = world.apps[NEXT_APP].devices.values();
        devices.filter(|device| !device.enabled).map(|device| device.id.clone()).collect()
    })
}

fn approvals(stage: &Stage) -> usize {
    stage.changes_at(NEXT_HOST).iter().filter(|call| call.method == "PATCH").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_press_has_the_canary_approved_and_the_others_before_they_are_told() {
    let (stage, journey, page, canary) = the_canary_waits(5, |_| {}).await;
    let bob = Person::new(&stage.lab, &stage.program);
    let seen = bob.sign_in_to("Bob", &format!("/migrations/{}", journey.id)).await;
    assert!(!seen.can_press(APPROVE), "it would go on with Ada's rights");
    bob.post(&format!("/migrations/{}/approve", journey.id), &[], &[("_csrf", &seen.csrf())]).await;
    assert!(bob.see(&journey).await.text().contains("take it over first"));
    assert!(stage.ada.see(&journey).await.can_press(APPROVE), "nothing has changed");
    // In two tabs at once.
    let (path, csrf) = (format!("/migrations/{}/approve", journey.id), page.csrf());
    let fields = [("_csrf", csrf.as_str())];
    tokio::join!(stage.ada.post(&path, &[], &fields), stage.ada.post(&path, &[], &fields));
    let page = stage.ada.see(&journey).await;
    assert!(page.text().contains("Devices are approved as they arrive, as Ada Lovelace asked"), "{}", page.text());
    stage.all_moved(&journey, 5).await;
    let page = stage.ada.see(&journey).await;
    let asked = "Ada Lovelace asked that devices be approved in Contoso next as they arrive.";
    assert_eq!(page.text().matches(asked).count(), 1, "{}", page.text());
    assert!(!page.can_press(APPROVE));
    for device in stage.lab.devices("boiler-") {
        assert_eq!(device.times_commanded(), 1, "{}: {:?}", device.id, device.log);
        let refused = |what: &Happening| matches!(what, Happening::RegistrationFailed { code: 400_209, .. });
        let had_to_wait = device.log.iter().any(|entry| refused(&entry.what));
        assert_eq!(had_to_wait, device.id == canary, "{:?}", device.log);
    }
    assert_eq!(approvals(&stage), 2, "the canary is approved once and gets its template once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_holds_though_the_program_is_killed_at_once() {
    let (stage, journey, page, _) = the_canary_waits(3, |_| {}).await;
    stage.ada.press(&page, APPROVE).await;
    let stage = stage.killed().await;
    stage.all_moved(&journey, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_was_approved_by_hand_goes_on_after_resume_and_the_rest_wait_for_the_same() {
    let (stage, journey, page, canary) = the_canary_waits(4, |_| {}).await;
    approve_by_hand(&stage, std::slice::from_ref(&canary));
    stage.ada.press(&page, "Resume").await;
    let page = stage.ada.wait_for_state(&journey, "Waiting for 3 devices", PATIENCE).await;
    assert!(page.can_press(APPROVE), "{}", page.text());
    assert_eq!(stage.ada.devices(&journey).await[&canary]["outcome"], "moved");
    let there = waiting_there(&stage);
    assert_eq!(there.len(), 3);
    approve_by_hand(&stage, &there);
    stage.all_moved(&journey, 4).await;
    assert!(stage.lab.devices("boiler-").iter().all(|device| device.times_commanded() == 1));
    let by_program = stage.changes_at(NEXT_HOST).iter().filter(|call| call.method == "PATCH").count();
    assert_eq!(by_program, 4, "the program gave templates, and approved nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_without_an_approval_pauses_again_and_tells_nobody_else() {
    let (stage, journey, page, canary) = the_canary_waits(3, |_| {}).await;
    stage.ada.press(&page, "Resume").await;
    let page = stage.paused(&journey, &format!("The canary {canary} has come to Contoso next")).await;
    assert!(page.can_press(APPROVE), "{}", page.text());
    let others = stage.lab.devices("boiler-").into_iter().filter(|device| device.id != canary);
    assert!(others.into_iter().all(|device| was_left_alone(&device)));
}

#[tokio::test(flavor = "multi_thread")]
async fn finish_now_records_those_that_wait_as_not_approved_and_says_that_they_have_left() {
    let (stage, journey, page, canary) = the_canary_waits(4, |_| {}).await;
    approve_by_hand(&stage, std::slice::from_ref(&canary));
    stage.ada.press(&page, "Resume").await;
    let page = stage.ada.wait_for_state(&journey, "Waiting for 3 devices", PATIENCE).await;
    assert!(page.text().contains("3 waiting devices will be recorded as failed: not approved"), "{}", page.text());
    stage.ada.press(&page, "Finish now").await;
    stage.ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    for (id, row) in stage.ada.devices(&journey).await {
        if id == canary {
            assert_eq!(row["outcome"], "moved", "{row:?}");
            continue;
        }
        let ended = (row["outcome"].as_str(), row["reason"].as_str());
        assert_eq!(ended, ("failed", "not approved at the target"), "{row:?}");
        assert!(row["what_to_do"].contains("It has left the source"), "{row:?}");
        assert!(!matches!(stage.lab.device(&id).place, Place::App { .. }), "{:?}", stage.lab.device(&id).log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_approved_in_time_counts_as_moved_once_somebody_does() {
    let (stage, journey, page, canary) = the_canary_waits(2, |_| {}).await;
    approve_by_hand(&stage, std::slice::from_ref(&canary));
    stage.ada.press(&page, "Resume").await;
    let page = stage.ada.wait_for_state(&journey, "Waiting for 1 device", PATIENCE).await;
    stage.ada.press(&page, "Finish now").await;
    stage.ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    approve_by_hand(&stage, &waiting_there(&stage));
    stage.ada.wait_for(&journey, "After a later check: Completed: 2 moved.", PATIENCE).await;
    stage.all_moved(&journey, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_at_the_target_does_not_touch_devices_of_nobodys_migration() {
    let (stage, journey, page, _) = the_canary_waits(2, |world| {
        let now = world.apps[MAIN_APP].devices["boiler-0001"].presence.since.expect("it is on");
        fleet::add_known_device(world, NEXT_APP, "stranger-0001", None, None, now);
        world.apps.get_mut(NEXT_APP).and_then(|app| app.devices.get_mut("stranger-0001")).expect("it").enabled = false;
    })
    .await;
    stage.ada.press(&page, APPROVE).await;
    stage.all_moved(&journey, 2).await;
    assert_eq!(waiting_there(&stage), ["stranger-0001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_devices_wait_for_approval_says_that_they_were_not_approved() {
    let (stage, journey, page, canary) = the_canary_waits(3, |_| {}).await;
    stage.ada.press(&page, "Stop migration").await;
    stage.ada.wait_for_state(&journey, "Stopped", PATIENCE).await;
    for (id, row) in stage.ada.devices(&journey).await {
        let reason = if id == canary { "not approved at the target" } else { "migration stopped" };
        assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), ("failed", reason), "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_the_application_will_not_have_approved_waits_there_and_moves_once_it_will() {
    let (stage, journey, page, canary) = the_canary_waits(3, |_| {}).await;
    let troubled = format!("/api/devices/{canary}");
    let approves =
        move |seen: &Seen<'_>| seen.host == NEXT_HOST && seen.method.as_str() == "PATCH" && seen.path == troubled;
    stage.lab.shared().faults().add(Rule::new(Action::status(StatusCode::BAD_REQUEST), approves));
    stage.ada.press(&page, APPROVE).await;
    stage.ada.wait_for(&journey, "it could not be approved", PATIENCE).await;
    let page = stage.paused(&journey, "Paused: devices wait for approval at the target").await;
    let row = &stage.ada.devices(&journey).await[&canary];
    assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), ("waiting", "approval at the target"), "{row:?}");
    stage.lab.shared().faults().clear();
    stage.ada.press(&page, "Resume").await;
    stage.all_moved(&journey, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_cannot_be_approved_ahead_is_not_told_and_the_others_go() {
    const TROUBLED: &str = "/api/devices/boiler-0003";
    let (stage, journey, page, canary) = the_canary_waits(4, |_| {}).await;
    assert!(!TROUBLED.ends_with(&canary));
    let makes = |seen: &Seen<'_>| seen.host == NEXT_HOST && seen.method.as_str() == "PUT" && seen.path == TROUBLED;
    stage.lab.shared().faults().add(Rule::new(Action::status(StatusCode::SERVICE_UNAVAILABLE), makes));
    stage.ada.press(&page, APPROVE).await;
    stage.ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    assert!(was_left_alone(&stage.lab.device("boiler-0003")));
    for (id, row) in stage.ada.devices(&journey).await {
        let expected = if id == "boiler-0003" { "could not be read" } else { "" };
        assert_eq!(row["reason"], expected, "{row:?}");
    }
}
