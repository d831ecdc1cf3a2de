//! The source of a device that is to be removed: whether it has it, what it shows of it, and its deletion.

use crate::azure::central;
use crate::azure::error::AzureError;
use crate::azure::hub::{ConnectionState, Identity};
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::signs::AppSigns;
use crate::engine::source::Origin;
use crate::engine::source::app::FromApp;
use crate::migration::Device;
use crate::migration::clean_up::judge::AtSource;
use crate::migration::model::Source;

/// A device as its source showed it a moment ago.
#[derive(Debug)]
pub(super) enum Found {
    /// In an application.
    App(Box<central::Device>),
    /// In a hub.
    Hub(Box<Identity>),
}

impl Found {
    /// The version that was shown.
    pub(super) fn etag(&self) -> Option<&str> {
        match self {
            Self::App(device) => device.etag.as_deref(),
            Self::Hub(identity) => identity.etag.as_deref(),
        }
    }
}

/// The name of the application, or of the hub that the device is in.
pub(super) fn place(run: &Run, device: &Device) -> String {
    match (&run.origin, &run.migration.plan.source) {
        (Origin::Hub(at), _) => at.hub_name(device),
        (Origin::App(at), Source::App(_)) => at.source.app_display_name.clone(),
        (Origin::App(_), source @ Source::Hub(_)) => source.name(),
    }
}

/// The device, if the source has it.
pub(super) async fn find(run: &Run, device: &Device) -> Result<Option<Found>, Halt> {
    Ok(match &run.origin {
        Origin::App(at) => at.central.find_device(&device.id).await?.map(|found| Found::App(Box::new(found))),
        Origin::Hub(at) => at.hub_of(device)?.identity(&device.id).await?.map(|found| Found::Hub(Box::new(found))),
    })
}

/// What the source shows of its signs of life.
pub(super) async fn look(run: &Run, device: &Device, found: &Found) -> Result<AtSource, Halt> {
    Ok(match (&run.origin, found) {
        (Origin::App(at), Found::App(shown)) => AtSource {
            simulated: shown.simulated.unwrap_or_default(),
            newest: signs(at, shown).await?.newest(&device.id).await?,
            connected: false,
        },
        (_, Found::Hub(identity)) => AtSource {
            simulated: false,
            newest: identity.last_activity,
            connected: identity.connection_state == ConnectionState::Connected,
        },
        (Origin::Hub(_), Found::App(_)) => AtSource::default(),
    })
}

/// Signs by the template that the device has now, which need not be the one of its group.
async fn signs(at: &FromApp, shown: &central::Device) -> Result<AppSigns, AzureError> {
    let template = match &shown.template {
        Some(own) if at.source.template.as_ref() == Some(own) => at.template().await?.cloned(),
        Some(other) => at.central.find_device_template(other).await?,
        None => None,
    };
    Ok(AppSigns::new(&at.central, &at.source.app_display_name, template))
}

/// Deletes the device: in a hub only if it still is as it was found, unless its version does not matter. An application
/// documents no such condition.
pub(super) async fn delete(
    run: &Run,
    device: &Device,
    found: &Found,
    whatever_version: bool,
) -> Result<(), AzureError> {
    match &run.origin {
        Origin::App(at) => at.central.delete_device(&device.id).await,
        Origin::Hub(at) => {
            let etag = found.etag().filter(|_| !whatever_version);
            at.hub_of(device)?.delete_identity(&device.id, etag).await
        }
    }
}
