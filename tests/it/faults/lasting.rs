//! Faults that stay until somebody mends them: the migration stands still, says what of whom and what to do, and goes on
//! to the same end afterwards.

use std::time::Instant;

use iotc_migrator::sandbox::faults::Action;

use super::calls::{ATTESTATION, COMMAND, HISTORY, JOB, JOB_DEVICES, Kind, RECORD, RUN, TWIN, Wall, html, status};
use super::world::{Case, PATIENCE, Way, a_moment};
use crate::support::journey::{Journey, Wish};

/// Where 404 is an answer like any other: there is none.
const MAY_BE_ABSENT: [Kind; 4] = [ATTESTATION, HISTORY, RECORD, TWIN];

/// Walks into one wall after the other, each of which stands until its words were read; gives how many there were.
async fn walk_through(case: &Case, journey: &Journey, wall: &Wall, words: &[&str]) -> u32 {
    let began = Instant::now();
    let mut walls = 0;
    loop {
        let page = case.ada.see(journey).await;
        let text = page.text();
        let (paused, waits) = (page.can_press("Resume"), text.contains("Waiting for a passing trouble"));
        if text.contains("Completed") && !page.can_press("Stop migration") {
            return walls;
        }
        if paused || waits {
            let struck = wall.lift();
            if paused {
                assert!(words.iter().any(|word| text.contains(word)), "it does not say why ({struck:?}):\n{text}");
                assert!(text.contains("Resume"), "it does not say what to do:\n{text}");
                case.ada.press(&page, "Resume").await;
            }
            walls += u32::from(!struck.is_empty());
        }
        assert!(began.elapsed() < PATIENCE, "it does not end:\n{text}\n{}", case.tail());
        a_moment().await;
    }
}

/// Every kind of call of a migration is refused in this way until somebody has read so.
async fn every_refusal_is_said_and_ends(action: Action, way: Way, kinds: &'static [Kind], words: &[&str]) {
    let case = Case::new(way).await;
    let (journey, _) = case.keys_page().await;
    let wall = Wall::default();
    case.lab.shared().faults().add(wall.rule(kinds, action));
    let began = Instant::now();
    loop {
        let page = case.ada.open(&format!("/migrations/{}/keys", journey.id)).await;
        let page = match page.can_press("Start migration") {
            true => case.ada.press(&page, "Start migration").await,
            false => page,
        };
        if !page.url.ends_with("/keys") && !page.url.ends_with("/start") {
            break;
        }
        if !wall.lift().is_empty() {
            let text = page.text();
            assert!(words.iter().any(|word| text.contains(word)), "it does not say why:\n{text}");
        }
        assert!(began.elapsed() < PATIENCE, "it does not start:\n{}", page.text());
    }
    let walls = walk_through(&case, &journey, &wall, words).await;
    assert!(walls > 3, "only {walls} faults stood in the way of the run");
    case.ended_as_undisturbed(&journey).await;
}

fn but(without: &[Kind]) -> &'static [Kind] {
    RUN.iter().copied().filter(|kind| !without.contains(kind)).collect::<Vec<_>>().leak()
}

const OURS: [&str; 1] = ["Injected for a test"];

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_refused_for_ever_stops_it_with_words() {
    every_refusal_is_said_and_ends(status(401), Way::Job, &RUN, &OURS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_stops_it_with_words() {
    every_refusal_is_said_and_ends(status(403), Way::Singles, &RUN, &OURS).await;
    every_refusal_is_said_and_ends(status(403), Way::Job, but(&[COMMAND]), &OURS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_stops_it_with_words() {
    every_refusal_is_said_and_ends(status(404), Way::Singles, but(&MAY_BE_ABSENT), &OURS).await;
    let words = ["Injected for a test", "does not show it now"];
    every_refusal_is_said_and_ends(status(404), Way::Job, but(&MAY_BE_ABSENT), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_stop_it_with_words() {
    let words = ["Injected for a test", "does not have the keys"];
    every_refusal_is_said_and_ends(status(409), Way::Job, &RUN, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_preconditions_stop_it_with_words() {
    let words = ["Injected for a test", "does not have the keys"];
    every_refusal_is_said_and_ends(status(412), Way::Singles, &RUN, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_what_was_sent_stop_it_with_words() {
    every_refusal_is_said_and_ends(status(422), Way::Job, &RUN, &OURS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_stay_away_are_waited_for_and_it_says_so() {
    every_refusal_is_said_and_ends(status(503), Way::Job, but(&[COMMAND]), &OURS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_was_stopped_is_waited_for_and_it_says_so() {
    let words = ["something that is not the service answered"];
    every_refusal_is_said_and_ends(html(404), Way::Singles, &RUN, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_shown_is_looked_for_and_nobody_is_told_another_way() {
    static GONE: [Kind; 2] = [JOB, JOB_DEVICES];
    let case = Case::new(Way::Job).await;
    let (journey, _) = case.keys_page().await;
    let wall = Wall::default();
    case.lab.shared().faults().add(wall.rule(&GONE, status(404)));
    case.start(&journey).await;
    // An event says the first before the page shows the second.
    case.ada.wait_for(&journey, "does not show it now", PATIENCE).await;
    case.ada.wait_for(&journey, "Waiting for a passing trouble", PATIENCE).await;
    wall.take_down();
    case.wait_for_end(&journey).await;
    case.ended_as_undisturbed(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_whose_command_fails_every_time_is_asked_again_after_resume() {
    static COMMANDS: [Kind; 1] = [COMMAND];
    let case = Case::new(Way::Job).await;
    let wish = Wish::default().with("Give up on a device that does not turn up after (minutes)", "1");
    let (journey, _) = case.ada.migrate(&wish).await;
    let wall = Wall::default();
    case.lab.shared().faults().add(wall.rule(&COMMANDS, status(500)));
    case.start(&journey).await;
    let page = case.ada.wait_for(&journey, "The canary", PATIENCE).await;
    let page =
        if page.can_press("Resume") { page } else { case.ada.wait_for(&journey, "did not arrive", PATIENCE).await };
    wall.take_down();
    case.ada.press(&page, "Resume").await;
    case.wait_for_end(&journey).await;
    case.ended_as_undisturbed(&journey).await;
}
