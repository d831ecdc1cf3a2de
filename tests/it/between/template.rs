//! The template that devices get at the target: what becomes of them where it cannot be assigned.

use axum::http::StatusCode;
use iotc_migrator::sandbox::faults::{Action, Rule, Seen, When};
use iotc_migrator::sandbox::fleet::{NEXT_APP, PUMP};

use super::stage::{GIVE_UP, NEXT, NEXT_HOST, Stage, two_apps};
use crate::support::journey::Wish;
use crate::support::truth::was_left_alone;

fn wish() -> Wish {
    Wish::into_app(NEXT, Some("Pump")).with(GIVE_UP, "2")
}

/// Somebody deletes the chosen template at the target.
fn delete_template(stage: &Stage) {
    stage.lab.shared().world(|world| {
        let templates = &mut world.apps.get_mut(NEXT_APP).expect("the app").templates;
        templates.retain(|template| template["@id"] != PUMP);
    });
}

fn changes(seen: &Seen<'_>, id: &str) -> bool {
    seen.host == NEXT_HOST && seen.method.as_str() == "PATCH" && seen.path == format!("/api/devices/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_gone_at_the_start_is_noticed() {
    let stage = Stage::of(20, |clock| two_apps(clock, 2)).await;
    let (journey, page) = stage.ada.migrate(&wish()).await;
    delete_template(&stage);
    let page = stage.ada.press(&page, "Start migration").await;
    assert!(page.text().contains("Contoso next no longer has the template Pump."), "{}", page.text());
    assert!(stage.ada.see(&journey).await.text().contains("Not started"));
    assert!(stage.lab.devices("boiler-").iter().all(was_left_alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_whose_template_is_refused_count_as_moved_and_their_rows_say_so() {
    let stage = Stage::of(30, |clock| two_apps(clock, 3)).await;
    let command = |seen: &Seen<'_>| seen.path.contains("/commands/");
    let hold = Action::Hold { when: When::After };
    let held = stage.lab.shared().faults().add(Rule::new(hold, command).times(1));
    let journey = stage.ada.start(&wish()).await;
    held.reached().await;
    delete_template(&stage);
    held.release();
    stage.all_moved(&journey, 3).await;
    for row in stage.ada.devices(&journey).await.values() {
        assert!(row["detail"].contains("the template Pump could not be assigned"), "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_in_trouble_for_a_while_gives_every_device_its_template_in_the_end() {
    let stage = Stage::of(40, |clock| two_apps(clock, 3)).await;
    let trouble = Action::status(StatusCode::SERVICE_UNAVAILABLE);
    stage.lab.shared().faults().add(Rule::new(trouble, |seen| changes(seen, "boiler-0002")).times(6));
    let journey = stage.ada.start(&wish()).await;
    stage.all_moved(&journey, 3).await;
    for device in stage.lab.devices("boiler-") {
        let template = stage.lab.known_at(NEXT_APP, &device.id).expect("it is there").template;
        assert_eq!(template.as_deref(), Some(PUMP), "{}", device.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_never_gets_its_template_has_moved_all_the_same() {
    let stage = Stage::of(60, |clock| two_apps(clock, 4)).await;
    let trouble = Action::status(StatusCode::SERVICE_UNAVAILABLE);
    stage.lab.shared().faults().add(Rule::new(trouble, |seen| changes(seen, "boiler-0003")));
    let journey = stage.ada.start(&wish().canary("boiler-0001")).await;
    stage.all_moved(&journey, 4).await;
    let row = &stage.ada.devices(&journey).await["boiler-0003"];
    assert!(row["detail"].contains("the template Pump could not be assigned"), "{row:?}");
}
