//! A clean group goes by one IoT Central job; a group that changes meanwhile is accounted for.

use std::time::Duration;

use iotc_migrator::sandbox::device::Via;
use iotc_migrator::sandbox::faults::{Action, Rule, RuleHandle, When};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP, PUMP, Spec};
use serde_json::{Value, json};

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::{HUB, told_by, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(90);

async fn begin() -> (Lab, Program, Person) {
    let lab = Lab::start(20).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    (lab, program, ada)
}

/// The definition of the only job there is.
fn only_job(lab: &Lab) -> (String, Value) {
    let made = lab.effects("job.created");
    assert_eq!(made.len(), 1, "{made:?}");
    let definition = lab.shared().look(|world| world.apps[MAIN_APP].jobs[&made[0]].definition.clone());
    (made[0].clone(), definition)
}

/// Holds the call that makes the job, before it has its effect.
fn hold_the_job(lab: &Lab) -> RuleHandle {
    let hold = Action::Hold { when: When::Before };
    let makes_a_job = |seen: &iotc_migrator::sandbox::faults::Seen<'_>| {
        seen.method.as_str() == "PUT" && seen.path.contains("/api/jobs/")
    };
    lab.shared().faults().add(Rule::new(hold, makes_a_job).times(1))
}

fn add_pump(lab: &Lab, id: &str) {
    let now = lab.shared().clock().now();
    lab.shared().world(|world| fleet::add_device(world, MAIN_APP, id, &Spec::new(PUMP), now));
}

