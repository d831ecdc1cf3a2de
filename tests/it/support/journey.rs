//! The way through the pages: fill in the form, hand over the keys, start, wait for the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::page::{Form, Page};
use super::person::Person;

/// What a person chooses in *New migration*, by the words on the page.
#[derive(Debug, Clone)]
pub struct Wish {
    pub name: String,
    pub app: String,
    pub group: String,
    pub template: String,
    /// Hubs that they come from; then application, group and template do not count.
    pub hubs: Option<Hubs>,
    pub onto: Onto,
    /// More fields, by label.
    pub more: Vec<(String, String)>,
}

/// Hubs that devices come from, by the words on the page.
#[derive(Debug, Clone)]
pub struct Hubs {
    /// None: the entry for hubs without a DPS.
    pub dps: Option<String>,
    pub hubs: Vec<String>,
}

/// Where the devices are to go, by the words on the page.
#[derive(Debug, Clone)]
pub enum Onto {
    Hub {
        dps: String,
        hub: String,
    },
    App {
        app: String,
        /// What devices are assigned to there; none: nothing is chosen.
        template: Option<String>,
    },
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            name: "Boilers to the hub".into(),
            app: "Contoso fleet".into(),
            group: "Boilers - all".into(),
            template: "Boiler".into(),
            hubs: None,
            onto: Onto::Hub { dps: "contoso-dps".into(), hub: "contoso-hub".into() },
            more: vec![("Give up on a device that does not turn up after (minutes)".into(), "2".into())],
        }
    }
}

impl Wish {
    /// The clean group of 40.
    pub fn pumps() -> Self {
        Self {
            group: "Pumps - all".into(),
            template: "Pump".into(),
            name: "Pumps to the hub".into(),
            ..Self::default()
        }
    }

    /// The boilers, onto the small hub that shows throttling.
    pub fn onto_the_small_hub() -> Self {
        let onto = Onto::Hub { dps: "contoso-dps".into(), hub: "contoso-hub-small".into() };
        Self { onto, ..Self::default() }
    }

    /// The boilers, into another application, where they get this template.
    pub fn into_app(app: &str, template: Option<&str>) -> Self {
        let onto = Onto::App { app: app.into(), template: template.map(str::to_owned) };
        let wish = Self { name: "Boilers to another application".into(), onto, ..Self::default() };
        // So that a device that is changed there is changed by what a test is about.
        wish.with("Carry over names and properties", "nothing")
    }

    /// The devices of hubs, into an application, where they get this template.
    pub fn from_hubs(dps: Option<&str>, hubs: &[&str], app: &str, template: Option<&str>) -> Self {
        let hubs = hubs.iter().map(|hub| (*hub).to_owned()).collect();
        let onto = Onto::App { app: app.into(), template: template.map(str::to_owned) };
        let hubs = Some(Hubs { dps: dps.map(str::to_owned), hubs });
        Self { name: "Meters to an application".into(), hubs, onto, ..Self::default() }
    }

    /// With this device moved and proven first.
    pub fn canary(self, id: &str) -> Self {
        self.with("Canary device", id)
    }

    pub fn with(mut self, label: &str, value: &str) -> Self {
        self.more.retain(|(known, _)| known != label);
        self.more.push((label.into(), value.into()));
        self
    }
}

/// A migration of a test.
#[derive(Debug, Clone)]
pub struct Journey {
    pub id: String,
}

impl Person {
    /// The form with everything chosen, as it stands before *Migrate*.
    pub async fn fill_in(&self, wish: &Wish) -> (Page, Form) {
        let mut page = self.open("/").await;
        page = match (&wish.hubs, &wish.onto) {
            (Some(hubs), _) => self.choose_hubs(page, hubs).await,
            (None, Onto::App { .. }) => {
                let page = self.choose_mode(page, "IoT Central → IoT Central").await;
                self.choose_group(page, wish).await
            }
            (None, Onto::Hub { .. }) => self.choose_group(page, wish).await,
        };
        let target = match &wish.onto {
            Onto::Hub { dps, hub } => vec![("IoT DPS instance", dps), ("IoT hub", hub)],
            Onto::App { app, template } => {
                let template = template.iter().map(|template| ("Assign to template (optional)", template));
                [("IoT Central application", app)].into_iter().chain(template).collect()
            }
        };
        for (label, text) in target {
            page = self.choose_in(page, "Target", label, text).await;
        }
        page = self.until(page, |page| page.can_press("Migrate") || page.text().contains("stands in the way")).await;
        let mut form = page.form_with_button("Migrate").expect("a form");
        form = form.set(&page.name_of("Name").expect("a name"), &wish.name);
        for (label, value) in &wish.more {
            form = form.set(&page.name_of(label).unwrap_or_else(|| panic!("no {label}:\n{}", page.text())), value);
        }
        (page, form)
    }

    async fn choose_group(&self, mut page: Page, wish: &Wish) -> Page {
        let source = [
            ("IoT Central application", &wish.app),
            ("Device group", &wish.group),
            ("Device template", &wish.template),
        ];
        for (label, text) in source {
            page = self.choose_in(page, "Source", label, text).await;
        }
        page
    }

