//! Approval of devices in an application that lets none in before it.

use super::AtApp;
use crate::azure::central::{DeviceChange, NewDevice};
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::migration::{CommandState, Device, Outcome, WaitReason};
use crate::store::events::EventKind;

/// It has come, and waits there.
pub(super) fn is_awaited(device: &Device) -> bool {
    device.outcome == Outcome::Waiting(WaitReason::Approval)
}

/// Where approval was asked for, a device that the application does not know is made there before it is told: one that is
/// made by a person, or a program, is approved.
pub(in crate::engine) async fn ahead(run: &Run, at: &AtApp, device: &Device) -> Result<(), Halt> {
    if !is_wished(run).await? || at.central.find_device(&device.id).await?.is_some() {
        return Ok(());
    }
    at.central.create_device(&device.id, &new_device(at, device)).await?;
    Ok(())
}

/// A device as it is made ahead of its arrival.
pub(super) fn new_device(at: &AtApp, device: &Device) -> NewDevice {
    NewDevice {
        display_name: device.display_name.clone().unwrap_or_else(|| device.id.to_string()),
        template: at.target.assign.as_ref().map(|assign| assign.template.clone()),
        organizations: None,
    }
}

/// Somebody asked that this migration's devices be approved as they arrive; also a moment ago.
pub(super) async fn is_wished(run: &Run) -> Result<bool, Halt> {
    Ok(run.store().migration(run.id()).await?.is_some_and(|migration| migration.approved_by.is_some()))
}

/// Approves one device. False: it is not approved; its row says why.
pub(super) async fn approve(run: &Run, at: &AtApp, device: &Device) -> Result<bool, Halt> {
    let change = DeviceChange { enabled: Some(true), ..DeviceChange::default() };
    let app = &at.target.app_display_name;
    let why = match at.central.change_device(&device.id, &change).await {
        Ok(changed) if changed.enabled != Some(false) => {
            run.note(EventKind::Device, &format!("{} is approved in {app}.", device.id)).await?;
            is_let_in(run, device).await?;
            return Ok(true);
        }
        Ok(_) => format!("{app} took the approval and shows no effect of it: approve it there"),
        Err(error) if error.is_transient() || error.needs_sign_in() => return Err(error.into()),
        Err(error) => format!("it could not be approved: {error}"),
    };
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if is_awaited(row) {
                row.detail = Some(why);
            }
        })
        .await?;
    Ok(false)
}

/// It may come in now: it has as long for that as one that has just answered. What a job has to say of it is over.
pub(super) async fn is_let_in(run: &Run, device: &Device) -> Result<(), Halt> {
    let deadline = run.now() + run.patience();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome.is_open() {
                row.outcome = Outcome::Pending;
                if row.command == CommandState::Started {
                    row.command = CommandState::Unclear;
                }
                row.deadline = Some(deadline);
                row.detail = Some("approved there; it has to come once more".into());
            }
        })
        .await?;
    Ok(())
}
