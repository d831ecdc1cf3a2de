//! How many devices match, in words.

use crate::engine::counting::CountState;
use crate::migration::Relation;
use crate::migration::preflight::{Finding, FromHubFacts, grouped, in_all};
use crate::migration::sentence::capitalized;

/// The count in words.
#[derive(Debug)]
pub(in crate::web) struct CountWords {
    pub(in crate::web) headline: String,
    /// `190 to move of 194`: what a start is about.
    pub(in crate::web) to_move: String,
    /// How many can be told to move, and whether that is final.
    pub(in crate::web) movable: (String, bool),
    /// The devices that are left out, each kind a sentence.
    pub(in crate::web) left_out: Vec<String>,
    pub(in crate::web) detail: Option<String>,
    pub(in crate::web) counting: bool,
}

impl CountWords {
    /// `at least 3,400 devices match, counting`. `unassigned_too`: devices without a template are not left out.
    pub(in crate::web) fn of(count: &CountState, unassigned_too: bool) -> Self {
        let matching = grouped(count.matching);
        let noun = if count.matching == 1 { "device matches" } else { "devices match" };
        let headline = match (count.members_done, &count.error) {
            (true, _) => format!("{matching} {noun}"),
            (false, Some(_)) => format!("at least {matching} {noun}; the rest could not be counted"),
            (false, None) => format!("at least {matching} {noun}, counting"),
        };
        let parts: Vec<String> = [
            (count.other_template, "of another template"),
            (count.simulated, "simulated"),
            (count.blocked, "blocked or waiting for approval"),
            (count.unprovisioned, "never connected"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{} {words}", grouped(number)))
        .collect();
        let members = match count.seen {
            1 => "1 member of the group read".to_owned(),
            seen => format!("{} members of the group read", grouped(seen)),
        };
        let detail = if parts.is_empty() { members } else { format!("{members}: {}", parts.join(", ")) };
        let movable = grouped(count.matching.saturating_sub(count.simulated).saturating_sub(count.blocked));
        let to_move = match (count.members_done, &count.error) {
            (true, _) => format!("{movable} to move of {matching}"),
            (false, Some(_)) => format!("at least {movable} to move of {matching}; the rest could not be counted"),
            (false, None) => format!("at least {movable} to move of {matching}, counting"),
        };
        let movable = (movable, count.members_done);
        Self {
            headline,
            to_move,
            movable,
            left_out: left_out(count, unassigned_too),
            detail: Some(detail),
            counting: !count.is_over(),
        }
    }

    /// `5 devices`, of those that another migration moved or did not move.
    pub(in crate::web) fn chosen(number: u64, relation: Relation) -> Self {
        let words = if number == 1 { "1 device".to_owned() } else { format!("{} devices", grouped(number)) };
        let detail = match relation {
            Relation::Rerun => {
                "Those that failed or went back. Who is at the target meanwhile is recognised and not told."
            }
            Relation::FailBack => "Chosen of those that were moved.",
        };
        Self {
            headline: words.clone(),
            to_move: words,
            movable: (grouped(number), true),
            left_out: Vec::new(),
            detail: Some(detail.into()),
            counting: false,
        }
    }

    /// `27 devices in contoso-plant`, once every hub has told.
    pub(in crate::web) fn of_hubs(hubs: &[FromHubFacts]) -> Option<Self> {
        let counts = in_all(hubs)?;
        let (all, enabled) = (grouped(counts.total), grouped(counts.enabled));
        let noun = if counts.total == 1 { "device" } else { "devices" };
        let (place, whose) = match hubs {
            [only] => (only.name.clone(), "the hub's own count"),
            several => (format!("{} hubs", several.len()), "the hubs' own counts"),
        };
        let parts: Vec<String> = match hubs {
            [_] if counts.disabled == 0 => Vec::new(),
            [_] => vec![format!("{} disabled", grouped(counts.disabled))],
            several => several
                .iter()
                .filter_map(|hub| Some(format!("{}: {}", hub.name, hub.devices.as_ref()?.as_ref().ok()?.words())))
                .collect(),
        };
        let lag = format!("by {whose}, which may lag by minutes");
        let detail = if parts.is_empty() { capitalized(&lag) } else { format!("{} ({lag})", parts.join("; ")) };
        Some(Self {
            headline: format!("{all} {noun} in {place}"),
            to_move: format!("up to {enabled} to move of {all}"),
            movable: (enabled, true),
            left_out: Vec::new(),
            detail: Some(detail),
            counting: false,
        })
    }
}

/// The devices that are not told, in the words of the findings.
fn left_out(count: &CountState, unassigned_too: bool) -> Vec<String> {
    let kinds = [
        (count.simulated, Finding::Simulated as fn(u64) -> Finding),
        (count.blocked, Finding::Blocked),
        (count.unprovisioned, Finding::NeverConnected),
        (count.other_template, Finding::OtherTemplate),
        (if unassigned_too { 0 } else { count.unassigned }, Finding::Unassigned),
    ];
    let words = |finding: Finding| format!("{} {}", finding.what(), finding.remedy());
    kinds.into_iter().filter(|(number, _)| *number > 0).map(|(number, finding)| words(finding(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::preflight::HubCounts;

    fn hub(name: &str, enabled: u64, disabled: u64) -> FromHubFacts {
        let devices = Some(Ok(HubCounts { total: enabled + disabled, enabled, disabled }));
        FromHubFacts { name: name.into(), devices, ..FromHubFacts::default() }
    }

    #[test]
    fn the_devices_of_one_hub_are_told_with_what_is_disabled() {
        let words = CountWords::of_hubs(&[hub("plant", 1_200, 0)]).expect("counted");
        assert_eq!(
            (words.headline.as_str(), words.to_move.as_str()),
            ("1,200 devices in plant", "up to 1,200 to move of 1,200")
        );
        assert_eq!(words.detail.as_deref(), Some("By the hub's own count, which may lag by minutes"));
        let words = CountWords::of_hubs(&[hub("plant", 26, 1)]).expect("counted");
        assert_eq!(words.detail.as_deref(), Some("1 disabled (by the hub's own count, which may lag by minutes)"));
        assert_eq!(words.movable.0, "26");
    }

    #[test]
    fn those_of_several_hubs_are_told_together_and_each_by_itself() {
        let words = CountWords::of_hubs(&[hub("plant", 26, 1), hub("two", 3, 0)]).expect("counted");
        assert_eq!(words.headline, "30 devices in 2 hubs");
        let detail = words.detail.expect("a detail");
        assert!(detail.starts_with("plant: 27 devices, of which 1 is disabled; two: 3 devices (by"), "{detail}");
        let silent = FromHubFacts { name: "two".into(), ..FromHubFacts::default() };
        assert!(CountWords::of_hubs(&[hub("plant", 26, 1), silent]).is_none());
    }
}
