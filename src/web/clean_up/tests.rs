//! What the pages of clean-ups promise, over the whole router.

use axum::http::{StatusCode, header};
use time::Duration;

use crate::migration::clean_up::judge::Settled;
use crate::migration::clean_up::{CleanUpId, Fate, KeepReason};
use crate::migration::{Device, Fact, MigrationId, MigrationState};
use crate::store::enrollments;
use crate::web::fixture::{Browser, NOW, OTHER_TENANT, Pages, TENANT, text};

/// An ended migration: pump-001 and pump-002 have been at the target for two days, pump-003 for an hour.
async fn ended(pages: &Pages) -> MigrationId {
    let id = pages.running(TENANT, "Pumps").await;
    for (device, hours) in [("pump-001", 48), ("pump-002", 48), ("pump-003", 1)] {
        let proof = Fact { at: NOW - Duration::hours(hours), evidence: "the hub shows it connected".into() };
        let change = |row: &mut Device| row.facts.connected = Some(proof);
        pages.store.change_device(id, &device.into(), change).await.unwrap();
    }
    pages.set_state(id, &MigrationState::CompletedWithFailures).await;
    id
}

/// Sends the form as the page has it.
async fn ask(adele: &Browser<'_>, id: MigrationId, key: &str, fields: &[(&str, &str)]) -> (StatusCode, String, String) {
    let usual = [("request_key", key), ("soak", "24")];
    let fields: Vec<_> = usual.into_iter().chain(fields.iter().copied()).collect();
    let response = adele.post_fields(&format!("/migrations/{id}/clean-up"), &fields).await;
    let status = response.status();
    let location = response.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
    (status, location.unwrap_or_default(), text(response).await)
}

const ALL: [(&str, &str); 3] = [("which", "all"), ("number", "2"), ("name", "Pumps")];

async fn one_asked(pages: &Pages, adele: &Browser<'_>, id: MigrationId) -> CleanUpId {
    let (status, location, page) = ask(adele, id, "one", &ALL).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let run = location.rsplit('/').next().unwrap().parse().unwrap();
    assert!(pages.store.clean_up(run).await.unwrap().is_some());
    run
}

#[tokio::test]
async fn the_page_says_what_can_be_removed_and_when_the_rest_can() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let migration = adele.page(&format!("/migrations/{id}")).await;
    assert!(migration.contains(&format!("href=\"/migrations/{id}/clean-up\"")) && migration.contains("Clean up…"));
    let page = adele.page(&format!("/migrations/{id}/clean-up")).await;
    assert!(page.contains("<dt>Can be removed</dt><dd>2 devices</dd>"), "{page}");
    assert!(
        page.contains("<dt>There too recently</dt><dd>1, the last of them until") && page.contains("2026-11-23 13:05")
    );
    assert!(page.contains("<dt>Not moved</dt><dd>9</dd>"), "{page}");
    assert!(page.contains("ends fail back") && page.contains("Billing for them there ends with it"));
    let all = adele.page(&format!("/migrations/{id}/clean-up?soak=1")).await;
    assert!(all.contains("<dt>Can be removed</dt><dd>3 devices</dd>") && !all.contains("There too recently"));
    let wrong = adele.get(&format!("/migrations/{id}/clean-up?soak=0")).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(wrong).await.contains("Enter whole hours, from 1 to 720."));
}

#[tokio::test]
async fn nothing_is_removed_unless_number_and_name_are_typed_right() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    for (fields, words) in [
        ([("which", "all"), ("number", "3"), ("name", "Pumps")], "It is 2 devices now. Nothing was removed."),
        ([("which", "all"), ("number", ""), ("name", "Pumps")], "It is 2 devices now. Nothing was removed."),
        ([("which", "all"), ("number", "2"), ("name", "pumps")], "not the migration&#39;s name. Nothing was removed."),
        ([("which", ""), ("number", "2"), ("name", "Pumps")], "Choose which devices."),
        ([("which", "listed"), ("number", "0"), ("name", "Pumps")], "Enter the ids of devices, one a line."),
    ] {
        let (status, _, page) = ask(&adele, id, "one", &fields).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains(words) && page.contains("<title>Error: "), "{words}: {page}");
    }
    assert!(pages.store.clean_ups(id).await.unwrap().is_empty());
}

#[tokio::test]
async fn devices_that_do_not_qualify_are_named_and_nothing_is_begun() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let devices = "pump-001\r\npump-003\r\npump-004\r\nstranger";
    let (status, _, page) =
        ask(&adele, id, "one", &[("which", "listed"), ("devices", devices), ("number", "4"), ("name", "Pumps")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let words = "3 of these cannot be removed: pump-003 (proven at the target too recently), pump-004 (not moved), stranger (no device of this migration).";
    assert!(page.contains(words), "{page}");
    assert!(page.contains("pump-001\r\npump-003"), "what was entered is not lost");
    assert!(pages.store.clean_ups(id).await.unwrap().is_empty());
}

#[tokio::test]
async fn pressed_twice_or_by_two_people_it_is_begun_once() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let first = ask(&adele, id, "one", &ALL).await;
    let again = ask(&adele, id, "one", &ALL).await;
    let other = ask(&pages.browser(TENANT, "Bela").await, id, "two", &ALL).await;
    assert_eq!(first.0, StatusCode::SEE_OTHER);
    assert_eq!((&first.1, &first.1), (&again.1, &other.1));
    assert_eq!(pages.store.clean_ups(id).await.unwrap().len(), 1);
    let form = adele.page(&format!("/migrations/{id}/clean-up")).await;
    assert!(form.contains("A clean-up of this migration is at work.") && !form.contains("Remove devices</button>"));
}

