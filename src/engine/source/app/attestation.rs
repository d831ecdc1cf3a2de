//! What a device of an application proves itself with. Only an attestation of its own is shown: which of the groups' keys
//! any other device has cannot be known.

use super::FromApp;
use crate::azure::central::{AttestationKind, DeviceAttestation};
use crate::azure::error::AzureError;
use crate::engine::halt::Halt;
use crate::engine::proof::{self, OwnProof};
use crate::engine::run::Run;
use crate::engine::source::{NoKeys, OfItsOwn};
use crate::engine::target;
use crate::ids::DeviceId;
use crate::migration::{Outcome, OwnKeys, SkipReason};
use crate::store::devices::Example;

/// Devices with an attestation of their own are not admitted by a group's keys: they are found before anybody is told.
/// What DPS recorded of each is read at the same time, since it costs the same call a device of another budget.
pub(in crate::engine) async fn clear(run: &Run, at: &FromApp, id: DeviceId) -> Result<(), Halt> {
    let individual = async { Ok::<_, Halt>(at.central.device_attestation_with_keys(&id).await?) };
    let (individual, record) = tokio::try_join!(individual, target::record_before(run, &id))?;
    let own = match individual {
        Some(individual) => Some(carried_over(run, &id, individual).await?),
        None => None,
    };
    run.store()
        .change_device(run.id(), &id, |row| {
            row.baseline.record = record;
            match own {
                None => row.cleared = true,
                Some(Ok(())) => {
                    row.cleared = true;
                    row.own_keys = Some(OwnKeys::Due);
                }
                Some(Err((reason, why))) => {
                    row.outcome = Outcome::Skipped(reason);
                    row.detail = Some(why);
                }
            }
        })
        .await?;
    Ok(())
}

/// Whether an attestation is one that can be carried over, and is to be; else why not.
async fn carried_over(run: &Run, id: &DeviceId, own: DeviceAttestation) -> Result<Result<(), NoKeys>, Halt> {
    let is_wanted = run.migration.plan.carry_individual;
    Ok(match own.kind {
        AttestationKind::Symmetric if is_wanted => Ok(()),
        AttestationKind::X509 if is_wanted => proof::supplied(run, id, &own.certificates).await?.map(drop),
        kind => Err((SkipReason::IndividualAttestation, format!("attested by {kind}"))),
    })
}

/// A device that was read before can be read now.
pub(in crate::engine) async fn another_can_be_read(run: &Run, at: &FromApp) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Cleared).await? else { return Ok(false) };
    at.central.device_attestation(&id).await?;
    target::record_before(run, &id).await?;
    Ok(true)
}

/// What the device has of its own as the application shows it now; else why there is nothing.
pub(in crate::engine) async fn own_keys(
    run: &Run,
    at: &FromApp,
    id: &DeviceId,
) -> Result<Result<OwnProof, NoKeys>, Halt> {
    let no = |why: String| (SkipReason::IndividualAttestation, why);
    Ok(match at.central.device_attestation_with_keys(id).await? {
        Some(own) if own.kind == AttestationKind::X509 => {
            proof::supplied(run, id, &own.certificates).await?.map(OwnProof::from)
        }
        Some(own) => {
            let keys = own.keys.map(OwnProof::Keys);
            keys.ok_or_else(|| no(format!("attested by {}, whose keys are not shown", own.kind)))
        }
        // Its group admits it now: whether that is carried over was not asked for it.
        None => {
            Err(no("its individual attestation was removed after the snapshot; migrate the group again".to_owned()))
        }
    })
}

/// What the application shows of the device that registers under this name.
pub(in crate::engine) async fn certificates_of(at: &FromApp, name: &DeviceId) -> Result<OfItsOwn, AzureError> {
    let mut id = name.clone();
    let mut shown = at.central.device_attestation_with_keys(&id).await?;
    if shown.is_none()
        && let Some(spelled) = at.spelled(name).await?.filter(|spelled| *spelled != name)
    {
        id = spelled.clone();
        shown = at.central.device_attestation_with_keys(&id).await?;
    }
    Ok(match shown {
        None => OfItsOwn::Nothing,
        Some(own) if own.kind == AttestationKind::X509 => OfItsOwn::Certificates(id, Box::new(own.certificates)),
        Some(own) => OfItsOwn::Else(own.kind.to_string()),
    })
}
