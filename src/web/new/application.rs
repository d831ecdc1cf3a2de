//! Applications that somebody can see, and the one that was chosen. One that does not run is said once, where it was chosen, and not asked anything.

use std::sync::Arc;

use super::address::subdomain_of;
use super::parse::{FieldKey, Mistake};
use super::reading::{Loaded, Trouble, Wait};
use super::surveyor::{Anew, AppMistake, Caller, CentralAppName, ChosenApp, Manner, Offer, Surveyor};
use super::view::Remark;
use crate::azure::arm::{CentralApp, Inventory};
use crate::azure::tokens::TokenProvider;
use crate::engine::central_jobs::Application;
use crate::ids::PersonId;
use crate::migration::preflight::Finding;
use crate::web::components::Kind;

impl Offer {
    /// Why nothing can be read of the chosen application, if it does not run.
    pub(super) fn not_running(&self) -> Option<&str> {
        not_running(self.app.as_ref())
    }

    /// The same of the application that the devices go to.
    pub(super) fn target_not_running(&self) -> Option<&str> {
        not_running(self.target_app.as_ref())
    }
}

fn not_running(app: Option<&Result<ChosenApp, AppMistake>>) -> Option<&str> {
    match app {
        Some(Err(AppMistake::NotRunning(words))) => Some(words),
        _ => None,
    }
}

impl Surveyor {
    /// The application that was entered, from the list or by its address; `None` if none was.
    pub(super) fn choose_app(
        &self,
        listed: &str,
        address: &str,
        inventory: Option<&Arc<Inventory>>,
    ) -> Option<Result<ChosenApp, AppMistake>> {
        let (listed, address) = (listed.trim(), address.trim());
        let apps = inventory.map(|inventory| inventory.apps.as_slice()).unwrap_or_default();
        let find = |subdomain: &str| apps.iter().find(|app| app.subdomain.same_as(subdomain));
        match (listed.is_empty(), address.is_empty()) {
            (true, true) => None,
            (false, false) => Some(Err(AppMistake::Both)),
            (false, true) => match find(listed) {
                Some(app) => Some(running(ChosenApp { arm: Some(named(app)), subdomain: app.subdomain.clone() })),
                // Not a mistake while the list itself is missing.
                None => inventory.map(|_| Err(AppMistake::NotListed)),
            },
            (true, false) => Some(
                subdomain_of(address, self.azure.cloud().central_suffix)
                    .map(|subdomain| ChosenApp { arm: find(subdomain.as_str()).map(named), subdomain })
                    .map_err(AppMistake::Address)
                    .and_then(running),
            ),
        }
    }
}

impl Surveyor {
    /// The applications that somebody can see in Azure and that run, and why there may be more.
    pub(in crate::web) async fn applications(
        &self,
        person: &PersonId,
        tokens: Arc<dyn TokenProvider>,
        anew: bool,
    ) -> (Vec<Application>, Option<Trouble>) {
        let caller = Caller { person: person.clone(), tokens };
        let anew = if anew { Anew::Everything } else { Anew::Nothing };
        match self.inventory(&caller, Manner { anew, wait: Wait::Longer }).await {
            Loaded::Ready(inventory) => {
                let running = inventory.apps.iter().filter(|app| app.state.eq_ignore_ascii_case("created"));
                let apps = running
                    .map(|app| Application { subdomain: app.subdomain.clone(), name: app.display_name.clone() })
                    .collect();
                (apps, inventory.problems.first().map(Trouble::from))
            }
            Loaded::Failed(trouble) => (Vec::new(), Some(trouble)),
            Loaded::Reading | Loaded::NotAsked => (Vec::new(), Some(Trouble::late("Azure has not listed them yet."))),
        }
    }
}

fn named(app: &CentralApp) -> CentralAppName {
    CentralAppName {
        id: app.id.clone(),
        name: app.name.clone(),
        display_name: app.display_name.clone(),
        state: Some(app.state.to_ascii_lowercase()).filter(|state| !state.is_empty()),
    }
}

/// An application that does not run is not asked anything: its host answers with something else, or not at all.
pub(super) fn running(app: ChosenApp) -> Result<ChosenApp, AppMistake> {
    match app.arm.as_ref().and_then(|arm| arm.state.as_deref()) {
        None | Some("created") => Ok(app),
        Some(state) => {
            let finding = Finding::ApplicationNotRunning { name: app.label().to_owned(), state: state.to_owned() };
            Err(AppMistake::NotRunning(format!("{} {}", finding.what(), finding.remedy())))
        }
    }
}

/// The name of an application, and its state unless it runs.
pub(super) fn with_state(name: &str, state: &str) -> String {
    let runs = state.is_empty() || state.eq_ignore_ascii_case("created");
    if runs { name.to_owned() } else { format!("{name} ({})", state.to_ascii_lowercase()) }
}

/// Said under the list, unless a mistake in `field` says it.
pub(super) fn not_running_remark(words: Option<&str>, field: FieldKey, mistakes: &[Mistake]) -> Option<Remark> {
    let said = mistakes.iter().any(|mistake| mistake.field == field);
    let text = words.filter(|_| !said)?.to_owned();
    Some(Remark { kind: Kind::Error, text })
}

/// What must be chosen before groups and templates are listed.
pub(super) fn before_contents(offer: &Offer) -> &'static str {
    if offer.not_running().is_some() {
        "Not read: the application is not running"
    } else {
        "Choose an application first"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(state: Option<&str>) -> ChosenApp {
        let arm = CentralAppName {
            id: "/subscriptions/1/app".into(),
            name: "contoso-fleet".into(),
            display_name: "Contoso fleet".into(),
            state: state.map(str::to_owned),
        };
        ChosenApp { arm: Some(arm), subdomain: "contoso-fleet".into() }
    }

    #[test]
    fn an_application_that_is_suspended_is_not_taken_and_says_why() {
        let Err(AppMistake::NotRunning(words)) = running(app(Some("suspended"))) else { panic!("it was taken") };
        assert!(words.contains("The application Contoso fleet is suspended.") && words.contains("Resume"), "{words}");
        assert!(running(app(Some("created"))).is_ok() && running(app(None)).is_ok());
    }

    #[test]
    fn the_list_tells_which_applications_do_not_run() {
        assert_eq!(with_state("Contoso fleet", "Suspended"), "Contoso fleet (suspended)");
        assert_eq!(with_state("Contoso fleet", "created"), "Contoso fleet");
        assert_eq!(with_state("Contoso fleet", ""), "Contoso fleet");
    }
}
