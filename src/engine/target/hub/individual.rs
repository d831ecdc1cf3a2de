//! A device's own keys in a DPS: an individual enrollment, which wins over groups.

use futures_util::future::join_all;

use super::AtHub;
use crate::azure::central::KeyPair as Keys;
use crate::azure::dps::{Attestation, NewIndividualEnrollment};
use crate::azure::error::ErrorKind;
use crate::engine::halt::Halt;
use crate::engine::individuals::{Carried, are_equal};
use crate::ids::DeviceId;

/// Makes an enrollment with these keys, unless one is there.
pub(in crate::engine) async fn carry(at: &AtHub, id: &DeviceId, keys: &Keys) -> Result<Carried, Halt> {
    if let Some(carried) = standing(at, id, keys).await? {
        return Ok(carried);
    }
    match at.dps.create_individual_enrollment(&new(at, id, keys)).await {
        Ok(()) => Ok(Carried::Known),
        // An earlier try's, whose answer was lost, or somebody else's: reading it tells which.
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Precondition) => {
            match there(at, id, keys).await? {
                Some(carried) => Ok(carried),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the enrollments of some devices by one call, and gives those that are known then. What is not as simple as that is
/// left to [`carry`], which says what is in the way.
pub(in crate::engine) async fn carry_together(at: &AtHub, devices: &[(DeviceId, Keys)]) -> Result<Vec<DeviceId>, Halt> {
    let looks = devices.iter().map(|(id, keys)| async move { (id, keys, standing(at, id, keys).await) });
    let (mut known, mut missing) = (Vec::new(), Vec::new());
    for (id, keys, standing) in join_all(looks).await {
        match standing {
            Ok(Some(Carried::Known)) => known.push(id.clone()),
            Ok(None) => missing.push(new(at, id, keys)),
            Ok(Some(Carried::InTheWay(_))) | Err(_) => {}
        }
    }
    if !missing.is_empty() {
        known.extend(at.dps.create_individual_enrollments(&missing).await?);
    }
    Ok(known)
}

fn new(at: &AtHub, id: &DeviceId, keys: &Keys) -> NewIndividualEnrollment {
    NewIndividualEnrollment {
        id: id.clone(),
        primary: keys.primary_key.clone(),
        secondary: keys.secondary_key.clone(),
        hub: at.target.hub_host.clone(),
    }
}

/// What the target makes of the device as it is; `None` if it knows nothing that is the device's alone.
async fn standing(at: &AtHub, id: &DeviceId, keys: &Keys) -> Result<Option<Carried>, Halt> {
    if let Some(identity) = at.hub.identity(id).await? {
        let same = identity.keys.as_ref().is_some_and(|own| are_equal(keys, &own.primary, &own.secondary));
        if !same || !identity.enabled || identity.edge {
            let what = "the hub has an identity of its name that is closed, or has other keys; it was not touched";
            return Ok(Some(Carried::InTheWay(what.into())));
        }
    }
    there(at, id, keys).await
}

/// What the enrollment that is there makes of the device; `None` if there is none.
async fn there(at: &AtHub, id: &DeviceId, keys: &Keys) -> Result<Option<Carried>, Halt> {
    let Some(found) = at.dps.individual_enrollment(id).await? else { return Ok(None) };
    let own = match at.dps.individual_keys(id).await {
        Ok(own) => own,
        Err(error) if matches!(error.kind, ErrorKind::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let same = matches!(&own, Attestation::Symmetric { primary, secondary } if are_equal(keys, primary, secondary));
    let hub = at.target.hub_host.as_str();
    let leads_there = matches!(found.hubs.as_slice(), [only] if only.same_as(hub));
    let fits = same && found.enabled && !found.edge && leads_there && found.device_id.same_as(id.as_str());
    Ok(Some(match fits {
        true => Carried::Known,
        false => Carried::InTheWay(
            "the DPS has an individual enrollment of its name with other keys, or that leads elsewhere; it was not touched"
                .into(),
        ),
    }))
}
