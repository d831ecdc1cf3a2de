//! Enrollment groups and individual enrollments: the same rules for both, except for what they are called.
//!
//! A PUT without `If-Match` creates and fails with 409201 if the id is taken; with `If-Match` it updates.

use axum::body::Bytes;
use axum::extract::Path;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::fault::{Answer, Fault};
use super::model::{Attestation, Enrollment, Group, Settings};
use super::register::is_registration_id;
use super::service::{Call, Right, json_body};
use super::{page, records, settings};
use crate::sandbox::hub::is_device_id;
use crate::sandbox::wire;
use crate::sandbox::world::{Dps, Moment};

/// The most groups of a kind, and the most individual enrollments, that an instance holds.
const MOST_GROUPS: usize = 100;
const MOST_ENROLLMENTS: usize = 1_000_000;

/// Groups or individual enrollments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Groups,
    Individuals,
}

impl Family {
    /// The field that holds the id.
    pub(super) fn id_field(self) -> &'static str {
        match self {
            Self::Groups => "enrollmentGroupId",
            Self::Individuals => "registrationId",
        }
    }

    fn missing(self) -> Fault {
        match self {
            Self::Groups => Fault::no_group(),
            Self::Individuals => Fault::new(404_201, "Enrollment not found."),
        }
    }

    fn exists(self) -> Fault {
        match self {
            Self::Groups => Fault::new(409_202, "Enrollment group already exists."),
            Self::Individuals => Fault::new(409_201, "Enrollment already exists."),
        }
    }

    fn is_group(self) -> bool {
        self == Self::Groups
    }

    fn settings<'a>(self, dps: &'a Dps, id: &str) -> Option<&'a Settings> {
        let key = id.to_ascii_lowercase();
        match self {
            Self::Groups => dps.groups.get(&key).map(|group| &group.settings),
            Self::Individuals => dps.enrollments.get(&key).map(|enrollment| &enrollment.settings),
        }
    }
}

pub(super) async fn get_group(call: Call, Path(id): Path<String>) -> Answer {
    read(&call, Family::Groups, &id)
}
pub(super) async fn get(call: Call, Path(id): Path<String>) -> Answer {
    read(&call, Family::Individuals, &id)
}
pub(super) async fn put_group(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    write(&call, Family::Groups, &id, &body)
}
pub(super) async fn put(call: Call, Path(id): Path<String>, body: Bytes) -> Answer {
    write(&call, Family::Individuals, &id, &body)
}
pub(super) async fn delete_group(call: Call, Path(id): Path<String>) -> Answer {
    erase(&call, Family::Groups, &id)
}
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Answer {
    erase(&call, Family::Individuals, &id)
}
pub(super) async fn group_attestation(call: Call, Path(id): Path<String>) -> Answer {
    mechanism(&call, Family::Groups, &id)
}
pub(super) async fn attestation(call: Call, Path(id): Path<String>) -> Answer {
    mechanism(&call, Family::Individuals, &id)
}

/// `POST /enrollmentGroups/query`
pub(super) async fn query_groups(call: Call, body: Bytes) -> Result<Response, Fault> {
    check_query(&call, &body, "enrollmentgroups")?;
    call.look(|dps| page::answer(&call.headers, "enrollmentGroup", &dps.groups, show_group))
}

/// `POST /enrollments/query`
pub(super) async fn query(call: Call, body: Bytes) -> Result<Response, Fault> {
    check_query(&call, &body, "enrollments")?;
    call.look(|dps| {
        page::answer(&call.headers, "enrollment", &dps.enrollments, |enrollment| show_individual(dps, enrollment))
    })
}

fn check_query(call: &Call, body: &[u8], table: &str) -> Result<(), Fault> {
    call.need(Right::EnrollmentRead)?;
    let body = json_body(&call.headers, body)?;
    let query = body["query"].as_str().ok_or_else(|| Fault::bad_request("The body needs a query."))?;
    let words: Vec<String> = query.split_whitespace().map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["*"] | ["select", "*"] => Ok(()),
        ["select", "*", "from", from] if *from == table => Ok(()),
        _ => Err(Fault::new(400_007, format!("The query '{query}' is not supported."))),
    }
}

fn read(call: &Call, family: Family, id: &str) -> Answer {
    call.need(Right::EnrollmentRead)?;
    call.look(|dps| show(dps, family, id)).map(|shown| wire::ok(&shown))
}

fn mechanism(call: &Call, family: Family, id: &str) -> Answer {
    call.need(Right::AttestationRead)?;
    call.look(|dps| {
        let settings = family.settings(dps, id).ok_or_else(|| family.missing())?;
        Ok(wire::ok(&settings::show_attestation(settings, family.is_group(), true)))
    })
}

