//! A hub that devices reach by way of a DPS.

pub(in crate::engine) mod baseline;
pub(in crate::engine) mod carry;
pub(in crate::engine) mod individual;
pub(in crate::engine) mod keys;
pub(in crate::engine) mod later;
pub(in crate::engine) mod records;
pub(in crate::engine) mod register;
pub(in crate::engine) mod sight;
pub(in crate::engine) mod unused;

use std::sync::Arc;

use crate::azure::dps::Dps;
use crate::azure::error::AzureError;
use crate::azure::hub::Hub;
use crate::azure::tokens::TokenProvider;
use crate::azure::{Arm, ArmPolicyKeys};
use crate::engine::Inner;
use crate::migration::model::HubTarget;

/// The clients of a hub and its DPS.
#[derive(Debug)]
pub(in crate::engine) struct AtHub {
    pub(in crate::engine) target: HubTarget,
    pub(in crate::engine) arm: Arm,
    pub(in crate::engine) dps: Dps,
    pub(in crate::engine) hub: Hub,
}

impl AtHub {
    pub(in crate::engine) fn new(
        inner: &Inner,
        target: &HubTarget,
        tokens: &Arc<dyn TokenProvider>,
    ) -> Result<Self, AzureError> {
        let arm = inner.azure.arm(Arc::clone(tokens));
        let dps_keys = ArmPolicyKeys::dps(arm.clone(), target.dps_id.clone());
        let hub_keys = ArmPolicyKeys::hub(arm.clone(), target.hub_id.clone());
        Ok(Self {
            dps: inner.azure.dps(&target.dps_host, Arc::new(dps_keys))?,
            hub: inner
                .azure
                .hub(&target.hub_host, Arc::new(hub_keys))?
                .with_capacity(&target.hub_sku, target.hub_units),
            target: target.clone(),
            arm,
        })
    }
}
