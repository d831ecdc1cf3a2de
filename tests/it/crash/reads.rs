//! Killed at reads, which change nothing, and at the buttons, which do.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use iotc_migrator::sandbox::faults::{Action, Rule, RuleHandle, Seen, When};
use iotc_migrator::sandbox::log::Service;

use super::ends::NONE;
use super::trial::{AT_ONCE, PATIENCE, Trial, room, undisturbed};
use super::worlds::{BY_JOB, Case, INTO_EMPTY, INTO_KNOWN, SINGLY};

/// Holds the request after `skip` that `matches`, before it is answered.
fn hold(trial: &Trial, skip: u32, matches: fn(&Seen<'_>) -> bool) -> RuleHandle {
    let rule = Rule::new(Action::Hold { when: When::Before }, matches);
    trial.lab.shared().faults().add(rule.after(skip).times(1))
}

/// A request to be killed at: in words, how many such come before it from *Start* on, and which are such.
type Point = (&'static str, u32, fn(&Seen<'_>) -> bool);

/// Kills the program once at each of these requests.
async fn killed_at_reads(case: Case, points: &[Point]) {
    let undisturbed = undisturbed(case).await;
    let faults: Vec<Vec<String>> = stream::iter(points.to_vec())
        .map(|(what, skip, matches)| {
            let undisturbed = &undisturbed;
            async move {
                let _room = room().await;
                let trial = Trial::ready(case).await;
                let held = hold(&trial, skip, matches);
                trial.start().await;
                let (trial, killed) = trial.killed_at(&held).await;
                assert!(killed, "{what} never came");
                let faults = trial.to_the_end().await.faults(undisturbed);
                faults.iter().map(|fault| format!("killed at {what}: {fault}")).collect()
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    assert_eq!(faults.concat(), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_broken_off_is_taken_again() {
    let points: [Point; 4] = [
        ("the first read of the devices", 0, |seen| seen.service == Service::Central && seen.path == "/api/devices"),
        ("the group's members", 0, |seen| {
            seen.path.starts_with("/api/deviceGroups/") && seen.path.ends_with("/devices")
        }),
        ("the third attestation", 2, |seen| seen.path.ends_with("/attestation")),
        ("the baseline in the hub", 1, |seen| seen.service == Service::Hub && seen.path == "/devices/query"),
    ];
    killed_at_reads(SINGLY, &points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_target_that_was_broken_off_is_taken_again() {
    let points: [Point; 5] = [
        ("the first registration record", 0, |seen| is_record(seen)),
        ("the fourth registration record", 3, |seen| is_record(seen)),
        ("the first twin", 0, |seen| seen.service == Service::Hub && seen.path.starts_with("/twins/")),
        ("the job, read before it is made", 0, |seen| seen.path.starts_with("/api/jobs/")),
        ("the job's devices", 0, |seen| seen.path.starts_with("/api/jobs/") && seen.path.ends_with("/devices")),
    ];
    killed_at_reads(BY_JOB, &points).await;
}

fn is_record(seen: &Seen<'_>) -> bool {
    seen.service == Service::DpsService && seen.path.starts_with("/registrations/")
}

/// Of the application that they go to.
fn is_at_target(seen: &Seen<'_>) -> bool {
    seen.host == "contoso-next.azureiotcentral.com" && seen.method.as_str() == "GET"
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_an_empty_application_that_were_broken_off_leave_nothing_behind() {
    let points: [Point; 3] = [
        ("the list of its devices", 1, |seen| is_at_target(seen) && seen.path == "/api/devices"),
        ("the temporary device's credentials", 0, |seen| is_at_target(seen) && seen.path.ends_with("/credentials")),
        ("a look for the canary", 4, |seen| is_at_target(seen) && seen.path.starts_with("/api/devices/boiler")),
    ];
    killed_at_reads(INTO_EMPTY, &points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_an_application_that_knows_devices_are_made_again_after_they_were_broken_off() {
    let points: [Point; 3] = [
        ("the third baseline", 2, |seen| is_at_target(seen) && seen.path.starts_with("/api/devices/boiler")),
        ("the properties of a device", 0, |seen| is_at_target(seen) && seen.path.ends_with("/properties")),
        ("the credentials of a device", 0, |seen| is_at_target(seen) && seen.path.ends_with("/credentials")),
    ];
    killed_at_reads(INTO_KNOWN, &points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_while_it_starts_a_migration_has_started_it_or_left_a_draft() {
    let undisturbed = undisturbed(BY_JOB).await;
    for (what, skip) in [("the first read of the start", 0), ("a later read of the start", 4)] {
        let _room = room().await;
        let trial = Trial::ready(BY_JOB).await;
        let held = hold(&trial, skip, |seen| seen.service != Service::Entra);
        tokio::select! {
            () = trial.start() => panic!("started without {what}"),
            () = held.reached() => {}
        }
        let trial = trial.killed().await;
        let page = trial.ada.see(&trial.journey).await;
        assert!(page.text().contains("Not started"), "{what}: {}", page.text());
        let keys = trial.ada.open(&format!("/migrations/{}/keys", trial.journey.id)).await;
        trial.ada.press(&keys, "Start migration").await;
        assert_eq!(trial.to_the_end().await.faults(&undisturbed), NONE, "killed at {what}");
    }
    let _room = room().await;
    let trial = Trial::ready(BY_JOB).await;
    trial.start().await;
    let trial = trial.killed().await;
    assert_eq!(trial.to_the_end().await.faults(&undisturbed), NONE, "killed as soon as it was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_pressed_holds_though_the_program_is_killed_at_once() {
    let undisturbed = undisturbed(SINGLY).await;
    for when in [When::Before, When::After] {
        let _room = room().await;
        let trial = Trial::ready(SINGLY).await;
        trial.start().await;
        let page = trial.rest().await;
        let held = trial.lab.shared().faults().hold_effect(1, when);
        trial.ada.press(&page, "Try again now").await;
        held.reached().await;
        let told = commands(&trial);
        let trial = trial.killed().await;
        // The device that is waited for is told again, though the one who was telling it is dead.
        let deadline = Instant::now() + PATIENCE;
        while commands(&trial) == told {
            assert!(Instant::now() < deadline, "it was not told again:\n{}", trial.program.output());
            trial.lab.sleep(Duration::from_secs(1)).await;
        }
        let page = trial.rest().await;
        trial.ada.press(&page, "Finish now").await;
        let trial = trial.killed().await;
        assert_eq!(trial.see_the_end().await.faults(&undisturbed), NONE, "{when:?}");
    }
}

/// Single commands that IoT Central has answered.
fn commands(trial: &Trial) -> usize {
    trial
        .lab
        .shared()
        .log()
        .all()
        .iter()
        .filter(|call| call.method == "POST" && call.path.contains("/commands/"))
        .count()
}
