//! A fail back takes devices back to where they came from, whichever way they had gone, and says what is proven of it.

use iotc_migrator::sandbox::device::{Kind, Place};
use iotc_migrator::sandbox::fleet::{MAIN_APP, NEXT_APP};

use super::{PATIENCE, turn_into};
use crate::between::stage as apps;
use crate::from_hub::stage as hubs;
use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::truth::HUB;

/// The outcomes of a migration's devices, by id.
async fn outcomes(ada: &Person, journey: &Journey) -> Vec<(String, String)> {
    ada.devices(journey).await.into_iter().map(|(id, row)| (id, row["outcome"].clone())).collect()
}

fn all(ids: &[&str], outcome: &str) -> Vec<(String, String)> {
    ids.iter().map(|id| ((*id).to_owned(), outcome.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_a_hub_go_back_to_their_application_chosen_ones_first() {
    let (lab, _program, ada) =
        Lab::with_ada(30, |clock| iotc_migrator::sandbox::fleet::simple_world(clock, 5, "S2", 10)).await;
    let first = ada.start(&Wish::default()).await;
    ada.wait_for_state(&first, "Completed", PATIENCE).await;
    // What is no moved device of this migration cannot be sent back by it.
    let page = ada.see(&first).await;
    let form =
        page.form_with_button("Make the fail back").expect("the button").set("devices", "boiler-0001\nboiler-9999");
    let page = ada.submit(&page, form).await;
    assert!(page.text().contains("or were removed from their source: boiler-9999"), "{}", page.text());

    let chosen = ["boiler-0002", "boiler-0004"];
    let back = ada.fail_back(&first, &chosen).await;
    let page = ada.wait_for_state(&back, "Completed", PATIENCE).await;
    assert!(page.texts(".state").concat().contains("2 returned"), "{}", page.text());
    assert_eq!(outcomes(&ada, &back).await, all(&chosen, "returned"));
    let mut told: Vec<_> = lab
        .devices("boiler-")
        .into_iter()
        .filter(|device| device.times_commanded() == 2)
        .map(|device| device.id)
        .collect();
    told.sort();
    assert_eq!(told, chosen, "nobody else was told");
    for device in lab.devices("boiler-") {
        let is_back = chosen.contains(&device.id.as_str());
        assert_eq!(
            (lab.is_at_app(MAIN_APP, &device.id), lab.is_at_hub(HUB, &device.id)),
            (is_back, !is_back),
            "{}",
            device.id
        );
    }
    let page = ada.see(&first).await;
    assert!(page.texts(".state").concat().contains("3 moved, 2 returned"), "{}", page.text());

    // The rest, of which one cannot be reached, and one does not obey: they are named, and stay where they are.
    lab.set_online("boiler-0003", false);
    turn_into(&lab, "boiler-0005", Kind::Refuses);
    let back = ada.fail_back(&first, &[]).await;
    let page = ada.wait_for_state(&back, "Waiting for 1 device", PATIENCE).await;
    ada.press(&page, "Finish now").await;
    ada.wait_for_state(&back, "Completed with failures", PATIENCE).await;
    let rows = ada.devices(&back).await;
    let ends: Vec<_> =
        rows.iter().map(|(id, row)| (id.as_str(), row["outcome"].as_str(), row["reason"].as_str())).collect();
    assert_eq!(
        ends,
        [("boiler-0001", "returned", ""), ("boiler-0003", "failed", "offline"), ("boiler-0005", "failed", "refused")]
    );
    let page = ada.see(&first).await;
    assert!(page.texts(".state").concat().contains("2 moved, 3 returned"), "{}", page.text());

    // Once mended they go back by another one, and the first migration hears of it.
    lab.set_online("boiler-0003", true);
    turn_into(&lab, "boiler-0005", Kind::Normal);
    let draft = ada.press(&ada.see(&back).await, "Rerun 2 failed devices").await;
    let rest = ada.start_draft(&draft).await;
    ada.wait_for_state(&rest, "Completed", PATIENCE).await;
    assert_eq!(outcomes(&ada, &rest).await, all(&["boiler-0003", "boiler-0005"], "returned"));
    assert!(outcomes(&ada, &first).await.iter().all(|(_, outcome)| outcome == "returned"));

    // Those that went back can be moved again.
    let again = ada.start(&Wish { name: "Once more".into(), ..Wish::default() }).await;
    ada.wait_for_state(&again, "Completed", PATIENCE).await;
    let ended = outcomes(&ada, &again).await;
    assert_eq!(ended.iter().filter(|(_, outcome)| outcome == "moved").count(), 5, "{ended:?}");
    for (id, _) in ended {
        assert!(lab.is_at_hub(HUB, &id), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_an_application_go_back_to_the_one_they_came_from() {
    let stage = apps::Stage::of(30, |clock| apps::two_apps(clock, 4)).await;
    let first = stage.ada.start(&apps::wish()).await;
    stage.all_moved(&first, 4).await;
    let back = stage.ada.fail_back(&first, &[]).await;
    stage.ada.wait_for_state(&back, "Completed", PATIENCE).await;
    for (id, outcome) in outcomes(&stage.ada, &back).await {
        assert_eq!((outcome.as_str(), stage.lab.is_at_app(MAIN_APP, &id)), ("returned", true), "{id}");
    }
    assert!(outcomes(&stage.ada, &first).await.iter().all(|(_, outcome)| outcome == "returned"));
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_an_application_go_back_to_the_hub_they_came_from() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| hubs::meters(clock, 4)).await;
    let first = ada.start(&hubs::wish()).await;
    ada.wait_for_state(&first, "Completed", PATIENCE).await;
    assert!(lab.devices("meter-").iter().all(|device| lab.is_at_app(NEXT_APP, &device.id)));
    let back = ada.fail_back(&first, &[]).await;
    ada.wait_for_state(&back, "Completed", PATIENCE).await;
    let devices = lab.devices("meter-");
    assert_eq!(outcomes(&ada, &back).await.len(), devices.len());
    for device in devices {
        assert_eq!(device.place, Place::Hub { host: hubs::PLANT_HOST.into() }, "{}", device.id);
    }
    assert!(outcomes(&ada, &first).await.iter().all(|(_, outcome)| outcome == "returned"));
}
