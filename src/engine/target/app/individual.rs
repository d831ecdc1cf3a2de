//! A device's own keys, or certificates, in an application: an individual attestation of a device that is made ahead.

use super::AtApp;
use super::approval::new_device;
use crate::azure::central::{AttestationKind, DeviceAttestation};
use crate::engine::halt::Halt;
use crate::engine::individuals::{Carried, are_equal};
use crate::engine::proof::OwnProof;
use crate::migration::Device;

/// Makes the device, where it is not there, and gives it an attestation with these keys or certificates, where it has none.
pub(in crate::engine) async fn carry(at: &AtApp, device: &Device, proof: &OwnProof) -> Result<Carried, Halt> {
    if at.central.find_device(&device.id).await?.is_none() {
        at.central.create_device(&device.id, &new_device(at, device)).await?;
    }
    if let Some(found) = at.central.device_attestation_with_keys(&device.id).await? {
        return Ok(compare(&found, proof));
    }
    match proof {
        OwnProof::Keys(keys) => at.central.put_device_attestation(&device.id, keys).await?,
        OwnProof::Certificates(own) => at.central.put_device_certificates(&device.id, &own.to_give()).await?,
    }
    Ok(Carried::Known)
}

fn compare(found: &DeviceAttestation, proof: &OwnProof) -> Carried {
    let (same, others) = match proof {
        OwnProof::Keys(keys) => {
            let own = found.keys.as_ref();
            (own.is_some_and(|own| are_equal(keys, &own.primary_key, &own.secondary_key)), "keys")
        }
        OwnProof::Certificates(own) => {
            (found.kind == AttestationKind::X509 && own.are(&found.certificates), "certificates")
        }
    };
    match same {
        true => Carried::Known,
        false => Carried::InTheWay(format!(
            "the target application has an individual attestation of it with other {others}; it was not touched"
        )),
    }
}
