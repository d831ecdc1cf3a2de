//! Killed at the k-th effect, for every k: at one before it has happened and at the next after it, or at each both ways if
//! `IOTC_MIGRATOR_TEST_BOTH_WAYS` is set.

use futures_util::{StreamExt, stream};
use iotc_migrator::sandbox::faults::When;

use super::ends::{End, NONE};
use super::trial::{AT_ONCE, Trial, room, undisturbed};
use super::worlds::{BY_JOB, Case, FROM_HUB, INTO_EMPTY, INTO_KNOWN, ON_ARRIVAL, SINGLY};

/// Kills the program once at each effect, and holds each end against the undisturbed one.
async fn killed_at_every_effect(case: Case) {
    let undisturbed = undisturbed(case).await;
    assert!(undisturbed.requests > 2, "only {} effects", undisturbed.requests);
    killed_from(&undisturbed, undisturbed.requests, || Trial::ready(case), async |trial| trial.start().await).await;
}

/// In relation to an effect, when the program is killed.
fn ways(k: u32) -> Vec<When> {
    match std::env::var_os("IOTC_MIGRATOR_TEST_BOTH_WAYS") {
        Some(_) => vec![When::Before, When::After],
        None if k % 2 == 1 => vec![When::After],
        None => vec![When::Before],
    }
}

/// The same with each of `effects` that come once `begin` has set to work what `ready` made.
pub async fn killed_from<R: Future<Output = Trial>>(
    undisturbed: &End,
    effects: u32,
    ready: impl Fn() -> R,
    begin: impl AsyncFn(&Trial),
) {
    assert_eq!(undisturbed.untruths(), NONE, "undisturbed");
    let (ready, begin) = (&ready, &begin);
    let points = (1..=effects).flat_map(|k| ways(k).into_iter().map(move |when| (k, when)));
    let faults: Vec<Vec<String>> = stream::iter(points)
        .map(|(k, when)| async move {
            let _room = room().await;
            let what = format!("killed at effect {k} of {effects}, {when:?}");
            let trial = ready().await;
            let held = trial.lab.shared().faults().hold_effect(k, when);
            begin(&trial).await;
            let (trial, killed) = trial.killed_at(&held).await;
            let end = trial.to_the_end().await;
            let mut faults = end.faults(undisturbed);
            if !killed {
                faults.push("this effect never came".to_owned());
            }
            faults.iter().map(|fault| format!("{what}: {fault}")).collect()
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    assert_eq!(faults.concat(), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_goes_by_job_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(BY_JOB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_told_singly_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(SINGLY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_dps_registers_on_arrival_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(ON_ARRIVAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_goes_to_an_empty_application_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(INTO_EMPTY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_told_singly_to_go_to_an_application_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(INTO_KNOWN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_leaves_a_hub_for_an_application_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(FROM_HUB).await;
}
