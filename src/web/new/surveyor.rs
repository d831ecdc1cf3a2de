//! Reads from Azure what a person can choose from, and what of it they chose.

use std::sync::Arc;

use futures_util::try_join;

use super::entered::Entered;
use super::from_hub::HubOffer;
use super::reading::{Cached, Loaded, Trouble, Wait};
use super::rights::{Rights, RightsKey};
use crate::azure::Azure;
use crate::azure::arm::{DpsResource, HubResource, Inventory};
use crate::azure::central::{Device, DeviceGroup, DeviceTemplate};
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::engine::counting::Counting;
use crate::ids::{ArmId, DeviceId, HubHost, PersonId, Subdomain};

/// Somebody who asks, with their rights.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) person: PersonId,
    pub(super) tokens: Arc<dyn TokenProvider>,
}

/// How a read is to go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// What of that was read before is not good enough.
    pub(super) anew: Anew,
    /// How long to wait.
    pub(super) wait: Wait,
}

/// What is read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anew {
    /// Nothing that was read within a minute.
    Nothing,
    /// What was chosen, not the lists it was chosen from.
    Chosen,
    /// All of it.
    Everything,
}

impl Manner {
    pub(super) fn chosen_anew(self) -> bool {
        self.anew != Anew::Nothing
    }

    pub(super) fn lists_anew(self) -> bool {
        self.anew == Anew::Everything
    }
}

/// Device groups and templates of an application.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) groups: Vec<DeviceGroup>,
    pub(super) templates: Vec<DeviceTemplate>,
}

/// The application that was chosen, from the list or by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChosenApp {
    /// As ARM knows it; absent for one that the person cannot see there.
    pub(super) arm: Option<CentralAppName>,
    pub(super) subdomain: Subdomain,
}

/// What ARM tells of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CentralAppName {
    pub(super) id: ArmId,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) state: Option<String>,
}

impl ChosenApp {
    /// The name that people see.
    pub(super) fn label(&self) -> &str {
        self.arm.as_ref().map_or(self.subdomain.as_str(), |arm| &arm.display_name)
    }
}

/// Everything that the form offers, as far as it was chosen and could be read.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) inventory: Loaded<Arc<Inventory>>,
    /// What is wrong with the chosen application or its address.
    pub(super) app: Option<Result<ChosenApp, AppMistake>>,
    pub(super) contents: Loaded<Arc<Contents>>,
    pub(super) dps: Loaded<Arc<DpsResource>>,
    /// The chosen hub, read singly from ARM; absent if it is not among the hubs that the person can read.
    pub(super) hub: Loaded<Arc<HubResource>>,
    /// The application that the devices go to, where they go to one, or what is wrong with that.
    pub(super) target_app: Option<Result<ChosenApp, AppMistake>>,
    /// Its templates.
    pub(super) target_templates: Loaded<Arc<Vec<DeviceTemplate>>>,
    /// Where the devices come from hubs: those.
    pub(super) from_hub: Option<HubOffer>,
}

/// Why an application cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AppMistake {
    /// Both fields are filled in.
    Both,
    /// It is not in the list.
    NotListed,
    /// The address is not one of an application.
    Address(String),
    /// It is suspended or otherwise not running, in words: nothing of it can be read.
    NotRunning(String),
}

impl Offer {
    pub(super) fn chosen_app(&self) -> Option<&ChosenApp> {
        self.app.as_ref().and_then(|app| app.as_ref().ok())
    }

    pub(super) fn chosen_target_app(&self) -> Option<&ChosenApp> {
        self.target_app.as_ref().and_then(|app| app.as_ref().ok())
    }

    /// The DPS that the devices came by, where they come from hubs.
    pub(super) fn source_dps(&self) -> Option<&DpsResource> {
        self.from_hub.as_ref().and_then(HubOffer::dps)
    }

    /// Leaves out of the form what was chosen with another DPS.
    pub(super) fn drop_stale(&self, entered: &mut Entered) {
        if let Some(from) = &self.from_hub {
            from.drop_stale(entered);
        }
    }

