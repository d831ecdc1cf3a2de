//! The end of a registration: a hub is chosen and the device's identity is written there, or an IoT Central application
//! takes the device in.

use serde_json::{Value, json};

use super::fault::Fault;
use super::model::{Attestation, Matched, Registration, Reprovision, Settings, Status, Substatus, new_etag};
use super::register::Owner;
use crate::sandbox::central::model::{AppDevice, internal_hub};
use crate::sandbox::hub::limits::{self, Class};
use crate::sandbox::hub::model::{Authentication, Identity};
use crate::sandbox::options::IdentityConflict;
use crate::sandbox::state::Shared;
use crate::sandbox::world::{Moment, World};

/// Lets a registering device into an application, as an unassigned one if it is new and announces no known model.
///
/// # Errors
/// 400209 while the device is blocked or waits for approval.
pub(super) fn admit_to_app(
    world: &mut World,
    sub: &str,
    id: &str,
    payload: Option<&Value>,
    now: Moment,
) -> Result<(), Fault> {
    let app = world.apps.get_mut(sub).ok_or_else(Fault::unauthorized)?;
    let model = payload.and_then(|payload| payload.get("modelId")).and_then(Value::as_str);
    let template = model.and_then(|model| {
        let matching = app
            .templates
            .iter()
            .find(|template| template.pointer("/capabilityModel/@id").and_then(Value::as_str) == Some(model));
        matching.and_then(|template| template["@id"].as_str()).map(str::to_owned)
    });
    let approved = app.auto_approve;
    let device = app.devices.entry(id.to_owned()).or_insert_with(|| {
        let mut device = AppDevice::new(id, id, None, now);
        device.enabled = approved;
        device
    });
    if device.template.is_none() {
        device.template = template;
    }
    if device.enabled { Ok(()) } else { Err(Fault::new(400_209, "The device is blocked or waits for approval.")) }
}

/// Completes operation `operation`, if it is still the device's last one.
pub(super) fn finish(shared: &Shared, owner: &Owner, id: &str, operation: &str) {
    let now = shared.clock().now();
    let conflict = shared.switches().identity_conflict;
    shared.world(|world| {
        let records = owner.records(world);
        let record = records.and_then(|records| records.get(&id.to_ascii_lowercase()).cloned());
        let Some(record) = record.filter(|record| record.status == Status::Assigning) else { return };
        let Some(last) = record.operation.clone().filter(|last| last.id == operation) else { return };
        let result = match owner {
            _ if last.matched.is_disabled => Ok(None),
            Owner::Dps(name) => assign_hub(shared, world, name, &record, &last.matched, conflict, now).map(Some),
            Owner::App(sub) => enter_app(world, sub, id, now).map(Some),
        };
        let Some(record) = owner.records(world).and_then(|records| records.get_mut(&id.to_ascii_lowercase())) else {
            return;
        };
        record.updated = now;
        record.etag = new_etag();
        record.group = last.matched.group;
        match result {
            Ok(None) => record.status = Status::Disabled,
            Ok(Some((hub, substatus))) => {
                record.status = Status::Assigned;
                record.assigned_hub = Some(hub);
                record.substatus = Some(substatus);
            }
            Err(fault) => {
                record.status = Status::Failed;
                record.error = Some((fault.code, fault.message));
            }
        }
    });
}

fn enter_app(world: &mut World, sub: &str, id: &str, now: Moment) -> Result<(String, Substatus), Fault> {
    let app = world.apps.get_mut(sub).ok_or_else(Fault::unauthorized)?;
    let hub = internal_hub(app);
    let device = app.devices.get_mut(id).ok_or_else(Fault::unauthorized)?;
    let again = std::mem::replace(&mut device.provisioned, true);
    device.touch(now);
    Ok((hub, if again { Substatus::ReprovisionedToInitialAssignment } else { Substatus::InitialAssignment }))
}

/// The enrollment behind a match, with the device id that it gives.
fn enrollment<'a>(
    world: &'a World,
    dps: &str,
    record: &Registration,
    matched: &Matched,
) -> Option<(&'a Settings, String)> {
    let dps = world.dps.get(dps)?;
    match &matched.group {
        Some(group) => Some((&dps.groups.get(&group.to_ascii_lowercase())?.settings, record.registration_id.clone())),
        None => {
            let enrollment = dps.enrollments.get(&record.registration_id.to_ascii_lowercase())?;
            let id = enrollment.device_id.clone().unwrap_or_else(|| record.registration_id.clone());
            Some((&enrollment.settings, id))
        }
    }
}

