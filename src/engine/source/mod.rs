//! Where the devices of a migration come from: what is particular to an IoT Central application, and to hubs.
//!
//! A migration at work asks here, and never which kind its source is; only [`super::keys`], [`super::review`] and
//! [`super::job`], which only an application has, tell the kinds apart themselves.

pub(super) mod app;
pub(super) mod hub;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

use super::Inner;
use super::carry::Carried;
use super::given::Given;
use super::halt::Halt;
use super::keys::FoundGroup;
use super::proof::OwnProof;
use super::run::Run;
use super::signs::Signs;
use crate::azure::central::{CommandAnswer, KeyPair};
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::azure::x509::{KnownCertificate, Slots};
use crate::ids::{DeviceId, EnrollmentGroupId};
use crate::migration::belongings::Belongings;
use crate::migration::model::Source;
use crate::migration::{Device, FailReason, Outcome, SkipReason, Via};
use app::FromApp;
use hub::FromHub;

/// The clients of a source.
#[derive(Debug)]
pub(super) enum Origin {
    /// An IoT Central application.
    App(Box<FromApp>),
    /// Hubs.
    Hub(Box<FromHub>),
}

impl Origin {
    /// Clients of a source that act with these tokens; `given` is what a person gave for it.
    pub(super) fn new(
        inner: &Inner,
        source: &Source,
        given: Given,
        tokens: &Arc<dyn TokenProvider>,
    ) -> Result<Self, AzureError> {
        Ok(match source {
            Source::App(source) => Self::App(Box::new(FromApp::new(inner, source, given, tokens)?)),
            Source::Hub(source) => Self::Hub(Box::new(FromHub::new(inner, source, given, tokens)?)),
        })
    }

    /// The application, if it is one: only there are jobs.
    pub(super) fn app(&self) -> Option<&FromApp> {
        match self {
            Self::App(at) => Some(at),
            Self::Hub(_) => None,
        }
    }

    /// What is shown of the device that registers under this name.
    pub(super) async fn certificates_of(&self, name: &DeviceId) -> Result<OfItsOwn, AzureError> {
        match self {
            Self::App(at) => app::attestation::certificates_of(at, name).await,
            Self::Hub(at) => hub::own::certificates_of(at, name).await,
        }
    }

    /// The groups by which devices came to the source, with the keys of the symmetric ones.
    pub(super) async fn groups(&self) -> Result<Vec<FoundGroup>, AzureError> {
        match self {
            Self::App(at) => app::keys::groups(at).await,
            Self::Hub(at) => Ok(hub::keys::groups(at).await?.to_vec()),
        }
    }
}

/// A row for every device that was chosen; the others are counted.
pub(super) async fn read_all(run: &Run) -> Result<(), Halt> {
    match &run.origin {
        Origin::App(at) => app::members::read_all(run, at).await,
        Origin::Hub(at) => hub::members::read_all(run, at).await,
    }
}

/// Finds out what a device proves itself with, and settles one that would not be let in at the target.
pub(super) async fn clear(run: &Run, device: Device) -> Result<(), Halt> {
    match &run.origin {
        Origin::App(at) => app::attestation::clear(run, at, device.id).await,
        Origin::Hub(at) => hub::attestation::clear(run, at, device).await,
    }
}

/// A device that was read before can be read now.
pub(super) async fn another_can_be_read(run: &Run) -> Result<bool, Halt> {
    match &run.origin {
        Origin::App(at) => app::attestation::another_can_be_read(run, at).await,
        Origin::Hub(at) => hub::attestation::another_can_be_read(run, at).await,
    }
}

/// Why a device's own keys, or certificates, cannot be had, and more on that.
pub(super) type NoKeys = (SkipReason, String);

/// The keys, or certificates, that a device has of its own, as the source shows them now; else why there are none.
pub(super) async fn own_keys(run: &Run, device: &Device) -> Result<Result<OwnProof, NoKeys>, Halt> {
    match &run.origin {
        Origin::App(at) => app::attestation::own_keys(run, at, &device.id).await,
        Origin::Hub(at) => hub::own::keys(run, at, device).await,
    }
}

/// What a source shows that a device has for itself.
#[derive(Debug)]
pub(super) enum OfItsOwn {
    /// Certificates, by their thumbprints, and the device's id as the source spells it.
    Certificates(DeviceId, Box<Slots<KnownCertificate>>),
    /// Something else, in words.
    Else(String),
    /// Nothing: there is no such device, or it is one of a group.
    Nothing,
}

/// The groups whose keys the target must know; `None` for all, where it is not known which a device uses.
pub(super) async fn groups_in_use(run: &Run) -> Result<Option<HashSet<EnrollmentGroupId>>, Halt> {
    match &run.origin {
        Origin::App(_) => Ok(None),
        Origin::Hub(_) => Ok(Some(run.store().key_groups(run.id()).await?)),
    }
}

/// How long a device has to connect and then to answer, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) connect: u16,
    pub(super) respond: u16,
}

impl Patience {
    /// Both together.
    pub(super) fn in_all(self) -> Duration {
        Duration::from_secs(u64::from(self.connect) + u64::from(self.respond))
    }
}

/// Seconds that a canary has to be connected to, at least.
const CANARY_CONNECT: u16 = 10;

