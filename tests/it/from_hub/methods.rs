//! Answers of hubs that are lost, late, or refusals of the hub itself.

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::fleet::NEXT_APP;
use iotc_migrator::sandbox::log::Service;

use super::stage::{PATIENCE, meters, wish};
use crate::support::journey::Journey;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;

fn is_method(seen: &Seen<'_>) -> bool {
    seen.service == Service::Hub && seen.path.ends_with("/methods")
}

/// An error of the hub in its own shape.
fn refusal(code: StatusCode, name: &'static str) -> Action {
    let mut headers = HeaderMap::new();
    headers.insert("iothub-errorcode", HeaderValue::from_static(name));
    Action::Status { code, headers, body: format!("{{\"Message\":\"ErrorCode:{name};no\",\"ExceptionMessage\":\"\"}}") }
}

/// Four meters, of whose methods these are struck.
async fn struck(rule: Rule) -> (Lab, Program, Person, Journey) {
    let (lab, program, ada) = Lab::with_ada(30, |clock| meters(clock, 4)).await;
    lab.shared().faults().add(rule);
    let journey = ada.start(&wish()).await;
    (lab, program, ada, journey)
}

async fn all_move(lab: &Lab, ada: &Person, journey: &Journey) {
    ada.wait_for_state(journey, "Completed", PATIENCE).await;
    for (id, row) in ada.devices(journey).await {
        assert!(row["outcome"] == "moved" && lab.is_at_app(NEXT_APP, &id), "{row:?}: {:?}", lab.device(&id));
        assert!(!lab.device(&id).was_told_again_after_accepting(), "{id}: {:?}", lab.device(&id).log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_obeyed_and_whose_answers_were_lost_are_found_at_the_target_and_not_told_again() {
    let (lab, _program, ada, journey) = struck(Rule::new(Action::DropAfter, is_method).times(3)).await;
    all_move(&lab, &ada, &journey).await;
    assert!(lab.devices("meter-").iter().all(|device| device.times_commanded() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_never_reached_their_devices_are_sent_again_once_it_is_clear_where_these_are() {
    let (lab, _program, ada, journey) = struck(Rule::new(Action::DropBefore, is_method).after(1).times(2)).await;
    all_move(&lab, &ada, &journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_throttles_is_waited_for() {
    let slow = refusal(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException");
    let (lab, _program, ada, journey) = struck(Rule::new(slow, is_method).after(1).times(3)).await;
    all_move(&lab, &ada, &journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_has_no_methods_any_more_pauses_the_migration_and_says_why() {
    let basic = refusal(StatusCode::FORBIDDEN, "OperationNotAvailableInCurrentTier");
    let (lab, _program, ada, journey) = struck(Rule::new(basic, is_method)).await;
    let page = ada.wait_for_state(&journey, "Paused", PATIENCE).await;
    assert!(page.text().contains("Basic") && page.text().contains("Standard"), "{}", page.text());
    assert!(lab.devices("meter-").iter().all(|device| device.times_commanded() == 0));
}
