//! The form: each fault is shown where it happened, nothing that was entered is lost, and *Try again* works.

use std::time::Instant;

use iotc_migrator::sandbox::faults::Action;

use super::calls::{CENTRAL_GROUPS, DEVICES, Kind, MEMBERS, Wall, html, status};
use super::world::{Case, PATIENCE, Way, a_moment};
use crate::support::journey::Wish;
use crate::support::page::Page;

const fn kind(service: &'static str, method: &'static str, path: &'static str) -> [Kind; 1] {
    [Kind { service, method, path }]
}

static GROUPS: [Kind; 1] = kind("central", "GET", "api/deviceGroups");
static TEMPLATES: [Kind; 1] = kind("central", "GET", "api/deviceTemplates");
static COUNT: [Kind; 1] = [MEMBERS];
static EVERYBODY: [Kind; 1] = [DEVICES];
static KEYS: [Kind; 1] = [CENTRAL_GROUPS];
static JOBS: [Kind; 1] = kind("central", "GET", "api/jobs");
static DPS: [Kind; 1] = kind("arm", "GET", "**/provisioningServices/*");
static HUB: [Kind; 1] = kind("arm", "GET", "**/IotHubs/*");
static LIST_KEYS: [Kind; 1] = kind("arm", "POST", "**/listkeys");
static APPS: [Kind; 1] = kind("arm", "GET", "**/Microsoft.IoTCentral/iotApps");
static ALL_LISTS: [Kind; 2] = [
    Kind { service: "arm", method: "GET", path: "subscriptions" },
    Kind { service: "arm", method: "POST", path: "**/Microsoft.ResourceGraph/resources" },
];

/// Presses, and looks again while Azure is read, until the page is as wanted.
async fn press_until(case: &Case, mut page: Page, button: &str, good: impl Fn(&Page) -> bool) -> Page {
    let (began, mut looks) = (Instant::now(), 0);
    loop {
        if good(&page) {
            return page;
        }
        assert!(began.elapsed() < PATIENCE, "pressing {button} does not help:\n{}\n{}", page.text(), case.tail());
        let first = looks % 30 == 0 && page.form_with_button(button).is_some();
        page = case.ada.press(&page, if first { button } else { "Load" }).await;
        looks += 1;
        a_moment().await;
    }
}

fn entered(page: &Page) -> Vec<(String, String)> {
    let mut fields = page.form_with_button("Migrate").expect("the form").fields;
    fields.sort();
    fields
}

/// What the page says where something could not be read.
fn has_trouble(page: &Page) -> bool {
    let text = page.text();
    [
        "could not be read",
        "lists are not complete",
        "could not be checked",
        "could not be counted",
        "Could not",
        "You may not",
    ]
    .iter()
    .any(|words| text.contains(words))
}

fn chosen(page: &Page) -> Vec<(String, String)> {
    let mut fields = entered(page);
    fields.retain(|(name, _)| {
        ["name", "minutes", "application", "group", "template", "dps", "hub"].contains(&name.as_str())
    });
    fields
}

/// A fault at these calls, seen and ended in the form.
async fn fails_and_recovers(case: &Case, page: Page, kinds: &'static [Kind], action: Action) -> Page {
    let before = chosen(&page);
    let wall = Wall::default();
    case.lab.shared().faults().add(wall.rule(kinds, action));
    let page = press_until(case, page, "Reload", |page| has_trouble(page) && page.can_press("Try again")).await;
    assert_eq!(chosen(&page), before, "{kinds:?}:\n{}", page.text());
    // Lists that are not complete are no reason against what was chosen from them, nor is a group that is not counted.
    let page = if kinds == APPS || kinds == COUNT {
        page
    } else {
        let refused = case.ada.press(&page, "Migrate").await;
        assert_eq!(refused.status, 422, "{kinds:?}:\n{}", refused.text());
        assert_eq!(chosen(&refused), before, "{kinds:?}:\n{}", refused.text());
        assert!(has_trouble(&refused), "{kinds:?}:\n{}", refused.text());
        refused
    };
    wall.take_down();
    let page = press_until(case, page, "Try again", |page| !has_trouble(page)).await;
    assert_eq!(chosen(&page), before, "after the fault at {kinds:?}");
    page
}

async fn each_fault_in_the_form(kinds: &[&'static [Kind]], actions: &[Action]) {
    let case = Case::new(Way::Job).await;
    let (page, form) = case.ada.fill_in(&Wish::default().with("Name", "Ünïque & <name>")).await;
    let load = page.form_with_button("Load").expect("a form");
    let load = form.fields.iter().fold(load, |load, (name, value)| load.set(name, value));
    let mut page = case.ada.submit(&page, load).await;
    page = press_until(&case, page, "Load", |page| page.can_press("Migrate")).await;
    for kinds in kinds {
        for action in actions {
            page = fails_and_recovers(&case, page, kinds, action.clone()).await;
        }
    }
    let page = case.ada.press(&page, "Migrate").await;
    assert!(page.url.ends_with("/keys"), "{}:\n{}", page.url, page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_application_are_shown_in_the_form_and_end_with_try_again() {
    each_fault_in_the_form(&[&GROUPS, &TEMPLATES, &COUNT, &EVERYBODY, &KEYS, &JOBS], &[status(403), Action::Html])
        .await;
    each_fault_in_the_form(&[&GROUPS], &[html(404), status(500), Action::Truncate]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_arm_are_shown_in_the_form_and_end_with_try_again() {
    let actions = [status(403), Action::Html, status(404)];
    each_fault_in_the_form(&[&DPS, &HUB, &LIST_KEYS], &actions).await;
    each_fault_in_the_form(&[&ALL_LISTS, &APPS], &[status(403), status(500), Action::Truncate]).await;
}
