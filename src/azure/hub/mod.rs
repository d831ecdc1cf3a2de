//! The service API of an IoT hub.
//!
//! Facts: azure-rest-api-specs IoT Hub data plane 2021-04-12; "IoT Hub quotas and throttling".

mod bulk;
mod identity;
mod methods;
mod twins;

pub use bulk::{BulkError, BulkResult, BulkWarning, NewIdentity};
pub use identity::{AuthType, Identity, IdentityKeys, Thumbprints};
pub use methods::MethodAnswer;
pub use twins::{ConnectionState, Statistics, Twin, TwinSummary};

use crate::azure::call::Call;
use crate::azure::channel::Channel;
use crate::azure::keys::Right;
use crate::azure::pace::{Rate, Scope};
use crate::clock::Timestamp;

const API: &str = "2021-04-12";

/// A client of one hub.
#[derive(Debug, Clone)]
pub struct Hub {
    channel: Channel,
    host: String,
}

impl Hub {
    pub(crate) fn new(channel: Channel, host: String) -> Self {
        Self { channel, host }
    }

    /// Paces for what the hub is: its SKU (`S1` …) and number of units. Holds for all clients of the hub, and plans with
    /// 80 % of the published limits (of methods with half), since they are shared with everybody else who uses the hub.
    #[must_use]
    pub fn with_capacity(self, sku_name: &str, units: u32) -> Self {
        let (shared, units) = (&self.channel.shared, f64::from(units.max(1)));
        let large = sku_name.ends_with('3');
        let registry = if large { 5000.0 } else { 100.0 } * units / 60.0;
        let queries = if large { 1000.0 } else { 20.0 } * units / 60.0;
        let twins = match sku_name.chars().last() {
            Some('3') => 500.0 * units,
            Some('2') => f64::max(100.0, 10.0 * units),
            _ => 100.0,
        };
        let methods = match sku_name.chars().last() {
            Some('3') => 6000.0,
            Some('2') => 120.0,
            _ => 40.0,
        } * units;
        let plan = |limit: f64, seconds: f64| Rate { per_second: 0.8 * limit, burst: (limit * seconds).max(4.0) };
        let rates = [
            (self.registry(), plan(registry, 6.0)),
            (self.queries(), plan(queries, 10.0)),
            (self.twin_reads(), plan(twins, 0.25)),
            (self.methods(), Rate { per_second: 0.5 * methods, burst: 0.25 * methods }),
        ];
        for (scope, rate) in rates {
            shared.pacer.set_rate(&shared.clock, &scope, rate);
        }
        self
    }

    /// The time now by the hub's own clock, good to a minute, as its last answer told it.
    #[must_use]
    pub fn server_now(&self) -> Timestamp {
        self.channel.server_now()
    }

    fn registry(&self) -> Scope {
        Scope::HubRegistry(self.host.clone())
    }

    fn queries(&self) -> Scope {
        Scope::HubQuery(self.host.clone())
    }

    fn twin_reads(&self) -> Scope {
        Scope::HubTwins(self.host.clone())
    }

    fn methods(&self) -> Scope {
        Scope::HubMethods(self.host.clone())
    }

    /// Completes a call with what all calls to a hub have.
    fn call(call: Call, rights: &'static [Right]) -> Call {
        call.query("api-version", API).rights(rights)
    }
}

#[cfg(test)]
mod tests;
