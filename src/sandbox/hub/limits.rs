//! A hub's throttles, by tier and units, as the developer guide's table has them.

use std::time::Duration;

use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Rate;
use crate::sandbox::world::Hub;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Classes of operations that are metered apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Create, read, update, delete of identities; DPS draws on it too.
    Registry,
    /// Queries.
    Query,
    /// Reads of twins.
    TwinRead,
    /// Changes of twins.
    TwinWrite,
    /// Direct methods.
    Method,
    /// Calls about scheduled jobs.
    Job,
    /// Devices that scheduled jobs deal with.
    JobDevice,
}

/// How many scheduled jobs run at the same time.
#[must_use]
pub fn jobs_at_once(sku: &str) -> usize {
    match sku.bytes().last() {
        Some(b'3') => 10,
        Some(b'2') => 5,
        _ => 1,
    }
}

/// Whether the tier has direct methods and twins.
#[must_use]
pub fn has_twins(sku: &str) -> bool {
    !sku.starts_with('B')
}

/// Takes `cost` operations from the hub's budget.
///
/// # Errors
/// How long to wait, if the budget is used up.
pub fn take(shared: &Shared, hub: &Hub, class: Class, cost: u32) -> Result<(), Duration> {
    let scope = format!("hub/{}/{class:?}", hub.host);
    shared.throttles().take(&scope, cost, rate(&hub.sku, hub.units, class))
}

/// The published rate. A full minute's (or second's) worth may be taken at once.
#[must_use]
pub fn rate(sku: &str, units: u32, class: Class) -> Rate {
    let size = sku.chars().last().and_then(|digit| digit.to_digit(10)).unwrap_or(1);
    let per_unit = |small: u32, medium: u32, large: u32| match size {
        3 => large * units,
        2 => medium * units,
        _ => small * units,
    };
    let (amount, per) = match class {
        Class::Registry | Class::Job => (per_unit(100, 100, 5000), MINUTE),
        Class::Query => (per_unit(20, 20, 1000), MINUTE),
        Class::TwinRead => {
            (if size == 3 { 500 * units } else { 100.max(if size == 2 { 10 * units } else { 0 }) }, SECOND)
        }
        Class::TwinWrite => {
            (if size == 3 { 250 * units } else { 50.max(if size == 2 { 5 * units } else { 0 }) }, SECOND)
        }
        Class::JobDevice => (if size == 3 { 50 * units } else { 10.max(if size == 2 { units } else { 0 }) }, SECOND),
        Class::Method => (per_unit(40, 120, 6144), SECOND),
    };
    Rate { amount, per, burst: amount }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_allows_a_hundred_a_minute_and_unit_below_s3() {
        assert_eq!(rate("S1", 1, Class::Registry).amount, 100);
        assert_eq!(rate("S2", 10, Class::Registry).amount, 1000);
        assert_eq!(rate("S3", 2, Class::Registry).amount, 10_000);
    }

    #[test]
    fn twin_reads_have_a_floor_of_a_hundred_a_second() {
        assert_eq!(rate("S1", 5, Class::TwinRead).amount, 100);
        assert_eq!(rate("S2", 20, Class::TwinRead).amount, 200);
    }
}
