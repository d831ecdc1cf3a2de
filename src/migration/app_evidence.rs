//! What an IoT Central application that devices go to says of one, and when that is proof.
//!
//! An application tells neither when a device came nor whether it is connected. One that it did not know, or knew only by
//! name, is proven by being provisioned; one that had been there before only by newer telemetry or properties
//! (azure-api §7.6).

use super::evidence::Arrival;
use crate::clock::Timestamp;
use crate::ids::TemplateId;

/// An application's view of a device, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppSeen {
    /// It has come through the application's DPS at least once.
    pub provisioned: bool,
    /// False: blocked, or waiting for approval.
    pub enabled: bool,
    /// It is no real device: what it sends is nobody's sign of life.
    pub simulated: bool,
    /// The template that it has there.
    pub template: Option<TemplateId>,
    /// Its newest telemetry or property, by the application's clock; read only where it matters, and absent where there
    /// is none.
    pub newest: Option<Timestamp>,
}

impl AppSeen {
    /// The application would not let it in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.enabled
    }
}

/// What the application knew before can no longer be compared with what it shows now: with another template other signs of
/// life are seen, old ones too.
#[must_use]
pub fn must_begin_anew(before: Option<&AppSeen>, now: &AppSeen) -> bool {
    before.is_some_and(|before| before.provisioned && now.provisioned && before.template != now.template)
}

/// What `now` proves, given what the application knew before. `told`: the device may have been told to move.
#[must_use]
pub fn judge(before: Option<&AppSeen>, now: Option<&AppSeen>, told: bool) -> Arrival {
    let Some(now) = now else { return Arrival::NotSeen };
    if now.is_closed() {
        return match now.provisioned {
            true => Arrival::Refused("the application has blocked it".into()),
            false => Arrival::AwaitsApproval,
        };
    }
    if !now.provisioned {
        return Arrival::NotSeen;
    }
    match before.filter(|before| before.provisioned) {
        None => Arrival::Connected { evidence: "the application shows it provisioned".into() },
        Some(before) if now.newest > before.newest && told => {
            Arrival::Connected { evidence: "the application shows newer telemetry or properties".into() }
        }
        Some(before) if now.newest > before.newest => Arrival::AlreadyThere,
        Some(_) => Arrival::NotSeen,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const EARLY: Timestamp = datetime!(2026-01-01 10:00 UTC);
    const LATE: Timestamp = datetime!(2026-01-01 10:05 UTC);

    fn there(newest: Option<Timestamp>) -> AppSeen {
        AppSeen { provisioned: true, enabled: true, newest, ..AppSeen::default() }
    }

    fn is_moved(arrival: &Arrival) -> bool {
        matches!(arrival, Arrival::Connected { .. })
    }

    #[test]
    fn a_device_that_is_new_there_is_proven_by_being_provisioned() {
        assert!(is_moved(&judge(None, Some(&there(None)), true)));
        let by_name = AppSeen { provisioned: false, ..there(None) };
        assert!(is_moved(&judge(Some(&by_name), Some(&there(None)), true)));
        assert_eq!(judge(None, Some(&by_name), true), Arrival::NotSeen);
        assert_eq!(judge(None, None, true), Arrival::NotSeen);
    }

    #[test]
    fn a_device_that_was_there_before_needs_something_newer() {
        let before = there(Some(EARLY));
        assert_eq!(judge(Some(&before), Some(&there(Some(EARLY))), true), Arrival::NotSeen);
        assert_eq!(judge(Some(&before), Some(&there(None)), true), Arrival::NotSeen);
        assert!(is_moved(&judge(Some(&before), Some(&there(Some(LATE))), true)));
        assert!(is_moved(&judge(Some(&there(None)), Some(&there(Some(LATE))), true)));
        assert_eq!(judge(Some(&before), Some(&there(Some(LATE))), false), Arrival::AlreadyThere, "nobody told it");
    }

    #[test]
    fn a_template_that_was_assigned_since_makes_old_signs_visible_and_proves_nothing() {
        let unassigned = there(None);
        let assigned = AppSeen { template: Some("dtmi:boiler;1".into()), ..there(Some(EARLY)) };
        assert!(must_begin_anew(Some(&unassigned), &assigned));
        assert!(!must_begin_anew(Some(&assigned), &assigned) && !must_begin_anew(None, &assigned));
        let by_name = AppSeen { provisioned: false, ..unassigned };
        assert!(!must_begin_anew(Some(&by_name), &assigned), "it is new there all the same");
    }

    #[test]
    fn one_that_waits_for_approval_is_told_from_one_that_is_blocked() {
        let closed = AppSeen { enabled: false, ..there(None) };
        assert!(matches!(judge(None, Some(&closed), true), Arrival::Refused(_)));
        let waiting = AppSeen { provisioned: false, ..closed };
        assert_eq!(judge(None, Some(&waiting), true), Arrival::AwaitsApproval);
    }
}