#[tokio::test]
async fn another_tenant_sees_no_clean_up_and_a_forged_form_does_nothing() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let forged = adele.post(&format!("/migrations/{id}/clean-up"), "forged").await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let run = one_asked(&pages, &adele, id).await;
    let eve = pages.browser(OTHER_TENANT, "Eve").await;
    assert_eq!(ask(&eve, id, "two", &ALL).await.0, StatusCode::NOT_FOUND);
    for path in ["", "/live", "/devices.csv"] {
        assert_eq!(eve.get(&format!("/migrations/{id}/clean-ups/{run}{path}")).await.status(), StatusCode::NOT_FOUND);
    }
    let elsewhere = ended_elsewhere(&pages).await;
    let stop = |of: MigrationId| format!("/migrations/{of}/clean-ups/{run}/stop");
    assert_eq!(adele.post(&stop(elsewhere), &adele.csrf).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(adele.post(&stop(id), "forged").await.status(), StatusCode::FORBIDDEN);
    assert!(pages.store.clean_up(run).await.unwrap().unwrap().state.is_active());
}

async fn ended_elsewhere(pages: &Pages) -> MigrationId {
    let id = pages.draft(TENANT, "Other").await;
    pages.set_state(id, &MigrationState::Completed).await;
    id
}

#[tokio::test]
async fn a_clean_up_says_what_became_of_each_device() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let run = one_asked(&pages, &adele, id).await;
    let path = format!("/migrations/{id}/clean-ups/{run}");
    let live = adele.get(&format!("{path}/live")).await;
    let tag = live.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert!(pages.store.start_removal(run, &"pump-001".into(), "the hub heard of it", NOW).await.unwrap());
    let removed = Settled { fate: Fate::Removed, detail: None };
    pages.store.settle_removal(run, &"pump-001".into(), &removed, NOW).await.unwrap();
    let kept = Settled::kept_because(KeepReason::Silent, "contoso-hub heard of it last at noon");
    pages.store.settle_removal(run, &"pump-002".into(), &kept, NOW).await.unwrap();
    assert_eq!(adele.get_having(&format!("{path}/live"), Some(&tag)).await.status(), StatusCode::OK);
    let page = adele.page(&path).await;
    assert!(page.contains("1 removed, 1 kept of 2 devices from Contoso pumps."), "{page}");
    assert!(
        page.contains("Silent at the target: contoso-hub heard of it last at noon")
            && page.contains("the hub heard of it")
    );
    assert!(page.contains("data-live") && page.contains("Stop clean-up"));
    let kept = adele.page(&format!("{path}?state=kept")).await;
    assert!(kept.contains("id=\"removal-pump-002\"") && !kept.contains("id=\"removal-pump-001\""));
    let csv = adele.page(&format!("{path}/devices.csv")).await;
    assert!(csv.contains("pump-001,removed,,,,2026-11-22T14:05:00Z,the hub heard of it"), "{csv}");
    let migration = adele.page(&format!("/migrations/{id}")).await;
    assert!(migration.contains("removed from its source") && migration.contains("1 removed, 1 kept"), "{migration}");
}

#[tokio::test]
async fn a_stopped_clean_up_keeps_the_rest_and_can_be_followed_by_another() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let run = one_asked(&pages, &adele, id).await;
    let stop = format!("/migrations/{id}/clean-ups/{run}/stop");
    for _ in 0..2 {
        assert_eq!(adele.post(&stop, &adele.csrf).await.status(), StatusCode::SEE_OTHER);
    }
    let page = adele.page(&format!("/migrations/{id}/clean-ups/{run}")).await;
    assert!(page.contains("2 kept of 2 devices") && page.contains("2 clean-up stopped") && !page.contains("data-live"));
    let (status, location, _) = ask(&adele, id, "two", &ALL).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(!location.ends_with(&run.to_string()));
}

#[tokio::test]
async fn a_group_that_may_be_needed_is_said_to_stay() {
    let pages = Pages::open().await;
    let id = ended(&pages).await;
    let mut tx = pages.store.begin_write().await.unwrap();
    enrollments::record(&mut tx, id, &"one".into(), &"iotc-one".into(), true, true, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page(&format!("/migrations/{id}/clean-up")).await;
    assert!(page.contains("Stays: 5 devices that were told may have come by it."), "{page}");
    assert!(!page.contains("Remove groups</button>"));
    let path = format!("/migrations/{id}/clean-up/groups");
    let answer = adele.post_fields(&path, &[("groups", "1"), ("group_name", "Pumps")]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let page = adele.page(&format!("/migrations/{id}/clean-up")).await;
    assert!(page.contains("No enrollment group made for this migration can be removed."), "{page}");
}
