//! The whole way with a mouse, and many tabs at once.

use std::time::Duration;

use serde_json::{Value, json};

use super::visit::Visit;

/// A mark that a reload would wipe out.
const MARK: &str = "window.mark = true; return true";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_moves_a_fleet_from_sign_in_to_the_end_and_watches_it_live() {
    let Some(visit) = Visit::begin(20).await else { return };
    visit.sign_in().await;
    visit.fill_in("Boilers to the hub", "Boilers - all", "Boiler").await;
    visit.sees("194 devices match").await;
    visit.sees("after each device has moved: about 1 min more for 194 devices").await;
    visit.press("button", "Migrate").await;
    visit.sees("Add the device keys to DPS").await;
    visit.keeps_its_policy().await;
    visit.press("button", "Start migration").await;
    visit.sees("Running").await;
    assert_eq!(visit.ask(MARK, vec![]).await, Value::Bool(true));
    visit.until("return /[1-9]\\d* of 188 moved/.test(document.body.innerText)", vec![]).await;
    visit.sees("Waiting for 12 devices").await;
    assert_eq!(visit.ask("return window.mark === true", vec![]).await, Value::Bool(true), "the page was reloaded");
    visit.keeps_its_policy().await;
    visit.press("button", "Finish now").await;
    visit.sees("Completed with failures").await;
    visit.sees("166 moved, 22 failed, 6 skipped").await;
    visit.press("link", "Migration status").await;
    visit.has("link", "Boilers to the hub").await;
    visit.press("button", "Sign out").await;
    visit.has("link", "Sign in").await;
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_tabs_on_a_running_migration_stay_live_and_a_form_in_an_eleventh_still_posts() {
    let Some(visit) = Visit::begin(20).await else { return };
    visit.sign_in().await;
    visit.fill_in("Boilers to the hub", "Boilers - all", "Boiler").await;
    visit.press("button", "Migrate").await;
    visit.press("button", "Start migration").await;
    visit.sees("Running").await;
    let path = visit.path().await;
    let driver = &visit.browser.driver;
    let mut windows = vec![driver.window().await.expect("a window")];
    visit.ask(MARK, vec![]).await;
    while windows.len() < 10 {
        // Windows of their own: tabs behind another are hidden, and hidden pages rest.
        let window = driver.new_window().await.expect("a window");
        driver.switch_to_window(window.clone()).await.expect("a window");
        visit.listen().await;
        visit.open(&path).await;
        visit.ask(MARK, vec![]).await;
        windows.push(window);
    }
    let eleventh = driver.new_window().await.expect("a window");
    driver.switch_to_window(eleventh).await.expect("a window");
    visit.open("/").await;
    visit.fill_in("Pumps to the hub", "Pumps - all", "Pump").await;
    let posted = tokio::time::timeout(Duration::from_secs(20), async {
        visit.press("button", "Migrate").await;
        visit.sees("Add the device keys to DPS").await;
    });
    posted.await.expect("the form is sent although ten pages ask for news");
    for window in windows {
        driver.switch_to_window(window).await.expect("a window");
        visit.sees("Waiting for 12 devices").await;
        assert_eq!(visit.ask("return window.mark === true", vec![]).await, json!(true), "a page was reloaded");
        visit.keeps_its_policy().await;
    }
    visit.end().await;
}
