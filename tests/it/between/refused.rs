//! What must not be begun, and who must not be told.

use iotc_migrator::sandbox::central::model::AppDevice;
use iotc_migrator::sandbox::fleet::{self, BOILER, NEXT_APP};

use super::stage::{PATIENCE, Stage, two_apps, wish};
use crate::support::journey::{Onto, Wish};
use crate::support::truth::was_left_alone;

const SAME: &str = "This is the application that the devices are in already. Choose another one.";

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_not_taken_as_the_target_of_its_own_devices() {
    let stage = Stage::of(20, |clock| two_apps(clock, 2)).await;
    let onto = Onto::App { app: "Contoso fleet".into(), template: None };
    let (page, form) = stage.ada.fill_in(&Wish { onto, ..wish() }).await;
    let refused = stage.ada.submit(&page, form).await;
    assert!(refused.text().contains(SAME), "{}", refused.text());
    assert!(stage.ada.open("/migrations").await.text().contains("No migration"), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_not_taken_as_the_target_of_its_own_devices_by_its_address_either() {
    let stage = Stage::of(20, |clock| two_apps(clock, 2)).await;
    let (page, form) = stage.ada.fill_in(&wish()).await;
    let name = page.part("Target").name_of("IoT Central application").expect("a list");
    let address = page.name_of("Address of the target application").expect("a field");
    let form = form.set(&name, "").set(&address, "https://Contoso-Fleet.azureiotcentral.com/");
    let refused = stage.ada.submit(&page, form).await;
    assert!(!refused.url.contains("/keys"), "{}", refused.url);
    let page = stage.ada.until(refused, |page| page.text().contains(SAME) || page.can_press("Migrate")).await;
    let form = page.form_with_button("Migrate").expect("a form");
    let refused = stage.ada.submit(&page, form).await;
    assert!(refused.text().contains(SAME), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_target_would_not_let_in_is_skipped_and_never_told() {
    const BLOCKED: &str = "boiler-0002";
    const AWAITED: &str = "boiler-0003";
    let stage = Stage::of(30, |clock| {
        let mut world = two_apps(clock, 4);
        let since = clock.now() - time::Duration::hours(3);
        fleet::add_known_device(&mut world, NEXT_APP, BLOCKED, Some(BOILER), Some(since), since);
        fleet::add_known_device(&mut world, NEXT_APP, AWAITED, None, None, since);
        let app = world.apps.get_mut(NEXT_APP).expect("the app");
        app.devices.values_mut().for_each(|device: &mut AppDevice| device.enabled = false);
        world
    })
    .await;
    let journey = stage.ada.start(&wish()).await;
    stage.ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    for (id, row) in stage.ada.devices(&journey).await {
        let ended = (row["outcome"].as_str(), row["reason"].as_str());
        if [BLOCKED, AWAITED].contains(&id.as_str()) {
            assert_eq!(ended, ("skipped", "blocked or awaiting approval at the target"), "{row:?}");
            assert!(row["what_to_do"].contains("Unblock or approve it in the target application"), "{row:?}");
            assert!(was_left_alone(&stage.lab.device(&id)), "{id}");
            assert!(!stage.lab.known_at(NEXT_APP, &id).expect("it is there").enabled, "{id} was not touched");
        } else {
            assert!(ended.0 == "moved" && stage.lab.is_at_app(NEXT_APP, &id), "{row:?}");
        }
    }
}
