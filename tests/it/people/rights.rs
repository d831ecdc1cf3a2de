//! What each person sees and may do, and with whose rights a run goes on.

use iotc_migrator::sandbox::fleet::ADA;

use super::{PATIENCE, assert_all_by, calls_with_rights};
use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::moment;
use crate::support::person::Person;

const ADMINISTRATOR: &str = "Ask an administrator of the IoT Central application";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_uses_the_rights_of_who_started_it_whoever_clicks_around() {
    let lab = Lab::small(20, 6, 1).await;
    let program = lab.program().await;
    let (ada, bob) = (Person::new(&lab, &program), Person::new(&lab, &program));
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;
    let before_bob = lab.shared().log().last();

    let list = bob.sign_in_to("Bob", "/migrations").await;
    assert!(list.text().contains("Boilers to the hub") && list.text().contains("Ada Lovelace"), "{}", list.text());
    let page = bob.wait_for(&journey, "Waiting for 1 device", PATIENCE).await;
    assert_eq!(bob.devices(&journey).await.len(), 7);
    let events = bob.open(&format!("/migrations/{}/events", journey.id)).await;
    assert!(events.text().contains("Ada Lovelace started the migration"), "{}", events.text());
    let tried = lab.shared().log().last();
    let page = bob.press(&page, "Try again now").await;
    assert!(page.text().contains("Bob Bell asked for another try"), "{}", page.text());
    let started = std::time::Instant::now();
    while !calls_with_rights(&lab, tried).iter().any(|call| call.method == "POST" && call.path.contains("/commands/")) {
        assert!(started.elapsed() < PATIENCE, "no device was tried again");
        moment().await;
    }
    let page = bob.see(&journey).await;
    let page = bob.press(&page, "Stop migration").await;
    assert!(page.text().contains("Bob Bell stopped the migration"), "{}", page.text());

    let calls = calls_with_rights(&lab, before_bob);
    assert!(calls.iter().any(|call| !call.effects.is_empty()), "the run did something meanwhile");
    assert_all_by(&calls, ADA);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_role_in_the_application_cannot_list_its_groups_nor_start_a_draft_and_is_told_why() {
    let lab = Lab::small(20, 4, 0).await;
    let program = lab.program().await;
    let (ada, bob) = (Person::new(&lab, &program), Person::new(&lab, &program));
    ada.sign_in("Ada").await;
    let (draft, _) = ada.migrate(&Wish::default()).await;

    let page = bob.sign_in("Bob").await;
    let page = bob.choose(page, "IoT Central application", "Contoso fleet").await;
    let page = bob.until(page, |page| page.text().contains(ADMINISTRATOR)).await;
    assert!(page.text().contains(ADMINISTRATOR), "{}", page.text());
    assert_eq!(page.option("Device group", "Boilers"), None);

    let page = bob.open(&format!("/migrations/{}/keys", draft.id)).await;
    assert!(page.text().contains(ADMINISTRATOR), "{}", page.text());
    assert!(!page.can_press("Start migration"), "what cannot work is not offered");
    let form = page.form_with_button("Start migration").expect("a form");
    let refused = bob.submit(&page, form).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    assert!(text.contains("The migration was not started") && text.contains(ADMINISTRATOR), "{text}");
    let events = ada.open(&format!("/migrations/{}/events", draft.id)).await;
    assert!(!events.text().contains("started the migration"), "{}", events.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_are_named_with_role_and_scope_before_anything_is_made() {
    let lab = Lab::small(20, 4, 0).await;
    let program = lab.program().await;
    let carol = Person::new(&lab, &program);
    carol.sign_in("Carol").await;
    let (page, form) = carol.fill_in(&Wish::default()).await;
    let refused = carol.submit(&page, form).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let text = refused.text();
    for said in [
        "You may not read the access keys of the DPS (contoso-dps)",
        "the role Contributor on the DPS contoso-dps",
        "Microsoft.Devices/provisioningServices/listkeys/action",
        "You may not read the access keys of the hub (contoso-hub)",
        "the role Contributor on the hub contoso-hub",
        "Microsoft.Devices/iotHubs/listkeys/action",
        "Device connectivity management: read",
        "the IoT Central application Contoso fleet",
    ] {
        assert!(text.contains(said), "not said: {said}\n{text}");
    }
    let list = carol.open("/migrations").await;
    assert!(!list.text().contains("Boilers to the hub"), "{}", list.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_not_there_for_people_of_another_tenant() {
    let lab = Lab::small(20, 4, 1).await;
    let program = lab.program().await;
    let (ada, dan) = (Person::new(&lab, &program), Person::new(&lab, &program));
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;

    let list = dan.sign_in_to("Dan", "/migrations").await;
    assert!(!list.text().contains("Boilers"), "{}", list.text());
    for part in ["", "/live", "/events", "/devices.csv", "/keys", "/keys/count"] {
        let page = dan.open(&format!("/migrations/{}{part}", journey.id)).await;
        assert_eq!(page.status, 404, "{part}");
        assert!(!page.text().contains("Boilers") && !page.text().contains("Ada"), "{}", page.text());
    }
    let csrf = list.csrf();
    for action in ["stop", "finish-now", "try-again", "resume", "remove-identities", "keys", "start"] {
        let path = format!("/migrations/{}/{action}", journey.id);
        let status = dan.post(&path, &[], &[("_csrf", &csrf)]).await;
        assert_eq!(status, 404, "{action}");
    }
    ada.wait_for(&journey, "Waiting for 1 device", PATIENCE).await;
}
