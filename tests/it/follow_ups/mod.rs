//! What follows a migration: reruns of what failed, and fail backs of what moved.

mod fail_back;
mod rerun;

use std::time::Duration;

use iotc_migrator::sandbox::device::Kind;

use crate::support::journey::Journey;
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;

const PATIENCE: Duration = Duration::from_secs(120);

impl Person {
    /// Starts the draft whose keys page this is.
    async fn start_draft(&self, page: &Page) -> Journey {
        assert!(page.url.ends_with("/keys"), "not on a keys page but on {}:\n{}", page.url, page.text());
        let id = page.url.split('/').rev().nth(1).expect("an id").to_owned();
        let started = self.press(page, "Start migration").await;
        assert!(started.url.ends_with(&id), "not started:\n{}", started.text());
        Journey { id }
    }

    /// Makes and starts a fail back of these devices; none: of all that moved.
    async fn fail_back(&self, journey: &Journey, devices: &[&str]) -> Journey {
        let page = self.see(journey).await;
        let form = page.form_with_button("Make the fail back").expect("the button").set("devices", &devices.join("\n"));
        let page = self.submit(&page, form).await;
        self.start_draft(&page).await
    }
}

/// A device's firmware is mended, or broken.
fn turn_into(lab: &Lab, id: &str, kind: Kind) {
    lab.shared().world(|world| world.devices.get_mut(id).expect("a device").kind = kind);
}
