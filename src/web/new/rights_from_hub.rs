//! The rights to what devices come from, where that is hubs; and how many devices the hubs have, read with them.

use std::sync::Arc;

use futures_util::future::join_all;

use super::count_words::CountWords;
use super::reading::{Loaded, Wait};
use super::rights::{Rights, RightsKey, keys_verdict};
use super::surveyor::{Anew, Caller, Manner, Offer, Surveyor};
use crate::azure::error::AzureError;
use crate::azure::hub::Identity;
use crate::azure::keys::{ArmPolicyKeys, Right as KeyRight};
use crate::azure::tokens::TokenProvider;
use crate::ids::{ArmId, DeviceId, PersonId};
use crate::migration::model::{HubSource, SourceHub};
use crate::migration::preflight::{FromHubFacts, HubCounts, Right, RightCheck, Verdict};

/// What the rights to the chosen source are kept under.
pub(super) fn source_keys(offer: &Offer) -> Vec<RightsKey> {
    let Some(from) = &offer.from_hub else { return Vec::new() };
    let dps = from.dps().map(|dps| RightsKey::SourceDps(dps.id.clone()));
    dps.into_iter().chain(from.read().map(|hub| RightsKey::SourceHub(hub.id.clone()))).collect()
}

impl Surveyor {
    /// Tries the rights on the hubs and the DPS that devices come from.
    pub(super) async fn rights_to_source(
        &self,
        caller: &Caller,
        offer: &Offer,
        manner: Manner,
    ) -> Vec<Loaded<Arc<Rights>>> {
        let Some(from) = &offer.from_hub else { return Vec::new() };
        let hubs = from.read().map(|hub| {
            let (id, name, host) = (hub.id.clone(), hub.name.clone(), hub.host.clone());
            SourceHub { id, name, host, sku: hub.sku_name.clone(), units: hub.units }
        });
        let hubs = join_all(hubs.map(|hub| self.right_to_source_hub(caller, hub, manner)));
        let dps = async {
            match from.dps() {
                Some(dps) => self.right_to_source_dps(caller, &dps.id, &dps.name, manner).await,
                None => Loaded::NotAsked,
            }
        };
        let (dps, mut all) = tokio::join!(dps, hubs);
        all.push(dps);
        all
    }

    async fn right_to_source_dps(
        &self,
        caller: &Caller,
        id: &ArmId,
        name: &str,
        manner: Manner,
    ) -> Loaded<Arc<Rights>> {
        let arm = self.azure.arm(Arc::clone(&caller.tokens));
        let (key, scope, id) = (RightsKey::SourceDps(id.clone()), name.to_owned(), id.clone());
        let read = async move {
            let needs = [KeyRight::EnrollmentRead, KeyRight::RegistrationStatusRead];
            let verdict = keys_verdict(&ArmPolicyKeys::dps(arm, id), &needs).await;
            Ok(Arc::new(Rights::of(vec![RightCheck { right: Right::ListSourceDpsKeys, scope, verdict }])))
        };
        self.tried(caller, key, manner, read).await
    }

    /// Where the keys may be read, the hub is asked for its counts: it shows as well that the hub answers.
    async fn right_to_source_hub(&self, caller: &Caller, hub: SourceHub, manner: Manner) -> Loaded<Arc<Rights>> {
        let keys = Arc::new(ArmPolicyKeys::hub(self.azure.arm(Arc::clone(&caller.tokens)), hub.id.clone()));
        let client = self.azure.hub(&hub.host, Arc::clone(&keys) as _);
        let SourceHub { id, name: scope, host, sku, units } = hub;
        let key = RightsKey::SourceHub(id);
        let read = async move {
            let verdict = keys_verdict(&keys, &[KeyRight::RegistryRead, KeyRight::ServiceConnect]).await;
            let counted = match (&verdict, client) {
                (Verdict::Granted, Ok(client)) => {
                    let found = client.with_capacity(&sku, units).statistics().await;
                    let counts = found.map(|found| HubCounts {
                        total: found.total_device_count,
                        enabled: found.enabled_device_count,
                        disabled: found.disabled_device_count,
                    });
                    vec![(host, counts.map_err(|error| error.to_string()))]
                }
                // Said by the verdict, or as a host that is not of this cloud.
                _ => Vec::new(),
            };
            let checks = vec![RightCheck { right: Right::ListSourceHubKeys, scope, verdict }];
            Ok(Arc::new(Rights { counted, ..Rights::of(checks) }))
        };
        self.tried(caller, key, manner, read).await
    }

    /// A device of a hub, not from memory; `None` if the hub has none of that id.
    pub(super) async fn identity(
        &self,
        caller: &Caller,
        hub: &SourceHub,
        id: &DeviceId,
    ) -> Result<Option<Identity>, AzureError> {
        let keys = ArmPolicyKeys::hub(self.azure.arm(Arc::clone(&caller.tokens)), hub.id.clone());
        self.azure.hub(&hub.host, Arc::new(keys))?.with_capacity(&hub.sku, hub.units).identity(id).await
    }

    /// How many devices the hubs of a plan have, as far as all of them tell.
    pub(in crate::web) async fn devices_of(
        &self,
        person: &PersonId,
        tokens: Arc<dyn TokenProvider>,
        source: &HubSource,
    ) -> Option<CountWords> {
        let caller = Caller { person: person.clone(), tokens };
        let manner = Manner { anew: Anew::Nothing, wait: Wait::AWhile };
        let of = |hub: &SourceHub| {
            let (name, hub) = (hub.name.clone(), hub.clone());
            let caller = &caller;
            async move {
                let read = self.right_to_source_hub(caller, hub, manner).await;
                let devices = read.ready().and_then(|rights| rights.counted.first().cloned());
                FromHubFacts { name, devices: devices.map(|(_, found)| found), ..FromHubFacts::default() }
            }
        };
        CountWords::of_hubs(&join_all(source.hubs.iter().map(of)).await)
    }
}
