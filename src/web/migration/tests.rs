//! What the page of a migration promises, over the whole router.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::action::Action;
use crate::migration::{MigrationState, Pause, PauseReason};
use crate::store::events::EventKind;
use crate::web::fixture::{NOW, OTHER_TENANT, Pages, TENANT, text};

/// The numbers of the filter links, *All* first.
fn filter_counts(page: &str) -> Vec<u64> {
    let tabs = page.split("class=\"tabs\"").nth(1).unwrap().split("</ul>").next().unwrap();
    tabs.split("<span class=\"muted\">").skip(1).map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect()
}

/// The device ids of the table.
fn device_ids(page: &str) -> Vec<String> {
    page.split("<tr role=\"row\" id=\"device-").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_counts_add_up_to_the_total_and_leave_out_what_is_no_part() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let page = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}")).await;
    let counts = filter_counts(&page);
    assert_eq!(counts[0], 12);
    assert_eq!(counts[1..].iter().sum::<u64>(), 12);
    assert!(page.contains("12 in all"), "{page}");
    assert!(page.contains(
        "4 other devices of the application are outside the group or have another template; 2 have no template"
    ));
}

#[tokio::test]
async fn a_filter_shows_the_devices_that_its_link_counts() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    for (outcome, ids) in [
        // The one that may be lost first.
        ("failed", &["pump-005", "pump-004"][..]),
        ("waiting", &["pump-006", "pump-007"]),
        ("on_the_way", &["pump-008"]),
        ("pending", &["pump-009"]),
        ("skipped", &["pump-010", "pump-011"]),
        ("already", &["pump-012"]),
        ("moved", &["pump-001", "pump-002", "pump-003"]),
        ("went_back", &[]),
    ] {
        let page = adele.page(&format!("/migrations/{id}?outcome={outcome}")).await;
        assert_eq!(device_ids(&page), ids, "{outcome}");
    }
    let page = adele.page(&format!("/migrations/{id}?outcome=failed&q=005")).await;
    assert_eq!(device_ids(&page), ["pump-005"]);
    assert_eq!(filter_counts(&page)[..2], [1, 1]);
    assert!(page.contains("hx-get=\"/migrations/") && page.contains("/live?outcome=failed&#38;q=005\""), "{page}");
}

#[tokio::test]
async fn a_poll_of_what_has_not_changed_is_answered_without_a_body() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let live = format!("/migrations/{id}/live?outcome=failed");
    let first = adele.get(&live).await;
    assert_eq!(first.status(), StatusCode::OK);
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    let again = adele.get_having(&live, Some(&tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(text(again).await.is_empty());
    pages.store.note(id, NOW, EventKind::Device, "pump-008 moved.").await.unwrap();
    let changed = adele.get_having(&live, Some(&tag)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(text(changed).await.contains("pump-008 moved."));
}

#[tokio::test]
async fn the_live_part_leaves_the_search_box_alone_and_stops_at_the_end() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let live = adele.page(&format!("/migrations/{id}/live")).await;
    assert!(live.contains("hx-trigger=\"every 2s") && !live.contains("type=\"search\""), "{live}");
    for part in ["steps-live", "plan-live", "history-live", "devices-live", "events-live"] {
        assert!(live.contains(&format!("id=\"{part}\"")), "{part}");
    }
    assert_eq!(live.matches("hx-swap-oob=\"morph\"").count(), 5);
    pages.set_state(id, &MigrationState::CompletedWithFailures).await;
    let live = adele.page(&format!("/migrations/{id}/live")).await;
    assert!(!live.contains("hx-trigger") && live.contains("Completed with failures"), "{live}");
}

#[tokio::test]
async fn a_migration_of_another_tenant_is_not_there() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let stranger = pages.browser(OTHER_TENANT, "Eve").await;
    for path in ["", "/live", "/events", "/devices.csv"] {
        let answer = stranger.get(&format!("/migrations/{id}{path}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!text(answer).await.contains("pump"), "{path}");
    }
    let answer = stranger.post(&format!("/migrations/{id}/stop"), &stranger.csrf).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(pages.store.migration(id).await.unwrap().unwrap().state, MigrationState::Running);
    assert_eq!(stranger.get("/migrations/not-an-id").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_sees_anything_without_signing_in() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let request = Request::get(format!("/migrations/{id}?outcome=failed")).header(header::HOST, "localhost:3000");
    let answer = pages.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(answer.headers()[header::LOCATION].to_str().unwrap().contains("%2Fmigrations%2F"));
}

#[tokio::test]
async fn a_forged_action_is_refused_and_a_double_click_acts_once() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let finish = format!("/migrations/{id}/finish-now");
    for token in ["", "forged", &pages.browser(TENANT, "Ben").await.csrf] {
        assert_eq!(adele.post(&finish, token).await.status(), StatusCode::FORBIDDEN, "{token}");
    }
    assert_eq!(pages.store.counts(id).await.unwrap().waiting, 2);
    for _ in 0..2 {
        let answer = adele.post(&finish, &adele.csrf).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()[header::LOCATION], *format!("/migrations/{id}"));
    }
    let counts = pages.store.counts(id).await.unwrap();
    assert_eq!((counts.waiting, counts.failed), (0, 4));
    let page = adele.page(&format!("/migrations/{id}")).await;
    assert!(page.contains("The waiting devices are recorded as failed."));
    assert!(page.contains("No device is waited for."));
    assert_eq!(page.matches("Adele finished the migration").count(), 1);
}

#[tokio::test]
async fn an_action_reached_by_its_address_leads_to_the_page_and_does_nothing() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    for action in Action::ALL {
        let answer = adele.get(&format!("/migrations/{id}/{}", action.stored())).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    let untouched = pages.store.migration(id).await.unwrap().unwrap();
    assert_eq!(untouched.state, MigrationState::Running);
    assert_eq!(pages.store.counts(id).await.unwrap().waiting, 2);
}

#[tokio::test]
async fn finish_now_says_how_many_devices_it_would_fail_and_is_there_only_for_waiting_ones() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page(&format!("/migrations/{id}")).await;
    assert!(page.contains("2 waiting devices will be recorded as failed: offline."));
    assert!(page.contains("Try again now") && page.contains("Stop migration") && !page.contains(">Resume<"));
    pages.set_state(id, &MigrationState::Stopped).await;
    let page = adele.page(&format!("/migrations/{id}")).await;
    assert!(!page.contains("Finish now") && !page.contains("Stop migration"));
}

