//! What a device of a hub proves itself with. Its identity shows its keys, so that it can be told apart whose they are: the
//! device's own, or derived from those of a group.

use super::{FromHub, own};
use crate::azure::hub::{AuthType, ConnectionState, Identity, IdentityKeys};
use crate::engine::halt::Halt;
use crate::engine::keys::{FoundGroup, is_derived_from};
use crate::engine::run::Run;
use crate::ids::EnrollmentGroupId;
use crate::migration::coverage::SourceGroup;
use crate::migration::evidence::TwinSeen;
use crate::migration::{Device, Outcome, OwnKeys, SkipReason};
use crate::store::devices::Example;

/// By what a device would be let in at the target, or why it would not.
#[derive(Debug)]
enum Attested {
    /// By the keys of this group.
    Group(EnrollmentGroupId),
    /// By keys, or certificates, of its own.
    Own,
    /// By none that can be carried over.
    Not(SkipReason, Option<String>),
}

use Attested::{Group, Not, Own};

/// Settles a device that would not be let in at the target, and notes of any other by what it will be.
pub(in crate::engine) async fn clear(run: &Run, at: &FromHub, device: Device) -> Result<(), Halt> {
    let Some((host, identity)) = find(at, &device).await? else {
        // Lists go on to show devices that were deleted long ago.
        return Ok(run.store().forget_device(run.id(), &device.id).await?);
    };
    if !host.eq_ignore_ascii_case(&device.source) {
        run.store().device_is_in(run.id(), &device.id, &host).await?;
    }
    let attested = attested(run, at, &identity).await?;
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if !row.outcome.is_open() {
                return;
            }
            row.home = Some(seen(&identity));
            match attested {
                Not(reason, detail) => {
                    row.outcome = Outcome::Skipped(reason);
                    row.detail = detail;
                }
                Own => {
                    row.cleared = true;
                    row.own_keys = Some(OwnKeys::Due);
                }
                Group(id) => {
                    row.cleared = true;
                    row.key_group = Some(id);
                }
            }
        })
        .await?;
    Ok(())
}

/// The identity of a device, in the hub that the list shows it in, or in another: a device that DPS has sent elsewhere stays
/// in lists for a while. With the host of the hub.
async fn find(at: &FromHub, device: &Device) -> Result<Option<(String, Identity)>, Halt> {
    if let Some(identity) = at.hub_of(device)?.identity(&device.id).await? {
        return Ok(Some((device.source.clone(), identity)));
    }
    for (host, hub) in at.hubs.iter().filter(|(host, _)| !host.eq_ignore_ascii_case(&device.source)) {
        if let Some(identity) = hub.identity(&device.id).await? {
            return Ok(Some((host.clone(), identity)));
        }
    }
    Ok(None)
}

/// What the identity shows of the device's connection.
fn seen(identity: &Identity) -> TwinSeen {
    let connected = identity.connection_state == ConnectionState::Connected;
    TwinSeen { connected, activity: identity.last_activity }
}

async fn attested(run: &Run, at: &FromHub, identity: &Identity) -> Result<Attested, Halt> {
    if let Some(reason) = closed(identity) {
        return Ok(Not(reason, None));
    }
    let keys = match (&identity.auth_type, &identity.keys) {
        (AuthType::Sas, Some(keys)) => Some(keys),
        (AuthType::SelfSigned | AuthType::CertificateAuthority, _) => None,
        (kind, _) => return Ok(Not(SkipReason::KeyUnknown, Some(format!("its identity shows no keys ({kind:?})")))),
    };
    let registration_id = identity.device_id.as_str().to_ascii_lowercase();
    match (at.enrollments().await?.get(&registration_id), keys) {
        (Some(own), keys) => Ok(match own::compare(run, at, own, identity, keys).await? {
            Ok(()) => Own,
            Err((reason, detail)) => Not(reason, detail),
        }),
        (None, Some(keys)) => of_a_group(run, at, identity, keys).await,
        (None, None) => by_certificate(run, at, identity).await,
    }
}

/// The group of a device with a certificate is known by the DPS's record of it. Without an enrollment nothing tells what lets
/// it in.
async fn by_certificate(run: &Run, at: &FromHub, identity: &Identity) -> Result<Attested, Halt> {
    let members = at.by_certificate.get_or_try_init(|| super::keys::by_certificate(at)).await?;
    let group = members.get(&identity.device_id.as_str().to_ascii_lowercase());
    let groups = super::keys::groups(at).await?;
    Ok(match group.and_then(|id| groups.iter().find(|found| found.group.id == *id)) {
        Some(found) => of_group(run, &found.group),
        None => Not(SkipReason::Certificate, None),
    })
}

/// A device of this group, unless it is to be left where it is.
fn of_group(run: &Run, group: &SourceGroup) -> Attested {
    if !group.enabled {
        Not(SkipReason::GroupLeft, Some(format!("its enrollment group {} is disabled", group.name)))
    } else if run.migration.stated_unused.iter().any(|id| id == group.id.as_str()) {
        Not(SkipReason::GroupLeft, Some(format!("the devices of {} were to be left where they are", group.name)))
    } else {
        Group(group.id.clone())
    }
}

/// Why nothing would reach the device, whatever its keys.
fn closed(identity: &Identity) -> Option<SkipReason> {
    if identity.edge {
        Some(SkipReason::Edge)
    } else if !identity.enabled {
        Some(SkipReason::Disabled)
    } else if identity.has_never_connected() {
        Some(SkipReason::NeverConnected)
    } else {
        None
    }
}

async fn of_a_group(run: &Run, at: &FromHub, identity: &Identity, keys: &IdentityKeys) -> Result<Attested, Halt> {
    let groups = super::keys::groups(at).await?;
    let derives = |found: &&FoundGroup| {
        found
            .keys
            .as_ref()
            .is_some_and(|group| is_derived_from(group, &identity.device_id, &keys.primary, &keys.secondary))
    };
    if let Some(found) = groups.iter().find(derives) {
        return Ok(of_group(run, &found.group));
    }
    let Some(dps) = &at.dps else {
        return Ok(Not(SkipReason::KeyUnknown, Some("its keys are not derived from the keys that were pasted".into())));
    };
    let by_another_name =
        at.enrollments().await?.values().find(|one| one.device_id.same_as(identity.device_id.as_str()));
    if let Some(own) = by_another_name {
        let words = format!("it registers as {}, by an enrollment of that name", own.registration_id);
        return Ok(Not(SkipReason::KeyUnknown, Some(words)));
    }
    Ok(match dps.registration(&identity.device_id).await? {
        None => Not(SkipReason::HubOnlyKey, None),
        Some(_) => Not(
            SkipReason::KeyUnknown,
            Some("it registered once, by an enrollment that is gone or has other keys now".into()),
        ),
    })
}

/// A device that was read before can be read now.
pub(in crate::engine) async fn another_can_be_read(run: &Run, at: &FromHub) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Cleared).await? else { return Ok(false) };
    let Some(device) = run.store().device(run.id(), &id).await? else { return Ok(false) };
    at.hub_of(&device)?.identity(&id).await?;
    super::keys::groups(at).await?;
    at.enrollments().await?;
    if let Some(dps) = &at.dps {
        dps.registration(&id).await?;
    }
    Ok(true)
}
