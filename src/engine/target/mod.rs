//! Where the devices of a migration go: what is particular to a hub behind a DPS, and to an IoT Central application.
//!
//! A migration at work asks here, and never which kind its target is; only [`super::keys`] and [`super::review`], which read
//! a target before there is a run, tell the kinds apart themselves.

pub(super) mod app;
pub(super) mod baseline;
pub(super) mod hub;
pub(super) mod sighting;

use std::sync::Arc;

use super::halt::Halt;
use super::individuals::Carried;
use super::keys::NewGroup;
use super::proof::OwnProof;
use super::run::Run;
use super::{Inner, carry};
use crate::azure::central::KeyPair;
use crate::azure::dps::Dps;
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::ids::{DeviceId, EnrollmentGroupId};
use crate::migration::Device;
use crate::migration::belongings::Belongings;
use crate::migration::evidence::{Arrival, RecordSeen};
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

/// Makes an enrollment group with the attestation of one of the source's. False: there is one of that id.
pub(super) async fn create_group(run: &Run, id: &EnrollmentGroupId, new: &NewGroup<'_>) -> Result<bool, AzureError> {
    match &run.at {
        At::Hub(at) => hub::keys::create(at, id, new).await,
        At::App(at) => app::keys::create(at, id, new, &run.migration.plan.source.keeper_name()).await,
    }
}

/// Has the ID scope read that devices are to be told, where the plan does not have it.
pub(super) async fn find_scope(run: &Run) -> Result<(), Halt> {
    match &run.at {
        At::Hub(_) => Ok(()),
        At::App(at) => app::scope::find(run, at).await,
    }
}

/// Makes the target know a device's own keys, or certificates.
pub(super) async fn carry_keys(run: &Run, device: &Device, proof: &OwnProof) -> Result<Carried, Halt> {
    match &run.at {
        At::Hub(at) => hub::individual::carry(at, &device.id, proof).await,
        At::App(at) => app::individual::carry(at, device, proof).await,
    }
}

/// Makes the target know the own keys of as many devices as one call takes, and gives those that it knows then. Where there
/// is no such call, nothing is done.
pub(super) async fn carry_keys_together(run: &Run, devices: &[(DeviceId, KeyPair)]) -> Result<Vec<DeviceId>, Halt> {
    match &run.at {
        At::Hub(at) => hub::individual::carry_together(at, devices).await,
        At::App(_) => Ok(Vec::new()),
    }
}

/// How many devices [`carry_keys_together`] takes.
pub(super) fn carried_together(run: &Run) -> usize {
    match &run.at {
        At::Hub(_) => Dps::BULK,
        At::App(_) => 0,
    }
}

/// Has a device approved before it is told, where the target approves and somebody asked for that.
pub(super) async fn approve_ahead(run: &Run, device: &Device) -> Result<(), Halt> {
    match &run.at {
        At::Hub(_) => Ok(()),
        At::App(at) => app::approval::ahead(run, at, device).await,
    }
}

/// Delivers what a device takes along; what became of it is added to `carried`.
pub(super) async fn deliver(
    run: &Run,
    device: &Device,
    belongings: &Belongings,
    carried: &mut carry::Carried,
) -> Result<(), Halt> {
    match &run.at {
        At::Hub(at) => hub::carry::deliver(at, device, belongings, carried).await,
        At::App(at) => app::carry::deliver(at, device, belongings, carried).await,
    }
}

/// Why a device that answered counts as not seen.
pub(super) fn not_seen(run: &Run, device: &Device) -> &'static str {
    let knew_it = device.baseline.app.as_ref().is_some_and(|before| before.provisioned);
    match (&run.at, &device.facts.provisioned) {
        (At::Hub(_), Some(_)) => "DPS registered it, but the hub never saw it",
        (At::Hub(_), None) => "it answered, but neither DPS nor the hub saw it in time",
        (At::App(_), _) if knew_it => {
            "it answered; the target application had known it before, and shows no newer telemetry of it to prove that it came"
        }
        (At::App(_), _) => "it answered, but the target application did not take it in in time",
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
pub(super) async fn record_before(run: &Run, id: &DeviceId) -> Result<Option<RecordSeen>, Halt> {
    match &run.at {
        At::Hub(at) => hub::records::of_device(at, id).await,
        At::App(_) => Ok(None),
    }
}
