//! Devices of an application that were chosen one by one: those of a follow-up.

use std::collections::{HashMap, HashSet};

use super::FromApp;
use super::members::found;
use crate::azure::central::Device as CentralDevice;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::ids::DeviceId;
use crate::migration::{FailReason, Outcome, SkipReason};
use crate::store::devices::{self, Found};
use crate::store::migrations;

/// Rows written in one transaction.
const BATCH: usize = 500;

/// A row for every chosen device, also for one that the application does not have any more: it is named.
pub(super) async fn read(
    run: &Run,
    at: &FromApp,
    everybody: &HashMap<DeviceId, CentralDevice>,
    children: &HashSet<DeviceId>,
) -> Result<(), Halt> {
    let chosen = run.store().chosen_devices(run.id()).await?;
    for batch in chosen.chunks(BATCH) {
        run.still_wanted().await?;
        let mut rows = Vec::with_capacity(batch.len());
        for id in batch {
            let shown = match everybody.get(id) {
                Some(device) => Some(device.clone()),
                // Lists lag.
                None => at.central.find_device(id).await?,
            };
            rows.push(row(at, id, shown, children));
        }
        let mut tx = run.store().begin_write().await?;
        for row in &rows {
            devices::insert(&mut tx, run.id(), at.source.subdomain.as_str(), row).await?;
        }
        migrations::touch(&mut tx, run.id()).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn row(at: &FromApp, id: &DeviceId, shown: Option<CentralDevice>, children: &HashSet<DeviceId>) -> Found {
    let Some(device) = shown else { return Found::gone(id) };
    let unassigned = device.template.is_none();
    let of_another = !unassigned && device.template != at.source.template;
    let row = Found { unassigned, ..found(device, children) };
    match row.outcome {
        Outcome::Pending if of_another => Found { outcome: Outcome::Skipped(SkipReason::OtherTemplate), ..row },
        _ => row,
    }
}

impl Found {
    /// A device that was chosen by its id, and is not there any more.
    pub(in crate::engine::source) fn gone(id: &DeviceId) -> Self {
        Self {
            id: id.clone(),
            display_name: None,
            organizations: Vec::new(),
            outcome: Outcome::Failed(FailReason::Deleted),
            unassigned: false,
            joined_later: false,
        }
    }
}
