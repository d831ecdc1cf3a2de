//! What trying offline devices again costs: commands of an application, or messages of what a hub takes in a day.

use super::floor::daily_messages;
use super::grouped;
use crate::migration::retry::{TryAgain, TryEvery};

/// Messages of the daily quota that a direct method costs, also to a device that is offline (azure-api §5.9).
const MESSAGES_A_METHOD: u64 = 2;

/// A hub whose devices may be offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubSize<'a> {
    /// Its name.
    pub name: &'a str,
    /// `F1`, `S1`…
    pub sku: &'a str,
    /// Units of the SKU.
    pub units: u32,
}

/// How offline devices are tried again, and what that costs for each. `hubs`: those that they are in, or none for an
/// application's; `devices`: how many there are, if that is known. What an application is billed for a command is not
/// documented, so its commands are only counted.
#[must_use]
pub fn offline(choice: TryAgain, hubs: &[HubSize<'_>], devices: Option<u64>) -> String {
    let how = choice.words();
    let tries = choice.every.tries_a_day();
    match (hubs, choice.every) {
        ([], TryEvery::Asked) => format!("{how}: a command for each device"),
        ([], _) => format!("{how}: {} commands a day for each device that stays offline", grouped(tries)),
        (hubs, TryEvery::Asked) => {
            format!("{how}: {MESSAGES_A_METHOD} messages for each device and try{}", of_the_quota(hubs))
        }
        (hubs, _) => {
            let messages = tries * MESSAGES_A_METHOD;
            format!(
                "{how}: {} messages a day for each device that stays offline{}{}",
                grouped(messages),
                of_the_quota(hubs),
                used_up(hubs, messages, devices).unwrap_or_default()
            )
        }
    }
}

/// `, of 400,000 a day that the hub takes`; nothing for a size that is not known.
fn of_the_quota(hubs: &[HubSize<'_>]) -> String {
    let quotas: Vec<(&str, u64)> =
        hubs.iter().filter_map(|hub| Some((hub.name, daily_messages(hub.sku, hub.units)?))).collect();
    match quotas.as_slice() {
        [] => String::new(),
        [(_, quota)] if hubs.len() == 1 => format!(", of {} a day that the hub takes", grouped(*quota)),
        [(_, first), rest @ ..] if quotas.len() == hubs.len() && rest.iter().all(|(_, quota)| quota == first) => {
            format!(", of {} a day that each hub takes", grouped(*first))
        }
        _ => {
            let each: Vec<String> =
                quotas.iter().map(|(name, quota)| format!("{} a day that {name} takes", grouped(*quota))).collect();
            format!(", of {}", each.join(", and of "))
        }
    }
}

/// Said of a single hub whose devices, were all of them offline, would leave it nothing.
fn used_up(hubs: &[HubSize<'_>], messages: u64, devices: Option<u64>) -> Option<String> {
    let [hub] = hubs else { return None };
    let most = daily_messages(hub.sku, hub.units)?.checked_div(messages)?;
    (devices? > most).then(|| format!(", which {} such devices use up", grouped(most)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::retry::TryFor;

    fn hub(name: &'static str, sku: &'static str, units: u32) -> HubSize<'static> {
        HubSize { name, sku, units }
    }

    #[test]
    fn of_a_hub_the_messages_are_told_and_how_many_it_takes() {
        let words = offline(TryAgain::default(), &[hub("plant", "S1", 1)], Some(1_000));
        assert_eq!(
            words,
            "Tried again every 10 minutes, until somebody finishes the migration: 288 messages a day for each device that \
             stays offline, of 400,000 a day that the hub takes"
        );
        let many = offline(TryAgain::default(), &[hub("plant", "S1", 1)], Some(1_389));
        assert!(many.ends_with(", which 1,388 such devices use up"), "{many}");
        let seldom = TryAgain { every: TryEvery::SixHours, time: TryFor::ThreeDays };
        let words = offline(seldom, &[hub("plant", "F1", 1)], None);
        assert!(
            words.starts_with("Tried again every 6 hours, for 3 days after the start; then recorded as failed: 8 ")
        );
        assert!(words.ends_with("of 8,000 a day that the hub takes"), "{words}");
    }

    #[test]
    fn of_several_hubs_each_is_named_unless_they_take_the_same() {
        let same = [hub("one", "S2", 2), hub("two", "S2", 2)];
        let words = offline(TryAgain::default(), &same, Some(5_000_000));
        assert!(words.ends_with("of 12,000,000 a day that each hub takes"), "{words}");
        let others = [hub("one", "S1", 1), hub("two", "S3", 1)];
        let words = offline(TryAgain::default(), &others, None);
        assert!(words.ends_with("of 400,000 a day that one takes, and of 300,000,000 a day that two takes"), "{words}");
        let unknown = [hub("one", "S1", 1), hub("two", "X9", 1)];
        let words = offline(TryAgain::default(), &unknown, None);
        assert!(words.ends_with("of 400,000 a day that one takes"), "{words}");
    }

    #[test]
    fn who_is_tried_on_request_only_costs_nothing_by_itself() {
        let asked = TryAgain { every: TryEvery::Asked, ..TryAgain::default() };
        let words = offline(asked, &[hub("plant", "S1", 2)], Some(1_000_000));
        assert!(words.ends_with("2 messages for each device and try, of 800,000 a day that the hub takes"), "{words}");
        assert!(offline(asked, &[], None).ends_with(": a command for each device"));
        let words = offline(TryAgain { every: TryEvery::HalfHour, ..asked }, &[], None);
        assert!(words.ends_with(": 48 commands a day for each device that stays offline"), "{words}");
    }
}
