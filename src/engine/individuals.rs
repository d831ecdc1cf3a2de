//! Devices with keys, or certificates, of their own: the target is made to know exactly these, just ahead of their commands.
//! No key is kept, and an enrollment that is there is never changed.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::halt::Halt;
use super::keys;
use super::proof::OwnProof;
use super::run::Run;
use super::{source, target};
use crate::azure::central::KeyPair as Keys;
use crate::ids::DeviceId;
use crate::migration::{Device, FailReason, Outcome, OwnKeys};

/// What the target makes of a device's own keys, or certificates.
#[derive(Debug)]
pub(super) enum Carried {
    /// It knows them, and would let the device in with them.
    Known,
    /// It has something else under the device's name; says what.
    InTheWay(String),
}

/// Makes the target know the keys, or certificates, of this device, if it has its own. False: the device is not to be told;
/// its row says why.
pub(super) async fn carry(run: &Run, device: &Device) -> Result<bool, Halt> {
    if !is_due(device) {
        return Ok(true);
    }
    // It may have been carried over together with others since it was read.
    let now = run.store().device(run.id(), &device.id).await?;
    if now.is_some_and(|now| now.own_keys == Some(OwnKeys::Done)) {
        return Ok(true);
    }
    let Some(proof) = read(run, device).await? else { return Ok(false) };
    let carried = target::carry_keys(run, device, &proof).await?;
    let known = matches!(carried, Carried::Known);
    run.store()
        .change_device(run.id(), &device.id, |row| match carried {
            Carried::Known => row.own_keys = Some(OwnKeys::Done),
            Carried::InTheWay(what) if row.outcome.is_open() => {
                row.outcome = Outcome::Failed(FailReason::KeyConflict);
                row.detail = Some(what);
            }
            Carried::InTheWay(_) => {}
        })
        .await?;
    Ok(known)
}

/// Devices that were looked at together with others, by one that carries over some at a time.
#[derive(Debug, Default)]
pub(super) struct Together(HashSet<DeviceId>);

impl Together {
    /// Makes the target know the keys of the first of `devices` that wait for that, if the next to be told is one of them and
    /// the target takes several at once. What goes wrong is left to [`carry`], which does it for one and says what it is.
    pub(super) async fn carry(&mut self, run: &Run, devices: impl IntoIterator<Item = &Device>) -> Result<(), Halt> {
        let mut devices = devices.into_iter().peekable();
        let waits = |device: &&Device| is_due(device) && !self.0.contains(&device.id);
        if !devices.peek().is_some_and(waits) {
            return Ok(());
        }
        let some: Vec<&Device> = devices.filter(waits).take(target::carried_together(run)).collect();
        let proofs = join_all(some.iter().map(|device| source::own_keys(run, device))).await;
        let ids = some.iter().map(|device| device.id.clone());
        let readable: Vec<(DeviceId, Keys)> = ids
            .clone()
            .zip(proofs)
            .filter_map(|(id, proof)| match proof {
                Ok(Ok(OwnProof::Keys(keys))) => Some((id, keys)),
                _ => None,
            })
            .collect();
        self.0.extend(ids);
        if readable.len() < 2 {
            return Ok(());
        }
        let known = target::carry_keys_together(run, &readable).await.unwrap_or_else(|halt| {
            tracing::info!(id = %run.id(), why = halt.words(), "keys could not be carried over together");
            Vec::new()
        });
        for id in known {
            run.store().change_device(run.id(), &id, |row| row.own_keys = Some(OwnKeys::Done)).await?;
        }
        Ok(())
    }
}

fn is_due(device: &Device) -> bool {
    device.own_keys == Some(OwnKeys::Due)
}

/// What the device has of its own as the source shows it now.
async fn read(run: &Run, device: &Device) -> Result<Option<OwnProof>, Halt> {
    let (reason, why) = match source::own_keys(run, device).await? {
        Ok(proof) => return Ok(Some(proof)),
        Err(no) => no,
    };
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome.is_open() {
                row.outcome = Outcome::Skipped(reason);
                row.detail = Some(why);
            }
        })
        .await?;
    Ok(None)
}

/// Whether these are the same two keys, each in its place.
pub(super) fn are_equal(one: &Keys, primary: &secrecy::SecretString, secondary: &secrecy::SecretString) -> bool {
    let own = keys::key_pair(&one.primary_key, &one.secondary_key);
    own.is_some() && own == keys::key_pair(primary, secondary)
}
