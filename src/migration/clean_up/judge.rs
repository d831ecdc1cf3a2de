//! Whether a device may be removed from its source, in the moment before.
//!
//! Promises: only a device that its migration moved, that has been at the target for the whole soak, and that the target has
//! heard of in the last hour, is removed; and never one of which the source shows a sign of life after its proof.
//!
//! On clocks: what a target shows is compared with the target's own time, which its answers tell. A proof for which Azure gave
//! no time has this machine's, and is brought to the target's by how far they are apart now; and both clocks must say that
//! the soak is over. What source and target show is compared with each other: both are Azure's.

use time::Duration;

use super::{Fate, KeepReason, Soak};
use crate::clock::Timestamp;
use crate::migration::device::{Device, Fact, Outcome};

/// How recently the target must have heard of a device.
pub const RECENT: Duration = Duration::HOUR;

/// What the migration knows of a device, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// The proof that it came to the target.
    pub proof: Option<&'a Fact>,
    /// A clean-up has removed it from its source.
    pub removed: bool,
}

impl<'a> From<&'a Device> for Record<'a> {
    fn from(device: &'a Device) -> Self {
        Self { outcome: device.outcome, proof: device.facts.connected.as_ref(), removed: device.removed_at.is_some() }
    }
}

/// What the target shows of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtTarget {
    /// It is not there, or could not come in there; says how that is known.
    NotThere(String),
    /// It is there.
    There {
        /// When the target last heard of it, by the target's clock; absent where nothing is shown.
        newest: Option<Timestamp>,
        /// The target holds it to be connected now. Azure notices within three quarters of an hour that a connection is
        /// dead: half as long again as the longest keep-alive that it accepts, 1,767 seconds.
        connected: bool,
    },
}

/// What the source shows of a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtSource {
    /// It is no real device.
    pub simulated: bool,
    /// When the source last heard of it, by the source's clock; absent where nothing is shown.
    pub newest: Option<Timestamp>,
    /// The source holds it to be connected now.
    pub connected: bool,
}

/// What became of a device that is not to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// What.
    pub fate: Fate,
    /// More on it.
    pub detail: Option<String>,
}

impl Settled {
    /// Kept, and no more to be said.
    #[must_use]
    pub fn kept(reason: KeepReason) -> Self {
        Self { fate: Fate::Kept(reason), detail: None }
    }

    /// Kept, with more on why.
    #[must_use]
    pub fn kept_because(reason: KeepReason, detail: impl Into<String>) -> Self {
        Self { fate: Fate::Kept(reason), detail: Some(detail.into()) }
    }
}

/// What the migration itself says: the proof of a device that may be removed at `now`.
///
/// # Errors
/// Why it is kept.
pub fn by_record(record: Record<'_>, soak: Soak, now: Timestamp) -> Result<&Fact, Settled> {
    if record.removed {
        return Err(Settled::kept(KeepReason::RemovedBefore));
    }
    let proof = match (record.outcome, record.proof) {
        (Outcome::Moved, Some(proof)) => proof,
        (outcome, _) => return Err(Settled::kept_because(KeepReason::NotMoved, outcome.label().to_lowercase())),
    };
    if is_soaked(proof, soak, now) { Ok(proof) } else { Err(Settled::kept(KeepReason::Soaking)) }
}

/// The soak is over.
#[must_use]
pub fn is_soaked(proof: &Fact, soak: Soak, now: Timestamp) -> bool {
    now - proof.at >= soak.length()
}

/// The proof by the target's clock, which shows `theirs` while ours shows `ours`; `is_ours`: it was dated by ours.
#[must_use]
pub fn by_targets_clock(proof: &Fact, is_ours: bool, ours: Timestamp, theirs: Timestamp) -> Fact {
    let apart = if is_ours { theirs - ours } else { Duration::ZERO };
    Fact { at: proof.at + apart, evidence: proof.evidence.clone() }
}

/// What the target says at `now` of its own clock: what shows that the device is alive there. `place` names the target.
///
/// # Errors
/// Why it is kept.
pub fn at_target(seen: &AtTarget, now: Timestamp, place: &str) -> Result<String, Settled> {
    let (newest, connected) = match seen {
        AtTarget::NotThere(how) => return Err(Settled::kept_because(KeepReason::NotAtTarget, how.clone())),
        AtTarget::There { newest, connected } => (*newest, *connected),
    };
    match newest {
        Some(at) if now - at <= RECENT => Ok(format!("{place} heard of it at {}", utc(at))),
        _ if connected => Ok(format!("{place} shows it connected")),
        Some(at) => Err(Settled::kept_because(KeepReason::Silent, format!("{place} heard of it last at {}", utc(at)))),
        None => Err(Settled::kept_because(
            KeepReason::NoTimes,
            format!("{place} shows neither telemetry nor reported properties of it"),
        )),
    }
}