fn write(call: &Call, family: Family, id: &str, body: &[u8]) -> Answer {
    call.need(Right::EnrollmentWrite)?;
    let body = json_body(&call.headers, body)?;
    if body[family.id_field()].as_str() != Some(id) {
        return Err(Fault::bad_request(format!("{} in the body must equal the one in the path.", family.id_field())));
    }
    let (shown, created) = call.dps(|dps| {
        let created = store(dps, family, &body, call.if_match(), call.now)?;
        Ok((show(dps, family, id)?, created))
    })?;
    Ok(wire::with_effect(wire::ok(&shown), if created { "enrollment.created" } else { "enrollment.updated" }, id))
}

fn erase(call: &Call, family: Family, id: &str) -> Answer {
    call.need(Right::EnrollmentDelete)?;
    call.dps(|dps| remove(dps, family, id, call.if_match()))?;
    Ok(wire::with_effect(wire::no_content(), "enrollment.deleted", id))
}

/// Creates or updates an enrollment; tells whether it is new.
pub(super) fn store(
    dps: &mut Dps,
    family: Family,
    body: &Value,
    if_match: Option<&str>,
    now: Moment,
) -> Result<bool, Fault> {
    let id = body[family.id_field()].as_str().unwrap_or_default();
    let well_formed =
        is_registration_id(id) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    if !well_formed {
        return Err(Fault::bad_request(format!("'{id}' is not a valid {}.", family.id_field())));
    }
    let before = family.settings(dps, id);
    match (before, if_match) {
        (Some(_), None) => return Err(family.exists()),
        (Some(before), Some(etag)) if !wire::etag_matches(etag, &before.etag) => return Err(stale()),
        (None, Some(_)) => return Err(family.missing()),
        _ => {}
    }
    let parsed = settings::parse(body, family.is_group(), before, dps, now)?;
    let created = before.is_none();
    if created {
        check_room(dps, family, &parsed)?;
    }
    let key = id.to_ascii_lowercase();
    match family {
        Family::Groups => {
            dps.groups.insert(key, Group { id: id.to_owned(), settings: parsed });
        }
        Family::Individuals => {
            let device_id = settings::text(body, "deviceId")?.filter(|id| !id.is_empty()).map(str::to_owned);
            if let Some(wrong) = device_id.as_ref().filter(|id| !is_device_id(id)) {
                return Err(Fault::bad_request(format!("'{wrong}' is not a valid deviceId.")));
            }
            dps.enrollments.insert(key, Enrollment { registration_id: id.to_owned(), device_id, settings: parsed });
        }
    }
    Ok(created)
}

fn check_room(dps: &Dps, family: Family, new: &Settings) -> Result<(), Fault> {
    let is_x509 = |settings: &Settings| matches!(settings.attestation, Attestation::X509 { .. });
    let full = match family {
        Family::Groups => {
            dps.groups.values().filter(|group| is_x509(&group.settings) == is_x509(new)).count() >= MOST_GROUPS
        }
        Family::Individuals => dps.enrollments.len() >= MOST_ENROLLMENTS,
    };
    if full {
        Err(Fault::new(403_001, "The quota of enrollments of this provisioning service is exceeded."))
    } else {
        Ok(())
    }
}

/// Deletes an enrollment. Hub identities and registration records stay.
pub(super) fn remove(dps: &mut Dps, family: Family, id: &str, if_match: Option<&str>) -> Result<(), Fault> {
    let before = family.settings(dps, id).ok_or_else(|| family.missing())?;
    if if_match.is_some_and(|etag| !wire::etag_matches(etag, &before.etag)) {
        return Err(stale());
    }
    let key = id.to_ascii_lowercase();
    match family {
        Family::Groups => dps.groups.remove(&key).map(drop),
        Family::Individuals => dps.enrollments.remove(&key).map(drop),
    };
    Ok(())
}

fn show(dps: &Dps, family: Family, id: &str) -> Result<Value, Fault> {
    let key = id.to_ascii_lowercase();
    let shown = match family {
        Family::Groups => dps.groups.get(&key).map(show_group),
        Family::Individuals => dps.enrollments.get(&key).map(|enrollment| show_individual(dps, enrollment)),
    };
    shown.ok_or_else(|| family.missing())
}

fn show_group(group: &Group) -> Value {
    let mut shown = Map::new();
    shown.insert("enrollmentGroupId".to_owned(), json!(group.id));
    settings::show(&group.settings, true, &mut shown);
    Value::Object(shown)
}

fn show_individual(dps: &Dps, enrollment: &Enrollment) -> Value {
    let mut shown = Map::new();
    shown.insert("registrationId".to_owned(), json!(enrollment.registration_id));
    if let Some(id) = &enrollment.device_id {
        shown.insert("deviceId".to_owned(), json!(id));
    }
    let record = dps.registrations.get(&enrollment.registration_id.to_ascii_lowercase());
    shown.insert("registrationState".to_owned(), record.map_or(Value::Null, records::show));
    settings::show(&enrollment.settings, false, &mut shown);
    Value::Object(shown)
}

fn stale() -> Fault {
    Fault::new(412_002, "Precondition failed: the enrollment has changed since it was read.")
}
