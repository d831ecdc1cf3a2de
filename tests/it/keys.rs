//! Keys: nothing starts while a group that devices may use has no equal at the target.

use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::dps::model::{Attestation, Settings};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP};
use iotc_migrator::sandbox::world::World;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::program::Program;
use crate::support::truth::{DPS, HUB, add_by_hand, was_left_alone};

const PATIENCE: Duration = Duration::from_secs(90);

/// An application with three groups of keys, of which the devices use the first two only.
fn two_of_three_in_use(clock: &SandboxClock) -> World {
    let mut world = fleet::three_groups_world(clock, 9);
    for number in [2, 5, 8] {
        let id = format!("boiler-{number:04}");
        world.devices.remove(&id);
        world.apps.get_mut(MAIN_APP).expect("the app").devices.remove(&id);
    }
    world
}

async fn lab_of(world: impl FnOnce(&SandboxClock) -> World) -> (Lab, Program, Person) {
    let lab = Lab::with(20, |options| {
        let clock = SandboxClock::new(options.anchor, options.speed);
        options.world = Some(world(&clock));
    })
    .await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    (lab, program, ada)
}

/// The keys page with the choice *I add them in the portal myself*.
async fn by_hand(ada: &Person, page: &Page) -> Page {
    let form = page.form_with_button("Check again").expect("a form").set("keys", "by_hand");
    ada.submit(page, form).await
}

