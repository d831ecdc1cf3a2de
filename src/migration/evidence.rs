//! What the target says of a device, and when that is proof.
//!
//! Proof is a change after the baseline in Azure's own clock: no time of this workstation is ever compared with one of
//! Azure's. Nothing but the target's evidence makes a device *moved*.

use super::app_evidence::AppSeen;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, HubHost};

/// A DPS registration record, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSeen {
    /// `assigned`, `failed`, …
    pub status: String,
    /// The hub it leads to.
    pub hub: Option<HubHost>,
    /// When DPS last changed it, by DPS's clock.
    pub updated: Option<Timestamp>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// The id under which the hub has the device, where DPS says so.
    pub device: Option<DeviceId>,
}

impl RecordSeen {
    /// The id to ask the hub for. DPS takes registration ids without regard to case and may spell them in its own way.
    #[must_use]
    pub fn id_at_hub<'a>(&'a self, registration: &'a DeviceId) -> &'a DeviceId {
        self.device.as_ref().unwrap_or(registration)
    }

    /// DPS has assigned the device to another hub than this one. One that is at work, failed or disabled may keep the hub
    /// it had before: that leads nowhere.
    #[must_use]
    pub fn leads_elsewhere(&self, hub: &HubHost) -> bool {
        self.status.eq_ignore_ascii_case("assigned")
            && self.hub.as_ref().is_some_and(|own| !own.as_str().is_empty() && !own.same_as(hub.as_str()))
    }

    /// DPS has assigned the device to this hub.
    #[must_use]
    pub fn leads_to(&self, hub: &HubHost) -> bool {
        self.status.eq_ignore_ascii_case("assigned") && self.hub.as_ref().is_some_and(|own| own.same_as(hub.as_str()))
    }
}

/// A hub's view of a device, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinSeen {
    /// The hub holds it to be connected.
    pub connected: bool,
    /// When it last connected or sent, by the hub's clock; absent = never.
    pub activity: Option<Timestamp>,
}

/// What the target knew of a device before it was told to move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// When it was taken; absent = not yet.
    pub taken_at: Option<Timestamp>,
    /// Its registration record, if there was one.
    pub record: Option<RecordSeen>,
    /// Its hub twin, if there was one.
    pub twin: Option<TwinSeen>,
    /// What the target application showed of it, if it knew it.
    pub app: Option<AppSeen>,
}

/// What the target knows of a device now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Its registration record, if there is one.
    pub record: Option<RecordSeen>,
    /// Its hub twin, if there is one and it was read.
    pub twin: Option<TwinSeen>,
}

/// What a sighting proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing new.
    NotSeen,
    /// DPS refused it after the baseline.
    Refused(String),
    /// DPS sent it to another hub after the baseline.
    Elsewhere(String),
    /// DPS assigned it to the chosen hub after the baseline; the hub has not seen it since.
    Provisioned,
    /// The application knows it since the baseline, and does not let it in before somebody approves it.
    AwaitsApproval,
    /// Provisioned, and the target has seen it since: moved.
    Connected {
        /// What the target showed.
        evidence: String,
    },
    /// It is at the hub by an older registration: it was there before this migration.
    AlreadyThere,
}

impl Baseline {
    /// The id to ask the hub for.
    #[must_use]
    pub fn id_at_hub<'a>(&'a self, registration: &'a DeviceId) -> &'a DeviceId {
        self.record.as_ref().map_or(registration, |record| record.id_at_hub(registration))
    }

    /// It was sent to this hub before and was active there since, but is not shown as connected: it may be there still,
    /// or have gone back. Both times are Azure's.
    #[must_use]
    pub fn may_be_there(&self, hub: &HubHost) -> bool {
        let Some(record) = self.record.as_ref().filter(|record| record.leads_to(hub)) else { return false };
        let activity = self.twin.as_ref().and_then(|twin| twin.activity);
        matches!((activity, record.updated), (Some(activity), Some(updated)) if activity >= updated)
    }

    /// The target's evidence shows the device there before it was told anything.
    #[must_use]
    pub fn already_there(&self, hub: &HubHost) -> bool {
        self.record.as_ref().is_some_and(|record| record.leads_to(hub))
            && self.twin.as_ref().is_some_and(|twin| twin.connected)
    }

