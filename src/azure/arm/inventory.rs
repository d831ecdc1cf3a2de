//! Everything that a person can migrate from or to, in one reading.

use futures_util::future::{join_all, join3};

use crate::azure::arm::{Arm, CentralApp, DpsResource, HubResource, Listed, Subscription};
use crate::azure::error::{AzureError, ErrorKind, Result};

/// Subscriptions read at a time; the pacing of ARM is per person all the same.
const AT_A_TIME: usize = 8;

/// Applications, DPS instances and hubs, and what could not be read.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// IoT Central applications.
    pub apps: Vec<CentralApp>,
    /// Device Provisioning Services.
    pub dps: Vec<DpsResource>,
    /// IoT hubs.
    pub hubs: Vec<HubResource>,
    /// Lists that failed; the others are complete all the same.
    pub problems: Vec<AzureError>,
}

impl Arm {
    /// The inventory from Resource Graph, or from ARM itself where Resource Graph fails.
    ///
    /// # Errors
    /// Without a token, or if not even the subscriptions can be listed.
    pub async fn inventory(&self) -> Result<Inventory> {
        match self.graph_resources().await {
            Ok(listed) => Ok(listed.into_iter().fold(Inventory::default(), |mut inventory, listed| {
                match listed {
                    Listed::App(app) => inventory.apps.push(app),
                    Listed::Dps(dps) => inventory.dps.push(dps),
                    Listed::Hub(hub) => inventory.hubs.push(hub),
                }
                inventory
            })),
            Err(error) if matches!(error.kind, ErrorKind::SignIn(_)) => Err(error),
            Err(error) => {
                tracing::info!(%error, "Resource Graph failed; reading each subscription instead");
                self.reload().await
            }
        }
    }

    /// The inventory from ARM itself, subscription by subscription: slower, never stale.
    ///
    /// # Errors
    /// Without a token, or if the subscriptions cannot be listed. A failing subscription is a problem in the inventory.
    pub async fn reload(&self) -> Result<Inventory> {
        let mut inventory = Inventory::default();
        for some in self.subscriptions().await?.chunks(AT_A_TIME) {
            for part in join_all(some.iter().map(|subscription| self.of_subscription(subscription))).await {
                inventory.apps.extend(part.apps);
                inventory.dps.extend(part.dps);
                inventory.hubs.extend(part.hubs);
                inventory.problems.extend(part.problems);
            }
        }
        Ok(inventory)
    }

    async fn of_subscription(&self, subscription: &Subscription) -> Inventory {
        let id = &subscription.id;
        let (apps, dps, hubs) = join3(self.list_central_apps(id), self.list_dps(id), self.list_hubs(id)).await;
        let mut problems = Vec::new();
        let named = |error| AzureError { target: format!("subscription {}", subscription.display_name), ..error };
        Inventory {
            apps: apps.unwrap_or_else(|error| note(&mut problems, named(error))),
            dps: dps.unwrap_or_else(|error| note(&mut problems, named(error))),
            hubs: hubs.unwrap_or_else(|error| note(&mut problems, named(error))),
            problems,
        }
    }
}

fn note<T>(problems: &mut Vec<AzureError>, error: AzureError) -> Vec<T> {
    problems.push(error);
    Vec::new()
}
