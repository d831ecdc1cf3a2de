//! Somebody at the browser: opens pages, finds controls by role and name, reads.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use super::chromium::Chromium;
use crate::support::program::Program;

/// Notes violations of the content security policy from before a page's first byte.
const LISTENER: &str = "window.violations = []; addEventListener('securitypolicyviolation', \
    (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`), true);";

/// Real time within which anything that is to show up shows up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser at a program that runs with `--sandbox`.
pub struct Visit {
    pub browser: Chromium,
    pub program: Program,
    _data: TempDir,
}

impl Visit {
    /// Starts both; nothing where there is no browser.
    pub async fn begin(speed: u32) -> Option<Self> {
        let browser = Chromium::open().await?;
        let data = TempDir::new().expect("a directory");
        let port = Program::free_port();
        let environment = [("PORT".to_owned(), port.to_string())];
        let arguments = ["--sandbox", "--sandbox-speed", &speed.to_string()];
        let program = Program::start_with(data.path(), port, &environment, &arguments).await;
        let visit = Self { browser, program, _data: data };
        visit.listen().await;
        Some(visit)
    }

    /// Listens for policy violations in the window in front, from its next page on.
    pub async fn listen(&self) {
        self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": LISTENER })).await;
    }

    fn driver(&self) -> &WebDriver {
        &self.browser.driver
    }

    /// Opens a path of the program.
    pub async fn open(&self, path: &str) {
        self.driver().goto(self.program.url(path)).await.expect("a page");
    }

    /// Where the browser is.
    pub async fn path(&self) -> String {
        self.driver().current_url().await.expect("an address").path().to_owned()
    }

    /// The value of a script, which has the functions of `page.js`.
    pub async fn ask(&self, script: &str, arguments: Vec<Value>) -> Value {
        let script = format!("{}\n{script}", include_str!("page.js"));
        match self.driver().execute(script, arguments).await {
            Ok(answer) => answer.json().clone(),
            // The page was left while it was asked.
            Err(_) => Value::Null,
        }
    }

    /// The words that can be seen.
    pub async fn text(&self) -> String {
        self.ask("return document.body.innerText", vec![]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a script's value is true.
    pub async fn until(&self, script: &str, arguments: Vec<Value>) {
        let started = Instant::now();
        while self.ask(script, arguments.clone()).await != Value::Bool(true) {
            assert!(started.elapsed() < PATIENCE, "never: {script} {arguments:?}\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page has these words.
    pub async fn sees(&self, text: &str) {
        self.until("return document.body.innerText.includes(arguments[0])", vec![json!(text)]).await;
    }

    /// Waits until there is a control with this role and name that can be used.
    pub async fn has(&self, role: &str, name: &str) {
        let there = "const it = find(arguments[0], arguments[1]); return !!it && !it.disabled";
        self.until(there, vec![json!(role), json!(name)]).await;
    }

    /// Presses a button, or follows a link, as soon as it can be used.
    pub async fn press(&self, role: &str, name: &str) {
        let started = Instant::now();
        loop {
            self.has(role, name).await;
            match self.control(role, name).await {
                Some(control) => match control.click().await {
                    Ok(()) => return,
                    // It was replaced by its like between the look and the press.
                    Err(error) => assert!(started.elapsed() < PATIENCE, "{role} “{name}”: {error}"),
                },
                None => assert!(started.elapsed() < PATIENCE, "{role} “{name}” comes and goes"),
            }
        }
    }

    async fn control(&self, role: &str, name: &str) -> Option<WebElement> {
        let script = format!("{}\nreturn find(arguments[0], arguments[1])", include_str!("page.js"));
        let found = self.driver().execute(script, vec![json!(role), json!(name)]).await.ok()?;
        found.element().ok()
    }

    /// Types into a field.
    pub async fn fill(&self, role: &str, name: &str, text: &str) {
        self.has(role, name).await;
        let field = self.control(role, name).await.expect("a field");
        field.clear().await.expect("a field");
        field.send_keys(text).await.expect("a field");
    }

    /// Chooses an entry of a list, as soon as the list has it.
    pub async fn choose(&self, name: &str, entry: &str) {
        let script = "const list = find('combobox', arguments[0]);
            const entry = [...(list?.options ?? [])].find((option) => words(option.text) === arguments[1]);
            if (!entry) return false;
            list.focus();
            list.value = entry.value;
            list.dispatchEvent(new Event('change', { bubbles: true }));
            return true";
        self.until(script, vec![json!(name), json!(entry)]).await;
        self.settled().await;
    }

    /// Waits until no answer is awaited but those of the clock.
    pub async fn settled(&self) {
        self.until("return !document.querySelector('.htmx-request, .htmx-settling, .loading.now')", vec![]).await;
    }

    /// Light or dark, as the system would ask for it.
    pub async fn scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// The width of the window.
    pub async fn width(&self, pixels: u32) {
        let size = json!({ "width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Fails if this page broke its content security policy. Asked before a page is left.
    pub async fn keeps_its_policy(&self) {
        let violations = self.ask("return window.violations ?? []", vec![]).await;
        assert_eq!(violations, json!([]), "policy violations on {}", self.path().await);
    }

    /// Sign in as Ada, through the sandbox's sign-in page.
    pub async fn sign_in(&self) {
        self.open("/").await;
        self.press("link", "Sign in").await;
        self.press("button", "Ada Lovelace").await;
        self.has("button", "Sign out").await;
    }

    /// Fills in *New migration*, which is open.
    pub async fn fill_in(&self, name: &str, group: &str, template: &str) {
        self.fill("textbox", "Name", name).await;
        self.choose("IoT Central application", "Contoso fleet").await;
        self.choose("Device group", group).await;
        self.choose("Device template", template).await;
        self.choose("IoT DPS instance", "contoso-dps").await;
        self.choose("IoT hub", "contoso-hub").await;
    }

    /// Fails on console errors other than the given statuses that a test asked for itself; then ends the browser.
    pub async fn end_but(self, statuses: &[u16]) {
        self.keeps_its_policy().await;
        let log = self.driver().browser_log().await.expect("a console");
        let expected = |message: &str| statuses.iter().any(|status| message.contains(&format!("status of {status}")));
        let errors: Vec<String> = log
            .into_iter()
            .filter(|entry| entry.level != "INFO" && entry.level != "DEBUG" && !expected(&entry.message))
            .map(|entry| format!("{} {}", entry.level, entry.message))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        self.browser.driver.clone().quit().await.expect("it ends");
    }

    /// Fails on any console error; then ends the browser.
    pub async fn end(self) {
        self.end_but(&[]).await;
    }
}
