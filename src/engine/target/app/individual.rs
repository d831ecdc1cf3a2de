//! A device's own keys in an application: an individual attestation of a device that is made ahead.

use super::AtApp;
use super::approval::new_device;
use crate::azure::central::KeyPair as Keys;
use crate::engine::halt::Halt;
use crate::engine::individuals::{Carried, are_equal};
use crate::migration::Device;

/// Makes the device, where it is not there, and gives it an attestation with these keys, where it has none.
pub(in crate::engine) async fn carry(at: &AtApp, device: &Device, keys: &Keys) -> Result<Carried, Halt> {
    if at.central.find_device(&device.id).await?.is_none() {
        at.central.create_device(&device.id, &new_device(at, device)).await?;
    }
    if let Some(found) = at.central.device_attestation_with_keys(&device.id).await? {
        let own = found.keys.as_ref();
        let same = own.is_some_and(|own| are_equal(keys, &own.primary_key, &own.secondary_key));
        return Ok(match same {
            true => Carried::Known,
            false => Carried::InTheWay(
                "the target application has an individual attestation of it with other keys; it was not touched".into(),
            ),
        });
    }
    at.central.put_device_attestation(&device.id, keys).await?;
    Ok(Carried::Known)
}
