//! The devices of a group of an IoT Central application: who is to move, and what the application itself shows against it.

use std::collections::{HashMap, HashSet};

use super::FromApp;
use crate::azure::central::Device as CentralDevice;
use crate::azure::error::ErrorKind;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::source::is_registration_id;
use crate::ids::DeviceId;
use crate::migration::model::{CentralSource, PauseReason};
use crate::migration::{Outcome, SkipReason};
use crate::store::devices::{self, Found};
use crate::store::migrations;

/// A row for every device of the group and template; the others are counted.
pub(in crate::engine) async fn read_all(run: &Run, at: &FromApp) -> Result<(), Halt> {
    let source = &at.source;
    let everybody: HashMap<DeviceId, CentralDevice> =
        at.central.devices().await?.into_iter().map(|device| (device.id.clone(), device)).collect();
    let children = children(at, &everybody).await?;
    let Some(group) = source.group.as_ref().filter(|_| run.migration.parent.is_none()) else {
        return super::chosen::read(run, at, &everybody, &children).await;
    };
    let mut selected = HashSet::new();
    let mut next = None;
    let mut pages = HashSet::new();
    loop {
        let page = at.central.group_devices_page(group, next.as_ref()).await?;
        let found: Vec<Found> = completed(at, page.items, &everybody)
            .await?
            .into_iter()
            .filter(|device| device.template == source.template)
            .map(|device| found(device, &children))
            .collect();
        selected.extend(found.iter().map(|device| device.id.clone()));
        let mut tx = run.store().begin_write().await?;
        for device in &found {
            devices::insert(&mut tx, run.id(), source.subdomain.as_str(), device).await?;
        }
        migrations::touch(&mut tx, run.id()).await?;
        tx.commit().await?;
        run.still_wanted().await?;
        let Some(further) = page.next else { break };
        if !pages.insert(further.clone()) {
            return Err(circle(source));
        }
        next = Some(further);
    }
    if run.migration.plan.tell_unassigned {
        unassigned_too(run, at, &everybody, &children).await?;
        let outside = everybody.values().filter(|device| device.template.is_some()).count() as u64;
        let mut tx = run.store().begin_write().await?;
        migrations::set_outside(&mut tx, run.id(), outside.saturating_sub(selected.len() as u64), 0).await?;
        return Ok(tx.commit().await?);
    }
    let unassigned = everybody.values().filter(|device| device.template.is_none()).count() as u64;
    let outside = (everybody.len() as u64).saturating_sub(unassigned).saturating_sub(selected.len() as u64);
    let mut tx = run.store().begin_write().await?;
    migrations::set_outside(&mut tx, run.id(), outside, unassigned).await?;
    Ok(tx.commit().await?)
}

/// Devices without a template are in no group: they get their rows from the list of all devices.
async fn unassigned_too(
    run: &Run,
    at: &FromApp,
    everybody: &HashMap<DeviceId, CentralDevice>,
    children: &HashSet<DeviceId>,
) -> Result<(), Halt> {
    let mut tx = run.store().begin_write().await?;
    for device in everybody.values().filter(|device| device.template.is_none()) {
        let found = Found { unassigned: true, ..found(device.clone(), children) };
        devices::insert(&mut tx, run.id(), at.source.subdomain.as_str(), &found).await?;
    }
    migrations::touch(&mut tx, run.id()).await?;
    Ok(tx.commit().await?)
}

/// The group's pages lead back to one that was read: who belongs to it cannot be known.
fn circle(source: &CentralSource) -> Halt {
    Halt::pause(
        PauseReason::Azure,
        format!("{} lists the devices of the group {} in a circle.", source.app_display_name, source.group_name),
        "Nobody was told. Press Resume to read the group again; if it stays so, report it to Azure's support.",
    )
}

/// Members as the list of all devices shows them: in the group they may carry their ids only. One that the list does not
/// show (it came since, or the list is old) is read itself; one that is not there any more is left out.
pub(in crate::engine) async fn completed(
    at: &FromApp,
    members: Vec<CentralDevice>,
    everybody: &HashMap<DeviceId, CentralDevice>,
) -> Result<Vec<CentralDevice>, Halt> {
    let mut complete = Vec::with_capacity(members.len());
    for member in members {
        let bare = member.template.is_none() || member.enabled.is_none() || member.simulated.is_none();
        match everybody.get(&member.id) {
            Some(full) if bare => complete.push(full.clone()),
            None if bare => match at.central.device(&member.id).await {
                Ok(full) => complete.push(full),
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => {}
                Err(error) => return Err(error.into()),
            },
            _ => complete.push(member),
        }
    }
    Ok(complete)
}

/// The devices behind the application's gateways.
async fn children(at: &FromApp, everybody: &HashMap<DeviceId, CentralDevice>) -> Result<HashSet<DeviceId>, Halt> {
    let mut children = HashSet::new();
    let templates = at.central.device_templates().await?;
    let gateways: HashSet<_> = templates.iter().filter(|one| one.gateway).map(|one| &one.id).collect();
    let may_have_others = |device: &&CentralDevice| {
        is_of(device, "EdgeDevice")
            || is_of(device, "GatewayDevice")
            || device.template.as_ref().is_some_and(|template| gateways.contains(template))
    };
    for gateway in everybody.values().filter(may_have_others) {
        children.extend(at.central.children(&gateway.id).await?);
    }
    Ok(children)
}

fn is_of(device: &CentralDevice, kind: &str) -> bool {
    device.kinds.iter().any(|own| own.eq_ignore_ascii_case(kind))
}

pub(super) fn found(device: CentralDevice, children: &HashSet<DeviceId>) -> Found {
    let outcome = if is_of(&device, "EdgeDevice") {
        Outcome::Skipped(SkipReason::Edge)
    } else if children.contains(&device.id) {
        Outcome::Skipped(SkipReason::GatewayChild)
    } else if device.simulated == Some(true) {
        Outcome::Skipped(SkipReason::Simulated)
    } else if device.enabled == Some(false) {
        Outcome::Skipped(SkipReason::Blocked)
    } else if !is_registration_id(device.id.as_str()) {
        Outcome::Skipped(SkipReason::IdNotAllowed)
    } else {
        Outcome::Pending
    };
    Found {
        id: device.id,
        display_name: device.display_name,
        organizations: device.organizations.unwrap_or_default(),
        outcome,
        unassigned: false,
        joined_later: false,
    }
}
