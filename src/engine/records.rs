//! Registration records by registration id. DPS takes these ids without regard to case and may spell them in its own way.

use std::collections::HashMap;

use super::halt::Halt;
use super::run::Run;
use crate::azure::dps::Registration;
use crate::azure::error::ErrorKind;
use crate::ids::{DeviceId, EnrollmentGroupId};
use crate::migration::evidence::RecordSeen;

/// What DPS recorded of many devices.
#[derive(Debug, Default)]
pub(super) struct Records(HashMap<String, Record>);

/// What DPS recorded of a device.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// As evidence.
    pub(super) seen: RecordSeen,
    /// The id under which the hub has the device, as DPS spells it.
    pub(super) device: Option<DeviceId>,
}

impl Records {
    /// The records of these groups' devices.
    pub(super) async fn of(run: &Run, groups: &[EnrollmentGroupId]) -> Result<Self, Halt> {
        let mut records = Self::default();
        for group in groups {
            let listed = match run.dps.group_registrations(group).await {
                Ok(listed) => listed,
                // A group that was made a moment ago may not be known yet: nobody has come through it.
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => continue,
                Err(error) => return Err(error.into()),
            };
            for record in listed {
                records.0.insert(key(&record.registration_id), record.into());
            }
        }
        Ok(records)
    }

    /// Adds the record that was asked for by `id`.
    pub(super) fn add(&mut self, id: &DeviceId, record: Registration) {
        self.0.insert(key(id), record.into());
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, id: &DeviceId) -> Option<&Record> {
        self.0.get(&key(id))
    }

    pub(super) fn take(&mut self, id: &DeviceId) -> Option<Record> {
        self.0.remove(&key(id))
    }
}

impl Record {
    /// The id to ask the hub for.
    pub(super) fn id_at_hub<'a>(&'a self, registration: &'a DeviceId) -> &'a DeviceId {
        self.device.as_ref().unwrap_or(registration)
    }
}

fn key(id: &DeviceId) -> String {
    id.as_str().to_ascii_lowercase()
}

impl From<Registration> for Record {
    fn from(record: Registration) -> Self {
        let error = match (record.error_code, record.error_message) {
            (Some(code), Some(message)) => Some(format!("{message} ({code})")),
            (Some(code), None) => Some(format!("error {code}")),
            (None, message) => message,
        };
        let seen = RecordSeen {
            status: record.status.to_string(),
            hub: record.assigned_hub,
            updated: record.last_updated,
            error,
        };
        Self { seen, device: record.device_id.filter(|id| !id.as_str().is_empty()) }
    }
}
