//! Keys that a person pastes, because no service shows them.

use iotc_migrator::sandbox::fleet::{self, LOOSE, NEXT_APP};
use iotc_migrator::sandbox::log::Service;

use super::stage::{GIVE_UP, NEXT, PATIENCE, is_method};
use crate::support::journey::{Journey, Wish};
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;
use crate::support::truth::was_left_alone;

fn wish() -> Wish {
    Wish::from_hubs(None, &[LOOSE], NEXT, Some("Meter")).with(GIVE_UP, "2")
}

async fn paste(ada: &Person, page: &Page, (primary, secondary): (&str, &str)) -> Page {
    let form = page.form_with_button("Add keys").unwrap_or_else(|| panic!("no form:\n{}", page.text()));
    let name = |label: &str| page.name_of(label).unwrap_or_else(|| panic!("no {label}:\n{}", page.text()));
    let form = form.set(&name("Primary key"), primary).set(&name("Secondary key"), secondary);
    ada.submit(page, form).await
}

async fn rows_of_pasted_keys(lab: &Lab) -> Vec<Vec<u8>> {
    let file = lab.data.path().join("migrator.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("the database");
    sqlx::query_scalar("select keys from pasted_keys").fetch_all(&pool).await.expect("rows")
}

async fn on_the_keys_page(ada: &Person) -> (Journey, Page) {
    ada.migrate(&wish()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_right_keys_devices_of_a_hub_without_a_dps_move_and_the_keys_are_erased() {
    let (lab, _program, ada) = Lab::with_ada(30, fleet::hub_to_central_world).await;
    let (primary, secondary) = fleet::loose_keys();
    let (journey, page) = on_the_keys_page(&ada).await;
    let refused = ada.press(&page, "Start migration").await;
    assert!(refused.text().to_lowercase().contains("paste"), "{}", refused.text());
    let page = paste(&ada, &page, (&primary, &secondary)).await;
    assert!(page.text().contains("3 of the 3 devices looked at"), "{}", page.text());
    assert!(!page.html.contains(&secondary) || page.can_press("Erase"), "a key is not filled in again");
    let sealed = rows_of_pasted_keys(&lab).await;
    let clear = |bytes: &Vec<u8>| bytes.windows(8).any(|part| part == &primary.as_bytes()[..8]);
    assert!(sealed.len() == 1 && !sealed.iter().any(clear), "they are kept sealed");
    ada.press(&page, "Start migration").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    for (id, row) in ada.devices(&journey).await {
        assert!(row["outcome"] == "moved" && lab.is_at_app(NEXT_APP, &id), "{row:?}");
    }
    assert!(rows_of_pasted_keys(&lab).await.is_empty(), "they are erased at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_none_are_refused_and_wrong_ones_are_found_out_before_any_device_is_told() {
    let (lab, _program, ada) = Lab::with_ada(30, fleet::hub_to_central_world).await;
    let (primary, _) = fleet::loose_keys();
    let (journey, page) = on_the_keys_page(&ada).await;
    let refused = paste(&ada, &page, (&primary, "not base64!")).await;
    assert!(refused.text().contains("The secondary key is not a key"), "{}", refused.text());
    assert!(rows_of_pasted_keys(&lab).await.is_empty());
    let wrong = (fleet::key("one"), fleet::key("two"));
    let page = paste(&ada, &refused, (&wrong.0, &wrong.1)).await;
    assert!(page.text().contains("None of the 3 devices looked at"), "{}", page.text());
    ada.press(&page, "Start migration").await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    for (id, row) in ada.devices(&journey).await {
        assert_eq!(row["reason"], "key of no known enrollment", "{row:?}");
        assert!(was_left_alone(&lab.device(&id)), "{id}");
    }
    assert_eq!(lab.calls_to(Service::Hub).iter().filter(|call| is_method(call)).count(), 0);
}
