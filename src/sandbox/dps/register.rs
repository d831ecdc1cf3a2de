//! Registration of a device: who it is, whether it may, and the operation that leads to a hub. Both the HTTP device API and
//! the sandbox's own devices come through here.

use std::time::Duration;

use serde_json::Value;

use super::fault::Fault;
use super::model::{self, Operation, Registration, Status};
use super::{assign, attest::attest};
use crate::sandbox::sas::Token;
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Rate;
use crate::sandbox::world::{Moment, World};
use crate::sandbox::x509::Chain;

/// How long an assignment takes.
const WORK: Duration = Duration::from_millis(800);
const MINUTE: Duration = Duration::from_secs(60);
/// Registrations per minute of a DPS, and of the one inside an IoT Central application.
const DPS_PER_MINUTE: u32 = 1000;
const APP_PER_MINUTE: u32 = 200;

/// What a device presents.
#[derive(Debug)]
pub enum Presented {
    /// A shared access signature made with the device's key.
    Token(Token),
    /// SHA-1 thumbprints of its certificate and of the authority above it.
    Certificate {
        /// The device's own.
        leaf: String,
        /// The authority's.
        issuer: String,
    },
    /// The certificates of its TLS handshake.
    Chain(Chain),
    /// Nothing, or nothing readable.
    Nothing,
}

impl Presented {
    /// Reads an `Authorization` header.
    #[must_use]
    pub fn from_header(header: Option<&str>) -> Self {
        header.and_then(Token::parse).map_or(Self::Nothing, Self::Token)
    }

    /// A header wins over a certificate.
    #[must_use]
    pub fn from_call(header: Option<&str>, chain: Option<Chain>) -> Self {
        match (header, chain) {
            (None, Some(chain)) => Self::Chain(chain),
            (header, _) => Self::from_header(header),
        }
    }
}

/// Whose ID scope it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    Dps(String),
    App(String),
}

impl Owner {
    pub(super) fn of(world: &World, id_scope: &str) -> Option<Self> {
        if let Some(name) = model::by_scope(&world.dps, id_scope) {
            return Some(Self::Dps(name));
        }
        let app = world.apps.iter().find(|(_, app)| app.id_scope == id_scope && app.state == "created");
        app.map(|(sub, _)| Self::App(sub.clone()))
    }

    pub(super) fn records<'a>(
        &self,
        world: &'a mut World,
    ) -> Option<&'a mut std::collections::BTreeMap<String, Registration>> {
        match self {
            Self::Dps(name) => Some(&mut world.dps.get_mut(name)?.registrations),
            Self::App(sub) => Some(&mut world.apps.get_mut(sub)?.registrations),
        }
    }

    fn record<'a>(&self, world: &'a World, id: &str) -> Option<&'a Registration> {
        match self {
            Self::Dps(name) => world.dps.get(name)?.registrations.get(&id.to_ascii_lowercase()),
            Self::App(sub) => world.apps.get(sub)?.registrations.get(&id.to_ascii_lowercase()),
        }
    }
}

/// Starts a registration and returns its operation id.
///
/// # Errors
/// 401002 if the scope is unknown or no enabled enrollment is satisfied, 400209 if an application has not approved the
/// device, 429001 above the registration limit.
pub fn begin(
    shared: &Shared,
    id_scope: &str,
    id: &str,
    presented: &Presented,
    payload: Option<Value>,
) -> Result<String, Fault> {
    if !is_registration_id(id) {
        return Err(Fault::bad_request(format!("Registration id '{id}' is not valid.")));
    }
    let now = shared.clock().now();
    let switches = shared.switches();
    let (owner, matched) = shared.look(|world| {
        let owner = Owner::of(world, id_scope).ok_or_else(Fault::unauthorized)?;
        let matched = attest(world, &owner, id_scope, id, presented, now, switches)?;
        if switches.sticky_keys
            && let Some(first) = owner.record(world, id).and_then(|record| record.first_slot)
        {
            let same = matched.slot.is_none_or(|slot| slot == first);
            same.then_some(()).ok_or_else(Fault::unauthorized)?;
        }
        Ok::<_, Fault>((owner, matched))
    })?;
    let amount = if matches!(owner, Owner::Dps(_)) { DPS_PER_MINUTE } else { APP_PER_MINUTE };
    let rate = Rate { amount, per: MINUTE, burst: amount };
    shared.throttles().take(&format!("dps/{id_scope}/registrations"), 1, rate).map_err(|_| Fault::throttled())?;
    let operation = format!(
        "4.{:016x}.{}",
        now.unix_timestamp_nanos().unsigned_abs() & 0xffff_ffff_ffff_ffff,
        uuid::Uuid::new_v4()
    );
    shared.world(|world| {
        if let Owner::App(sub) = &owner {
            assign::admit_to_app(world, sub, id, payload.as_ref(), now)?;
        }
        let records = owner.records(world).ok_or_else(Fault::unauthorized)?;
        let record = records.entry(id.to_ascii_lowercase()).or_insert_with(|| new_record(id, now));
        record.first_slot = record.first_slot.or(matched.slot);
        record.status = Status::Assigning;
        record.error = None;
        record.payload = payload;
        record.operation = Some(Operation { id: operation.clone(), ready_at: now + WORK, matched });
        Ok::<_, Fault>(())
    })?;
    finish_later(shared, owner, id.to_owned(), operation.clone());
    Ok(operation)
}

