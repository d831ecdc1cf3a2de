//! Holds hubs that devices come from, and their DPS, against what was reviewed.

use super::FromHub;
use crate::azure::dps::Dps;
use crate::azure::error::AzureError;
use crate::azure::hub::Hub;
use crate::engine::review::Differences;
use crate::ids::DeviceId;
use crate::migration::model::{SourceDps, SourceHub};

/// Notes what differs, and tries the rights that are needed later.
pub(in crate::engine) async fn compare(at: &FromHub, differences: &mut Differences) -> Result<(), AzureError> {
    let linked = match (&at.source.dps, &at.dps) {
        (Some(reviewed), Some(dps)) => Some(compare_dps(at, reviewed, dps, differences).await?),
        _ => None,
    };
    for (reviewed, (_, hub)) in at.source.hubs.iter().zip(&at.hubs) {
        compare_hub(at, reviewed, hub, differences).await?;
        if let (Some(linked), Some(dps)) = (&linked, &at.source.dps) {
            let is_linked = linked.iter().any(|host| reviewed.host.same_as(host));
            differences.note(!is_linked, || format!("{} is no longer linked to {}.", reviewed.name, dps.name));
        }
    }
    Ok(())
}

/// Gives the hosts of the hubs that are linked to it.
async fn compare_dps(
    at: &FromHub,
    reviewed: &SourceDps,
    dps: &Dps,
    differences: &mut Differences,
) -> Result<Vec<String>, AzureError> {
    let found = at.arm.get_dps(&reviewed.id).await?;
    let name = &reviewed.name;
    differences
        .note(!found.service_host.same_as(reviewed.host.as_str()), || format!("The host of {name} has changed."));
    differences.note(!found.state.eq_ignore_ascii_case("active"), || format!("{name} is {}, not Active.", found.state));
    dps.registration(&DeviceId::new("iotc-migrator-asks")).await?;
    Ok(found.linked_hubs.iter().map(|hub| hub.host.as_str().to_owned()).collect())
}

async fn compare_hub(
    at: &FromHub,
    reviewed: &SourceHub,
    hub: &Hub,
    differences: &mut Differences,
) -> Result<(), AzureError> {
    let found = at.arm.get_hub(&reviewed.id).await?;
    let name = &reviewed.name;
    differences.note(!found.host.same_as(reviewed.host.as_str()), || format!("The host of {name} has changed."));
    differences.note(!found.state.eq_ignore_ascii_case("active"), || format!("{name} is {}, not Active.", found.state));
    differences.note(!SourceHub::has_methods(&found.sku_name), || {
        format!("{name} is of the Basic tier now, which has no direct methods to tell devices by.")
    });
    let page = hub.query_devices_page("SELECT deviceId FROM devices", None).await?;
    if let Some(device) = page.items.first() {
        hub.identity(&device.device_id).await?;
    }
    Ok(())
}