    /// The devices are in this application already.
    pub(super) fn is_the_source(&self, app: &ChosenApp) -> bool {
        self.chosen_app().is_some_and(|source| source.subdomain.same_as(app.subdomain.as_str()))
    }

    /// The hubs linked to the DPS, each with what ARM knows of it.
    pub(super) fn linked_hubs(&self) -> Vec<(HubHost, Option<&HubResource>)> {
        let Some(dps) = self.dps.ready() else { return Vec::new() };
        let known = self.inventory.ready().map(|inventory| inventory.hubs.as_slice()).unwrap_or_default();
        let of = |host: &HubHost| known.iter().find(|hub| hub.host.same_as(host.as_str()));
        dps.linked_hubs.iter().map(|linked| (linked.host.clone(), of(&linked.host))).collect()
    }

    /// Something could not be read.
    pub(super) fn has_trouble(&self) -> bool {
        self.inventory.trouble().is_some()
            || self.contents.trouble().is_some()
            || self.dps.trouble().is_some()
            || self.hub.trouble().is_some()
            || self.target_templates.trouble().is_some()
            || self.from_hub.as_ref().is_some_and(HubOffer::has_trouble)
    }

    /// Something is still being read.
    pub(super) fn is_reading(&self) -> bool {
        self.inventory.is_reading()
            || self.contents.is_reading()
            || self.dps.is_reading()
            || self.hub.is_reading()
            || self.target_templates.is_reading()
            || self.from_hub.as_ref().is_some_and(HubOffer::is_reading)
    }
}

/// Reads for the form. Shared by all people; what one may read is never shown to another.
#[derive(Debug)]
pub struct Surveyor {
    pub(super) azure: Azure,
    pub(super) counting: Counting,
    inventories: Cached<PersonId, Arc<Inventory>>,
    contents: Cached<(PersonId, String), Arc<Contents>>,
    instances: Cached<(PersonId, String), Arc<DpsResource>>,
    hubs: Cached<(PersonId, String), Arc<HubResource>>,
    templates: Cached<(PersonId, String), Arc<Vec<DeviceTemplate>>>,
    pub(super) rights: Cached<(PersonId, RightsKey), Arc<Rights>>,
}

impl Surveyor {
    /// Reads through `azure`, and counts with `counting`.
    #[must_use]
    pub fn new(azure: Azure, counting: Counting) -> Self {
        let clock = azure.clock();
        Self {
            azure,
            counting,
            inventories: Cached::new(clock),
            contents: Cached::new(clock),
            instances: Cached::new(clock),
            hubs: Cached::new(clock),
            templates: Cached::new(clock),
            rights: Cached::new(clock),
        }
    }

    /// What the form offers, given what was entered.
    pub(super) async fn offer(&self, caller: &Caller, entered: &Entered, manner: Manner) -> Offer {
        let inventory = self.inventory(caller, manner).await;
        // What was entered for another mode is kept in the form, and has no part in this one.
        let (into_central, from_hub) = (entered.is_into_central(), entered.is_from_hub());
        let app = match from_hub {
            true => None,
            false => self.choose_app(&entered.application, &entered.address, inventory.ready()),
        };
        let to_hub = inventory.ready().filter(|_| !into_central);
        let dps = to_hub.and_then(|all| listed_dps(all, &entered.dps)).map(|dps| dps.id.clone());
        let hub = to_hub.and_then(|all| listed_hub(all, &entered.hub)).map(|hub| hub.id.clone());
        let target_app = match into_central {
            true => self.choose_app(&entered.target_application, &entered.target_address, inventory.ready()),
            false => None,
        };
        let (contents, dps, hub, target_templates, from_hub) = tokio::join!(
            async {
                match &app {
                    Some(Ok(app)) => self.contents(caller, app.subdomain.clone(), manner).await,
                    _ => Loaded::NotAsked,
                }
            },
            async {
                match dps {
                    Some(id) => self.dps(caller, id, manner).await,
                    None => Loaded::NotAsked,
                }
            },
            async {
                match hub {
                    Some(id) => self.hub(caller, id, manner).await,
                    None => Loaded::NotAsked,
                }
            },
            async {
                match &target_app {
                    Some(Ok(app)) => self.templates(caller, app.subdomain.clone(), manner).await,
                    _ => Loaded::NotAsked,
                }
            },
            async {
                match from_hub {
                    true => Some(self.hub_offer(caller, entered, &inventory, manner).await),
                    false => None,
                }
            },
        );
        Offer { inventory, app, contents, dps, hub, target_app, target_templates, from_hub }
    }

