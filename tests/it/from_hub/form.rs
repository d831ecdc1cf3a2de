//! *New migration* for hubs: what is offered, what is refused, what is said before anything happens.

use iotc_migrator::sandbox::fleet::{self, BASIC, PLANT, PLANT_DPS, PLANT_TWO, SHARED};

use super::stage::NEXT;
use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;

/// The form filled in as wished, as it stands before *Migrate*.
async fn form_of(ada: &Person, wish: &Wish) -> Page {
    ada.fill_in(wish).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_says_what_stands_in_the_way_of_each_hub_and_what_is_left_out() {
    let (_lab, _program, ada) = Lab::with_ada(20, fleet::hub_to_central_world).await;
    let page = form_of(&ada, &Wish::from_hubs(Some("contoso-basic-dps"), &[BASIC], NEXT, None)).await;
    assert!(page.text().contains("it has no direct methods to tell devices by"), "{}", page.text());
    let page = form_of(&ada, &Wish::from_hubs(Some("contoso-east-dps"), &[SHARED], NEXT, None)).await;
    assert!(page.text().contains("is linked to the DPS contoso-west-dps too"), "{}", page.text());
    let page = form_of(&ada, &Wish::from_hubs(Some(PLANT_DPS), &[PLANT], NEXT, None)).await;
    let words = page.text();
    assert!(words.contains(&format!("{PLANT_TWO} is not chosen")), "{words}");
    assert!(words.contains("1 disabled") && words.contains("At most 200 devices a minute"), "{words}");
    for of_another_mode in ["Device group", "Carry over names and properties", "Tell devices without a template too"] {
        assert_eq!(page.name_of(of_another_mode), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_cannot_go_first_is_refused_with_the_reason() {
    let (_lab, _program, ada) = Lab::with_ada(20, fleet::hub_to_central_world).await;
    for (canary, why) in [
        ("meter-0019", "is an IoT Edge device"),
        ("meter-0020", "is disabled in contoso-plant"),
        ("meter-0021", "has never connected to contoso-plant"),
        ("Meter-0001", "There is no device Meter-0001 in contoso-plant"),
    ] {
        let wish = Wish::from_hubs(Some(PLANT_DPS), &[PLANT], NEXT, None).canary(canary);
        let (page, form) = ada.fill_in(&wish).await;
        let refused = ada.submit(&page, form).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(why), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_chosen_comes_back_with_change_and_starts_only_with_keys() {
    let (lab, _program, ada) = Lab::with_ada(20, fleet::hub_to_central_world).await;
    let wish = Wish::from_hubs(None, &[PLANT, PLANT_TWO], NEXT, None).with("Seconds to answer", "45");
    let (_, page) = ada.migrate(&wish).await;
    assert!(!page.can_press("Start migration") && page.text().contains("paste the keys"), "{}", page.text());
    let effects = lab.shared().log().effects().len();
    let forged = ada.submit(&page, page.form_with_button("Start migration").expect("a form")).await;
    assert_eq!(forged.status, 422);
    assert!(forged.text().contains("Paste the keys of their enrollment group"), "{}", forged.text());
    assert_eq!(lab.shared().log().effects().len(), effects);
    let form = ada.open(&page.link("Change the choices").expect("a way back")).await;
    let chosen = form.form_with_button("Migrate").expect("a form");
    let hubs = chosen.fields.iter().filter(|(name, _)| name == "source_hub").count();
    assert_eq!((chosen.get("source_dps"), hubs, chosen.get("response_seconds")), (Some("none"), 2, Some("45")));
}
