//! Devices with symmetric keys of their own: the target is made to know exactly these, one device at a time, just ahead of
//! its command. No key is kept, and an enrollment that is there is never changed.

use super::halt::Halt;
use super::keys;
use super::run::Run;
use super::{source, target};
use crate::azure::central::KeyPair as Keys;
use crate::migration::{Device, FailReason, Outcome, OwnKeys};

/// What the target makes of a device's own keys.
#[derive(Debug)]
pub(super) enum Carried {
    /// It knows them, and would let the device in with them.
    Known,
    /// It has something else under the device's name; says what.
    InTheWay(String),
}

/// Makes the target know the keys of this device, if it has its own. False: the device is not to be told; its row says why.
pub(super) async fn carry(run: &Run, device: &Device) -> Result<bool, Halt> {
    if device.own_keys != Some(OwnKeys::Due) {
        return Ok(true);
    }
    let Some(keys) = read(run, device).await? else { return Ok(false) };
    let carried = target::carry_keys(run, device, &keys).await?;
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

/// The device's own keys as the source shows them now.
async fn read(run: &Run, device: &Device) -> Result<Option<Keys>, Halt> {
    let (reason, why) = match source::own_keys(run, device).await? {
        Ok(keys) => return Ok(Some(keys)),
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
