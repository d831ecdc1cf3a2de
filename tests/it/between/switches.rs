//! What nobody knows of enrollment groups in an application: under every reading the move ends the same, and no group that
//! is there is changed.

use iotc_migrator::sandbox::SandboxOptions;
use iotc_migrator::sandbox::dps::model::Attestation;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen, When};
use iotc_migrator::sandbox::fleet::{self, NEXT_APP};
use iotc_migrator::sandbox::options::ForeignFields;

use super::keys::add_by_hand;
use super::stage::{NEXT_HOST, Stage, two_apps, wish};
use crate::support::truth::was_left_alone;

type Change = fn(&mut SandboxOptions);

const READINGS: [(&str, Change); 4] = [
    ("as it comes", |_| {}),
    ("existing groups are replaced", |options| options.existing_groups_are_replaced = true),
    ("groups may share keys", |options| options.groups_may_share_keys = true),
    ("both, and foreign fields are echoed", |options| {
        options.existing_groups_are_replaced = true;
        options.groups_may_share_keys = true;
        options.foreign_key_fields = ForeignFields::Echoed;
    }),
];

fn makes_a_group(seen: &Seen<'_>) -> bool {
    seen.host == NEXT_HOST && seen.method.as_str() == "PUT" && seen.path.starts_with("/api/enrollmentGroups/")
}

/// One group was made, and none changed or removed.
fn made_once(stage: &Stage, reading: &str) {
    assert_eq!(stage.lab.effects("enrollment.created").len(), 1, "{reading}");
    for kind in ["enrollment.updated", "enrollment.deleted"] {
        assert_eq!(stage.lab.effects(kind), [] as [String; 0], "{reading}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_making_was_not_answered_is_found_and_not_made_again() {
    for (reading, change) in READINGS {
        let stage = Stage::with(40, |clock| two_apps(clock, 2), change).await;
        let lost = stage.lab.shared().faults().add(Rule::new(Action::DropAfter, makes_a_group).times(1));
        let journey = stage.ada.start(&wish()).await;
        stage.all_moved(&journey, 2).await;
        assert_eq!(lost.struck(), 1, "{reading}");
        made_once(&stage, reading);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_there_under_another_id_is_used_as_it_is() {
    for (reading, change) in READINGS {
        let world = |clock: &_| {
            let mut world = two_apps(clock, 2);
            add_by_hand(&mut world, "SAS-IoT-Devices", "made-before", |_| {});
            world
        };
        let stage = Stage::with(40, world, change).await;
        let journey = stage.ada.start(&wish()).await;
        stage.all_moved(&journey, 2).await;
        for kind in ["enrollment.created", "enrollment.updated", "enrollment.deleted"] {
            assert_eq!(stage.lab.effects(kind), [] as [String; 0], "{reading}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_the_id_that_would_be_made_with_other_keys_is_never_replaced() {
    for (reading, change) in READINGS {
        let stage = Stage::with(40, |clock| two_apps(clock, 2), change).await;
        let (_, page) = stage.ada.migrate(&wish()).await;
        let text = page.text();
        let id = text.split_whitespace().find(|word| word.starts_with("iotc-contoso-fleet-")).expect("an id");
        let id = id.trim_end_matches('.').to_owned();
        stage.lab.shared().world(|world| {
            add_by_hand(world, "SAS-IoT-Devices", &id, |group| {
                group.attestation = Attestation::SymmetricKey { primary: fleet::key("x"), secondary: fleet::key("y") };
            });
        });
        let page = stage.ada.press(&page, "Start migration").await;
        assert!(
            page.text().contains(&format!("Group {id} of the target application has other keys")),
            "{}",
            page.text()
        );
        assert_eq!(stage.lab.effects("enrollment.updated"), [] as [String; 0], "{reading}");
        assert!(stage.lab.devices("boiler-").iter().all(was_left_alone), "{reading}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_the_same_keys_that_appears_at_the_last_moment_is_used_or_named() {
    for (reading, change) in READINGS {
        let stage = Stage::with(40, |clock| two_apps(clock, 2), change).await;
        let hold = Action::Hold { when: When::Before };
        let held = stage.lab.shared().faults().add(Rule::new(hold, makes_a_group).times(1));
        let journey = stage.ada.start(&wish()).await;
        held.reached().await;
        stage.lab.shared().world(|world| add_by_hand(world, "SAS-IoT-Devices", "a-moment-ago", |_| {}));
        held.release();
        if !stage.lab.shared().options().groups_may_share_keys {
            stage.all_moved(&journey, 2).await;
            assert_eq!(stage.lab.effects("enrollment.created"), [] as [String; 0], "{reading}");
            continue;
        }
        let page = stage.paused(&journey, "both have these keys; which of them wins is not documented").await;
        assert!(page.text().contains("a-moment-ago") && !page.text().contains("DPS"), "{}", page.text());
        assert!(stage.lab.devices("boiler-").iter().all(was_left_alone), "{reading}");
        stage.lab.shared().world(|world| {
            world.apps.get_mut(NEXT_APP).expect("the app").enrollment_groups.remove("a-moment-ago");
        });
        stage.ada.press(&page, "Resume").await;
        stage.all_moved(&journey, 2).await;
        made_once(&stage, reading);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_nothing_but_a_simulated_device_shows_its_scope_by_it_or_by_a_temporary_one() {
    for lacks in [false, true] {
        let world = |clock: &iotc_migrator::sandbox::clock::SandboxClock| {
            let mut world = two_apps(clock, 2);
            fleet::add_known_device(&mut world, NEXT_APP, "simulated-0001", None, None, clock.now());
            let app = world.apps.get_mut(NEXT_APP).expect("the app");
            app.devices.get_mut("simulated-0001").expect("it is there").simulated = true;
            world
        };
        let stage = Stage::with(40, world, |options| options.simulated_devices_lack_id_scope = lacks).await;
        let journey = stage.ada.start(&wish()).await;
        stage.all_moved(&journey, 2).await;
        let made = stage.lab.effects("device.deleted").len();
        assert_eq!((made, stage.probes().len()), (usize::from(lacks), 0));
    }
}
