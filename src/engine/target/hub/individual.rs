//! A device's own keys, or certificates, in a DPS: an individual enrollment, which wins over groups.

use futures_util::future::join_all;

use super::AtHub;
use crate::azure::central::KeyPair as Keys;
use crate::azure::dps::{
    Attestation, AttestationKind, IndividualEnrollment, NewIndividualEnrollment, NewX509Enrollment,
};
use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::hub::{AuthType, Identity};
use crate::engine::halt::Halt;
use crate::engine::individuals::{Carried, are_equal};
use crate::engine::proof::OwnProof;
use crate::ids::DeviceId;

/// Makes an enrollment with these keys or certificates, unless one is there.
pub(in crate::engine) async fn carry(at: &AtHub, id: &DeviceId, proof: &OwnProof) -> Result<Carried, Halt> {
    if let Some(carried) = standing(at, id, proof).await? {
        return Ok(carried);
    }
    match create(at, id, proof).await {
        Ok(()) => Ok(Carried::Known),
        // An earlier try's, whose answer was lost, or somebody else's: reading it tells which.
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Precondition) => {
            match there(at, id, proof).await? {
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
    let looks = devices.iter().map(|(id, keys)| async move {
        let standing = standing(at, id, &OwnProof::Keys(keys.clone())).await;
        (id, keys, standing)
    });
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

async fn create(at: &AtHub, id: &DeviceId, proof: &OwnProof) -> Result<(), AzureError> {
    match proof {
        OwnProof::Keys(keys) => at.dps.create_individual_enrollment(&new(at, id, keys)).await,
        OwnProof::Certificates(own) => {
            let (id, hub) = (id.clone(), at.target.hub_host.clone());
            at.dps.create_x509_enrollment(&NewX509Enrollment { id, certificates: own.to_give(), hub }).await
        }
    }
}

/// What the target makes of the device as it is; `None` if it knows nothing that is the device's alone.
async fn standing(at: &AtHub, id: &DeviceId, proof: &OwnProof) -> Result<Option<Carried>, Halt> {
    if let Some(identity) = at.hub.identity(id).await?
        && !(knows(&identity, proof) && identity.enabled && !identity.edge)
    {
        let has = match proof {
            OwnProof::Keys(_) => "has other keys",
            OwnProof::Certificates(_) => "does not know it by exactly its certificates",
        };
        let what = format!("the hub has an identity of its name that is closed, or {has}; it was not touched");
        return Ok(Some(Carried::InTheWay(what)));
    }
    there(at, id, proof).await
}

/// Whether an identity would let the device in, and nobody else.
fn knows(identity: &Identity, proof: &OwnProof) -> bool {
    match proof {
        OwnProof::Keys(keys) => identity.keys.as_ref().is_some_and(|own| are_equal(keys, &own.primary, &own.secondary)),
        OwnProof::Certificates(own) => {
            identity.auth_type == AuthType::SelfSigned && own.are_known_by(&identity.thumbprints)
        }
    }
}

/// What the enrollment that is there makes of the device; `None` if there is none.
async fn there(at: &AtHub, id: &DeviceId, proof: &OwnProof) -> Result<Option<Carried>, Halt> {
    let Some(found) = at.dps.individual_enrollment(id).await? else { return Ok(None) };
    let (same, others) = match proof {
        OwnProof::Keys(keys) => {
            let own = match at.dps.individual_keys(id).await {
                Ok(own) => own,
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let same =
                matches!(&own, Attestation::Symmetric { primary, secondary } if are_equal(keys, primary, secondary));
            (same, "keys")
        }
        OwnProof::Certificates(own) => {
            let x509 = found.x509.as_ref().filter(|_| found.attestation_kind == AttestationKind::X509);
            (x509.is_some_and(|x509| own.are(&x509.client_certificates)), "certificates")
        }
    };
    Ok(Some(match same && leads(at, id, &found) {
        true => Carried::Known,
        false => Carried::InTheWay(format!(
            "the DPS has an individual enrollment of its name with other {others}, or that leads elsewhere; it was not touched"
        )),
    }))
}

/// Whether an enrollment is open, and leads the device to the chosen hub under its own name.
fn leads(at: &AtHub, id: &DeviceId, found: &IndividualEnrollment) -> bool {
    let hub = at.target.hub_host.as_str();
    let leads_there = matches!(found.hubs.as_slice(), [only] if only.same_as(hub));
    found.enabled && !found.edge && leads_there && found.device_id.same_as(id.as_str())
}