fn leave_the_group(lab: &Lab, id: &str) {
    lab.shared().world(|world| {
        let group = world.apps.get_mut(MAIN_APP).and_then(|app| app.groups.get_mut("pumps-all")).expect("the group");
        group.filter.push_str(&format!(" AND $id != \"{id}\""));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_group_goes_by_exactly_one_job_behind_a_single_canary() {
    let (lab, _program, ada) = begin().await;
    let journey = ada.start(&Wish::pumps()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 40);
    assert!(rows.values().all(|row| row["outcome"] == "moved"), "{rows:?}");

    let (job, definition) = only_job(&lab);
    assert_eq!(definition["description"], "AUTOMATED-DEVICE-MOVE");
    assert_eq!(definition["group"], "pumps-all");
    let entries = definition["data"].as_array().expect("entries");
    assert_eq!(entries.len(), 1);
    assert_eq!((&entries[0]["type"], &entries[0]["target"]), (&json!("command"), &json!(PUMP)));
    assert_eq!(entries[0]["path"], "migration.DeviceMove");
    let payload = &entries[0]["value"];
    assert_eq!(payload["idScope"], "0ne00C0DE01");
    assert_eq!(payload["dpsName"], "contoso-dps");
    assert!(
        payload["dpsId"].as_str().is_some_and(|link| link.contains("provisioningServices/contoso-dps")),
        "{payload}"
    );
    assert_eq!(
        (&payload["centralAppName"], &payload["centralAppSubdomain"]),
        (&json!("contoso-fleet"), &json!(MAIN_APP))
    );
    assert_eq!(payload.as_object().map(serde_json::Map::len), Some(5), "{payload}");

    let mut canaries = Vec::new();
    for device in lab.devices("pump-") {
        assert!(lab.is_at_hub(HUB, &device.id), "{}: {:?}", device.id, device.log);
        match told_by(&device).as_slice() {
            [Via::Single] => canaries.push(device.id.clone()),
            [Via::Job { id }] => assert_eq!(*id, job),
            other => panic!("{} was told by {other:?}", device.id),
        }
    }
    assert_eq!(canaries.len(), 1, "{canaries:?}");
    assert_eq!(rows[&canaries[0]]["told_by"], "canary");
    let asked = lab.shared().look(|world| {
        let history = &world.apps[MAIN_APP].devices[&canaries[0]].commands["migration.DeviceMove"];
        history.iter().map(|record| record.request.clone()).collect::<Vec<_>>()
    });
    assert_eq!(asked, std::slice::from_ref(payload), "the canary is told the same as the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_being_made_when_somebody_pressed_stop_is_stopped_too() {
    let (lab, _program, ada) = begin().await;
    let held = hold_the_job(&lab);
    let journey = ada.start(&Wish::pumps()).await;
    held.reached().await;
    let page = ada.see(&journey).await;
    ada.press(&page, "Stop migration").await;
    held.release();
    let page = ada.wait_for(&journey, "of the stopped migration is stopped", PATIENCE).await;
    let (job, _) = only_job(&lab);
    let status = lab.shared().look(|world| world.apps[MAIN_APP].jobs[&job].status);
    assert_eq!(format!("{status:?}"), "Stopped", "{}", page.text());
    let untold = ada.devices(&journey).await.into_values().filter(|row| row["reason"] == "migration stopped").count();
    assert_eq!(untold, 0, "whoever may have been told by the job is not called untold");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_joins_before_the_job_expands_gets_a_row_and_one_that_leaves_is_told_singly() {
    let (lab, _program, ada) = begin().await;
    let held = hold_the_job(&lab);
    let journey = ada.start(&Wish::pumps()).await;
    held.reached().await;
    add_pump(&lab, "pump-0099");
    leave_the_group(&lab, "pump-0020");
    held.release();
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;

    let (job, _) = only_job(&lab);
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 41);
    assert!(rows.values().all(|row| row["outcome"] == "moved"), "{rows:?}");
    assert!(rows.iter().all(|(id, row)| (row["joined_later"] == "yes") == (id == "pump-0099")), "{rows:?}");
    assert!(rows.keys().all(|id| lab.is_at_hub(HUB, id)));
    assert_eq!(told_by(&lab.device("pump-0099")), [Via::Job { id: job }]);
    assert_eq!(told_by(&lab.device("pump-0020")), [Via::Single]);
    let page = ada.see(&journey).await;
    assert!(page.text().contains("pump-0099 joined the group after the snapshot"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_deleted_before_the_job_expands_is_accounted_for() {
    let (lab, _program, ada) = begin().await;
    let held = hold_the_job(&lab);
    let journey = ada.start(&Wish::pumps()).await;
    held.reached().await;
    lab.shared().world(|world| world.apps.get_mut(MAIN_APP).expect("the app").devices.remove("pump-0020"));
    held.release();
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.values().filter(|row| row["outcome"] == "moved").count(), 39);
    let row = &rows["pump-0020"];
    assert_eq!(row["outcome"], "failed", "{row:?}");
    assert!(!row["detail"].is_empty() && !row["what_to_do"].is_empty(), "{row:?}");
    assert!(was_left_alone(&lab.device("pump-0020")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_changed_before_the_job_was_made_goes_by_single_commands() {
    let (lab, _program, ada) = begin().await;
    let answers = |seen: &iotc_migrator::sandbox::faults::Seen<'_>| seen.path.ends_with("/commands/DeviceMove");
    let held = lab.shared().faults().add(Rule::new(Action::Hold { when: When::After }, answers).times(1));
    let (journey, page) = ada.migrate(&Wish::pumps()).await;
    add_pump(&lab, "pump-0098");
    leave_the_group(&lab, "pump-0007");
    ada.press(&page, "Start migration").await;
    held.reached().await;
    add_pump(&lab, "pump-0099");
    held.release();
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;

    assert_eq!(lab.effects("job.created"), [] as [String; 0], "a job would tell a device that nobody has cleared");
    let rows = ada.devices(&journey).await;
    assert!(rows.values().all(|row| row["outcome"] == "moved"), "{rows:?}");
    assert!(rows.keys().all(|id| told_by(&lab.device(id)) == [Via::Single]));
    assert!(rows.contains_key("pump-0098"), "it was there at the start");
    for outside in ["pump-0007", "pump-0099"] {
        assert!(!rows.contains_key(outside) && was_left_alone(&lab.device(outside)), "{outside}");
    }
}
