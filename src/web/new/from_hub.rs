//! Hubs that devices come from, as the form offers them: those of a DPS, or all.

use std::sync::Arc;

use futures_util::future::join_all;

use super::entered::{Entered, NO_DPS};
use super::reading::Loaded;
use super::rights::Counted;
use super::surveyor::{Caller, Manner, Surveyor, listed_dps, listed_hub};
use crate::azure::arm::{DpsResource, HubResource, Inventory};
use crate::ids::HubHost;
use crate::migration::preflight::{FromHubFacts, FromHubsFacts};

/// What was chosen as the way by which devices came to their hubs.
#[derive(Debug)]
pub(super) enum CameBy {
    /// Nothing yet.
    Unsaid,
    /// A DPS that is not in the list.
    NotListed,
    /// Hubs are looked at without one.
    NoDps,
    /// This DPS.
    Dps(Loaded<Arc<DpsResource>>),
}

/// A hub that can be chosen.
#[derive(Debug)]
pub(super) struct OfferedHub {
    pub(super) host: HubHost,
    /// As the list has it; absent if the person can find it in no subscription.
    pub(super) listed: Option<HubResource>,
    pub(super) chosen: bool,
    /// Read singly from ARM, once it was chosen.
    pub(super) read: Loaded<Arc<HubResource>>,
    /// Names of other DPS instances that it is linked to.
    other_dps: Vec<String>,
}

impl OfferedHub {
    #[cfg(test)]
    pub(super) fn new(hub: HubResource, chosen: bool) -> Self {
        let read = if chosen { Loaded::Ready(Arc::new(hub.clone())) } else { Loaded::NotAsked };
        Self { host: hub.host.clone(), listed: Some(hub), chosen, read, other_dps: Vec::new() }
    }

    /// The name that people know it by.
    pub(super) fn name(&self) -> &str {
        self.listed.as_ref().map_or(self.host.as_str(), |hub| &hub.name)
    }
}

/// The source's side of the form, where devices come from hubs.
#[derive(Debug)]
pub(super) struct HubOffer {
    pub(super) came_by: CameBy,
    pub(super) hubs: Loaded<Vec<OfferedHub>>,
}

impl HubOffer {
    /// The DPS, if one was chosen and read.
    pub(super) fn dps(&self) -> Option<&DpsResource> {
        match &self.came_by {
            CameBy::Dps(dps) => dps.ready().map(Arc::as_ref),
            _ => None,
        }
    }

    /// Those of the list that were chosen.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &OfferedHub> {
        self.all().iter().filter(|hub| hub.chosen)
    }

    /// The chosen ones that could be read.
    pub(super) fn read(&self) -> impl Iterator<Item = &HubResource> {
        self.chosen().filter_map(|hub| hub.read.ready().map(Arc::as_ref))
    }

    fn all(&self) -> &[OfferedHub] {
        self.hubs.ready().map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn has_trouble(&self) -> bool {
        self.hubs.trouble().is_some() || self.chosen().any(|hub| hub.read.trouble().is_some())
    }

    pub(super) fn is_reading(&self) -> bool {
        self.hubs.is_reading() || self.chosen().any(|hub| hub.read.is_reading())
    }

    /// What the preflight judges; `counted` is what the hubs said of their devices.
    pub(super) fn facts(&self, counted: &[Counted]) -> FromHubsFacts {
        let of = |hub: &HubResource| FromHubFacts {
            name: hub.name.clone(),
            state: hub.state.clone(),
            sku: hub.sku_name.clone(),
            units: hub.units,
            local_auth_disabled: hub.disable_local_auth,
            other_dps: self.other_dps(&hub.host),
            devices: counted.iter().find(|(host, _)| host.same_as(hub.host.as_str())).map(|(_, found)| found.clone()),
        };
        FromHubsFacts {
            hubs: self.read().map(of).collect(),
            dps: self.dps().map(|dps| dps.name.clone()),
            not_chosen: self
                .all()
                .iter()
                .filter(|hub| !hub.chosen && hub.listed.is_some())
                .map(|hub| hub.name().to_owned())
                .collect(),
            not_found: self.all().iter().filter(|hub| hub.listed.is_none()).map(|hub| hub.host.clone()).collect(),
        }
    }

    fn other_dps(&self, host: &HubHost) -> Vec<String> {
        let hub = self.all().iter().find(|hub| hub.host.same_as(host.as_str()));
        hub.map(|hub| hub.other_dps.clone()).unwrap_or_default()
    }

    /// Leaves out of the form hubs that were chosen with another DPS.
    pub(super) fn drop_stale(&self, entered: &mut Entered) {
        if let Some(offered) = self.hubs.ready() {
            entered.source_hubs.retain(|host| offered.iter().any(|hub| hub.host.same_as(host)));
        }
    }
}

