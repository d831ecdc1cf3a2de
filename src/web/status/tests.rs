//! What the list of migrations promises, over the whole router.

use axum::http::{StatusCode, header};

use crate::migration::MigrationState;
use crate::web::fixture::{OTHER_TENANT, Pages, TENANT, text};

#[tokio::test]
async fn an_empty_list_keeps_its_header_and_offers_one_action() {
    let pages = Pages::open().await;
    pages.running(OTHER_TENANT, "Theirs").await;
    let page = pages.browser(TENANT, "Adele").await.page("/migrations").await;
    assert!(page.contains("No migrations to display") && page.contains("scope=\"col\">State</th>"));
    assert!(!page.contains("Theirs"));
    let table = page.split("<tbody role=\"rowgroup\">").nth(1).unwrap().split("</tbody>").next().unwrap();
    assert_eq!(table.matches("<a ").count(), 1);
}

#[tokio::test]
async fn the_newest_comes_first_and_a_draft_leads_to_its_keys() {
    let pages = Pages::open().await;
    let older = pages.running(TENANT, "Older").await;
    let draft = pages.draft(TENANT, "Newer").await;
    let page = pages.browser(TENANT, "Ben").await.page("/migrations").await;
    let (first, second) = (page.find("Newer").unwrap(), page.find("Older").unwrap());
    assert!(first < second);
    assert!(page.contains(&format!("href=\"/migrations/{older}\"")));
    assert!(page.contains(&format!("href=\"/migrations/{draft}/keys\"")));
    assert!(page.contains("3 moved") && page.contains("12 in all"));
}

#[tokio::test]
async fn a_poll_of_the_list_is_answered_anew_only_after_a_change() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let first = adele.get("/migrations/live?page=1").await;
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(adele.get_having("/migrations/live?page=1", Some(&tag)).await.status(), StatusCode::NOT_MODIFIED);
    pages.set_state(id, &MigrationState::Stopped).await;
    let changed = adele.get_having("/migrations/live?page=1", Some(&tag)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(text(changed).await.contains("Stopped"));
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let pages = Pages::open().await;
    for number in 0..21 {
        pages.draft(TENANT, &format!("Migration {number:02}")).await;
    }
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page("/migrations").await;
    assert!(page.contains("1 to 20 of 21") && page.contains("href=\"/migrations?page=2\""));
    let page = adele.page("/migrations?page=999").await;
    assert_eq!(page.matches("<tr role=\"row\" id=\"migration-").count(), 1);
}