/// What the source says of a device with this proof: nothing that shows it there since. `place` names the source.
///
/// # Errors
/// Why it is kept.
pub fn at_source(seen: &AtSource, proof: &Fact, target: &AtTarget, place: &str) -> Result<(), Settled> {
    if seen.simulated {
        return Err(Settled::kept(KeepReason::Simulated));
    }
    if seen.connected {
        return Err(Settled::kept_because(KeepReason::SeenAtSource, format!("{place} shows it connected")));
    }
    let Some(sign) = seen.newest else { return Ok(()) };
    let here = if let AtTarget::There { newest, .. } = target { *newest } else { None };
    if sign > proof.at || here.is_some_and(|here| sign >= here) {
        let how = format!("{place} heard of it at {}, after it was proven at the target", utc(sign));
        return Err(Settled::kept_because(KeepReason::SeenAtSource, how));
    }
    Ok(())
}

fn utc(at: Timestamp) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02}:{:02} UTC", at.date(), at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const PROVEN: Timestamp = datetime!(2026-01-01 10:00 UTC);
    const NOW: Timestamp = datetime!(2026-01-02 11:00 UTC);

    fn proof() -> Fact {
        Fact { at: PROVEN, evidence: "the hub shows it connected".into() }
    }

    fn moved(proof: &Fact) -> Record<'_> {
        Record { outcome: Outcome::Moved, proof: Some(proof), removed: false }
    }

    fn there(newest: Timestamp) -> AtTarget {
        AtTarget::There { newest: Some(newest), connected: false }
    }

    fn reason<T: std::fmt::Debug>(verdict: Result<T, Settled>) -> KeepReason {
        match verdict.expect_err("kept").fate {
            Fate::Kept(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_moved_device_whose_soak_is_over_may_go() {
        let proof = proof();
        let kept = |record, now| reason(by_record(record, Soak::DEFAULT, now));
        assert_eq!(by_record(moved(&proof), Soak::DEFAULT, NOW), Ok(&proof));
        let early = PROVEN + Duration::hours(24) - Duration::SECOND;
        assert_eq!(kept(moved(&proof), early), KeepReason::Soaking);
        assert_eq!(kept(moved(&proof), PROVEN - Duration::days(9)), KeepReason::Soaking);
        for outcome in [Outcome::Pending, Outcome::WentBack, Outcome::Returned] {
            assert_eq!(kept(Record { outcome, ..moved(&proof) }, NOW), KeepReason::NotMoved, "{outcome:?}");
        }
        assert_eq!(kept(Record { removed: true, ..moved(&proof) }, NOW), KeepReason::RemovedBefore);
        assert_eq!(kept(Record { proof: None, ..moved(&proof) }, NOW), KeepReason::NotMoved);
    }

    #[test]
    fn a_device_must_be_alive_at_the_target() {
        let recent = NOW - Duration::minutes(59);
        assert_eq!(at_target(&there(recent), NOW, "hub").unwrap(), "hub heard of it at 2026-01-02 10:01:00 UTC");
        let old = NOW - Duration::minutes(61);
        assert_eq!(reason(at_target(&there(old), NOW, "hub")), KeepReason::Silent);
        assert!(at_target(&AtTarget::There { newest: Some(old), connected: true }, NOW, "hub").is_ok());
        let unseen = AtTarget::There { newest: None, connected: false };
        assert_eq!(reason(at_target(&unseen, NOW, "app")), KeepReason::NoTimes);
        let gone = AtTarget::NotThere("its identity is no longer in the hub".into());
        assert_eq!(reason(at_target(&gone, NOW, "hub")), KeepReason::NotAtTarget);
    }

    #[test]
    fn a_device_that_the_source_has_heard_of_since_its_proof_is_kept() {
        let here = there(NOW);
        let at = |newest| AtSource { newest, ..AtSource::default() };
        let judged = |seen: &AtSource| at_source(seen, &proof(), &here, "Contoso fleet");
        assert_eq!(judged(&at(None)), Ok(()));
        assert_eq!(judged(&at(Some(PROVEN - Duration::SECOND))), Ok(()));
        assert_eq!(reason(judged(&at(Some(PROVEN + Duration::SECOND)))), KeepReason::SeenAtSource);
        assert_eq!(reason(judged(&AtSource { connected: true, ..at(None) })), KeepReason::SeenAtSource);
        assert_eq!(reason(judged(&AtSource { simulated: true, ..at(None) })), KeepReason::Simulated);
    }

    #[test]
    fn a_proof_dated_by_a_clock_that_is_behind_makes_no_sign_before_it_look_newer() {
        let behind = Duration::HOUR;
        let dated = Fact { at: PROVEN - behind, ..proof() };
        let last_there = AtSource { newest: Some(PROVEN - Duration::SECOND), ..AtSource::default() };
        assert!(at_source(&last_there, &dated, &there(NOW), "Contoso fleet").is_err());
        let proof = by_targets_clock(&dated, true, NOW - behind, NOW);
        assert_eq!(at_source(&last_there, &proof, &there(NOW), "Contoso fleet"), Ok(()));
        assert_eq!(by_targets_clock(&dated, false, NOW - behind, NOW), dated);
    }

    #[test]
    fn a_proof_by_a_clock_that_was_ahead_does_not_hide_a_newer_sign_at_the_source() {
        let ahead = Fact { at: NOW + Duration::days(9), ..proof() };
        let seen = AtSource { newest: Some(NOW), ..AtSource::default() };
        let here = there(NOW - Duration::minutes(5));
        assert_eq!(reason(at_source(&seen, &ahead, &here, "Contoso fleet")), KeepReason::SeenAtSource);
    }
}
