//! Devices with keys of their own: skipped as the fleet's table says, or carried over where a person chose that.

use std::time::Duration;

use iotc_migrator::sandbox::dps::model::Attestation;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen, When};
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, NEXT_APP, Spec};
use iotc_migrator::sandbox::world::World;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::{HUB, add_identity, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(90);
const CHOICE: &str = "Carry over devices with symmetric keys of their own";
const OWN: [&str; 2] = ["boiler-0004", "boiler-0005"];

/// Three boilers with a key of their group and two with their own; the program, and Ada.
async fn lab_of(change: impl FnOnce(&mut World)) -> (Lab, Program, Person) {
    Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, 3, "S2", 10);
        let own = Spec { individual: true, ..Spec::new(BOILER) };
        fleet::add_devices(&mut world, MAIN_APP, "boiler", 4, 2, &own, clock.now());
        change(&mut world);
        world
    })
    .await
}

fn is_enrolled(lab: &Lab, id: &str) -> bool {
    lab.shared().look(|world| world.dps["contoso-dps"].enrollments.contains_key(id))
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_with_keys_of_their_own_are_carried_over_just_ahead_of_their_command() {
    let (lab, _program, ada) = lab_of(|_| {}).await;
    let journey = ada.start(&Wish::default().canary(OWN[1]).with(CHOICE, "yes")).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
    assert!(OWN.iter().all(|id| is_enrolled(&lab, id)));
    assert_eq!(lab.effects("enrollment.created").len(), 1 + OWN.len(), "the group, and one for each of the two");
}

#[tokio::test(flavor = "multi_thread")]
async fn into_another_application_they_take_their_attestation_along() {
    let (lab, _program, ada) = lab_of(|world| fleet::add_app(world, NEXT_APP, "0ne00A00004")).await;
    let wish = Wish::into_app("Contoso next", Some("Boiler")).canary(OWN[0]).with(CHOICE, "yes");
    let journey = ada.start(&wish).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_app(NEXT_APP, id)), "{rows:?}");
    for id in OWN {
        let (here, there) = (lab.known_at(MAIN_APP, id), lab.known_at(NEXT_APP, id));
        let (here, there) = (here.expect("it was there"), there.expect("it came"));
        assert!(there.attestation.is_some() && there.attestation == here.attestation);
        assert_eq!(there.template.as_deref(), Some(BOILER));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_tpms_of_their_own_cannot_be_carried_over_and_are_skipped_with_what_they_are() {
    let (lab, _program, ada) = lab_of(|world| {
        let app = world.apps.get_mut(MAIN_APP).expect("the application");
        let certificate =
            Attestation::X509 { primary: Some("A".repeat(40)), secondary: None, ca_references: Vec::new() };
        app.devices.get_mut(OWN[0]).expect("a boiler").attestation = Some(certificate);
        app.devices.get_mut(OWN[1]).expect("a boiler").attestation =
            Some(Attestation::Tpm { endorsement_key: "ZW5kb3JzZW1lbnQ=".into() });
    })
    .await;
    let journey = ada.start(&Wish::default().with(CHOICE, "yes")).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    for (id, kind) in OWN.iter().zip(["a certificate of its own", "a TPM"]) {
        assert_eq!(rows[*id]["reason"], "individual attestation");
        assert!(rows[*id]["detail"].contains(kind), "{:?}", rows[*id]);
        assert!(was_left_alone(&lab.device(id)) && !is_enrolled(&lab, id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_choice_they_are_skipped_and_nothing_is_made_for_them() {
    let (lab, _program, ada) = lab_of(|_| {}).await;
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    for id in OWN {
        assert_eq!(rows[id]["reason"], "individual attestation");
        assert!(was_left_alone(&lab.device(id)) && !is_enrolled(&lab, id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_name_stands_for_other_keys_at_the_target_is_not_told() {
    let (lab, _program, ada) = lab_of(|world| {
        add_identity(world, HUB, OWN[0], (fleet::key("another"), fleet::key("other")));
    })
    .await;
    let journey = ada.start(&Wish::default().with(CHOICE, "yes")).await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows[OWN[0]]["reason"], "identity with other keys at the target");
    assert!(was_left_alone(&lab.device(OWN[0])) && !is_enrolled(&lab, OWN[0]));
    assert!(rows.iter().all(|(id, row)| id == OWN[0] || row["outcome"] == "moved"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_an_enrollment_was_made_makes_no_second_one() {
    let (lab, program, ada) = lab_of(|_| {}).await;
    let enrolls = |seen: &Seen<'_>| seen.method.as_str() == "PUT" && seen.path.contains("/enrollments/");
    let held = lab.shared().faults().add(Rule::new(Action::Hold { when: When::After }, enrolls).times(1));
    let journey = ada.start(&Wish::default().canary(OWN[0]).with(CHOICE, "yes")).await;
    held.reached().await;
    let port = program.port;
    program.kill().await;
    let _program = Program::start(lab.data.path(), port, &lab.environment(port)).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
    assert_eq!(lab.effects("enrollment.created").len(), 1 + OWN.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_with_keys_of_their_own_are_enrolled_ten_at_a_time_and_one_in_the_way_holds_up_nobody() {
    let many = |world: &mut World, since| {
        let own = Spec { individual: true, ..Spec::new(BOILER) };
        fleet::add_devices(world, MAIN_APP, "own", 1, 24, &own, since);
        add_identity(world, HUB, "own-0007", (fleet::key("another"), fleet::key("other")));
    };
    let (lab, _program, ada) = Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, 2, "S2", 10);
        many(&mut world, clock.now());
        world
    })
    .await;
    let journey = ada.start(&Wish::default().canary("boiler-0001").with(CHOICE, "yes")).await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    for (id, row) in &ada.devices(&journey).await {
        match id.as_str() {
            "own-0007" => assert!(was_left_alone(&lab.device(id)) && !is_enrolled(&lab, id), "{row:?}"),
            _ => assert!(row["outcome"] == "moved" && lab.is_at_hub(HUB, id), "{row:?}"),
        }
    }
    let calls = lab.shared().log().all();
    assert_eq!(calls.iter().filter(|call| call.path == "/enrollments").count(), 3, "24 by the ten");
    assert_eq!(lab.effects("enrollment.created").len(), 1 + 23, "the group, and one for each but the one in the way");
}
