//! Devices that were removed from their source are looked for there for a day: firmware that forgets where it went registers
//! there once more, and is then in no device group, and known by nobody.

use std::sync::Arc;

use super::source;
use super::task::with_its_rights;
use crate::clock::Timestamp;
use crate::engine::Inner;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::source::Origin;
use crate::engine::turns::{Question, in_turn};
use crate::migration::Device;
use crate::migration::clean_up::judge::Settled;
use crate::migration::clean_up::{CleanUpId, Fate};
use crate::store::events::EventKind;

/// Devices looked for in one check: a call each.
const LOOKS: usize = 500;

/// Looks for the devices that were removed since then.
pub(in crate::engine) async fn look_for_removed(inner: &Arc<Inner>, since: Timestamp) {
    let ids = match inner.store.clean_ups_to_look_after(since).await {
        Ok(ids) => ids,
        Err(error) => {
            tracing::error!(error = ?error, "removed devices could not be listed");
            return;
        }
    };
    for id in ids {
        if let Err(halt) = check(inner, id, since).await {
            tracing::info!(%id, ?halt, "removed devices could not be looked for; the next check tries again");
        }
    }
}

async fn check(inner: &Arc<Inner>, id: CleanUpId, since: Timestamp) -> Result<(), Halt> {
    let Some(clean_up) = inner.store.clean_up(id).await? else { return Ok(()) };
    let run = with_its_rights(inner, &clean_up).await?;
    let removed = inner.store.removed_since(id, since).await?;
    let turn = inner.turns.next(run.id(), Question::Reappearance);
    for removal in in_turn(removed, turn, LOOKS) {
        let Some(device) = run.store().device(run.id(), &removal.device).await? else { continue };
        match how_it_is_there(&run, &device).await {
            Ok(None) => {}
            Ok(Some(how)) => {
                let place = source::place(&run, &device);
                let detail = format!("{place} has it again{how}");
                let settled = Settled { fate: Fate::Reappeared, detail: Some(detail) };
                run.store().settle_removal(id, &device.id, &settled, run.now()).await?;
                let text = format!("{} was removed from {place}, and is there again{how}.", device.id);
                run.note(EventKind::CleanUp, &text).await?;
            }
            Err(halt) if halt.may_be_of_one_device() => {
                tracing::info!(device = %device.id, trouble = halt.words(), "a removed device could not be looked for");
            }
            Err(halt) => return Err(halt),
        }
    }
    Ok(())
}

/// How the source has the device again, if it does.
async fn how_it_is_there(run: &Run, device: &Device) -> Result<Option<&'static str>, Halt> {
    Ok(match &run.origin {
        Origin::App(at) => at.central.find_device(&device.id).await?.map(|found| match found.template {
            None => ", without a template",
            Some(_) => "",
        }),
        // Reading twins does not use up what registrations need.
        Origin::Hub(at) => at.hub_of(device)?.twin(&device.id).await?.map(|_| ""),
    })
}
