use axum::http::StatusCode;

use super::*;
use crate::store::pasted_keys;
use crate::web::fixture::{Pages, TENANT, text};

/// A key as somebody might copy it, with something missing.
const BROKEN: &str = "c2hvcnQ=";
const KEY: &str = "cGFzdGVkLXByaW1hcnkta2V5LXBhc3RlZC1wcmltYXJ5";

fn pasted(looked_at: usize, matching: usize) -> Flash {
    found(&Pasted { group: "pasted-1".into(), looked_at, matching })
}

#[test]
fn what_trying_the_keys_came_to_is_said_with_what_follows() {
    let some = pasted(10, 7);
    assert_eq!(
        (some.kind, some.what.as_str()),
        (Kind::Success, "7 of the 10 devices looked at have keys derived from these.")
    );
    assert!(some.remedy.is_empty());
    for (looked_at, what) in [
        (10, "None of the 10 devices looked at has keys derived from these."),
        (1, "The one device looked at has no keys derived from these."),
        (0, "No device with symmetric keys was found to try them on."),
    ] {
        let none = pasted(looked_at, 0);
        assert_eq!(none.kind, Kind::Warning);
        assert!(none.what.contains(what), "{}", none.what);
        assert_eq!(none.remedy, "Check them: devices whose keys do not match are skipped, not told.");
    }
}

#[tokio::test]
async fn a_mistake_is_said_at_its_field_and_nothing_pasted_comes_back() {
    let pages = Pages::open().await;
    let id = pages.hub_draft(TENANT, "Meters").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let paste = format!("/migrations/{id}/keys/paste");
    for (primary, secondary, field) in [(BROKEN, KEY, "primary"), (KEY, BROKEN, "secondary")] {
        let answer = adele.post_fields(&paste, &[("primary", primary), ("secondary", secondary)]).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = text(answer).await;
        assert!(page.contains(&format!("id=\"paste-{field}-error\"")), "{page}");
        assert!(page.contains(&format!("The {field} key is not a key")), "{page}");
        assert!(!page.contains(BROKEN) && !page.contains(KEY), "a key came back");
    }
    assert_eq!(pages.store.pasted_keys(id).await.unwrap(), []);
}

#[tokio::test]
async fn keys_that_cannot_be_tried_are_not_kept_and_stay_out_of_the_session() {
    let pages = Pages::open().await;
    let id = pages.hub_draft(TENANT, "Meters").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let answer =
        adele.post_fields(&format!("/migrations/{id}/keys/paste"), &[("primary", KEY), ("secondary", KEY)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let page = adele.page(&format!("/migrations/{id}/keys")).await;
    assert!(page.contains("The keys could not be tried, so they were not kept."), "{page}");
    assert!(!page.contains(KEY));
    assert_eq!(pages.store.pasted_keys(id).await.unwrap(), []);
}

#[tokio::test]
async fn pasted_keys_are_listed_by_name_and_erased_once() {
    let pages = Pages::open().await;
    let id = pages.hub_draft(TENANT, "Meters").await;
    let mut tx = pages.store.begin_write().await.unwrap();
    pasted_keys::keep(&mut tx, id, &"pasted-0a1b2c3d".into(), format!("{KEY}\n{KEY}").as_bytes()).await.unwrap();
    tx.commit().await.unwrap();
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page(&format!("/migrations/{id}/keys")).await;
    assert!(page.contains("value=\"pasted-0a1b2c3d\"") && page.contains("Erase"), "{page}");
    assert!(!page.contains(KEY), "a key is shown");
    let erase = format!("/migrations/{id}/keys/erase");
    for words in ["The keys pasted-0a1b2c3d are erased.", "These keys are erased already."] {
        let answer = adele.post_fields(&erase, &[("group", "pasted-0a1b2c3d")]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert!(adele.page(&format!("/migrations/{id}/keys")).await.contains(words));
    }
    assert_eq!(pages.store.pasted_keys(id).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_is_pasted_by_a_forged_form_or_for_an_application() {
    let pages = Pages::open().await;
    let (hub, app) = (pages.hub_draft(TENANT, "Meters").await, pages.draft(TENANT, "Pumps").await);
    let adele = pages.browser(TENANT, "Adele").await;
    let forged = adele.post(&format!("/migrations/{hub}/keys/paste"), "forged").await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let keys = [("primary", KEY), ("secondary", KEY)];
    let answer = adele.post_fields(&format!("/migrations/{app}/keys/paste"), &keys).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let page = adele.page(&format!("/migrations/{app}/keys")).await;
    assert!(page.contains("An application shows its keys itself") && !page.contains("Add keys"), "{page}");
}
