//! What a device of an application proves itself with. Only an attestation of its own is shown: which of the groups' keys
//! any other device has cannot be known.

use super::FromApp;
use crate::azure::central::{AttestationKind, KeyPair};
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::source::NoKeys;
use crate::engine::target;
use crate::ids::DeviceId;
use crate::migration::{Outcome, OwnKeys, SkipReason};
use crate::store::devices::Example;

/// Devices with an attestation of their own are not admitted by a group's keys: they are found before anybody is told.
/// What DPS recorded of each is read at the same time, since it costs the same call a device of another budget.
pub(in crate::engine) async fn clear(run: &Run, at: &FromApp, id: DeviceId) -> Result<(), Halt> {
    let individual = async { Ok::<_, Halt>(at.central.device_attestation(&id).await?) };
    let (individual, record) = tokio::try_join!(individual, target::record_before(run, &id))?;
    run.store()
        .change_device(run.id(), &id, |row| {
            row.baseline.record = record;
            match individual {
                None => row.cleared = true,
                Some(AttestationKind::Symmetric) if run.migration.plan.carry_individual => {
                    row.cleared = true;
                    row.own_keys = Some(OwnKeys::Due);
                }
                Some(kind) => {
                    row.outcome = Outcome::Skipped(SkipReason::IndividualAttestation);
                    row.detail = Some(format!("attested by {kind}"));
                }
            }
        })
        .await?;
    Ok(())
}

/// A device that was read before can be read now.
pub(in crate::engine) async fn another_can_be_read(run: &Run, at: &FromApp) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Cleared).await? else { return Ok(false) };
    at.central.device_attestation(&id).await?;
    target::record_before(run, &id).await?;
    Ok(true)
}

/// The device's own keys as the application shows them now; else why there are none.
pub(in crate::engine) async fn own_keys(at: &FromApp, id: &DeviceId) -> Result<Result<KeyPair, NoKeys>, Halt> {
    let no = |why: String| (SkipReason::IndividualAttestation, why);
    Ok(match at.central.device_attestation_with_keys(id).await? {
        Some(own) => own.keys.ok_or_else(|| no(format!("attested by {}, whose keys are not shown", own.kind))),
        // Its group admits it now: whether that is carried over was not asked for it.
        None => {
            Err(no("its individual attestation was removed after the snapshot; migrate the group again".to_owned()))
        }
    })
}
