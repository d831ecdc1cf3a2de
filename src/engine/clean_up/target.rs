//! The target of a device that is to be removed from its source: whether it is alive there.

use crate::clock::Timestamp;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::target::At;
use crate::engine::target::app::AtApp;
use crate::engine::target::hub::{AtHub, records};
use crate::migration::Device;
use crate::migration::clean_up::judge::AtTarget;

/// What the target shows of a device, and the time by the target's own clock.
pub(super) async fn look(run: &Run, device: &Device) -> Result<(AtTarget, Timestamp), Halt> {
    match &run.at {
        At::Hub(at) => Ok((at_hub(at, device).await?, at.hub.server_now())),
        At::App(at) => Ok((at_app(at, device).await?, at.central.server_now())),
    }
}

/// The proof of this device has the time of this machine, because the target gave none: an application does not tell when a
/// device came that it did not know.
pub(super) fn dates_by_our_clock(run: &Run, device: &Device) -> bool {
    let knew_it = device.baseline.app.as_ref().is_some_and(|before| before.provisioned);
    matches!(run.at, At::App(_)) && !knew_it
}

async fn at_hub(at: &AtHub, device: &Device) -> Result<AtTarget, Halt> {
    let hub = &at.target.hub_host;
    let not_there = |how: &str| Ok(AtTarget::NotThere(how.to_owned()));
    let Some(record) = records::of_device(at, &device.id).await? else {
        return not_there("DPS has no registration record of it any more");
    };
    if record.leads_elsewhere(hub) {
        return not_there("its registration now leads to another hub");
    }
    if !record.leads_to(hub) {
        return not_there(&format!("its registration is {}", record.status));
    }
    match at.hub.twin(record.id_at_hub(&device.id)).await? {
        None => not_there("its identity is no longer in the hub"),
        Some(twin) if !twin.is_enabled() => not_there("its identity in the hub is disabled"),
        Some(twin) => Ok(AtTarget::There { newest: twin.last_activity, connected: twin.is_connected() }),
    }
}

async fn at_app(at: &AtApp, device: &Device) -> Result<AtTarget, Halt> {
    let app = &at.target.app_display_name;
    let not_there = |how: &str| Ok(AtTarget::NotThere(format!("{app} {how}")));
    let Some(seen) = at.see(&device.id).await? else { return not_there("does not have it any more") };
    if seen.is_closed() {
        return not_there("has blocked it");
    }
    if seen.simulated {
        return not_there("has a simulated device of its name");
    }
    if !seen.provisioned {
        return not_there("shows that it never came");
    }
    Ok(AtTarget::There { newest: at.newest(&device.id, &seen).await?, connected: false })
}
