//! Keys: nothing starts while the target application has not what devices may present, and words name the application.

use axum::http::StatusCode;
use iotc_migrator::sandbox::central::model::AppEnrollmentGroup;
use iotc_migrator::sandbox::dps::model::Attestation;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::fleet::{self, ADA, BOILER, MAIN_APP, NEXT_APP, Spec};
use iotc_migrator::sandbox::world::World;

use super::stage::{NEXT_HOST, Stage, two_apps, wish};
use crate::support::page::Page;
use crate::support::truth::was_left_alone;

/// Puts a group with the keys of one of the source's into the target, as a person does there.
pub fn add_by_hand(world: &mut World, source: &str, id: &str, change: impl FnOnce(&mut AppEnrollmentGroup)) {
    let mut group = world.apps[MAIN_APP].enrollment_groups[source].clone();
    id.clone_into(&mut group.id);
    group.etag = format!("by hand: {id}");
    change(&mut group);
    world.apps.get_mut(NEXT_APP).expect("the app").enrollment_groups.insert(id.to_owned(), group);
}

fn swap(group: &mut AppEnrollmentGroup) {
    if let Attestation::SymmetricKey { primary, secondary } = &mut group.attestation {
        std::mem::swap(primary, secondary);
    }
}

fn halve(group: &mut AppEnrollmentGroup) {
    if let Attestation::SymmetricKey { secondary, .. } = &mut group.attestation {
        *secondary = fleet::key("another");
    }
}

/// Sends the form as *Start migration* would, were it not disabled; the program must refuse and change nothing.
async fn a_forged_start_is_refused(stage: &Stage, page: &Page, why: &str) {
    assert!(!page.can_press("Start migration"), "{}", page.text());
    let form = page.form_with_button("Start migration").expect("a form");
    let effects = stage.lab.shared().log().effects().len();
    let refused = stage.ada.submit(page, form).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains(why), "{}", refused.text());
    assert!(!refused.text().contains("DPS"), "{}", refused.text());
    assert_eq!(stage.lab.shared().log().effects().len(), effects, "a refused start changes nothing in Azure");
    assert!(stage.lab.devices("boiler-").iter().all(was_left_alone));
}

