//! What a sighting at the target makes of a device's row.

use crate::clock::Timestamp;
use crate::migration::device::Fact;
use crate::migration::evidence::Arrival;
use crate::migration::{CommandState, Device, Outcome, SkipReason, WaitReason};

/// When things happened that a sighting proves, by Azure's clock where Azure gave a time.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Proof {
    /// It was assigned, or taken in.
    pub(in crate::engine) provisioned: Fact,
    /// It connected.
    pub(in crate::engine) connected_at: Timestamp,
}

/// A refusal is not a device's end before its time has run out: firmware tries again.
pub(in crate::engine) fn apply(row: &mut Device, arrival: &Arrival, proof: Proof, registrar: &str) {
    match arrival {
        Arrival::NotSeen => {}
        Arrival::Refused(why) if row.outcome.is_open() => row.detail = Some(format!("{registrar} refused it: {why}")),
        Arrival::Elsewhere(hub) if row.outcome.is_open() => row.detail = Some(format!("DPS assigned it to {hub}")),
        Arrival::Refused(_) | Arrival::Elsewhere(_) => {}
        Arrival::AwaitsApproval if row.outcome.is_open() && row.may_have_been_told() => {
            row.outcome = Outcome::Waiting(WaitReason::Approval);
            row.detail = Some("it has come, and waits there for approval".into());
            row.next_try_at = None;
            row.deadline = None;
        }
        Arrival::AwaitsApproval => {}
        Arrival::Provisioned => {
            row.facts.provisioned.get_or_insert(proof.provisioned);
        }
        Arrival::Connected { evidence } => {
            row.facts.provisioned.get_or_insert(proof.provisioned);
            row.facts.connected = Some(Fact { at: proof.connected_at, evidence: evidence.clone() });
            row.outcome = Outcome::Moved;
            row.detail = None;
            row.next_try_at = None;
            row.deadline = None;
        }
        // Only of a device that was not reached: one that may have been told must be proven by a new registration.
        Arrival::AlreadyThere if row.command == CommandState::Unreachable && !row.may_have_been_told() => {
            row.outcome = Outcome::Skipped(SkipReason::AlreadyAtTarget);
            row.detail = Some("it came back to the target by the registration that it had before".into());
            row.next_try_at = None;
        }
        Arrival::AlreadyThere => {}
    }
}