    pub(super) async fn inventory(&self, caller: &Caller, manner: Manner) -> Loaded<Arc<Inventory>> {
        let arm = self.azure.arm(Arc::clone(&caller.tokens));
        let anew = manner.lists_anew();
        let read = async move {
            // Resource Graph lags behind ARM by minutes: who asks anew wants what is there now.
            let inventory = if anew { arm.reload().await? } else { arm.inventory().await? };
            Ok(Arc::new(inventory))
        };
        self.inventories.get(caller.person.clone(), anew, manner.wait, read).await
    }

    async fn contents(&self, caller: &Caller, app: Subdomain, manner: Manner) -> Loaded<Arc<Contents>> {
        let central = match self.azure.central(Arc::clone(&caller.tokens), &app) {
            Ok(central) => central,
            Err(error) => return Loaded::Failed(Trouble::from(&error)),
        };
        let read = async move {
            let (groups, templates) = try_join!(central.device_groups(), central.device_templates())?;
            Ok::<_, AzureError>(Arc::new(Contents { groups, templates }))
        };
        let key = (caller.person.clone(), app.as_str().to_ascii_lowercase());
        self.contents.get(key, manner.chosen_anew(), manner.wait, read).await
    }

    async fn templates(&self, caller: &Caller, app: Subdomain, manner: Manner) -> Loaded<Arc<Vec<DeviceTemplate>>> {
        let central = match self.azure.central(Arc::clone(&caller.tokens), &app) {
            Ok(central) => central,
            Err(error) => return Loaded::Failed(Trouble::from(&error)),
        };
        let read = async move { central.device_templates().await.map(Arc::new) };
        let key = (caller.person.clone(), app.as_str().to_ascii_lowercase());
        self.templates.get(key, manner.chosen_anew(), manner.wait, read).await
    }

    pub(super) async fn dps(&self, caller: &Caller, id: ArmId, manner: Manner) -> Loaded<Arc<DpsResource>> {
        let arm = self.azure.arm(Arc::clone(&caller.tokens));
        let key = (caller.person.clone(), id.as_str().to_ascii_lowercase());
        // Lists can leave the linked hubs out; only the single resource is complete.
        let read = async move { arm.get_dps(&id).await.map(Arc::new) };
        self.instances.get(key, manner.chosen_anew(), manner.wait, read).await
    }

    pub(super) async fn hub(&self, caller: &Caller, id: ArmId, manner: Manner) -> Loaded<Arc<HubResource>> {
        let arm = self.azure.arm(Arc::clone(&caller.tokens));
        let key = (caller.person.clone(), id.as_str().to_ascii_lowercase());
        let read = async move { arm.get_hub(&id).await.map(Arc::new) };
        self.hubs.get(key, manner.chosen_anew(), manner.wait, read).await
    }

    /// One device, not from memory.
    pub(super) async fn device(&self, caller: &Caller, app: &Subdomain, id: &DeviceId) -> Result<Device, AzureError> {
        self.azure.central(Arc::clone(&caller.tokens), app)?.device(id).await
    }
}

/// The DPS of that service host.
pub(super) fn listed_dps<'a>(inventory: &'a Inventory, host: &str) -> Option<&'a DpsResource> {
    inventory.dps.iter().find(|dps| dps.service_host.same_as(host))
}

/// The hub of that host.
pub(super) fn listed_hub<'a>(inventory: &'a Inventory, host: &str) -> Option<&'a HubResource> {
    inventory.hubs.iter().find(|hub| hub.host.same_as(host))
}
