//! Devices without a template are in no group: counted, or told singly where a person chose that.

use std::time::Duration;

use iotc_migrator::sandbox::device::{Kind, Via};
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, NEXT_APP, Spec};

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::{HUB, told_by};

const PATIENCE: Duration = Duration::from_secs(90);
const CHOICE: &str = "Tell devices without a template too";
const LOST_ITS_TEMPLATE: &str = "stray-0001";
const REFUSES: &str = "stray-0002";

/// Four boilers of a group, one stray that obeys and one that refuses; the program, and Ada.
async fn begin() -> (Lab, Program, Person) {
    Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, 4, "S2", 10);
        fleet::add_app(&mut world, NEXT_APP, "0ne00A00004");
        let stray = Spec { template: None, ..Spec::new(BOILER) };
        fleet::add_devices(&mut world, MAIN_APP, "stray", 1, 1, &stray, clock.now());
        let refuses = Spec { kind: Kind::Refuses, ..stray };
        fleet::add_devices(&mut world, MAIN_APP, "stray", 2, 1, &refuses, clock.now());
        world
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_told_singly_beside_the_job_of_the_group() {
    let (lab, _program, ada) = begin().await;
    let journey = ada.start(&Wish::default().with(CHOICE, "yes")).await;
    let page = ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    assert!(page.text().contains("without a template"), "{}", page.text());
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 6);
    for (id, row) in &rows {
        let expected = if id == REFUSES { ("failed", "refused") } else { ("moved", "") };
        assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), expected, "{row:?}");
        assert_eq!(lab.is_at_hub(HUB, id), id != REFUSES);
    }
    assert_eq!(lab.effects("job.created").len(), 1, "the group goes by its job all the same");
    assert_eq!(told_by(&lab.device(LOST_ITS_TEMPLATE)), [Via::Single]);
}

#[tokio::test(flavor = "multi_thread")]
async fn into_another_application_they_get_the_template_that_was_chosen() {
    let (lab, _program, ada) = begin().await;
    let journey = ada.start(&Wish::into_app("Contoso next", Some("Boiler")).with(CHOICE, "yes")).await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    assert!(lab.is_at_app(NEXT_APP, LOST_ITS_TEMPLATE));
    let there = lab.known_at(NEXT_APP, LOST_ITS_TEMPLATE).expect("it came");
    assert_eq!(there.template.as_deref(), Some(BOILER));
    assert_eq!(ada.devices(&journey).await[REFUSES]["reason"], "refused");
}
