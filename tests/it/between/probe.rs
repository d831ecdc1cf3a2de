//! The temporary device by which the ID scope of an empty application is read: it never outlives its use.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use iotc_migrator::sandbox::faults::{Action, Rule, RuleHandle};
use iotc_migrator::sandbox::fleet::{self, BOILER, NEXT_APP, Spec};
use iotc_migrator::sandbox::log::{Call, Service};

use super::stage::{MAIN_HOST, NEXT_HOST, PATIENCE, PROBE, Stage, is_about_probe, two_apps, wish};
use crate::support::moment;
use crate::support::truth::was_left_alone;

const NONE: [String; 0] = [];

/// Calls about temporary devices, oldest first.
fn about_probes(stage: &Stage) -> Vec<Call> {
    let calls = stage.lab.calls_to(Service::Central);
    calls.into_iter().filter(|call| call.host == NEXT_HOST && call.path.contains(PROBE)).collect()
}

/// There was at most one temporary device at a time, and none while anybody was told.
fn never_outlived_its_use(stage: &Stage) {
    let mut there: Vec<String> = Vec::new();
    for (_, effect) in stage.lab.shared().log().effects() {
        match effect.kind {
            "device.saved" if effect.subject.starts_with(PROBE) => {
                assert_eq!(there, NONE, "{} beside another", effect.subject);
                there.push(effect.subject);
            }
            "device.deleted" => there.retain(|id| *id != effect.subject),
            "command.sent" | "job.created" => assert_eq!(there, NONE, "{effect:?}"),
            _ => {}
        }
    }
    assert_eq!((there, stage.probes()), (Vec::new(), Vec::new()));
}

/// Waits until the target has no temporary device.
async fn until_gone(stage: &Stage) {
    let deadline = Instant::now() + PATIENCE;
    while !stage.probes().is_empty() {
        assert!(Instant::now() < deadline, "it is still there:\n{}", stage.program.output());
        moment().await;
    }
}

fn fails(method: &'static str, end: &'static str, code: StatusCode) -> Rule {
    Rule::new(Action::status(code), move |seen| {
        is_about_probe(seen) && seen.method.as_str() == method && seen.path.ends_with(end)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_device_is_made_read_and_removed_and_nothing_else_happens_meanwhile() {
    let stage = Stage::of(30, |clock| two_apps(clock, 3)).await;
    let journey = stage.ada.start(&wish()).await;
    stage.all_moved(&journey, 3).await;
    let calls = about_probes(&stage);
    let id = calls[0].path.rsplit('/').next().expect("an id").to_owned();
    let asked: Vec<String> = calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    let path = format!("/api/devices/{id}");
    assert_eq!(asked, [format!("PUT {path}"), format!("GET {path}/credentials"), format!("DELETE {path}")]);
    let between = calls[0].seq..calls[2].seq;
    let all = stage.lab.calls_to(Service::Central);
    let others = all.iter().filter(|call| between.contains(&call.seq) && !call.path.contains(&id)).count();
    assert_eq!(others, 0);
    never_outlived_its_use(&stage);
    let page = stage.ada.see(&journey).await;
    assert!(page.text().contains(&format!("{id} is made for a moment to read its ID scope")), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_device_is_there_its_credentials_are_read_and_no_temporary_one_is_made() {
    let stage = Stage::of(30, |clock| {
        let mut world = two_apps(clock, 3);
        let since = clock.now();
        fleet::add_device(&mut world, NEXT_APP, "pump-0001", &Spec::new(BOILER), since);
        world
    })
    .await;
    let journey = stage.ada.start(&wish()).await;
    stage.all_moved(&journey, 3).await;
    assert_eq!(about_probes(&stage).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_its_credentials_cannot_be_read_for_good_it_is_removed_and_nobody_is_told() {
    let stage = Stage::of(30, |clock| two_apps(clock, 3)).await;
    let refused = stage.lab.shared().faults().add(fails("GET", "/credentials", StatusCode::FORBIDDEN));
    let journey = stage.ada.start(&wish()).await;
    let page = stage.paused(&journey, "Paused: a right is missing").await;
    assert!(page.text().contains("Device connectivity management"), "{}", page.text());
    assert!(refused.struck() > 0);
    never_outlived_its_use(&stage);
    assert!(stage.lab.devices("boiler-").iter().all(was_left_alone));

    stage.lab.shared().faults().clear();
    stage.ada.press(&page, "Resume").await;
    stage.all_moved(&journey, 3).await;
    never_outlived_its_use(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_application_is_in_trouble_each_try_removes_its_own() {
    let stage = Stage::of(60, |clock| two_apps(clock, 3)).await;
    let rule = fails("GET", "/credentials", StatusCode::SERVICE_UNAVAILABLE).times(12);
    stage.lab.shared().faults().add(rule);
    let journey = stage.ada.start(&wish()).await;
    stage.all_moved(&journey, 3).await;
    never_outlived_its_use(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_fails_a_few_times_is_tried_until_it_succeeds_before_anybody_is_told() {
    let stage = Stage::of(60, |clock| two_apps(clock, 3)).await;
    let failing = stage.lab.shared().faults().add(fails("DELETE", "", StatusCode::SERVICE_UNAVAILABLE).times(12));
    let journey = stage.ada.start(&wish()).await;
    stage.all_moved(&journey, 3).await;
    assert_eq!(failing.struck(), 12);
    never_outlived_its_use(&stage);
    assert_eq!(
        about_probes(&stage).iter().filter(|call| call.method == "PUT").count(),
        1,
        "the scope was known by then"
    );
}

/// Stopped while the temporary device cannot be removed; it can be again when this returns.
async fn stopped_with_a_left_over(speed: u32) -> Stage {
    let stage = Stage::of(speed, |clock| two_apps(clock, 3)).await;
    let failing = stage.lab.shared().faults().add(fails("DELETE", "", StatusCode::SERVICE_UNAVAILABLE));
    let journey = stage.ada.start(&wish()).await;
    failing.reached().await;
    let page = stage.ada.see(&journey).await;
    stage.ada.press(&page, "Stop migration").await;
    stage.ada.wait_for_state(&journey, "Stopped", PATIENCE).await;
    let struck = settled(&failing).await;
    assert!(struck > 0 && stage.probes().len() == 1, "{:?}", stage.probes());
    stage.lab.shared().faults().clear();
    stage
}

/// Waits until the program has stopped trying; gives how often it tried.
async fn settled(failing: &RuleHandle) -> u32 {
    let mut before = failing.struck();
    let mut calm = Instant::now();
    while calm.elapsed() < Duration::from_secs(2) {
        moment().await;
        if failing.struck() != before {
            before = failing.struck();
            calm = Instant::now();
        }
    }
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_migration_left_is_removed_at_the_next_start_of_the_program() {
    let stage = stopped_with_a_left_over(30).await.killed().await;
    until_gone(&stage).await;
    never_outlived_its_use(&stage);
    assert_eq!(stage.changes_at(MAIN_HOST).len(), 0, "nobody was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_migration_left_is_removed_within_a_quarter_of_an_hour() {
    let stage = stopped_with_a_left_over(100).await;
    until_gone(&stage).await;
    never_outlived_its_use(&stage);
}