/// How long a device told by `via` is waited for.
pub(super) fn patience(run: &Run, via: Via) -> Patience {
    let Patience { connect, respond } = match &run.migration.plan.source {
        Source::App(_) => Patience { connect: 0, respond: u16::from(app::command::RESPONSE_SECONDS) },
        Source::Hub(hubs) => Patience { connect: hubs.connect_seconds, respond: hubs.response_seconds },
    };
    Patience { connect: if via == Via::Canary { connect.max(CANARY_CONNECT) } else { connect }, respond }
}

/// Sends a device the command to move, and gives what the device itself answered.
pub(super) async fn command(
    run: &Run,
    device: &Device,
    payload: &Value,
    patience: Patience,
) -> Result<CommandAnswer, AzureError> {
    match &run.origin {
        Origin::App(at) => app::command::send(at, device, payload, patience).await,
        Origin::Hub(at) => hub::command::send(at, device, payload, patience).await,
    }
}

/// The name of the command, as a person finds it in the template or the firmware.
pub(super) fn command_name(run: &Run) -> String {
    match &run.origin {
        Origin::App(at) => at.command().job_path(),
        Origin::Hub(at) => at.method(),
    }
}

/// The answers that the source has kept of earlier commands to a device. A hub keeps none.
pub(super) async fn history(run: &Run, device: &Device) -> Result<Vec<CommandAnswer>, AzureError> {
    match &run.origin {
        Origin::App(at) => app::command::history(at, device).await,
        Origin::Hub(_) => Ok(Vec::new()),
    }
}

/// The history of a device that is known can be read now.
pub(super) async fn history_can_be_read(run: &Run, id: &DeviceId) -> Result<(), Halt> {
    match &run.origin {
        Origin::App(at) => Ok(at.central.command_history(id, &at.command()).await.map(drop)?),
        Origin::Hub(_) => Ok(()),
    }
}

/// What a device is whose command the source would not deliver, where the source itself shows it: deleted, or kept out.
pub(super) async fn gone(run: &Run, device: &Device) -> Option<Outcome> {
    match &run.origin {
        Origin::App(at) => app::command::is_gone(at, &device.id).await.then_some(Outcome::Failed(FailReason::Deleted)),
        Origin::Hub(at) => hub::command::gone(at, device).await,
    }
}

/// Where the source shows whether a device is alive there.
pub(super) async fn signs(run: &Run) -> Result<Signs, Halt> {
    match &run.origin {
        Origin::App(at) => Ok(at.signs().await?),
        Origin::Hub(at) => Ok(at.signs()),
    }
}

/// Reads what a device has besides its identity; what cannot be had is added to `carried`.
pub(super) async fn belongings(run: &Run, device: &Device, carried: &mut Carried) -> Result<Belongings, Halt> {
    match &run.origin {
        Origin::App(at) => app::belongings::read(at, device, carried).await,
        // Twins have no place in an application: the form does not offer it.
        Origin::Hub(_) => Ok(Belongings::default()),
    }
}

/// The source shows that a device which may have been told has left it. Only a hub can.
pub(super) async fn has_left(run: &Run, device: &Device) -> Result<bool, Halt> {
    match &run.origin {
        Origin::App(_) => Ok(false),
        Origin::Hub(at) => Ok(hub::sight::has_left(at, device).await?),
    }
}

/// Notes what the source shows of a device's connection just before it is told, where it shows any.
pub(super) async fn look_before(run: &Run, device: &Device) -> Result<(), Halt> {
    match &run.origin {
        Origin::App(_) => Ok(()),
        Origin::Hub(at) => hub::sight::look_before(run, at, device).await,
    }
}

/// Notes of devices that have moved what the source shows of their leaving, where it shows any.
pub(super) async fn note_departures(run: &Run) -> Result<(), Halt> {
    match &run.origin {
        Origin::App(_) => Ok(()),
        Origin::Hub(at) => hub::sight::note_departures(run, at).await,
    }
}

/// What the source shows of a device that was told and is not seen at the target, in words for its row.
pub(super) async fn last_seen(run: &Run, device: &Device) -> Option<String> {
    match &run.origin {
        Origin::App(_) => None,
        Origin::Hub(at) => hub::sight::last_seen(at, device).await,
    }
}

/// DPS's rule for registration ids: at most 128 alphanumerics and `- . _ :`, the last one alphanumeric or `-`.
fn is_registration_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    (1..=128).contains(&id.len())
        && id.chars().all(allowed)
        && id.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
}

/// Two secrets as a pair of keys.
fn pair(primary: &SecretString, secondary: &SecretString) -> KeyPair {
    KeyPair { primary_key: primary.clone(), secondary_key: secondary.clone() }
}

#[cfg(test)]
mod tests {
    use super::is_registration_id;

    #[test]
    fn registration_ids_follow_the_rule_of_dps() {
        for good in ["sn-0007", "a", "A.b_c:d-", &"x".repeat(128)] {
            assert!(is_registration_id(good), "{good}");
        }
        for bad in ["", "a.", "a b", "a%b", "a#", "ä", &"x".repeat(129)] {
            assert!(!is_registration_id(bad), "{bad}");
        }
    }
}
