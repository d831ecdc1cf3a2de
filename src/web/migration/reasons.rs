//! Why devices did not move, in counts that lead to them: those that may be lost stand first.

use super::query::DeviceQuery;
use crate::migration::model::Source;
use crate::migration::{FailReason, Outcome, Place, SkipReason};

/// The devices of a place, by reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// The place in words.
    pub label: &'static str,
    /// Its reasons.
    pub links: Vec<ReasonLink>,
}

/// A reason, and the way to its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonLink {
    /// `4 not seen at the target`.
    pub text: String,
    /// What that means for them, in a word or two.
    pub note: Option<String>,
    /// Somebody has to look for these devices.
    pub lost: bool,
    /// Where the link leads.
    pub href: String,
    /// It is the filter in force.
    pub current: bool,
}

/// The failed devices by reason, and the skipped ones, as far as there are any.
#[must_use]
pub fn breakdowns(outcomes: &[(Outcome, u64)], query: &DeviceQuery, path: &str, source: &Source) -> Vec<Breakdown> {
    [Place::Failed, Place::Skipped]
        .into_iter()
        .filter_map(|place| {
            let mut of_place: Vec<&(Outcome, u64)> =
                outcomes.iter().filter(|(outcome, _)| Place::of(*outcome, false) == place).collect();
            of_place.sort_by_key(|(outcome, count)| (!may_be_lost(*outcome), std::cmp::Reverse(*count)));
            let links: Vec<ReasonLink> = of_place
                .into_iter()
                .map(|(outcome, count)| link(*outcome, *count, place, query, path, source))
                .collect();
            (!links.is_empty()).then_some(Breakdown { label: place.label(), links })
        })
        .collect()
}

fn link(outcome: Outcome, count: u64, place: Place, query: &DeviceQuery, path: &str, source: &Source) -> ReasonLink {
    let reason = outcome.stored().1;
    let lost = may_be_lost(outcome);
    ReasonLink {
        text: format!("{count} {}", words(outcome)),
        note: match outcome {
            _ if lost => Some("possibly lost".to_owned()),
            Outcome::Failed(FailReason::Offline) => Some(format!("still in {}", source.home())),
            _ => None,
        },
        lost,
        href: format!("{}#devices-title", query.because(place, reason).href(path)),
        current: query.filter.place == Some(place) && query.filter.reason == reason,
    }
}

/// The reason in force, as the name of a filter: `Failed: not seen at the target`.
#[must_use]
pub fn filter_label(query: &DeviceQuery) -> Option<String> {
    let (place, reason) = (query.filter.place?, query.filter.reason?);
    let outcome = Outcome::from_stored(place.stored(), Some(reason))?;
    Some(format!("{}: {}", place.label(), words(outcome)))
}

fn may_be_lost(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed(reason) if reason.may_be_lost())
}

/// The words of a reason as they read after a number.
fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed(FailReason::KeyConflict) => "with an identity of other keys at the target",
        Outcome::Failed(FailReason::RegistrationRefused) => "whose registration was refused",
        Outcome::Failed(FailReason::CommandRefused) => "not told: the command was not delivered",
        Outcome::Failed(FailReason::NoAnswer) => "without an answer",
        Outcome::Failed(FailReason::Stopped) => "not settled when the migration was stopped",
        Outcome::Failed(FailReason::IdentityClosed) => "with an identity that is disabled or for IoT Edge",
        Outcome::Failed(reason) => reason.words(),
        Outcome::Skipped(SkipReason::Simulated) => "simulated",
        Outcome::Skipped(SkipReason::IndividualAttestation) => "with individual attestation",
        Outcome::Skipped(SkipReason::IdNotAllowed) => "with an id that DPS does not allow",
        Outcome::Skipped(SkipReason::Edge) => "for IoT Edge",
        Outcome::Skipped(SkipReason::Certificate) => "with an X.509 certificate",
        Outcome::Skipped(SkipReason::CertificateNeeded) => "whose certificate was not supplied",
        Outcome::Skipped(SkipReason::Tpm) => "with a TPM",
        Outcome::Skipped(SkipReason::HubOnlyKey) => "with a key that only the hub knows",
        Outcome::Skipped(SkipReason::KeyUnknown) => "with a key of no known enrollment",
        Outcome::Skipped(SkipReason::GroupLeft) => "whose enrollment group is not carried over",
        Outcome::Skipped(SkipReason::OtherEnrollment) => "with an individual enrollment at the target",
        Outcome::Skipped(reason) => reason.words(),
        Outcome::Pending | Outcome::Waiting(_) | Outcome::Moved | Outcome::Returned | Outcome::WentBack => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::fixture::{hub_source, plan};

    fn fleet() -> Vec<(Outcome, u64)> {
        vec![
            (Outcome::Failed(FailReason::Offline), 12),
            (Outcome::Failed(FailReason::Refused), 6),
            (Outcome::Failed(FailReason::NotSeen), 4),
            (Outcome::Skipped(SkipReason::Simulated), 2),
            (Outcome::Skipped(SkipReason::AlreadyAtTarget), 9),
            (Outcome::Moved, 166),
        ]
    }

    #[test]
    fn devices_that_may_be_lost_stand_first_and_are_called_so() {
        let all = breakdowns(&fleet(), &DeviceQuery::default(), "/m", &plan().source);
        let failed: Vec<&str> = all[0].links.iter().map(|link| link.text.as_str()).collect();
        assert_eq!(failed, ["4 not seen at the target", "12 offline", "6 refused"]);
        let notes: Vec<_> = all[0].links.iter().map(|link| link.note.as_deref()).collect();
        assert_eq!(notes, [Some("possibly lost"), Some("still in IoT Central"), None]);
        assert_eq!(all[0].links[0].href, "/m?outcome=failed&reason=not_seen#devices-title");
    }

    #[test]
    fn devices_of_a_hub_that_were_not_reached_are_still_in_their_hub() {
        let all = breakdowns(&fleet(), &DeviceQuery::default(), "/m", &hub_source());
        assert_eq!(all[0].links[1].note.as_deref(), Some("still in their hub"));
    }

    #[test]
    fn the_counts_of_a_breakdown_are_those_of_its_place() {
        let all = breakdowns(&fleet(), &DeviceQuery::default(), "/m", &plan().source);
        let labels: Vec<_> = all.iter().map(|breakdown| (breakdown.label, breakdown.links.len())).collect();
        assert_eq!(labels, [("Failed", 3), ("Skipped", 1)]);
        assert!(breakdowns(&[(Outcome::Moved, 3)], &DeviceQuery::default(), "/m", &plan().source).is_empty());
    }

    #[test]
    fn every_reason_reads_after_a_number() {
        let failed = FailReason::ALL.iter().map(|reason| Outcome::Failed(*reason));
        let skipped = SkipReason::ALL.iter().map(|reason| Outcome::Skipped(*reason));
        assert!(failed.chain(skipped).all(|outcome| !words(outcome).is_empty()));
    }
}
