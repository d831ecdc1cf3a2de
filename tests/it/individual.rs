//! Devices with keys, or certificates, of their own: skipped as the fleet's table says, or carried over where a person chose that.

use std::time::Duration;

use iotc_migrator::migration::certificate::Certificate;
use iotc_migrator::sandbox::dps::model::Attestation;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen, When};
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, NEXT_APP, Spec};
use iotc_migrator::sandbox::world::World;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair};

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::{HUB, add_identity, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(90);
const CHOICE: &str = "Carry over devices with keys or certificates of their own";
const OWN: [&str; 2] = ["boiler-0004", "boiler-0005"];
/// Has a certificate of its own, where a test gives it one.
const CERTIFIED: &str = "boiler-0003";

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

/// A certificate, PEM, by which a device of this name proves itself.
fn certificate(name: &str) -> String {
    valid(name, (2020, 2090))
}

/// The same, valid from one year to the other.
fn valid(name: &str, years: (i32, i32)) -> String {
    signed(name, years, IsCa::NoCa)
}

fn authority(name: &str) -> String {
    signed(name, (2020, 2090), IsCa::Ca(BasicConstraints::Unconstrained))
}

fn signed(name: &str, years: (i32, i32), is_ca: IsCa) -> String {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
}

fn sha1(pem: &str) -> String {
    Certificate::read(pem.as_bytes()).expect("a certificate").sha1
}

async fn supply(ada: &Person, page: &Page, certificates: &str) -> Page {
    let form = page.form_with_button("Add certificates of devices").unwrap_or_else(|| panic!("{}", page.text()));
    let name = page.name_of("Certificates of devices").expect("a field");
    ada.submit(page, form.set(&name, certificates)).await
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
    let (first, second) = (certificate(CERTIFIED), certificate(CERTIFIED));
    let (lab, _program, ada) = lab_of(|world| {
        fleet::add_app(world, NEXT_APP, "0ne00A00004");
        fleet::give_certificate(world, MAIN_APP, CERTIFIED, &first);
        let known = world.apps.get_mut(MAIN_APP).expect("there").devices.get_mut(CERTIFIED).expect("there");
        let Some(Attestation::X509 { secondary, .. }) = &mut known.attestation else { panic!("it has a certificate") };
        *secondary = Some(sha1(&second));
    })
    .await;
    let wish = Wish::into_app("Contoso next", Some("Boiler")).canary(OWN[0]).with(CHOICE, "yes");
    let (journey, page) = ada.migrate(&wish).await;
    let page = supply(&ada, &page, &[first, second].concat()).await;
    assert!(page.text().contains("The certificate of 1 device is added"), "{}", page.text());
    ada.press(&page, "Start migration").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_app(NEXT_APP, id)), "{rows:?}");
    for id in OWN.into_iter().chain([CERTIFIED]) {
        let (here, there) = (lab.known_at(MAIN_APP, id), lab.known_at(NEXT_APP, id));
        let (here, there) = (here.expect("it was there"), there.expect("it came"));
        assert!(there.attestation.is_some() && there.attestation == here.attestation);
        assert_eq!(there.template.as_deref(), Some(BOILER));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_certificate_was_supplied_moves_and_others_and_tpms_are_skipped_with_what_they_lack() {
    let known = certificate(CERTIFIED);
    let (lab, _program, ada) = lab_of(|world| {
        fleet::give_certificate(world, MAIN_APP, CERTIFIED, &known);
        fleet::give_certificate(world, MAIN_APP, OWN[0], &certificate(OWN[0]));
        world.apps.get_mut(MAIN_APP).expect("there").devices.get_mut(OWN[1]).expect("a boiler").attestation =
            Some(Attestation::Tpm { endorsement_key: "ZW5kb3JzZW1lbnQ=".into() });
    })
    .await;
    let (journey, page) = ada.migrate(&Wish::default().canary(CERTIFIED).with(CHOICE, "yes")).await;
    let page = supply(&ada, &page, &known).await;
    assert!(page.text().contains(&format!("Supplied so far, of 1 device: {CERTIFIED}")), "{}", page.text());
    ada.press(&page, "Start migration").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows[CERTIFIED]["outcome"] == "moved" && lab.is_at_hub(HUB, CERTIFIED), "{:?}", rows[CERTIFIED]);
    let told = lab.shared().look(|world| world.dps["contoso-dps"].enrollments[CERTIFIED].settings.clone());
    assert!(told.attestation.has_certificate(&sha1(&known)) && told.hubs == [HUB]);
    for (id, reason, detail) in [
        (OWN[0], "its certificate was not supplied", "nobody supplied the one with the thumbprint"),
        (OWN[1], "individual attestation", "a TPM"),
    ] {
        assert_eq!(rows[id]["reason"], reason);
        assert!(rows[id]["detail"].contains(detail), "{:?}", rows[id]);
        assert!(was_left_alone(&lab.device(id)) && !is_enrolled(&lab, id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_will_not_do_are_refused_with_the_reason_and_none_is_kept() {
    let good = certificate(CERTIFIED);
    let (_lab, _program, ada) = lab_of(|world| fleet::give_certificate(world, MAIN_APP, CERTIFIED, &good)).await;
    let (_, page) = ada.migrate(&Wish::default().with(CHOICE, "yes")).await;
    let key = KeyPair::generate().expect("a key").serialize_pem();
    let not_even = supply(&ada, &page, "not a certificate").await;
    assert!(not_even.text().contains("This is no certificate that can be read"), "{}", not_even.text());
    for (bad, why) in [
        (certificate("Contoso CA"), "has no device Contoso CA with a certificate of its own"),
        (authority("Contoso CA"), "CN=Contoso CA is the certificate of an authority"),
        (valid(CERTIFIED, (2020, 2021)), "expired on 2021-01-01"),
        (valid(CERTIFIED, (2090, 2091)), "is valid from 2090-01-01 only"),
        (certificate(CERTIFIED), "that of the certificate of boiler-0003 is"),
        (certificate(OWN[0]), "shows for boiler-0004 symmetric keys of its own"),
        (certificate("boiler-0001"), "has no device boiler-0001 with a certificate of its own"),
        (key, "contains a private key"),
    ] {
        let refused = supply(&ada, &page, &format!("{good}{bad}")).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(why), "{why}:\n{}", refused.text());
        assert!(refused.text().contains("Nothing was kept"), "{}", refused.text());
        assert!(!refused.text().contains("Supplied so far"), "{}", refused.text());
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
