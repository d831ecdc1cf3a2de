//! X.509 enrollment groups: carried over with the certificate that a person supplies; and certificates that are supplied
//! late.

use std::time::Duration;

use iotc_migrator::migration::certificate::Certificate;
use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::dps::model::Attestation;
use iotc_migrator::sandbox::fleet::{self, BOILER, BOILER_CERTIFICATE, MAIN_APP, NEXT_APP, PLANT_CA, Spec};
use iotc_migrator::sandbox::world::World;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::truth::HUB;

const PATIENCE: Duration = Duration::from_secs(90);
const GROUP: &str = "x509-devices";
const INDIVIDUAL: &str = "Carry over devices with keys or certificates of their own";

/// Three symmetric groups, an X.509 group and devices with keys of their own, two devices of each.
fn of_every_attestation(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 2, "S2", 10);
    let since = clock.now() - time::Duration::hours(3);
    for name in ["second-plant", "third-plant"] {
        fleet::add_symmetric_group(&mut world, MAIN_APP, name, false);
    }
    add_x509_group(&mut world);
    let normal = Spec::new(BOILER);
    let specs = [
        Spec { group: "second-plant", ..normal },
        Spec { group: "third-plant", ..normal },
        Spec { group: GROUP, ..normal },
        Spec { individual: true, ..normal },
    ];
    for (number, spec) in (3..).step_by(2).zip(&specs) {
        fleet::add_devices(&mut world, MAIN_APP, "boiler", number, 2, spec, since);
    }
    fleet::add_app(&mut world, NEXT_APP, "0ne00A00004");
    world
}

fn add_x509_group(world: &mut World) {
    fleet::add_symmetric_group(world, MAIN_APP, GROUP, false);
    let ca = Certificate::read(PLANT_CA.as_bytes()).expect("a certificate").sha1;
    let group = world.apps.get_mut(MAIN_APP).expect("there").enrollment_groups.get_mut(GROUP).expect("there");
    group.attestation = Attestation::X509 { primary: Some(ca), secondary: None, ca_references: Vec::new() };
}

fn supply(page: &Page, certificate: &str) -> crate::support::page::Form {
    let button = format!("Add certificate of {GROUP}");
    let form = page.form_with_button(&button).unwrap_or_else(|| panic!("no {button}:\n{}", page.text()));
    let name = page.name_of(&format!("Certificate of {GROUP}")).expect("a field");
    form.set(&name, certificate)
}

/// Starts with the certificate supplied, after it was tried without.
async fn started(ada: &Person, wish: &Wish) -> Journey {
    let (journey, page) = ada.migrate(wish).await;
    assert!(!page.can_press("Start migration"), "one group is not covered");
    let forged = ada.submit(&page, page.form_with_button("Start migration").expect("a form")).await;
    assert_eq!(forged.status, 422);
    assert!(forged.text().contains("Supply the one with the SHA-1 thumbprint"), "{}", forged.text());
    let page = ada.submit(&page, supply(&page, PLANT_CA)).await;
    assert!(page.text().contains("The certificate of x509-devices is added"), "{}", page.text());
    let started = ada.press(&page, "Start migration").await;
    assert!(started.url.ends_with(&journey.id), "{}", started.text());
    journey
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_every_attestation_that_was_carried_over_arrive_at_the_hub() {
    let (lab, _program, ada) = Lab::with_ada(30, of_every_attestation).await;
    let journey = started(&ada, &Wish::default().with(INDIVIDUAL, "yes")).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 10);
    for (id, row) in &rows {
        assert!(row["outcome"] == "moved" && lab.is_at_hub(HUB, id), "{row:?}: {:?}", lab.device(id).log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn into_another_application_the_group_takes_its_certificate_along() {
    let (lab, _program, ada) = Lab::with_ada(30, of_every_attestation).await;
    let wish = Wish::into_app("Contoso next", Some("Boiler")).with(INDIVIDUAL, "yes");
    let journey = started(&ada, &wish).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    for (id, row) in &ada.devices(&journey).await {
        assert!(row["outcome"] == "moved" && lab.is_at_app(NEXT_APP, id), "{row:?}: {:?}", lab.device(id).log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_added_after_the_start_pauses_the_migration_until_certificates_are_given() {
    let lab = Lab::small(10, 0, 2).await;
    lab.shared().world(|world| {
        fleet::add_devices(
            world,
            MAIN_APP,
            "boiler",
            22,
            1,
            &Spec { certificate: Some(BOILER_CERTIFICATE), ..Spec::new(BOILER) },
            lab.anchor,
        );
    });
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default().with(INDIVIDUAL, "yes")).await;
    let page = ada.wait_for(&journey, "no device could be moved as the canary", PATIENCE).await;
    lab.shared().world(add_x509_group);
    lab.set_online("boiler-0001", true);
    lab.set_online("boiler-0002", true);
    ada.press(&page, "Resume").await;
    let page = ada.wait_for(&journey, "the device keys are not at the target", PATIENCE).await;
    assert!(lab.devices("boiler-").iter().all(|device| device.times_commanded() == 0), "nobody is told meanwhile");
    assert_eq!(ada.devices(&journey).await["boiler-0022"]["reason"], "its certificate was not supplied");
    let page = ada.open(&page.link("Give keys or certificates").expect("a way there")).await;
    assert!(!page.can_press("Start migration"));
    let page = ada.submit(&page, supply(&page, PLANT_CA)).await;
    assert!(page.text().contains("The certificate of x509-devices is added"), "{}", page.text());
    let form = page.form_with_button("Add certificates of devices").expect("they are taken here");
    let page = ada.submit(&page, form.set("certificates", BOILER_CERTIFICATE)).await;
    assert!(page.text().contains("1 device that had been skipped is to move now"), "{}", page.text());
    assert_eq!(ada.devices(&journey).await["boiler-0022"]["outcome"], "pending");
    ada.press(&ada.see(&journey).await, "Resume").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    assert!(ada.devices(&journey).await.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)));
}

/// A self-signed certificate; of an authority or not, valid from one year to the other.
fn certificate(authority: bool, years: (i32, i32)) -> String {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.is_ca = if authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_none_expired_a_devices_or_anothers_is_refused_with_the_reason() {
    let (_lab, _program, ada) = Lab::with_ada(30, of_every_attestation).await;
    let (_, page) = ada.migrate(&Wish::default()).await;
    for (given, why) in [
        ("not a certificate".to_owned(), "This is no certificate that can be read"),
        (certificate(true, (2020, 2021)), "expired on 2021-01-01"),
        (certificate(false, (2020, 2090)), "is the certificate of a single device"),
        (certificate(true, (2020, 2090)), "that of x509-devices is"),
    ] {
        let refused = ada.submit(&page, supply(&page, &given)).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(why), "{why}:\n{}", refused.text());
        assert!(!refused.can_press("Start migration"));
    }
}
