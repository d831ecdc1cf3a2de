//! Devices are removed from the IoT Central application that they left.

use std::time::Instant;

use axum::http::StatusCode;
use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, Spec};
use iotc_migrator::sandbox::log::Service;
use iotc_migrator::sandbox::world::World;
use time::Duration;

use super::stage::{PATIENCE, Stage, fate};
use crate::support::journey::Wish;
use crate::support::moment;

const FORGETS: &str = "boiler-0002";
const SILENT: &str = "boiler-0003";
/// Refused, so it has not moved.
const REFUSES: &str = "boiler-0005";
const NAME: &str = "Boilers to the hub";

fn five(clock: &SandboxClock) -> World {
    let mut world = fleet::simple_world(clock, 4, "S2", 10);
    let refuses = Spec { kind: device::Kind::Refuses, ..Spec::new(BOILER) };
    fleet::add_devices(&mut world, MAIN_APP, "boiler", 5, 1, &refuses, clock.now() - Duration::hours(3));
    world
}

/// A day after the move one device is silent, and one has gone back.
async fn a_day_after() -> Stage {
    let stage = Stage::moved(five, Wish::default(), "Completed with failures").await;
    stage.lab.set_online(SILENT, false);
    let stage = stage.a_day_later().await;
    assert!(device::restart(&stage.lab.shared(), FORGETS));
    let began = Instant::now();
    while !stage.lab.is_at_app(MAIN_APP, FORGETS) {
        assert!(began.elapsed() < PATIENCE, "{:?}", stage.lab.device(FORGETS).log);
        moment().await;
    }
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn only_devices_alive_at_the_target_are_removed_once_whoever_asks_and_however_often() {
    let stage = a_day_after().await;
    forged_forms_remove_nobody(&stage).await;
    let page = stage.page().await;
    let form = stage.form(&page, 4, NAME);
    let (one, other) =
        tokio::join!(stage.ada.submit(&page, form.clone()), stage.ada.submit(&page, form.set("request_key", "other")));
    assert!(one.url.contains("/clean-ups/"), "{}\n{}", one.url, one.text());
    assert_eq!(one.url, other.url);
    let ended = stage.ended(&one).await;
    assert!(ended.text().contains("2 removed, 2 kept of 4 devices from Contoso fleet"), "{}", ended.text());
    let fates = stage.fates(&ended).await;
    assert_eq!(fates["boiler-0001"], fate("removed", ""));
    assert_eq!(fates["boiler-0004"], fate("removed", ""));
    assert_eq!(fates[FORGETS], fate("kept", "seen at the source since"));
    assert_eq!(fates[SILENT], fate("kept", "silent at the target"));
    assert_eq!(stage.sorted("device.deleted"), ["boiler-0001", "boiler-0004"]);
    for (id, there) in
        [("boiler-0001", false), (FORGETS, true), (SILENT, true), ("boiler-0004", false), (REFUSES, true)]
    {
        assert_eq!(stage.lab.known_at(MAIN_APP, id).is_some(), there, "{id}");
    }
    let rows = stage.ada.devices(&stage.journey).await;
    let removed: Vec<&String> =
        rows.iter().filter(|(_, row)| !row["removed_at"].is_empty()).map(|(id, _)| id).collect();
    assert_eq!(removed, ["boiler-0001", "boiler-0004"], "they cannot fail back");

    assert!(device::restart(&stage.lab.shared(), "boiler-0004"));
    let seen = stage.look_until(&ended, |page| page.text().contains("1 device is in Contoso fleet again")).await;
    assert_eq!(stage.fates(&seen).await["boiler-0004"].0, "reappeared");
    let known = stage.lab.known_at(MAIN_APP, "boiler-0004").expect("it registered again");
    assert_eq!(known.template, None);
    let said = "boiler-0004 was removed from Contoso fleet, and is there again, without a template.";
    stage.ada.wait_for(&stage.journey, said, PATIENCE).await;
}

/// Whatever a form names: devices that did not move, of no migration, or more than was typed.
async fn forged_forms_remove_nobody(stage: &Stage) {
    let page = stage.page().await;
    for devices in [REFUSES, "sensor-1", "boiler-0001\nboiler-0005"] {
        let number = devices.lines().count();
        let form = stage.form(&page, number, NAME).set("which", "listed").set("devices", devices);
        let answer = stage.ada.submit(&page, form).await;
        assert_eq!(answer.status, 422, "{devices}: {}", answer.text());
        assert!(answer.text().contains("Nothing was removed."), "{}", answer.text());
    }
    let wrong = stage.ada.submit(&page, stage.form(&page, 4, "Boilers")).await;
    assert!(wrong.status == 422 && wrong.text().contains("not the migration's name"), "{}", wrong.text());
    let path = format!("/migrations/{}/clean-up", stage.journey.id);
    let fields = [("which", "all"), ("number", "4"), ("name", NAME), ("soak", "24"), ("request_key", "x")];
    assert_eq!(stage.ada.post(&path, &[], &fields).await, 403);
    assert_eq!(stage.lab.effects("device.deleted"), Vec::<String>::new());
}

/// The clean-up pauses for want of the permission, names it, and goes on with *Resume*.
async fn its_device_is_removed_once_the_right_to_is_there(stage: &Stage) {
    let deletion = |seen: &Seen<'_>| seen.service == Service::Central && seen.method.as_str() == "DELETE";
    let forbidden = Rule::new(Action::status(StatusCode::FORBIDDEN), deletion).times(1);
    stage.lab.shared().faults().add(forbidden);
    let run = stage.clean_up(1, NAME).await;
    let paused = stage.look_until(&run, |page| page.can_press("Resume")).await;
    assert!(paused.text().contains("\"Device instances: delete\""), "{}", paused.text());
    assert_eq!(stage.lab.effects("device.deleted"), Vec::<String>::new());
    // In two tabs at once.
    tokio::join!(stage.ada.press(&paused, "Resume"), stage.ada.press(&paused, "Resume"));
    stage.ended(&run).await;
    let events = stage.ada.open(&format!("/migrations/{}/events", stage.journey.id)).await.text();
    assert_eq!(events.matches("resumed the clean-up").count(), 1, "{events}");
    assert_eq!(stage.lab.effects("device.deleted"), ["boiler-0001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_removed_once_nobody_may_go_back_if_no_device_has_registered_by_it() {
    let world = |clock: &SandboxClock| {
        let mut world = fleet::simple_world(clock, 1, "S2", 10);
        fleet::add_symmetric_group(&mut world, MAIN_APP, "unused", false);
        world
    };
    let stage = Stage::moved(world, Wish::default(), "Completed").await.a_day_later().await;
    let page = stage.page().await;
    assert!(page.text().contains("Stays: 1 device that was told may have come by it."), "{}", page.text());
    assert!(page.form_with_button("Remove groups").is_none());
    its_device_is_removed_once_the_right_to_is_there(&stage).await;
    let page = stage.page().await;
    let form = page.form_with_button("Remove groups").unwrap_or_else(|| panic!("no form:\n{}", page.text()));
    let form = form.set("groups", "2").set("group_name", NAME);
    let (one, other) = tokio::join!(stage.ada.submit(&page, form.clone()), stage.ada.submit(&page, form));
    let said = format!("{}\n{}", one.text(), other.text());
    assert!(said.contains("a device has registered by it"), "{said}");
    let deleted = stage.lab.effects("enrollment.deleted");
    assert!(matches!(deleted.as_slice(), [only] if only.contains("unused")), "{deleted:?}");
}
