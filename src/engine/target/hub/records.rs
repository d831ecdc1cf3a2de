//! Registration records by registration id. DPS takes these ids without regard to case and may spell them in its own way.

use std::collections::HashMap;

use super::AtHub;
use crate::azure::dps::Registration;
use crate::azure::error::ErrorKind;
use crate::engine::halt::Halt;
use crate::ids::{DeviceId, EnrollmentGroupId};
use crate::migration::evidence::RecordSeen;

/// What DPS recorded of many devices.
#[derive(Debug, Default)]
pub(in crate::engine) struct Records(HashMap<String, RecordSeen>);

impl Records {
    /// The records of these groups' devices.
    pub(in crate::engine) async fn of(at: &AtHub, groups: &[EnrollmentGroupId]) -> Result<Self, Halt> {
        let mut records = Self::default();
        for group in groups {
            let listed = match at.dps.group_registrations(group).await {
                Ok(listed) => listed,
                // A group that was made a moment ago may not be known yet: nobody has come through it.
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => continue,
                Err(error) => return Err(error.into()),
            };
            for record in listed {
                records.0.insert(key(&record.registration_id), seen(record));
            }
        }
        Ok(records)
    }

    /// How many there are.
    pub(in crate::engine) fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::engine) fn get(&self, id: &DeviceId) -> Option<&RecordSeen> {
        self.0.get(&key(id))
    }
}

/// What DPS recorded of one device.
pub(in crate::engine) async fn of_device(at: &AtHub, id: &DeviceId) -> Result<Option<RecordSeen>, Halt> {
    Ok(at.dps.registration(id).await?.map(seen))
}

/// A registration id as DPS compares it.
pub(in crate::engine) fn key(id: &DeviceId) -> String {
    id.as_str().to_ascii_lowercase()
}

fn seen(record: Registration) -> RecordSeen {
    let error = match (record.error_code, record.error_message) {
        (Some(code), Some(message)) => Some(format!("{message} ({code})")),
        (Some(code), None) => Some(format!("error {code}")),
        (None, message) => message,
    };
    RecordSeen {
        status: record.status.to_string(),
        hub: record.assigned_hub.filter(|hub| !hub.as_str().is_empty()),
        updated: record.last_updated,
        error,
        device: record.device_id.filter(|id| !id.as_str().is_empty()),
    }
}
