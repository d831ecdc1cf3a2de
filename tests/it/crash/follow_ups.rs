//! Killed at every effect of what follows: a rerun, a fail back, what *Resume* sets to work, and *Stop*.

use std::time::Duration;

use iotc_migrator::sandbox::device::Place;
use iotc_migrator::sandbox::faults::{Action, Rule, When};

use super::ends::{End, NONE};
use super::every_effect::killed_from;
use super::trial::{PATIENCE, Trial, room};
use super::worlds::{BACK, BY_JOB, Follow, LOST_CANARY, RERUN};
use crate::support::truth::HUB;

/// How many effects the follow-up itself has, and its end if nobody disturbs it.
async fn undisturbed(follow: Follow) -> (u32, End) {
    let _room = room().await;
    let trial = Trial::following(follow).await;
    let before = End::of(&trial.lab, &trial.ada, &trial.journey, trial.target()).await.requests;
    trial.start().await;
    let end = trial.to_the_end().await;
    (end.requests - before, end)
}

async fn killed_at_every_effect(follow: Follow) {
    let (effects, undisturbed) = undisturbed(follow).await;
    assert!(effects > 2, "only {effects} effects");
    killed_from(&undisturbed, effects, || Trial::following(follow), async |trial| trial.start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerun_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(RERUN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_back_ends_the_same_wherever_the_program_was_killed() {
    killed_at_every_effect(BACK).await;
}

/// A migration that is paused since its canary has vanished.
async fn paused() -> Trial {
    let trial = Trial::ready(LOST_CANARY).await;
    trial.start().await;
    trial.ada.wait_for_state(&trial.journey, "Paused", PATIENCE).await;
    trial
}

async fn resume(trial: &Trial) {
    trial.ada.press(&trial.ada.see(&trial.journey).await, "Resume").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_resume_sets_to_work_ends_the_same_wherever_the_program_was_killed() {
    let (effects, undisturbed) = {
        let _room = room().await;
        let trial = paused().await;
        let before = End::of(&trial.lab, &trial.ada, &trial.journey, trial.target()).await.requests;
        resume(&trial).await;
        let end = trial.to_the_end().await;
        (end.requests - before, end)
    };
    killed_from(&undisturbed, effects, paused, async |trial| resume(trial).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_while_it_stops_a_job_has_stopped_it_or_does_so_when_asked_again() {
    for when in [When::Before, When::After] {
        let _room = room().await;
        let trial = Trial::ready(BY_JOB).await;
        let shared = trial.lab.shared();
        let faults = shared.faults();
        let never = || Action::Hold { when: When::Before };
        // What it hears of the job it hears after a while only, so that the job is still at work for it.
        faults.add(
            Rule::new(never(), |seen| seen.path.starts_with("/api/jobs/") && seen.path.ends_with("/devices")).times(1),
        );
        trial.start().await;
        let page = trial.ada.wait_for(&trial.journey, "launched in IoT Central", PATIENCE).await;
        let held = faults.add(Rule::new(Action::Hold { when }, |seen| seen.path.ends_with("/stop")).times(1));
        let pressed = async {
            let _ = tokio::time::timeout(Duration::from_secs(20), trial.ada.press(&page, "Stop migration")).await;
        };
        tokio::select! {
            () = held.reached() => {}
            () = pressed => panic!("stopped without a word to IoT Central"),
        }
        let trial = trial.killed().await;
        // It had not been recorded that it was stopped, so nobody was told so: whoever wanted that asks again.
        let page = trial.ada.see(&trial.journey).await;
        if page.can_press("Stop migration") {
            trial.ada.press(&page, "Stop migration").await;
        }
        trial.ada.wait_for_state(&trial.journey, "Stopped", PATIENCE).await;
        let told: Vec<usize> = trial.lab.devices("boiler-").iter().map(|device| device.times_commanded()).collect();
        assert!(told.iter().all(|times| *times <= 1), "{when:?}: {told:?}");
        let end = End::of(&trial.lab, &trial.ada, &trial.journey, Place::Hub { host: HUB.to_owned() }).await;
        assert_eq!(end.twice_made(), NONE, "{when:?}");
    }
}
