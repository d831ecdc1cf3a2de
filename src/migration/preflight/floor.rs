//! How fast devices can arrive at best, and what sets that pace.

/// Registrations a minute that a DPS takes (published limit of every instance).
const DPS_PER_MINUTE: u32 = 1_000;
/// Registrations a minute that an IoT Central application takes.
const APP_PER_MINUTE: u32 = 200;
/// Commands a minute that an IoT Central application runs (20 a second).
const COMMANDS_PER_MINUTE: u32 = 1_200;

/// The most devices that can arrive in a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivalFloor {
    /// Devices a minute.
    pub per_minute: u32,
    /// What keeps it from being more.
    pub set_by: FloorSetBy,
}

/// What sets the pace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FloorSetBy {
    /// Registrations through the DPS.
    Dps,
    /// Identity-registry operations of the hub.
    HubRegistry {
        /// SKU of the hub.
        sku: String,
        /// Its units.
        units: u32,
    },
    /// Commands of the IoT Central application.
    Commands,
    /// Registrations into an IoT Central application.
    Application,
}

impl ArrivalFloor {
    /// The floor of a move into a hub of this SKU and number of units.
    #[must_use]
    pub fn of(sku: &str, units: u32) -> Self {
        let registry = registry_per_unit(sku).saturating_mul(units.max(1));
        let hub = FloorSetBy::HubRegistry { sku: sku.to_owned(), units };
        [(DPS_PER_MINUTE, FloorSetBy::Dps), (registry, hub), (COMMANDS_PER_MINUTE, FloorSetBy::Commands)]
            .into_iter()
            .min_by_key(|(per_minute, _)| *per_minute)
            .map(|(per_minute, set_by)| Self { per_minute, set_by })
            .unwrap_or(Self { per_minute: DPS_PER_MINUTE, set_by: FloorSetBy::Dps })
    }

    /// The floor of a move into an IoT Central application (its published limit of registrations).
    #[must_use]
    pub fn of_application() -> Self {
        Self { per_minute: APP_PER_MINUTE, set_by: FloorSetBy::Application }
    }

    /// The least number of minutes that so many devices take, rounded up.
    #[must_use]
    pub fn minutes_for(&self, devices: u64) -> u64 {
        devices.div_ceil(u64::from(self.per_minute.max(1)))
    }

    /// What sets the pace, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.set_by {
            FloorSetBy::Dps => "the limit of a DPS".into(),
            FloorSetBy::HubRegistry { sku, units } => {
                format!(
                    "the registry limit of an {sku} hub with {units} {}",
                    if *units == 1 { "unit" } else { "units" }
                )
            }
            FloorSetBy::Application => "the registration limit of an IoT Central application".into(),
            FloorSetBy::Commands => "IoT Central's limit of 20 commands a second".into(),
        }
    }

    /// How long so many devices take at least: `at least 2 h 5 min`.
    #[must_use]
    pub fn duration_words(&self, devices: u64) -> String {
        format!("at least {}", words_of(self.minutes_for(devices)))
    }
}

/// `2 h 5 min`.
pub(super) fn words_of(minutes: u64) -> String {
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{} min", minutes.max(1)),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Registry operations a minute and unit (published throttles; 5,000 for the third size of either tier).
fn registry_per_unit(sku: &str) -> u32 {
    if sku.ends_with('3') { 5_000 } else { 100 }
}

/// Messages that a hub takes in a day (published quotas, azure-api §5.9); `None` for a SKU that is not known. When they are
/// used up, it takes nothing until midnight UTC, telemetry included.
pub(super) fn daily_messages(sku: &str, units: u32) -> Option<u64> {
    let a_unit = match sku.trim().to_ascii_uppercase().as_str() {
        "F1" => 8_000,
        "S1" => 400_000,
        "S2" => 6_000_000,
        "S3" => 300_000_000,
        _ => return None,
    };
    Some(a_unit * u64::from(units.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_hub_sets_the_pace_before_the_dps_does() {
        let floor = ArrivalFloor::of("S1", 1);
        assert_eq!(floor.per_minute, 100);
        assert!(matches!(floor.set_by, FloorSetBy::HubRegistry { .. }));
        assert_eq!(floor.minutes_for(1_000), 10);
        assert_eq!(floor.duration_words(100_000), "at least 16 h 40 min");
    }

    #[test]
    fn ten_units_are_as_fast_as_the_dps_and_more_do_not_help() {
        assert_eq!(ArrivalFloor::of("S2", 10).per_minute, 1_000);
        assert_eq!(ArrivalFloor::of("S3", 1), ArrivalFloor { per_minute: 1_000, set_by: FloorSetBy::Dps });
    }

    #[test]
    fn a_hub_without_units_counts_as_one_unit() {
        assert_eq!(ArrivalFloor::of("F1", 0).per_minute, 100);
    }
}
