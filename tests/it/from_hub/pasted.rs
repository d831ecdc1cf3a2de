//! Keys that a person pastes, because no service shows them.

use iotc_migrator::sandbox::fleet::{self, LOOSE};
use iotc_migrator::sandbox::log::Service;

use super::stage::{GIVE_UP, NEXT, PATIENCE, is_method, was_never_told};
use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;

fn wish() -> Wish {
    Wish::from_hubs(None, &[LOOSE], NEXT, Some("Meter")).with(GIVE_UP, "2")
}

async fn paste(ada: &Person, page: &Page, (primary, secondary): (&str, &str)) -> Page {
    let form = page.form_with_button("Add keys").unwrap_or_else(|| panic!("no form:\n{}", page.text()));
    let name = |label: &str| page.name_of(label).unwrap_or_else(|| panic!("no {label}:\n{}", page.text()));
    let form = form.set(&name("Primary key"), primary).set(&name("Secondary key"), secondary);
    ada.submit(page, form).await
}

async fn on_the_keys_page(ada: &Person) -> (Journey, Page) {
    ada.migrate(&wish()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_none_are_refused_and_wrong_ones_are_found_out_before_any_device_is_told() {
    let (lab, _program, ada) = Lab::with_ada(30, fleet::hub_to_central_world).await;
    let (primary, _) = fleet::loose_keys();
    let (journey, page) = on_the_keys_page(&ada).await;
    let refused = paste(&ada, &page, (&primary, "not base64!")).await;
    assert!(refused.text().contains("The secondary key is not a key"), "{}", refused.text());
    assert!(refused.texts(".pasted li").is_empty(), "nothing is kept");
    let wrong = (fleet::key("one"), fleet::key("two"));
    let page = paste(&ada, &refused, (&wrong.0, &wrong.1)).await;
    assert!(page.text().contains("None of the 3 devices looked at"), "{}", page.text());
    ada.press(&page, "Start migration").await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    for (id, row) in ada.devices(&journey).await {
        assert_eq!(row["reason"], "key of no known enrollment", "{row:?}");
        assert!(was_never_told(&lab.device(&id)), "{id}");
    }
    assert_eq!(lab.calls_to(Service::Hub).iter().filter(|call| is_method(call)).count(), 0);
}
