//! Where the devices of a migration go: what is particular to a hub behind a DPS, and to an IoT Central application.
//!
//! The rest of the engine asks here what the target knows of its devices, and never which kind it is.

pub(super) mod app;
pub(super) mod baseline;
pub(super) mod hub;
pub(super) mod sighting;

use std::sync::Arc;

use super::Inner;
use super::halt::Halt;
use super::run::Run;
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::ids::DeviceId;
use crate::migration::Device;
use crate::migration::evidence::Arrival;
use crate::migration::model::{Step, StepState, Target};
use app::AtApp;
use hub::AtHub;

/// The clients of a target.
#[derive(Debug)]
pub(super) enum At {
    /// A hub, by way of a DPS.
    Hub(Box<AtHub>),
    /// An IoT Central application.
    App(Box<AtApp>),
}

impl At {
    /// Clients of `target` that act with these tokens.
    pub(super) fn new(inner: &Inner, target: &Target, tokens: &Arc<dyn TokenProvider>) -> Result<Self, AzureError> {
        Ok(match target {
            Target::Hub(target) => Self::Hub(Box::new(AtHub::new(inner, target, tokens)?)),
            Target::App(target) => Self::App(Box::new(AtApp::new(inner, target, tokens)?)),
        })
    }
}

/// Asks the target what it knows of every device that is to move, before anybody is told.
pub(super) async fn take_baselines(run: &Run) -> Result<(), Halt> {
    match &run.at {
        At::Hub(at) => {
            hub::baseline::take_all(run, at).await?;
            hub::baseline::second_look(run, at).await
        }
        At::App(at) => app::baseline::take_all(run, at).await,
    }
}

/// Looks once for each of these devices, and records what is proven.
pub(super) async fn look_for(run: &Run, devices: Vec<Device>) -> Result<(), Halt> {
    match &run.at {
        At::Hub(at) => hub::sight::look_for(run, at, devices).await,
        At::App(at) => app::sight::look_for(run, at, devices).await,
    }
}

/// Asks the target about one device, whatever lists said.
pub(super) async fn look_directly(run: &Run, device: &Device) -> Result<Arrival, Halt> {
    match &run.at {
        At::Hub(at) => hub::sight::look_directly(run, at, device).await,
        At::App(at) => app::sight::look_at(run, at, device.clone()).await,
    }
}

/// A device that is proven at the target can be asked about now.
pub(super) async fn another_can_be_seen(run: &Run) -> Result<bool, Halt> {
    match &run.at {
        At::Hub(at) => hub::sight::another_can_be_seen(run, at).await,
        At::App(at) => app::sight::another_can_be_seen(run, at).await,
    }
}

/// Step *register*: identities at the target, where there is something to make or to compare.
pub(super) async fn register(run: &Run) -> Result<(), Halt> {
    match &run.at {
        At::Hub(at) => hub::register::run(run, at).await,
        At::App(_) => {
            let text = "The application takes in each device as it arrives.";
            run.end(Step::Register, StepState::NotNeeded, text).await
        }
    }
}

/// Looks at devices that were proven at the target before, and says what has changed.
pub(super) async fn check_again(run: &Run, devices: &[Device]) -> Result<(), Halt> {
    match &run.at {
        At::Hub(at) => hub::later::check(run, at, devices).await,
        At::App(at) => app::later::check(run, at, devices).await,
    }
}

/// What the target's DPS recorded of a device before it was told, where the target has one.
pub(super) async fn record_before(
    run: &Run,
    id: &DeviceId,
) -> Result<Option<crate::migration::evidence::RecordSeen>, Halt> {
    match &run.at {
        At::Hub(at) => hub::records::of_device(at, id).await,
        At::App(_) => Ok(None),
    }
}
