//! What a hub shows of a device that was told to leave it. It proves no arrival; that a device has left is worth knowing.

use super::FromHub;
use crate::azure::error::AzureError;
use crate::clock::Timestamp;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::turns::{Question, in_turn};
use crate::migration::Device;
use crate::migration::device::Fact;
use crate::migration::evidence::TwinSeen;

/// Devices asked about at one turn.
const AT_A_TURN: usize = 100;

/// Where the hub saw the device last, in words for its row; `None` if that cannot be read now.
pub(in crate::engine) async fn last_seen(at: &FromHub, device: &Device) -> Option<String> {
    let name = at.hub_name(device);
    let twin = at.hub_of(device).ok()?.twin(&device.id).await.ok()?;
    Some(match twin {
        None => format!("{name} does not have it any more"),
        Some(twin) if twin.is_connected() => format!("{name} still shows it connected, which can be minutes old"),
        Some(_) => format!("{name} shows it disconnected"),
    })
}

/// Notes whether the hub has the device connected, as near to its command as can be.
pub(in crate::engine) async fn look_before(run: &Run, at: &FromHub, device: &Device) -> Result<(), Halt> {
    let twin = match at.hub_of(device)?.twin(&device.id).await.map_err(Halt::from) {
        Ok(Some(twin)) => twin,
        Ok(None) => return Ok(()),
        // What the snapshot showed is good enough.
        Err(halt) if halt.may_be_of_one_device() => return Ok(()),
        Err(halt) => return Err(halt),
    };
    let seen = TwinSeen { connected: twin.is_connected(), activity: twin.last_activity };
    run.store().change_device(run.id(), &device.id, |row| row.home = Some(seen)).await?;
    Ok(())
}

/// The hub had the device connected after the snapshot began, and has it no more.
pub(in crate::engine) async fn has_left(at: &FromHub, device: &Device) -> Result<bool, AzureError> {
    let Some(twin) = at.hub_of(device)?.twin(&device.id).await? else { return Ok(true) };
    Ok(device.has_left_since(&TwinSeen { connected: twin.is_connected(), activity: twin.last_activity }))
}

/// Notes of devices that have moved that their hub shows them gone.
pub(in crate::engine) async fn note_departures(run: &Run, at: &FromHub) -> Result<(), Halt> {
    let devices = run.store().devices_not_seen_leaving(run.id()).await?;
    let turn = run.inner.turns.next(run.id(), Question::Departure);
    for device in in_turn(devices, turn, AT_A_TURN) {
        run.still_looking().await?;
        match left(at, &device).await {
            Ok(true) => {}
            Ok(false) => continue,
            // Nobody waits for it: the next turn, or a later check, asks again.
            Err(error) => {
                tracing::info!(%error, "whether devices have left their hub cannot be read now");
                return Ok(());
            }
        }
        let now: Timestamp = run.now();
        let evidence = format!("{} shows it disconnected", at.hub_name(&device));
        run.store()
            .change_device(run.id(), &device.id, |row| row.facts.left = Some(Fact { at: now, evidence }))
            .await?;
    }
    Ok(())
}

async fn left(at: &FromHub, device: &Device) -> Result<bool, AzureError> {
    let twin = at.hub_of(device)?.twin(&device.id).await?;
    Ok(twin.is_none_or(|twin| !twin.is_connected()))
}
