//! Holds keys that a person gives against some of the hubs' devices, before anything depends on them.

use super::FromHub;
use crate::azure::error::AzureError;
use crate::azure::hub::AuthType;
use crate::engine::keys::{GroupKeys, is_derived_from};

/// Devices looked at in each hub: an identity costs a call of the registry's budget.
const EXAMPLES: usize = 10;

/// How many devices were looked at, and how many of them have keys derived from these.
pub(in crate::engine) async fn matching(at: &FromHub, keys: &GroupKeys) -> Result<(usize, usize), AzureError> {
    let (mut looked_at, mut matching) = (0, 0);
    for (_, hub) in &at.hubs {
        let page = hub.query_devices_page("SELECT * FROM devices", None).await?;
        let symmetric = |twin: &&crate::azure::hub::Twin| {
            !twin.is_edge() && twin.authentication_type.as_ref().is_none_or(|kind| *kind == AuthType::Sas)
        };
        for twin in page.items.iter().filter(symmetric).take(EXAMPLES) {
            let Some(identity) = hub.identity(&twin.device_id).await? else { continue };
            let Some(own) = &identity.keys else { continue };
            looked_at += 1;
            matching += usize::from(is_derived_from(keys, &identity.device_id, &own.primary, &own.secondary));
        }
    }
    Ok((looked_at, matching))
}
