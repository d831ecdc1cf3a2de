//! A row of the devices table, and the device that it means.

use sqlx::FromRow;

use crate::ids::{DeviceId, EnrollmentGroupId, HubHost, TemplateId};
use crate::migration::Device;
use crate::migration::app_evidence::AppSeen;
use crate::migration::device::{AnswersBefore, CommandState, Fact, Facts, Outcome, OwnKeys, Via};
use crate::migration::evidence::{Baseline, RecordSeen, TwinSeen};
use crate::store::StoreError;
use crate::store::codec::{known, time};

const TABLE: &str = "devices";

#[derive(FromRow)]
pub(super) struct Row {
    device_id: String,
    source: String,
    display_name: Option<String>,
    unassigned: bool,
    joined_later: bool,
    outcome: String,
    reason: Option<String>,
    detail: Option<String>,
    cleared: bool,
    own_keys: Option<String>,
    key_group: Option<String>,
    home_connected: Option<bool>,
    home_activity: Option<i64>,
    organizations: Option<String>,
    carried_at: Option<i64>,
    carried: Option<String>,
    baseline_at: Option<i64>,
    base_status: Option<String>,
    base_hub: Option<String>,
    base_updated: Option<i64>,
    base_twin: bool,
    base_connected: Option<bool>,
    base_activity: Option<i64>,
    registered_at: Option<i64>,
    registered_by: Option<String>,
    commanded_at: Option<i64>,
    commanded_by: Option<String>,
    acknowledged_at: Option<i64>,
    acknowledged_by: Option<String>,
    left_at: Option<i64>,
    left_by: Option<String>,
    provisioned_at: Option<i64>,
    provisioned_by: Option<String>,
    connected_at: Option<i64>,
    connected_by: Option<String>,
    sending_at: Option<i64>,
    sending_by: Option<String>,
    command: String,
    via: Option<String>,
    attempts: u32,
    unclear: u32,
    answers_before: Option<u32>,
    answer_ids: Option<String>,
    base_device: Option<String>,
    base_provisioned: Option<bool>,
    base_enabled: Option<bool>,
    base_newest: Option<i64>,
    base_template: Option<String>,
    next_try_at: Option<i64>,
    deadline: Option<i64>,
    wave: Option<u32>,
    removed_at: Option<i64>,
}

fn fact(at: Option<i64>, by: Option<String>) -> Option<Fact> {
    at.map(|at| Fact { at: time(at), evidence: by.unwrap_or_default() })
}

impl TryFrom<Row> for Device {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let outcome = Outcome::from_stored(&row.outcome, row.reason.as_deref());
        let via = match &row.via {
            Some(name) => Some(known(Via::from_stored(name), TABLE, "via", &row.device_id)?),
            None => None,
        };
        let own_keys = match &row.own_keys {
            Some(name) => Some(known(OwnKeys::from_stored(name), TABLE, "own_keys", &row.device_id)?),
            None => None,
        };
        let record = row.base_status.map(|status| RecordSeen {
            status,
            hub: row.base_hub.map(HubHost::from),
            updated: row.base_updated.map(time),
            error: None,
            device: row.base_device.map(DeviceId::from),
        });
        let twin = row.base_twin.then(|| TwinSeen {
            connected: row.base_connected.unwrap_or_default(),
            activity: row.base_activity.map(time),
        });
        let app = row.base_provisioned.map(|provisioned| AppSeen {
            provisioned,
            enabled: row.base_enabled.unwrap_or(true),
            simulated: false,
            template: row.base_template.map(TemplateId::from),
            newest: row.base_newest.map(time),
        });
        Ok(Self {
            outcome: known(outcome, TABLE, "outcome", &row.device_id)?,
            command: known(CommandState::from_stored(&row.command), TABLE, "command", &row.device_id)?,
            via,
            baseline: Baseline { taken_at: row.baseline_at.map(time), record, twin, app },
            facts: Facts {
                registered: fact(row.registered_at, row.registered_by),
                commanded: fact(row.commanded_at, row.commanded_by),
                acknowledged: fact(row.acknowledged_at, row.acknowledged_by),
                left: fact(row.left_at, row.left_by),
                provisioned: fact(row.provisioned_at, row.provisioned_by),
                connected: fact(row.connected_at, row.connected_by),
                sending: fact(row.sending_at, row.sending_by),
            },
            id: row.device_id.into(),
            source: row.source,
            display_name: row.display_name,
            organizations: row.organizations.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            carried: fact(row.carried_at, row.carried),
            unassigned: row.unassigned,
            joined_later: row.joined_later,
            detail: row.detail,
            cleared: row.cleared,
            own_keys,
            home: row.home_connected.map(|connected| TwinSeen { connected, activity: row.home_activity.map(time) }),
            key_group: row.key_group.map(EnrollmentGroupId::from),
            attempts: row.attempts,
            unclear: row.unclear,
            answers_before: row.answers_before.map(|number| AnswersBefore {
                number,
                ids: row.answer_ids.iter().flat_map(|ids| ids.lines()).map(str::to_owned).collect(),
            }),
            next_try_at: row.next_try_at.map(time),
            deadline: row.deadline.map(time),
            wave: row.wave,
            removed_at: row.removed_at.map(time),
        })
    }
}
