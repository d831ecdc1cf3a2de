//! What everybody needs of every page: names, headings, landmarks, contrast, targets, and no sideways scrolling.

use serde_json::{Value, json};

use super::visit::Visit;

/// Roles that a person acts on, which must have a name.
const ACTED_ON: [&str; 10] = [
    "button",
    "link",
    "textbox",
    "searchbox",
    "spinbutton",
    "combobox",
    "radio",
    "checkbox",
    "DisclosureTriangle",
    "region",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_read_and_used_in_light_and_dark_wide_and_narrow() {
    let Some(visit) = Visit::begin(20).await else { return };
    let mut found = Vec::new();
    for path in ["/", "/setup", "/about", "/nowhere"] {
        visit.open(path).await;
        found.extend(examine(&visit, path).await);
    }
    visit.sign_in().await;
    found.extend(examine(&visit, "the empty form").await);
    visit.open("/migrations").await;
    found.extend(examine(&visit, "the empty list").await);
    visit.open("/").await;
    visit.fill_in("Boilers to the hub", "Boilers - all", "Valve").await;
    visit.sees("Must be solved first").await;
    found.extend(examine(&visit, "the form with findings").await);
    visit.choose("Device template", "Boiler").await;
    visit.press("button", "Migrate").await;
    visit.sees("Add the device keys to DPS").await;
    found.extend(examine(&visit, "the keys page").await);
    visit.press("radio", "I add them in the portal myself").await;
    visit.sees("Copy both keys").await;
    visit.settled().await;
    found.extend(examine(&visit, "the keys to be copied").await);
    visit.press("radio", "Create the enrollment groups for me").await;
    visit.press("button", "Start migration").await;
    visit.sees("on the way").await;
    found.extend(examine(&visit, "a running migration").await);
    visit.sees("Waiting for 12 devices").await;
    visit.ask("document.querySelectorAll('main details').forEach((it) => (it.open = true))", vec![]).await;
    found.extend(examine(&visit, "a waiting migration").await);
    visit.press("button", "Finish now").await;
    visit.sees("Completed with failures").await;
    visit.press("link", "Clean up…").await;
    visit.sees("Enrollment groups made in contoso-dps").await;
    found.extend(examine(&visit, "the page to clean up on").await);
    visit.open("/migrations").await;
    visit.sees("Boilers to the hub").await;
    found.extend(examine(&visit, "the list").await);
    visit.open("/").await;
    visit.fill("textbox", "Name", "Meters").await;
    visit.press("radio", "IoT Hub → IoT Central").await;
    visit.choose("IoT DPS instance", "None: hubs without a DPS").await;
    visit.press("checkbox", "contoso-meters").await;
    visit.choose("IoT Central application", "Contoso next").await;
    visit.sees("18 devices in contoso-meters").await;
    visit.settled().await;
    found.extend(examine(&visit, "the form for hubs").await);
    visit.press("button", "Migrate").await;
    visit.sees("Paste the keys of an enrollment group").await;
    found.extend(examine(&visit, "the page to paste keys on").await);
    assert!(found.is_empty(), "{found:#?}");
    visit.end_but(&[404]).await;
}

/// What a picky reader objects to on the page that is open.
async fn examine(visit: &Visit, page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (scheme, width) in [("light", 1280), ("light", 400), ("dark", 400), ("dark", 1280)] {
        visit.scheme(scheme).await;
        visit.width(width).await;
        let objections = visit.ask("return objections()", vec![]).await;
        let objections = objections.as_array().expect("objections").iter();
        found.extend(objections.map(|objection| format!("{page}, {scheme}, {width} wide: {objection}")));
    }
    visit.scheme("light").await;
    visit.keeps_its_policy().await;
    found.extend(nameless(visit).await.into_iter().map(|node| format!("{page}: without a name: {node}")));
    found
}

/// What the accessibility tree, as the browser hands it to a screen reader, has no name for.
async fn nameless(visit: &Visit) -> Vec<String> {
    let tree = visit.browser.devtools("Accessibility.getFullAXTree", json!({})).await;
    let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
    assert!(nodes.len() > 10, "a tree: {tree}");
    let text = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or_default().trim().to_owned();
    nodes
        .iter()
        .filter(|node| node["ignored"] != Value::Bool(true))
        .filter(|node| ACTED_ON.contains(&text(node, "role").as_str()) && text(node, "name").is_empty())
        .map(|node| node.to_string())
        .collect()
}
