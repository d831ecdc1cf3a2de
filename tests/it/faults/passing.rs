//! Faults that pass: whatever they hit, nobody has to do anything, and the end is that of an undisturbed migration.

use std::time::Duration;

use iotc_migrator::sandbox::faults::{Action, is_effect};

use super::calls::{RUN, at_numbers, empty, html, status, status_with_wait};
use super::world::{Case, Way};

/// Every kind of call of a migration fails in this way at its first and at some later time.
async fn a_migration_survives(action: Action, way: Way) {
    let case = Case::new(way).await;
    let (journey, _) = case.keys_page().await;
    for kind in RUN {
        let probe = kind.path.replace('*', "x");
        let method = kind.method.parse().expect("a method");
        let numbers: &[u32] = if is_effect(&method, &probe) { &[1] } else { &[1, 5] };
        case.lab.shared().faults().add(at_numbers(kind, numbers, action.clone()));
    }
    for refusal in case.start(&journey).await {
        let text = refusal.text();
        assert!(text.contains("Could not") || text.contains("could not"), "a refusal names what failed:\n{text}");
    }
    case.wait_for_end(&journey).await;
    case.ended_as_undisturbed(&journey).await;
}

macro_rules! survives {
    ($($name:ident: $action:expr, $way:ident;)*) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            a_migration_survives($action, Way::$way).await;
        }
    )* };
}

survives! {
    a_token_refused_once_is_renewed_with_a_job: status(401), Job;
    a_token_refused_once_is_renewed_with_single_commands: status(401), Singles;
    throttled_without_a_hint_it_waits_with_a_job: status(429), Job;
    throttled_without_a_hint_it_waits_with_single_commands: status(429), Singles;
    broken_services_are_asked_again_with_a_job: status(500), Job;
    broken_services_are_asked_again_with_single_commands: status(500), Singles;
    busy_services_are_left_alone_as_long_as_they_ask_with_a_job: status_with_wait(503, "7"), Job;
    busy_services_are_left_alone_as_long_as_they_ask_with_single_commands: status_with_wait(503, "7"), Singles;
    a_web_page_in_place_of_an_answer_is_no_answer_with_a_job: Action::Html, Job;
    a_web_page_in_place_of_an_answer_is_no_answer_with_single_commands: Action::Html, Singles;
    a_web_page_with_404_does_not_mean_that_nothing_is_there_with_a_job: html(404), Job;
    a_web_page_with_404_does_not_mean_that_nothing_is_there_with_single_commands: html(404), Singles;
    half_an_answer_is_no_answer_with_a_job: Action::Truncate, Job;
    half_an_answer_is_no_answer_with_single_commands: Action::Truncate, Singles;
    an_empty_answer_is_no_answer_with_a_job: empty(), Job;
    an_empty_answer_is_no_answer_with_single_commands: empty(), Singles;
    a_connection_lost_before_the_effect_does_not_matter_with_a_job: Action::DropBefore, Job;
    a_connection_lost_before_the_effect_does_not_matter_with_single_commands: Action::DropBefore, Singles;
    a_connection_lost_after_the_effect_does_not_matter_with_a_job: Action::DropAfter, Job;
    a_connection_lost_after_the_effect_does_not_matter_with_single_commands: Action::DropAfter, Singles;
    a_slow_service_is_waited_for: Action::Delay(Duration::from_secs(25)), Job;
}