impl Surveyor {
    /// What of hubs is offered, given what was entered.
    pub(super) async fn hub_offer(
        &self,
        caller: &Caller,
        entered: &Entered,
        inventory: &Loaded<Arc<Inventory>>,
        manner: Manner,
    ) -> HubOffer {
        let Some(all) = inventory.ready() else {
            return HubOffer { came_by: CameBy::Unsaid, hubs: Loaded::NotAsked };
        };
        let came_by = match entered.source_dps.as_str() {
            "" => CameBy::Unsaid,
            NO_DPS => CameBy::NoDps,
            host => match listed_dps(all, host) {
                Some(dps) => CameBy::Dps(self.dps(caller, dps.id.clone(), manner).await),
                None => CameBy::NotListed,
            },
        };
        let hosts: Vec<HubHost> = match &came_by {
            CameBy::Unsaid | CameBy::NotListed => return HubOffer { came_by, hubs: Loaded::NotAsked },
            CameBy::NoDps => all.hubs.iter().map(|hub| hub.host.clone()).collect(),
            CameBy::Dps(Loaded::Ready(dps)) => dps.linked_hubs.iter().map(|linked| linked.host.clone()).collect(),
            CameBy::Dps(Loaded::Failed(trouble)) => {
                let hubs = Loaded::Failed(trouble.clone());
                return HubOffer { came_by, hubs };
            }
            CameBy::Dps(_) => return HubOffer { came_by, hubs: Loaded::Reading },
        };
        let offered = join_all(hosts.into_iter().map(|host| self.offered_hub(caller, entered, all, host, manner)));
        let (mut hubs, others) = tokio::join!(offered, self.other_instances(caller, entered, all, manner));
        for hub in &mut hubs {
            let leads =
                |dps: &&Arc<DpsResource>| dps.linked_hubs.iter().any(|linked| linked.host.same_as(hub.host.as_str()));
            hub.other_dps = others.iter().filter(leads).map(|dps| dps.name.clone()).collect();
        }
        HubOffer { came_by, hubs: Loaded::Ready(hubs) }
    }

    async fn offered_hub(
        &self,
        caller: &Caller,
        entered: &Entered,
        all: &Inventory,
        host: HubHost,
        manner: Manner,
    ) -> OfferedHub {
        let listed = listed_hub(all, host.as_str()).cloned();
        let chosen = entered.source_hubs.iter().any(|entered| host.same_as(entered));
        let read = match &listed {
            Some(hub) if chosen => self.hub(caller, hub.id.clone(), manner).await,
            _ => Loaded::NotAsked,
        };
        OfferedHub { host, listed, chosen, read, other_dps: Vec::new() }
    }

    /// The DPS instances that were not chosen, as far as they can be read. Lists can leave the linked hubs out, so that one
    /// without any is asked itself.
    async fn other_instances(
        &self,
        caller: &Caller,
        entered: &Entered,
        all: &Inventory,
        manner: Manner,
    ) -> Vec<Arc<DpsResource>> {
        if entered.source_hubs.is_empty() {
            return Vec::new();
        }
        let others = all.dps.iter().filter(|dps| !dps.service_host.same_as(&entered.source_dps));
        let read = others.map(|dps| async {
            match dps.linked_hubs.is_empty() {
                true => self.dps(caller, dps.id.clone(), manner).await.ready().cloned(),
                false => Some(Arc::new(dps.clone())),
            }
        });
        join_all(read).await.into_iter().flatten().collect()
    }
}

#[cfg(test)]
#[path = "from_hub_tests.rs"]
mod tests;
