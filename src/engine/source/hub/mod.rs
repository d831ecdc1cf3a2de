//! Hubs that devices come from, and the DPS by which they came there, if one is known.
//!
//! From a hub it is known for each device which attestation it has: only devices that the target will let in are told.

pub(in crate::engine) mod attestation;
pub(in crate::engine) mod command;
pub(in crate::engine) mod examples;
pub(in crate::engine) mod keys;
pub(in crate::engine) mod members;
pub(in crate::engine) mod own;
pub(in crate::engine) mod review;
pub(in crate::engine) mod sight;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::azure::dps::{Dps, IndividualEnrollment};
use crate::azure::error::{AzureError, ErrorKind, Service};
use crate::azure::hub::Hub;
use crate::azure::tokens::TokenProvider;
use crate::azure::{Arm, ArmPolicyKeys};
use crate::engine::Inner;
use crate::engine::given::Given;
use crate::engine::keys::FoundGroup;
use crate::engine::signs::{HubSigns, Signs};
use crate::ids::EnrollmentGroupId;
use crate::migration::Device;
use crate::migration::model::HubSource;

/// The clients of hubs and their DPS.
#[derive(Debug)]
pub(in crate::engine) struct FromHub {
    pub(in crate::engine) source: HubSource,
    pub(in crate::engine) arm: Arm,
    pub(in crate::engine) dps: Option<Dps>,
    /// By host, in the order of the plan.
    hubs: Vec<(String, Hub)>,
    given: Given,
    /// The DPS's groups, read when they are first asked for.
    groups: OnceCell<Vec<FoundGroup>>,
    /// The X.509 groups that devices with certificates came by; read when they are first asked for.
    by_certificate: OnceCell<HashMap<String, EnrollmentGroupId>>,
    /// Its individual enrollments by registration id, in lower case; read when they are first asked for.
    enrollments: OnceCell<HashMap<String, IndividualEnrollment>>,
}

impl FromHub {
    pub(in crate::engine) fn new(
        inner: &Inner,
        source: &HubSource,
        given: Given,
        tokens: &Arc<dyn TokenProvider>,
    ) -> Result<Self, AzureError> {
        let arm = inner.azure.arm(Arc::clone(tokens));
        let dps = match &source.dps {
            Some(dps) => {
                let keys = ArmPolicyKeys::dps(arm.clone(), dps.id.clone());
                Some(inner.azure.dps(&dps.host, Arc::new(keys))?)
            }
            None => None,
        };
        let mut hubs = Vec::with_capacity(source.hubs.len());
        for hub in &source.hubs {
            let keys = ArmPolicyKeys::hub(arm.clone(), hub.id.clone());
            let client = inner.azure.hub(&hub.host, Arc::new(keys))?.with_capacity(&hub.sku, hub.units);
            hubs.push((hub.host.as_str().to_ascii_lowercase(), client));
        }
        Ok(Self {
            source: source.clone(),
            arm,
            dps,
            hubs,
            given,
            groups: OnceCell::new(),
            by_certificate: OnceCell::new(),
            enrollments: OnceCell::new(),
        })
    }

    /// The hub that a device is in.
    pub(in crate::engine) fn hub_of(&self, device: &Device) -> Result<&Hub, AzureError> {
        let hub = self.hubs.iter().find(|(host, _)| host.eq_ignore_ascii_case(&device.source));
        hub.map(|(_, hub)| hub).ok_or_else(|| {
            let message = format!("{} is none of the hubs that were chosen", device.source);
            AzureError::local(Service::Hub, "reach the device", device.id.as_str(), ErrorKind::Malformed, &message)
        })
    }

    /// The name of the hub that a device is in.
    pub(in crate::engine) fn hub_name(&self, device: &Device) -> String {
        let hub = self.source.hubs.iter().find(|hub| hub.host.same_as(&device.source));
        hub.map_or_else(|| device.source.clone(), |hub| hub.name.clone())
    }

    /// The method by which devices are told.
    pub(in crate::engine) fn method(&self) -> String {
        match &self.source.component {
            Some(component) => format!("{component}*{}", command::COMMAND),
            None => command::COMMAND.to_owned(),
        }
    }

    /// Where the hubs show whether a device is alive there.
    pub(in crate::engine) fn signs(&self) -> Signs {
        let names: Vec<&str> = self.source.hubs.iter().map(|hub| hub.name.as_str()).collect();
        Signs::Hub(HubSigns { place: names.join(", "), hubs: self.hubs.clone() })
    }

    /// The DPS's individual enrollments by registration id, in lower case.
    async fn enrollments(&self) -> Result<&HashMap<String, IndividualEnrollment>, AzureError> {
        let read = || async {
            let found = match &self.dps {
                Some(dps) => dps.individual_enrollments().await?,
                None => Vec::new(),
            };
            Ok(found.into_iter().map(|one| (one.registration_id.as_str().to_ascii_lowercase(), one)).collect())
        };
        self.enrollments.get_or_try_init(read).await
    }
}