    /// What `now` proves, given this baseline.
    #[must_use]
    pub fn judge(&self, now: &Sighting, hub: &HubHost) -> Arrival {
        let Some(record) = &now.record else { return Arrival::NotSeen };
        let changed = match &self.record {
            None => true,
            Some(before) => match (record.updated, before.updated) {
                (Some(now), Some(then)) if now != then => now > then,
                _ => record.status != before.status || record.hub != before.hub,
            },
        };
        if !changed {
            let reconnected = record.leads_to(hub) && self.seen_since(now.twin.as_ref()).is_some();
            return if reconnected { Arrival::AlreadyThere } else { Arrival::NotSeen };
        }
        if record.leads_to(hub) {
            return match self.seen_since(now.twin.as_ref()) {
                Some(evidence) => Arrival::Connected { evidence },
                None => Arrival::Provisioned,
            };
        }
        if record.leads_elsewhere(hub) {
            return Arrival::Elsewhere(record.hub.as_ref().map(ToString::to_string).unwrap_or_default());
        }
        match record.status.to_ascii_lowercase().as_str() {
            "failed" | "disabled" => {
                Arrival::Refused(record.error.clone().unwrap_or_else(|| format!("registration {}", record.status)))
            }
            _ => Arrival::NotSeen,
        }
    }

    /// What shows that the hub has seen the device since the baseline, if it has.
    fn seen_since(&self, twin: Option<&TwinSeen>) -> Option<String> {
        let twin = twin?;
        let before = self.twin.as_ref();
        let newer_activity = match (twin.activity, before.and_then(|twin| twin.activity)) {
            (Some(now), Some(then)) => now > then,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let newly_connected = twin.connected && !before.is_some_and(|twin| twin.connected);
        match (newly_connected, newer_activity) {
            (true, _) => Some("the hub shows it connected".to_owned()),
            (false, true) => Some("the hub shows newer activity".to_owned()),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const EARLY: Timestamp = datetime!(2026-01-01 10:00 UTC);
    const LATE: Timestamp = datetime!(2026-01-01 10:05 UTC);

    fn hub() -> HubHost {
        HubHost::new("contoso-hub.azure-devices.net")
    }

    fn assigned(updated: Timestamp) -> RecordSeen {
        RecordSeen { status: "assigned".into(), hub: Some(hub()), updated: Some(updated), error: None, device: None }
    }

    fn twin(connected: bool, activity: Option<Timestamp>) -> TwinSeen {
        TwinSeen { connected, activity }
    }

    #[test]
    fn a_new_record_and_a_connection_prove_the_move() {
        let seen = Sighting { record: Some(assigned(LATE)), twin: Some(twin(true, None)) };
        assert!(matches!(Baseline::default().judge(&seen, &hub()), Arrival::Connected { .. }));
    }

    #[test]
    fn a_record_alone_is_not_a_move() {
        let seen = Sighting { record: Some(assigned(LATE)), twin: Some(twin(false, None)) };
        assert_eq!(Baseline::default().judge(&seen, &hub()), Arrival::Provisioned);
    }

    #[test]
    fn a_record_older_than_the_migration_proves_nothing() {
        let baseline = Baseline {
            taken_at: Some(LATE),
            record: Some(assigned(EARLY)),
            twin: Some(twin(false, Some(EARLY))),
            app: None,
        };
        let seen = Sighting { record: Some(assigned(EARLY)), twin: Some(twin(false, Some(EARLY))) };
        assert_eq!(baseline.judge(&seen, &hub()), Arrival::NotSeen);
    }

    #[test]
    fn a_device_that_reconnects_by_an_older_registration_was_there_already() {
        let baseline = Baseline {
            taken_at: Some(EARLY),
            record: Some(assigned(EARLY)),
            twin: Some(twin(false, Some(EARLY))),
            app: None,
        };
        let seen = Sighting { record: Some(assigned(EARLY)), twin: Some(twin(true, Some(LATE))) };
        assert_eq!(baseline.judge(&seen, &hub()), Arrival::AlreadyThere);
    }

    #[test]
    fn a_connection_that_was_there_before_does_not_prove_a_new_registration() {
        let baseline = Baseline {
            taken_at: Some(EARLY),
            record: Some(assigned(EARLY)),
            twin: Some(twin(true, Some(EARLY))),
            app: None,
        };
        let seen = Sighting { record: Some(assigned(LATE)), twin: Some(twin(true, Some(EARLY))) };
        assert_eq!(baseline.judge(&seen, &hub()), Arrival::Provisioned);
    }

    #[test]
    fn another_hub_and_a_refusal_are_told_apart_from_silence() {
        let mut record = assigned(LATE);
        record.hub = Some(HubHost::new("other.azure-devices.net"));
        let seen = Sighting { record: Some(record.clone()), twin: None };
        assert_eq!(Baseline::default().judge(&seen, &hub()), Arrival::Elsewhere("other.azure-devices.net".into()));
        record.status = "failed".into();
        record.error = Some("401002".into());
        let seen = Sighting { record: Some(record), twin: None };
        assert_eq!(Baseline::default().judge(&seen, &hub()), Arrival::Refused("401002".into()));
    }
}
