//! Which enrollment a registering device satisfies.
//!
//! Membership of a group is decided by the signature (or certificate) that the device presents, not by a list. An
//! individual enrollment for the registration id wins over every group.

use super::fault::Fault;
use super::model::{Attestation, Matched, Settings, Slot};
use super::register::{Owner, Presented};
use crate::sandbox::central::model::is_edge;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::device::Kind;
use crate::sandbox::options::Switches;
use crate::sandbox::world::{App, Dps, Moment, World};
use crate::sandbox::x509::Certificate;

/// Finds the enrollment that the device satisfies.
pub(super) fn attest(
    world: &World,
    owner: &Owner,
    id_scope: &str,
    id: &str,
    presented: &Presented,
    now: Moment,
    switches: Switches,
) -> Result<Matched, Fault> {
    if let Presented::Token(token) = presented {
        let about_this = token.resource == format!("{id_scope}/registrations/{id}");
        if !about_this || token.is_expired(now) || token.policy.as_deref() != Some("registration") {
            return Err(Fault::unauthorized());
        }
    }
    let found = match owner {
        Owner::Dps(name) => world.dps.get(name).and_then(|dps| attest_at_dps(dps, id, presented)),
        Owner::App(sub) => world.apps.get(sub).and_then(|app| attest_at_app(world, app, id, presented)),
    };
    let admitted = |matched: &Matched| !matched.is_disabled || switches.disabled_enrollments_register;
    found.filter(admitted).ok_or_else(Fault::unauthorized)
}

/// The enrollment that the device satisfies; a disabled one comes last, and is for the caller to judge.
fn attest_at_dps(dps: &Dps, id: &str, presented: &Presented) -> Option<Matched> {
    let disabled = |matched: Matched, settings: &Settings| Matched { is_disabled: !settings.enabled, ..matched };
    if let Some(enrollment) = dps.enrollments.get(&id.to_ascii_lowercase()) {
        let settings = &enrollment.settings;
        let matched = satisfies(&settings.attestation, id, false, presented, None)
            .or_else(|| certified(settings.certificates(dps), id, presented, None));
        return matched.map(|matched| disabled(matched, settings));
    }
    let enabled = dps.groups.values().filter(|group| group.settings.enabled);
    enabled.chain(dps.groups.values().filter(|group| !group.settings.enabled)).find_map(|group| {
        let matched = satisfies(&group.settings.attestation, id, true, presented, Some(&group.id))
            .or_else(|| certified(group.settings.certificates(dps), id, presented, Some(&group.id)));
        matched.map(|matched| disabled(matched, &group.settings))
    })
}

/// The enrollment that the device satisfies. A group of type `iotEdge` lets in nothing but IoT Edge: what the application
/// takes for it, or, since a registration does not tell, what really is.
fn attest_at_app(world: &World, app: &App, id: &str, presented: &Presented) -> Option<Matched> {
    if let Some(attestation) = app.devices.get(id).and_then(|device| device.attestation.as_ref()) {
        return satisfies(attestation, id, false, presented, None);
    }
    let has_edge = || is_edge(app, id) || world.devices.get(id).is_some_and(|device| device.kind == Kind::Edge);
    let mut groups = app.enrollment_groups.values().filter(|group| group.enabled && (!group.edge || has_edge()));
    groups.find_map(|group| {
        satisfies(&group.trusted(), id, true, presented, Some(&group.id))
            .or_else(|| certified(group.authorities(), id, presented, Some(&group.id)))
    })
}

fn satisfies(
    attestation: &Attestation,
    id: &str,
    is_group: bool,
    presented: &Presented,
    group: Option<&str>,
) -> Option<Matched> {
    let group = group.map(str::to_owned);
    match presented {
        Presented::Token(token) => {
            let (primary, secondary) = attestation.device_keys(id, is_group)?;
            let slot = match (token.is_signed_with(&primary), token.is_signed_with(&secondary)) {
                (true, _) => Slot::Primary,
                (false, true) => Slot::Secondary,
                (false, false) => return None,
            };
            Some(Matched { group, slot: Some(slot), leaf: None, is_disabled: false })
        }
        Presented::Certificate { leaf, issuer } => {
            let known = attestation.has_certificate(if is_group { issuer } else { leaf });
            known.then(|| Matched { group, slot: None, leaf: Some(leaf.clone()), is_disabled: false })
        }
        Presented::Chain(chain) if !is_group => {
            let leaf = chain.leaf().filter(|leaf| is_of(leaf, id) && attestation.has_certificate(&leaf.sha1))?;
            Some(Matched { group, slot: None, leaf: Some(leaf.sha1.clone()), is_disabled: false })
        }
        Presented::Chain(_) | Presented::Nothing => None,
    }
}

/// Whether a certificate is that of the device `id` and valid. Certificates live in the machine's time.
fn is_of(leaf: &Certificate, id: &str) -> bool {
    leaf.common_name.eq_ignore_ascii_case(id) && leaf.is_valid_at(SandboxClock::real_now())
}

/// Whether the certificates that the device presents are those that the enrollment knows, or lead to them in a group.
fn certified<'a>(
    mut known: impl Iterator<Item = &'a Certificate>,
    id: &str,
    presented: &Presented,
    group: Option<&str>,
) -> Option<Matched> {
    let leaf = match presented {
        Presented::Chain(chain) => {
            let leaf = chain.leaf()?;
            let is_known = known.any(|one| if group.is_some() { chain.leads_to(one) } else { one == leaf });
            (is_of(leaf, id) && is_known).then(|| leaf.sha1.clone())?
        }
        Presented::Certificate { leaf, issuer } if group.is_some() => {
            known.any(|one| one.sha1.eq_ignore_ascii_case(issuer)).then(|| leaf.clone())?
        }
        _ => return None,
    };
    Some(Matched { group: group.map(str::to_owned), slot: None, leaf: Some(leaf), is_disabled: false })
}