/// The state of a registration's operation; the device must present itself again.
///
/// # Errors
/// 401002 as for [`begin`]; 404203 for an operation that is not the device's last one.
pub fn poll(
    shared: &Shared,
    id_scope: &str,
    id: &str,
    presented: &Presented,
    operation: &str,
) -> Result<Registration, Fault> {
    let (now, switches) = (shared.clock().now(), shared.switches());
    shared.look(|world| {
        let owner = Owner::of(world, id_scope).ok_or_else(Fault::unauthorized)?;
        attest(world, &owner, id_scope, id, presented, now, switches)?;
        let record =
            owner.record(world, id).filter(|record| record.operation.as_ref().is_some_and(|last| last.id == operation));
        record.cloned().ok_or_else(|| Fault::new(404_203, "Operation not found."))
    })
}

/// The last registration of a device, without registering it.
///
/// # Errors
/// As for [`poll`].
pub fn lookup(shared: &Shared, id_scope: &str, id: &str, presented: &Presented) -> Result<Registration, Fault> {
    let (now, switches) = (shared.clock().now(), shared.switches());
    shared.look(|world| {
        let owner = Owner::of(world, id_scope).ok_or_else(Fault::unauthorized)?;
        attest(world, &owner, id_scope, id, presented, now, switches)?;
        owner.record(world, id).cloned().ok_or_else(|| Fault::new(404_202, "Registration not found."))
    })
}

/// Takes up registrations that were under way when the state was saved.
pub fn resume(shared: &Shared) {
    let under_way = |record: &Registration| {
        let operation = record.operation.as_ref().filter(|_| record.status == Status::Assigning)?;
        Some((record.registration_id.clone(), operation.id.clone()))
    };
    let pending: Vec<(Owner, String, String)> = shared.look(|world| {
        let dps = world.dps.iter().map(|(name, dps)| (Owner::Dps(name.clone()), &dps.registrations));
        let apps = world.apps.iter().map(|(sub, app)| (Owner::App(sub.clone()), &app.registrations));
        let records =
            dps.chain(apps).flat_map(|(owner, records)| records.values().map(move |record| (owner.clone(), record)));
        records.filter_map(|(owner, record)| under_way(record).map(|(id, operation)| (owner, id, operation))).collect()
    });
    for (owner, id, operation) in pending {
        finish_later(shared, owner, id, operation);
    }
}

fn finish_later(shared: &Shared, owner: Owner, id: String, operation: String) {
    let task = shared.clone();
    shared.spawn(async move {
        task.clock().sleep(WORK).await;
        assign::finish(&task, &owner, &id, &operation);
    });
}

fn new_record(id: &str, now: Moment) -> Registration {
    Registration {
        registration_id: id.to_owned(),
        device_id: id.to_owned(),
        assigned_hub: None,
        status: Status::Unassigned,
        substatus: None,
        error: None,
        group: None,
        first_slot: None,
        created: now,
        updated: now,
        etag: model::new_etag(),
        payload: None,
        operation: None,
    }
}

/// At most 128 letters, digits and `- . _ :`, the last a letter, digit or `-`.
#[must_use]
pub(super) fn is_registration_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    (1..=128).contains(&id.len())
        && id.bytes().all(allowed)
        && id.bytes().last().is_some_and(|last| last.is_ascii_alphanumeric() || last == b'-')
}