/// Sends the form as *Start migration* would, were it not disabled; the program must refuse and change nothing.
async fn a_forged_start_is_refused(lab: &Lab, ada: &Person, page: &Page, why: &str) {
    assert!(!page.can_press("Start migration"), "{}", page.text());
    let form = page.form_with_button("Start migration").expect("a form");
    let effects = lab.shared().log().effects().len();
    let refused = ada.submit(page, form).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains(why), "{}", refused.text());
    assert_eq!(lab.shared().log().effects().len(), effects, "a refused start changes nothing in Azure");
    assert!(lab.devices("boiler-").iter().all(was_left_alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_added_by_hand_block_the_start_until_every_group_is_covered() {
    let (lab, _program, ada) = lab_of(|clock| {
        let mut world = fleet::three_groups_world(clock, 9);
        add_by_hand(&mut world, "SAS-IoT-Devices", "first-by-hand", HUB, |_| {});
        add_by_hand(&mut world, "second-plant", "second-by-hand", HUB, |_| {});
        world
    })
    .await;
    let (journey, page) = ada.migrate(&Wish::default()).await;
    assert!(page.can_press("Start migration"), "the program could make the third: {}", page.text());
    let page = by_hand(&ada, &page).await;
    assert!(page.text().contains("The DPS does not have the keys of third-plant yet"), "{}", page.text());
    let third = lab.shared().look(|world| world.apps[MAIN_APP].enrollment_groups["third-plant"].attestation.clone());
    let Attestation::SymmetricKey { primary, secondary } = third else { panic!("a symmetric group") };
    assert!(page.html.contains(&primary) && page.html.contains(&secondary), "both keys are shown to be copied");
    a_forged_start_is_refused(&lab, &ada, &page, "The DPS does not have the keys of third-plant").await;

    lab.shared().world(|world| add_by_hand(world, "third-plant", "third-by-hand", HUB, |_| {}));
    let page = ada.press(&page, "Check again").await;
    assert!(page.can_press("Start migration"), "{}", page.text());
    ada.press(&page, "Start migration").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
    for kind in ["enrollment.created", "enrollment.updated", "enrollment.deleted"] {
        assert_eq!(lab.effects(kind), [] as [String; 0], "by hand means that the program writes nothing to the DPS");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_a_group_is_not_used_lets_it_start_and_is_on_record() {
    let (lab, _program, ada) = lab_of(|clock| {
        let mut world = two_of_three_in_use(clock);
        add_by_hand(&mut world, "SAS-IoT-Devices", "first-by-hand", HUB, |_| {});
        add_by_hand(&mut world, "second-plant", "second-by-hand", HUB, |_| {});
        world
    })
    .await;
    let (journey, page) = ada.migrate(&Wish::default()).await;
    let page = by_hand(&ada, &page).await;
    assert!(!page.can_press("Start migration"));
    let statement = page.name_of("No selected device uses third-plant").expect("a checkbox");
    let mut form = page.form_with_button("Check again").expect("a form");
    form.fields.push((statement, "third-plant".into()));
    let page = ada.submit(&page, form).await;
    assert!(page.can_press("Start migration"), "{}", page.text());
    ada.press(&page, "Start migration").await;
    let page = ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let stated = "Ada Lovelace stated that no selected device uses the enrollment group third-plant.";
    assert!(page.text().contains(stated), "{}", page.text());
    let rows = ada.devices(&journey).await;
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
    assert_eq!(lab.effects("enrollment.created"), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_makes_what_is_missing_once_and_leaves_what_is_there() {
    let (lab, _program, ada) = lab_of(|clock| {
        let mut world = fleet::three_groups_world(clock, 9);
        add_by_hand(&mut world, "second-plant", "second-by-hand", HUB, |_| {});
        world
    })
    .await;
    let before = lab.shared().look(|world| world.dps[DPS].groups["second-by-hand"].settings.etag.clone());
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
    assert_eq!(lab.effects("enrollment.created").len(), 2);
    let (groups, after) = lab.shared().look(|world| {
        let groups = &world.dps[DPS].groups;
        (groups.len(), groups["second-by-hand"].settings.etag.clone())
    });
    assert_eq!((groups, after), (3, before));
}

/// A change to a group of the DPS that leaves it almost equal.
type Change = fn(&mut Settings);

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_almost_equal_blocks_with_what_is_wrong_whoever_adds_the_keys() {
    let (lab, _program, ada) = lab_of(|clock| fleet::simple_world(clock, 4, "S2", 10)).await;
    let (journey, _) = ada.migrate(&Wish::default()).await;
    let almost: [(&str, Change, &str); 6] = [
        ("swapped", swap, "primary and secondary swapped"),
        ("half", |group| group.attestation = half(&group.attestation), "has only one of the two keys"),
        ("disabled", |group| group.enabled = false, "is disabled. Enable it"),
        ("elsewhere", |group| group.hubs = vec!["other.azure-devices.net".into()], "leads to other.azure-devices.net"),
        ("more", |group| group.hubs.push("other.azure-devices.net".into()), "Make it lead to the chosen hub only"),
        ("edge", |group| group.iot_edge = true, "is for IoT Edge devices"),
    ];
    for (id, change, why) in almost {
        lab.shared().world(|world| {
            world.dps.get_mut(DPS).expect("the DPS").groups.clear();
            add_by_hand(world, "SAS-IoT-Devices", id, HUB, change);
        });
        let page = ada.open(&format!("/migrations/{}/keys", journey.id)).await;
        let form = page.form_with_button("Check again").expect("a form").set("keys", "program");
        let page = ada.submit(&page, form).await;
        assert!(
            page.text().contains(&format!("Group {id} of the DPS")) && page.text().contains(why),
            "{}",
            page.text()
        );
        a_forged_start_is_refused(&lab, &ada, &page, why).await;
        let page = by_hand(&ada, &page).await;
        assert!(page.text().contains(why), "{}", page.text());
        a_forged_start_is_refused(&lab, &ada, &page, why).await;
    }
    lab.shared().world(|world| add_by_hand(world, "SAS-IoT-Devices", "equal", HUB, |_| {}));
    let page = ada.see(&journey).await;
    assert!(page.text().contains("Not started"), "{}", page.text());
    let page = ada.open(&format!("/migrations/{}/keys", journey.id)).await;
    assert!(page.text().contains("Groups edge and equal of the DPS both have these keys"), "{}", page.text());
    assert!(!page.can_press("Start migration"));
}

fn swap(group: &mut Settings) {
    if let Attestation::SymmetricKey { primary, secondary } = &mut group.attestation {
        std::mem::swap(primary, secondary);
    }
}

fn half(attestation: &Attestation) -> Attestation {
    let Attestation::SymmetricKey { primary, .. } = attestation else { panic!("a symmetric group") };
    Attestation::SymmetricKey { primary: primary.clone(), secondary: fleet::key("another") }
}
