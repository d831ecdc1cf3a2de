//! What the page of a migration says before its start and after its end.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::migration::MigrationState;
use crate::migration::model::{Step, StepState};
use crate::store::enrollments;
use crate::web::fixture::{NOW, OTHER_TENANT, Pages, TENANT, text};

#[tokio::test]
async fn an_end_with_failures_says_why_and_leads_to_a_form_for_the_rest() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page(&format!("/migrations/{id}")).await;
    assert!(page.contains("1 not seen at the target</a> (possibly lost)") && !page.contains("Migrate the rest"));
    assert!(page.find("1 not seen at the target").unwrap() < page.find("1 refused").unwrap());
    pages.set_state(id, &MigrationState::CompletedWithFailures).await;
    let page = adele.page(&format!("/migrations/{id}")).await;
    let form = page.split("Migrate the rest").next().unwrap().rsplit("href=\"").next().unwrap();
    assert!(form.starts_with("/?name=Pumps%2C+the+rest&#38;mode=central_to_hub"), "{form}");
    assert!(form.contains("group=group-1") && form.contains("hub=contoso-hub.azure-devices.net"), "{form}");
    assert!(!form.contains("canary"), "{form}");
    let lost = adele.page(&format!("/migrations/{id}?outcome=failed&reason=not_seen")).await;
    assert!(lost.contains("id=\"device-pump-005\"") && !lost.contains("id=\"device-pump-004\""));
    assert!(lost.contains("aria-current=\"true\">Failed: not seen at the target <span class=\"muted\">1</span>"));
    assert!(lost.contains("name=\"reason\" value=\"not_seen\"") && lost.contains("reason=not_seen\" download"));
}

#[tokio::test]
async fn keys_and_identities_are_told_in_the_future_before_the_start_and_as_done_after() {
    let pages = Pages::open().await;
    let draft = pages.draft(TENANT, "Draft").await;
    let id = pages.running(TENANT, "Pumps").await;
    let mut tx = pages.store.begin_write().await.unwrap();
    enrollments::record(&mut tx, id, &"one".into(), &"dps-one".into(), false, true, NOW).await.unwrap();
    enrollments::record(&mut tx, id, &"two".into(), &"dps-two".into(), true, true, NOW).await.unwrap();
    tx.commit().await.unwrap();
    pages.store.set_step(id, Step::Register, StepState::NotNeeded, None, NOW).await.unwrap();
    let adele = pages.browser(TENANT, "Adele").await;
    let before = adele.page(&format!("/migrations/{draft}")).await;
    assert!(before.contains("Will be compared with the DPS at the start") && before.contains("Will be made ahead if"));
    let after = adele.page(&format!("/migrations/{id}")).await;
    assert!(after.contains("1 group found in the DPS, 1 created") && after.contains("Made by DPS as each device"));
}

#[tokio::test]
async fn the_tab_says_the_state_first_and_times_to_come_how_far_off_they_are() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let page = adele.page(&format!("/migrations/{id}")).await;
    let live = adele.page(&format!("/migrations/{id}/live")).await;
    for html in [&page, &live] {
        assert!(html.contains("<title>Running · Pumps · IoTC Migrator</title>"));
        assert!(html.contains("(in about 5 min)") && html.contains("(in about 10 min)"), "{html}");
    }
}

#[tokio::test]
async fn a_discarded_draft_is_gone_and_a_started_migration_cannot_be_discarded() {
    let pages = Pages::open().await;
    let draft = pages.draft(TENANT, "Draft").await;
    let started = pages.running(TENANT, "Pumps").await;
    let discard = |id| format!("/migrations/{id}/discard");
    let stranger = pages.browser(OTHER_TENANT, "Eve").await;
    assert_eq!(stranger.post(&discard(draft), &stranger.csrf).await.status(), StatusCode::NOT_FOUND);
    let adele = pages.browser(TENANT, "Adele").await;
    assert_eq!(adele.post(&discard(draft), "forged").await.status(), StatusCode::FORBIDDEN);
    let page = adele.page(&format!("/migrations/{draft}")).await;
    assert!(page.contains("Discard draft") && page.contains("Change the choices"));
    for id in [draft, started] {
        assert_eq!(adele.post(&discard(id), &adele.csrf).await.status(), StatusCode::SEE_OTHER);
    }
    assert_eq!(pages.store.migration(draft).await.unwrap(), None);
    assert!(pages.store.events(draft, None, 9).await.unwrap().is_empty());
    assert_eq!(pages.store.migration(started).await.unwrap().unwrap().state, MigrationState::Running);
    let list = adele.page("/migrations").await;
    assert!(list.contains("The draft “Draft” is discarded. Nothing was done in Azure."));
    assert!(!list.contains(">Draft</a>") && list.contains(">Pumps</a>"));
}

#[tokio::test]
async fn who_signs_out_while_a_migration_runs_is_told_that_it_goes_on() {
    let pages = Pages::open().await;
    pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    let answer = adele.post("/sign-out", &adele.csrf).await;
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_ne!(cookie, adele.cookie);
    let home = Request::get("/").header(header::HOST, "localhost:3000").header(header::COOKIE, cookie);
    let page = text(pages.ask(home.body(Body::empty()).unwrap()).await).await;
    assert!(page.contains("You are signed out. “Pumps” goes on with your rights"), "{page}");
    assert!(page.contains("To end that, sign in and stop it.") && page.contains("href=\"/sign-in\""));
}

#[tokio::test]
async fn an_error_shows_who_is_signed_in_and_a_stale_form_leads_back() {
    let pages = Pages::open().await;
    let id = pages.running(TENANT, "Pumps").await;
    let adele = pages.browser(TENANT, "Adele").await;
    for path in ["/nowhere", "/migrations/none"] {
        let page = text(adele.get(path).await).await;
        assert!(page.contains("Account: Adele") && page.contains(TENANT) && page.contains("Sign out"), "{path}");
    }
    let nobody = Request::get("/nowhere").header(header::HOST, "localhost:3000").body(Body::empty()).unwrap();
    let page = text(pages.ask(nobody).await).await;
    assert!(page.contains("href=\"/sign-in\"") && !page.contains("Sign out"));
    let stale = |referer: &str| {
        Request::post(format!("/migrations/{id}/stop"))
            .header(header::HOST, "localhost:3000")
            .header(header::ORIGIN, "http://localhost:3000")
            .header(header::REFERER, referer)
            .header(header::COOKIE, &adele.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("_csrf=old"))
            .unwrap()
    };
    let ours = text(pages.ask(stale(&format!("http://localhost:3000/migrations/{id}?q=x"))).await).await;
    assert!(ours.contains(&format!("href=\"/migrations/{id}?q=x\">Back to the form</a>")), "{ours}");
    let foreign = text(pages.ask(stale("http://evil.example/migrations")).await).await;
    assert!(foreign.contains("This form is out of date") && !foreign.contains("Back to the form"));
}