fn assign_hub(
    shared: &Shared,
    world: &mut World,
    dps: &str,
    record: &Registration,
    matched: &Matched,
    conflict: IdentityConflict,
    now: Moment,
) -> Result<(String, Substatus), Fault> {
    let (settings, device_id) = enrollment(world, dps, record, matched).ok_or_else(Fault::unauthorized)?;
    let settings = settings.clone();
    let previous = record.assigned_hub.clone();
    let host = choose(world, dps, &settings, record, previous.as_deref())?;
    let hub = world.hubs.get(&host).filter(|hub| hub.state == "Active");
    let hub = hub.ok_or_else(|| wrapped(401_001, "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"))?;
    limits::take(shared, hub, Class::Registry, 1).map_err(|_| {
        wrapped(429_001, "ErrorCode:ThrottlingException;The request rate limit of the IoT hub is exceeded.")
    })?;
    let substatus = match &previous {
        None => Substatus::InitialAssignment,
        Some(old) if *old == host => Substatus::ReprovisionedToInitialAssignment,
        Some(_) if settings.reprovision.unwrap_or_default().migrate_device_data => Substatus::DeviceDataMigrated,
        Some(_) => Substatus::DeviceDataReset,
    };
    let old = previous.filter(|old| *old != host);
    let old = old.and_then(|old| world.hubs.get_mut(&old)?.identities.remove(&device_id));
    let hub = world.hubs.get_mut(&host).ok_or_else(Fault::unauthorized)?;
    let attested = attested(&settings.attestation, record, matched);
    let existed = hub.identities.contains_key(&device_id);
    let identity =
        hub.identities.entry(device_id.clone()).or_insert_with(|| Identity::new(&device_id, attested.clone(), now));
    if existed && identity.authentication != attested && conflict == IdentityConflict::Overwrite {
        identity.authentication = attested;
        identity.version += 1;
    }
    identity.iot_edge |= settings.iot_edge;
    if let Some(old) = old.filter(|_| substatus == Substatus::DeviceDataMigrated) {
        identity.twin = old.twin;
        identity.iot_edge |= old.iot_edge;
    } else if !existed || substatus == Substatus::DeviceDataReset {
        identity.twin.start(settings.initial_twin.as_ref().unwrap_or(&Value::Null), now);
    }
    if identity.iot_edge && identity.device_scope.is_empty() {
        identity.device_scope = identity.own_scope();
    }
    Ok((host, substatus))
}

/// Which hub, by the enrollment's policy or that of the DPS.
fn choose(
    world: &World,
    dps: &str,
    settings: &Settings,
    record: &Registration,
    previous: Option<&str>,
) -> Result<String, Fault> {
    let dps = world.dps.get(dps).ok_or_else(Fault::unauthorized)?;
    let linked = |host: &&String| dps.linked_hubs.iter().any(|linked| linked.eq_ignore_ascii_case(host));
    let wanted = if settings.hubs.is_empty() { &dps.linked_hubs } else { &settings.hubs };
    let candidates: Vec<String> = wanted.iter().filter(linked).map(|host| host.to_ascii_lowercase()).collect();
    let Reprovision { update_hub_assignment, .. } = settings.reprovision.unwrap_or_default();
    if let Some(previous) = previous.filter(|_| !update_hub_assignment) {
        return Ok(previous.to_owned());
    }
    if candidates.is_empty() {
        return Err(Fault::new(400_206, "No IoT hub is linked for this enrollment."));
    }
    let policy = settings.allocation.as_deref().unwrap_or(&dps.allocation_policy);
    let index = if policy.eq_ignore_ascii_case("hashed") {
        let sum =
            record.registration_id.bytes().fold(5381_usize, |hash, byte| hash.wrapping_mul(33) ^ usize::from(byte));
        sum % candidates.len()
    } else {
        0
    };
    candidates.get(index).cloned().ok_or_else(Fault::unauthorized)
}

/// The authentication that the hub identity gets.
fn attested(attestation: &Attestation, record: &Registration, matched: &Matched) -> Authentication {
    match attestation.device_keys(&record.registration_id, matched.group.is_some()) {
        Some((primary, secondary)) => Authentication::Sas { primary, secondary },
        None => Authentication::SelfSigned { primary: matched.leaf.clone(), secondary: None },
    }
}

/// The error of a hub, in the wrapping that DPS hands on.
fn wrapped(code: u32, message: &str) -> Fault {
    let tracking = uuid::Uuid::new_v4();
    Fault::new(code, json!({"Message": message, "ExceptionMessage": format!("Tracking ID:{tracking}")}).to_string())
}
