//! A rerun takes the devices that failed, and no others; a migration that it follows stays as it ended.

use std::collections::BTreeMap;

use iotc_migrator::sandbox::device::Kind;
use iotc_migrator::sandbox::fleet;

use super::{PATIENCE, turn_into};
use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::truth::HUB;

const REFUSES: &str = "boiler-0002";
const OFF: &str = "boiler-0004";
/// Gone from the application before the rerun.
const DELETED: &str = "boiler-0005";

fn times_told(lab: &Lab) -> BTreeMap<String, usize> {
    lab.devices("boiler-").into_iter().map(|device| (device.id.clone(), device.times_commanded())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerun_touches_only_what_failed_and_hides_nothing() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| {
        let mut world = fleet::simple_world(clock, 6, "S2", 10);
        for id in [REFUSES, DELETED] {
            world.devices.get_mut(id).expect("a boiler").kind = Kind::Refuses;
        }
        world
    })
    .await;
    lab.set_online(OFF, false);
    let first = ada.start(&Wish::default()).await;
    let page = ada.wait_for_state(&first, "Waiting for 1 device", PATIENCE).await;
    assert!(!page.can_press("Rerun 2 failed devices"), "it has not ended");
    ada.press(&page, "Finish now").await;
    let page = ada.wait_for_state(&first, "Completed with failures", PATIENCE).await;

    turn_into(&lab, REFUSES, Kind::Normal);
    lab.set_online(OFF, true);
    lab.shared().world(|world| world.apps.get_mut(fleet::MAIN_APP).expect("the application").devices.remove(DELETED));
    let before = times_told(&lab);
    let draft = ada.press(&page, "Rerun 3 failed devices").await;
    assert!(draft.text().contains("Start tells up to 3 devices"), "{}", draft.text());
    let again = ada.press(&ada.see(&first).await, "Rerun 3 failed devices").await;
    assert_eq!(again.url, draft.url, "while it has not ended there is one");
    let rerun = ada.start_draft(&again).await;
    let page = ada.wait_for_state(&rerun, "Completed with failures", PATIENCE).await;
    assert!(page.text().contains("Boilers to the hub, rerun") && page.text().contains("Rerun of"), "{}", page.text());

    let rows = ada.devices(&rerun).await;
    let ends: Vec<_> =
        rows.iter().map(|(id, row)| (id.as_str(), row["outcome"].as_str(), row["reason"].as_str())).collect();
    assert_eq!(ends, [(REFUSES, "moved", ""), (OFF, "moved", ""), (DELETED, "failed", "deleted at the source")]);
    for (id, told) in times_told(&lab) {
        let expected = before[&id] + usize::from(id == REFUSES || id == OFF);
        assert_eq!(told, expected, "{id}");
        assert_eq!(lab.is_at_hub(HUB, &id), id != DELETED, "{id}");
    }
    // The first one ended with failures and still says so, with the way to the rerun.
    let page = ada.see(&first).await;
    assert!(page.texts(".state").concat().contains("3 moved, 3 failed"), "{}", page.text());
    assert!(page.link("Boilers to the hub, rerun").is_some_and(|href| href.ends_with(&rerun.id)));
    let list = ada.open("/migrations").await.text();
    assert!(list.contains("Rerun, IoT Central → IoT Hub"), "{list}");
}