/// A change to a group of the target that leaves it almost equal.
type Change = fn(&mut AppEnrollmentGroup);

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_almost_equal_blocks_the_start_in_words_of_the_application() {
    let stage = Stage::of(20, |clock| two_apps(clock, 2)).await;
    let (journey, _) = stage.ada.migrate(&wish()).await;
    let almost: [(&str, Change, &str); 4] = [
        ("swapped", swap, "primary and secondary swapped"),
        ("half", halve, "has only one of the two keys"),
        ("disabled", |group| group.enabled = false, "is disabled. Enable it"),
        ("edge", |group| group.edge = true, "is for IoT Edge devices"),
    ];
    for (id, change, why) in almost {
        stage.lab.shared().world(|world| {
            world.apps.get_mut(NEXT_APP).expect("the app").enrollment_groups.clear();
            add_by_hand(world, "SAS-IoT-Devices", id, change);
        });
        for handling in ["program", "by_hand"] {
            let page = stage.ada.open(&format!("/migrations/{}/keys", journey.id)).await;
            let form = page.form_with_button("Check again").expect("a form").set("keys", handling);
            let page = stage.ada.submit(&page, form).await;
            let words = format!("Group {id} of the target application");
            assert!(page.text().contains(&words) && page.text().contains(why), "{}", page.text());
            assert!(!page.text().contains("DPS"), "{}", page.text());
            a_forged_start_is_refused(&stage, &page, why).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_a_person_adds_in_the_application_block_the_start_until_every_group_is_covered() {
    let stage = Stage::of(30, |clock| {
        let mut world = two_apps(clock, 3);
        fleet::add_symmetric_group(&mut world, MAIN_APP, "second-plant", false);
        let second = Spec { group: "second-plant", ..Spec::new(BOILER) };
        fleet::add_devices(&mut world, MAIN_APP, "boiler", 4, 2, &second, clock.now());
        add_by_hand(&mut world, "SAS-IoT-Devices", "first-by-hand", |_| {});
        world
    })
    .await;
    let (journey, page) = stage.ada.migrate(&wish()).await;
    let form = page.form_with_button("Check again").expect("a form").set("keys", "by_hand");
    let page = stage.ada.submit(&page, form).await;
    let why = "The target application does not have the keys of second-plant";
    assert!(page.text().contains(why) && page.text().contains("I add them in IoT Central myself"), "{}", page.text());
    let second =
        stage.lab.shared().look(|world| world.apps[MAIN_APP].enrollment_groups["second-plant"].attestation.clone());
    let Attestation::SymmetricKey { primary, secondary } = second else { panic!("a symmetric group") };
    assert!(page.html.contains(&primary) && page.html.contains(&secondary), "both keys are shown to be copied");
    a_forged_start_is_refused(&stage, &page, why).await;

    stage.lab.shared().world(|world| add_by_hand(world, "second-plant", "second-by-hand", |_| {}));
    let page = stage.ada.press(&page, "Check again").await;
    stage.ada.press(&page, "Start migration").await;
    stage.all_moved(&journey, 5).await;
    for kind in ["enrollment.created", "enrollment.updated", "enrollment.deleted"] {
        assert_eq!(stage.lab.effects(kind), [] as [String; 0], "by hand means that the program makes no group");
    }
}

fn makes_a_group(seen: &Seen<'_>) -> bool {
    seen.host == NEXT_HOST && seen.method.as_str() == "PUT" && seen.path.starts_with("/api/enrollmentGroups/")
}

#[tokio::test(flavor = "multi_thread")]
async fn where_groups_cannot_be_made_it_pauses_with_the_missing_permission_and_nobody_is_told() {
    let stage = Stage::of(30, |clock| two_apps(clock, 3)).await;
    stage.lab.shared().faults().add(Rule::new(Action::status(StatusCode::FORBIDDEN), makes_a_group));
    let journey = stage.ada.start(&wish()).await;
    let page = stage.paused(&journey, "Paused: a right is missing").await;
    assert!(page.text().contains("Device connectivity management"), "{}", page.text());
    assert!(stage.lab.devices("boiler-").iter().all(was_left_alone));
    assert_eq!(stage.probes(), [] as [String; 0]);

    stage.lab.shared().faults().clear();
    stage.ada.press(&page, "Resume").await;
    stage.all_moved(&journey, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_of_the_target_is_told_in_the_form_which_right_is_missing() {
    let stage = Stage::of(20, |clock| {
        let mut world = two_apps(clock, 2);
        world.apps.get_mut(NEXT_APP).expect("the app").roles.insert(ADA.to_owned(), "operator".to_owned());
        world
    })
    .await;
    let (page, form) = stage.ada.fill_in(&wish()).await;
    let refused = stage.ada.submit(&page, form).await;
    assert!(!refused.url.contains("/keys"), "{}", refused.text());
    assert!(refused.text().contains("Contoso next") && refused.text().contains("connectivity"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_right_to_groups_after_the_review_is_not_let_start() {
    let stage = Stage::of(20, |clock| two_apps(clock, 2)).await;
    let (journey, page) = stage.ada.migrate(&wish()).await;
    stage.lab.shared().world(|world| {
        world.apps.get_mut(NEXT_APP).expect("the app").roles.insert(ADA.to_owned(), "operator".to_owned());
    });
    let page = stage.ada.press(&page, "Start migration").await;
    assert!(page.text().contains("Device connectivity management"), "{}", page.text());
    let page = stage.ada.see(&journey).await;
    assert!(page.text().contains("Not started"), "{}", page.text());
    assert!(stage.lab.devices("boiler-").iter().all(was_left_alone));
}
