//! Asked to stop, and asked to be two.

use std::time::Duration;

use futures_util::future::join_all;
use iotc_migrator::sandbox::faults::When;

use super::ends::{End, NONE};
use super::trial::{Trial, room, undisturbed};
use super::worlds::{BY_JOB, Case, SINGLY};
use crate::support::lab::Lab;
use crate::support::program::Program;

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_asked_to_stop_does_so_in_time_and_goes_on_at_the_next_start() {
    for (case, effects) in [(BY_JOB, [1, 3, 4]), (SINGLY, [2, 4, 6])] {
        let undisturbed = undisturbed(case).await;
        let stops = effects.into_iter().zip([When::Before, When::After, When::After]);
        join_all(stops.map(|(k, when)| stopped_at(case, k, when, &undisturbed))).await;
    }
}

async fn stopped_at(case: Case, k: u32, when: When, undisturbed: &End) {
    let _room = room().await;
    let trial = Trial::ready(case).await;
    let held = trial.lab.shared().faults().hold_effect(k, when);
    trial.start().await;
    held.reached().await;
    let (trial, code, took) = trial.stopped().await;
    let what = format!("stopped at effect {k}, {when:?}");
    assert_eq!(code, Some(0), "{what}");
    assert!(took < Duration::from_secs(10), "{what}: it took {took:?}");
    assert_eq!(trial.to_the_end().await.faults(undisturbed), NONE, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_on_the_same_data_or_port_says_so_and_leaves_the_first_alone() {
    let lab = Lab::start(20).await;
    let first = lab.program().await;
    let other = Program::free_port();
    let (code, output) = Program::refuse(lab.data.path(), &lab.environment(other), &[]).await;
    assert_eq!(code, Some(4), "{output}");
    assert!(output.contains("in use by another IoTC Migrator"), "{output}");
    let elsewhere = tempfile::TempDir::new().expect("a directory");
    let (code, output) = Program::refuse(elsewhere.path(), &lab.environment(first.port), &[]).await;
    assert_eq!(code, Some(3), "{output}");
    assert!(output.contains(&format!("Port {} is in use", first.port)), "{output}");
    assert_eq!(first.stop().await, Some(0));
}