    /// Chooses hubs that devices come from: of a DPS, or without one.
    async fn choose_hubs(&self, page: Page, wish: &Hubs) -> Page {
        let mut page = self.choose_mode(page, "IoT Hub → IoT Central").await;
        page = self.choose_in(page, "Source", "IoT DPS instance", wish.dps.as_deref().unwrap_or("None")).await;
        for hub in &wish.hubs {
            page = self.until(page, |page| page.part("Source").entry(hub).is_some()).await;
            let (name, value) = page.part("Source").entry(hub).unwrap_or_else(|| panic!("no {hub}:\n{}", page.text()));
            let form = page.form_with_button("Load").expect("a form").add(&name, &value);
            page = self.submit(&page, form).await;
        }
        page
    }

    /// Chooses from where to where, and has the lists that follow from it loaded.
    pub async fn choose_mode(&self, page: Page, mode: &str) -> Page {
        let (name, value) = page.entry(mode).unwrap_or_else(|| panic!("no {mode}:\n{}", page.text()));
        let form = page.form_with_button("Load").expect("a form").set(&name, &value);
        self.submit(&page, form).await
    }

    /// Chooses from one list of the form, once it is there, and has the lists that follow from it loaded.
    pub async fn choose(&self, page: Page, label: &str, text: &str) -> Page {
        let page = self.until(page, |page| page.option(label, text).is_some()).await;
        self.choose_listed(&page, &page, label, text).await
    }

    /// The same in the part of the form with this heading.
    pub async fn choose_in(&self, page: Page, part: &str, label: &str, text: &str) -> Page {
        let page = self.until(page, |page| page.part(part).option(label, text).is_some()).await;
        self.choose_listed(&page, &page.part(part), label, text).await
    }

    async fn choose_listed(&self, page: &Page, part: &Page, label: &str, text: &str) -> Page {
        let value = part.option(label, text).unwrap_or_else(|| panic!("no {text} in {label}:\n{}", page.text()));
        let name = part.name_of(label).expect("a control");
        let form = page.form_with_button("Load").expect("a form").set(&name, &value);
        self.submit(page, form).await
    }

    /// Loads the form again until it is as wanted, or for a while.
    pub async fn until(&self, mut page: Page, good: impl Fn(&Page) -> bool) -> Page {
        for _ in 0..200 {
            if good(&page) {
                return page;
            }
            super::moment().await;
            let Some(form) = page.form_with_button("Load") else { return page };
            page = self.submit(&page, form).await;
        }
        page
    }

    /// Fills in the form and presses *Migrate*; gives the keys page.
    pub async fn migrate(&self, wish: &Wish) -> (Journey, Page) {
        let (page, form) = self.fill_in(wish).await;
        let page = self.submit(&page, form).await;
        assert!(page.url.contains("/keys"), "not on the keys page but on {}:\n{}", page.url, page.text());
        let id = page.url.split('/').rev().nth(1).expect("an id").to_owned();
        (Journey { id }, page)
    }

    /// Migrate, and start with the keys made by the program.
    pub async fn start(&self, wish: &Wish) -> Journey {
        let (journey, page) = self.migrate(wish).await;
        let started = self.press(&page, "Start migration").await;
        assert!(
            !started.url.ends_with("/keys") && !started.url.ends_with("/start"),
            "not started:\n{}",
            started.text()
        );
        journey
    }

    /// The page of a migration.
    pub async fn see(&self, journey: &Journey) -> Page {
        self.open(&format!("/migrations/{}", journey.id)).await
    }

    /// Looks at a migration's page until its words have `text`; fails after `patience` of real time.
    pub async fn wait_for(&self, journey: &Journey, text: &str, patience: Duration) -> Page {
        self.wait_for_any(journey, &[text], patience).await
    }

    /// The same for any of several texts.
    pub async fn wait_for_any(&self, journey: &Journey, texts: &[&str], patience: Duration) -> Page {
        let says = |page: &Page| {
            let words = page.text();
            texts.iter().any(|text| words.contains(text))
        };
        self.look_until(journey, &texts.join("” or “"), patience, says).await
    }

    /// The same with its line of state: other parts of the page may have the words before.
    pub async fn wait_for_state(&self, journey: &Journey, text: &str, patience: Duration) -> Page {
        let says = |page: &Page| page.texts(".state").iter().any(|state| state.contains(text));
        self.look_until(journey, text, patience, says).await
    }

    async fn look_until(
        &self,
        journey: &Journey,
        text: &str,
        patience: Duration,
        good: impl Fn(&Page) -> bool,
    ) -> Page {
        let started = std::time::Instant::now();
        let mut moments = super::Moments::new();
        loop {
            let page = self.see(journey).await;
            if good(&page) {
                return page;
            }
            assert!(started.elapsed() < patience, "“{text}” did not come on {}:\n{}", page.url, page.text());
            moments.next().await;
        }
    }

    /// The rows of the CSV: by device, the columns by name.
    pub async fn devices(&self, journey: &Journey) -> BTreeMap<String, BTreeMap<String, String>> {
        let page = self.open(&format!("/migrations/{}/devices.csv", journey.id)).await;
        let text = page.html.trim_start_matches('\u{feff}');
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().expect("columns").clone();
        let mut devices = BTreeMap::new();
        for row in reader.records() {
            let row = row.expect("a row");
            let named = columns.iter().zip(row.iter()).map(|(column, value)| (column.to_owned(), value.to_owned()));
            devices.insert(row[0].to_owned(), named.collect());
        }
        devices
    }
}