#[tokio::test]
async fn a_pause_for_a_sign_in_offers_it_to_the_person_whose_rights_are_used() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let pause = Pause {
        reason: PauseReason::SignIn,
        detail: "Adele must sign in again.".into(),
        remedy: "It goes on by itself then.".into(),
    };
    pages.set_state(id, &MigrationState::Paused(pause)).await;
    let own = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}")).await;
    assert!(own.contains("Sign in again") && own.contains("It goes on by itself then."));
    let others = pages.browser(TENANT, "Ben").await.page(&format!("/migrations/{id}")).await;
    assert!(!others.contains("Sign in again") && others.contains("the sign-in of Adele"));
}

#[tokio::test]
async fn a_pause_for_keys_leads_to_the_dps_and_a_pause_without_a_canary_to_resume() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    for (reason, leads) in [(PauseReason::Keys, true), (PauseReason::NoCanary, false)] {
        let pause = Pause { reason, detail: "It stands still.".into(), remedy: "Do something.".into() };
        pages.set_state(id, &MigrationState::Paused(pause)).await;
        let page = adele.page(&format!("/migrations/{id}")).await;
        assert_eq!(page.contains("Open the DPS in the portal"), leads, "{reason:?}");
        assert!(page.contains("It stands still.") && page.contains(">Resume<"), "{reason:?}");
    }
    adele.post(&format!("/migrations/{id}/resume"), &adele.csrf).await;
    assert_eq!(pages.store.migration(id).await.unwrap().unwrap().state, MigrationState::Running);
}

#[tokio::test]
async fn the_csv_has_a_row_for_every_device_of_the_filter_and_no_formulas() {
    use crate::migration::Outcome;
    use crate::migration::device::CommandState;
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    pages.device(id, "=cmd|' /C calc'!A1", Outcome::Pending, CommandState::None, None).await;
    let adele = pages.browser(TENANT, "Adele").await;
    let answer = adele.get(&format!("/migrations/{id}/devices.csv")).await;
    assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"pumps-devices.csv\"");
    let all = text(answer).await;
    let mut reader = csv::Reader::from_reader(all.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 13);
    assert!(all.contains("'=cmd|' /C calc'!A1") && !all.contains("\n=cmd"));
    let failed = text(adele.get(&format!("/migrations/{id}/devices.csv?outcome=failed")).await).await;
    assert_eq!(failed.lines().count(), 3);
    assert!(
        failed.contains("pump-004") && failed.contains("\"The device answered 403: \"\"not now\"\".\""),
        "{failed}"
    );
}

#[tokio::test]
async fn a_csv_longer_than_one_piece_is_whole() {
    let pages = Pages::open().await;
    let id = pages.draft(TENANT, "Many").await;
    let mut tx = pages.store.begin_write().await.unwrap();
    for number in 0..1_000 {
        let found = crate::store::devices::Found {
            id: format!("d{number:04}").into(),
            display_name: None,
            organizations: Vec::new(),
            unassigned: false,
            outcome: crate::migration::Outcome::Pending,
            joined_later: false,
        };
        crate::store::devices::insert(&mut tx, id, "contoso", &found).await.unwrap();
    }
    tx.commit().await.unwrap();
    let adele = pages.browser(TENANT, "Adele").await;
    let all = text(adele.get(&format!("/migrations/{id}/devices.csv")).await).await;
    assert_eq!(all.lines().count(), 1_001);
    let page = adele.page(&format!("/migrations/{id}?page=20")).await;
    assert_eq!(device_ids(&page).len(), 50);
    assert!(page.contains("951 to 1000 of 1000") && page.contains("page=19") && !page.contains("page=21"));
}

#[tokio::test]
async fn what_others_wrote_is_shown_and_not_run() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "<script>alert(1)</script>").await;
    pages.store.note(id, NOW, EventKind::Device, "<img src=x onerror=alert(1)>").await.unwrap();
    let page = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}?q=%22%3E%3Cb%3E")).await;
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x") && !page.contains("\"><b>"), "{page}");
}

#[tokio::test]
async fn older_events_are_a_page_away() {
    let pages = Pages::open().await;
    let id = pages.draft(TENANT, "Pumps").await;
    for number in 0..30 {
        pages.store.note(id, NOW, EventKind::Device, &format!("happening {number:02}")).await.unwrap();
    }
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page(&format!("/migrations/{id}")).await;
    assert!(page.contains("happening 29") && !page.contains("happening 05"));
    let older = page.split("/events?before=").nth(1).unwrap().split('"').next().unwrap();
    let page = adele.page(&format!("/migrations/{id}/events?before={older}")).await;
    assert!(
        page.contains("happening 05")
            && page.contains("Adele created the migration.")
            && !page.contains("happening 29")
    );
}
