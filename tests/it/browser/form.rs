//! *New migration* under the fingers: what is loaded when, what is said at once, what stays.

use serde_json::{Value, json};
use thirtyfour::{Key, TypingData};

use super::visit::Visit;

#[tokio::test(flavor = "multi_thread")]
async fn the_form_chooses_nothing_by_itself_but_the_mode_all_at_once_and_a_short_wait_in_the_sandbox() {
    let Some(visit) = Visit::begin(10).await else { return };
    visit.sign_in().await;
    let values = "return [...document.querySelectorAll('main select')].map((list) => list.value)";
    assert_eq!(visit.ask(values, vec![]).await, json!(["", "", "", "", "", "", "", ""]));
    let checked = "return [...document.querySelectorAll('main :checked:not(option)')].map(nameOf)";
    assert_eq!(visit.ask(checked, vec![]).await, json!(["IoT Central → IoT Hub", "Move all the others at once"]));
    let minutes = "return find('spinbutton', 'Give up on a device that does not turn up after (minutes)').value";
    assert_eq!(visit.ask(minutes, vec![]).await, json!("1"));
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_load_what_follows_from_them_say_what_is_wrong_at_once_and_keep_what_was_typed() {
    let Some(visit) = Visit::begin(10).await else { return };
    visit.sign_in().await;
    visit.fill("textbox", "Name", "Half a na").await;
    visit.choose("IoT Central application", "Contoso fleet").await;
    let entries = "return [...find('combobox', arguments[0]).options].map((option) => option.text)";
    let groups = visit.ask(entries, vec![json!("Device group")]).await;
    assert!(groups.as_array().is_some_and(|all| all.contains(&json!("Boilers - all"))), "{groups}");
    visit.choose("Device template", "Thermometer").await;
    visit.sees("It does not carry the command DeviceMove").await;
    visit.choose("Device template", "Valve").await;
    visit.sees("marked “Queue if offline”").await;
    visit.sees("Something stands in the way").await;
    visit.choose("Device template", "Boiler").await;
    visit.sees("It carries DeviceMove").await;
    let kept = "return [find('textbox', 'Name').value, find('combobox', 'Device template').selectedOptions[0].text]";
    assert_eq!(visit.ask(kept, vec![]).await, json!(["Half a na", "Boiler"]));
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_takes_the_keyboard_to_what_is_wrong_and_keeps_what_was_entered() {
    let Some(visit) = Visit::begin(10).await else { return };
    visit.sign_in().await;
    visit.fill("textbox", "Name", "Boilers").await;
    visit.choose("IoT Central application", "Contoso fleet").await;
    visit.press("button", "Migrate").await;
    visit.sees("The migration was not made").await;
    visit.until("return document.activeElement.id === 'mistakes'", vec![]).await;
    visit.press("link", "Device group").await;
    visit.until("return document.activeElement === find('combobox', 'Device group')", vec![]).await;
    assert_eq!(visit.ask("return find('textbox', 'Name').value", vec![]).await, json!("Boilers"));
    visit.end_but(&[422]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough_to_fill_in_and_send_the_form_and_no_swap_takes_its_place_away() {
    let Some(visit) = Visit::begin(10).await else { return };
    visit.sign_in().await;
    let keys = Keyboard(&visit);
    keys.tab_to("textbox", "Name").await;
    keys.send("Pumps by keyboard").await;
    for (list, entry) in [
        ("IoT Central application", "Contoso fleet"),
        ("Device group", "Pumps - all"),
        ("Device template", "Pump"),
        ("IoT DPS instance", "contoso-dps"),
        ("IoT hub", "contoso-hub"),
    ] {
        keys.tab_to("combobox", list).await;
        keys.arrow_to(list, entry).await;
    }
    visit.has("button", "Migrate").await;
    visit.settled().await;
    keys.tab_to("button", "Migrate").await;
    keys.send(Key::Enter).await;
    visit.sees("Add the device keys to DPS").await;
    visit.settled().await;
    keys.tab_to("radio", "Create the enrollment groups for me").await;
    keys.send(Key::Down).await;
    visit.sees("Copy both keys").await;
    visit.settled().await;
    visit.until("return document.activeElement === find('radio', 'I add them in the portal myself')", vec![]).await;
    keys.send(Key::Up).await;
    visit.settled().await;
    visit.has("button", "Start migration").await;
    keys.tab_to("button", "Start migration").await;
    keys.send(Key::Enter).await;
    visit.sees("Running").await;
    keys.tab_to("button", "Stop…").await;
    visit.until("return /[1-9]\\d* moved/.test(document.body.innerText)", vec![]).await;
    assert_eq!(visit.ask("return document.activeElement.id", vec![]).await, json!("stop"));
    visit.end().await;
}

/// Somebody without a mouse.
struct Keyboard<'a>(&'a Visit);

impl Keyboard<'_> {
    async fn send(&self, keys: impl Into<TypingData>) {
        let chain = self.0.browser.driver.action_chain().send_keys(keys);
        chain.perform().await.expect("keys");
    }

    /// Presses Tab until the control has the keyboard; every stop on the way must show that it has it.
    async fn tab_to(&self, role: &str, name: &str) {
        let here = "return document.activeElement === find(arguments[0], arguments[1])";
        for _ in 0..60 {
            if self.0.ask(here, vec![json!(role), json!(name)]).await == Value::Bool(true) {
                return;
            }
            self.send(Key::Tab).await;
            let visible = "const at = document.activeElement;
                return at === document.body || at.matches(':focus-visible') && getComputedStyle(at).outlineStyle !== 'none'";
            assert_eq!(self.0.ask(visible, vec![]).await, Value::Bool(true), "a focus that cannot be seen");
        }
        panic!("Tab does not lead to the {role} “{name}”:\n{}", self.0.text().await);
    }

    /// Presses the arrow until the list shows the entry; the list keeps the keyboard while the page loads what follows.
    async fn arrow_to(&self, list: &str, entry: &str) {
        let offered =
            "return [...find('combobox', arguments[0]).options].some((option) => words(option.text) === arguments[1])";
        self.0.until(offered, vec![json!(list), json!(entry)]).await;
        let chosen = "const list = find('combobox', arguments[0]);
            return [words(list.selectedOptions[0].text), document.activeElement === list]";
        for _ in 0..12 {
            let state = self.0.ask(chosen, vec![json!(list)]).await;
            assert_eq!(state[1], Value::Bool(true), "{list} lost the keyboard");
            if state[0] == json!(entry) {
                return;
            }
            self.send(Key::Down).await;
            self.0.settled().await;
        }
        panic!("no {entry} in {list}");
    }
}
