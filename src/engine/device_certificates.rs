//! Certificates of devices themselves that people supply: held against the source before any of them is kept. They are no
//! secret.

use std::collections::HashSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Engine;
use super::certificates::{SupplyError, in_fours, takes_certificates};
use super::given::Given;
use super::keys::KeysError;
use super::proof::OwnCertificates;
use super::source::{OfItsOwn, Origin};
use crate::azure::x509::{KnownCertificate, Slots};
use crate::ids::{DeviceId, PersonId};
use crate::migration::certificate::Certificate;
use crate::migration::model::{Actor, Migration, MigrationId, Source};
use crate::store::devices::reopen_certified;
use crate::store::events::{self, EventKind};
use crate::store::{StoreError, WriteTx, device_certificates, migrations};

/// The most that are taken at once.
const MOST: usize = 100;
/// Devices asked about at once; the clients pace the calls.
const AT_ONCE: usize = 8;
/// So many devices are named in an event.
const NAMED: usize = 5;

/// How a migration stands with certificates of devices themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceCertificates {
    /// It carries none over.
    NotWanted,
    /// They are taken; of these devices some were supplied.
    Taken(Vec<DeviceId>),
}

/// What adding certificates came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Devices of which certificates were added.
    pub devices: usize,
    /// Those of them that had been skipped for want of a certificate, and come back.
    pub back: usize,
}

/// A certificate, and what the source shows of the device that it is of.
struct Matched {
    certificate: Certificate,
    device: DeviceId,
    shown: Box<Slots<KnownCertificate>>,
}

impl Engine {
    /// Whether devices' own certificates are taken for a migration, and of which devices some were. `person`'s rights are
    /// used.
    ///
    /// # Errors
    /// Whatever Azure answers; a missing right is named in the hint.
    pub async fn device_certificates(
        &self,
        migration: &Migration,
        person: &PersonId,
    ) -> Result<DeviceCertificates, KeysError> {
        let inner = &self.inner;
        let supplied = inner.store.certified_devices(migration.id).await?;
        if !carries_over(migration) {
            return Ok(DeviceCertificates::NotWanted);
        }
        let tokens = inner.people.tokens(person);
        let is_wanted = !supplied.is_empty()
            || match Origin::new(inner, &migration.plan.source, Given::default(), &tokens)? {
                // Which of its devices have any is not known before each of them is asked about.
                Origin::App(_) => true,
                Origin::Hub(at) => at.has_own_certificates().await?,
            };
        Ok(if is_wanted { DeviceCertificates::Taken(supplied) } else { DeviceCertificates::NotWanted })
    }

    /// Takes certificates (PEM, or one DER) of devices themselves, if each is one that the source shows the thumbprint of
    /// for the device that it names, and valid. Devices that were skipped for want of them come back. `by`'s rights are
    /// used.
    ///
    /// # Errors
    /// [`SupplyError`]; nothing is kept then.
    pub async fn supply_device_certificates(
        &self,
        id: MigrationId,
        by: &Actor,
        supplied: &[u8],
    ) -> Result<Added, SupplyError> {
        let inner = &self.inner;
        let migration = inner.of_tenant(id, by).await?.ok_or(SupplyError::NotFound)?;
        takes_certificates(&migration)?;
        if !carries_over(&migration) {
            return Err(SupplyError::NotNow("This migration does not carry over certificates of devices."));
        }
        let certificates = checked(Certificate::read_all(supplied)?, inner.clock.now())?;
        let tokens = inner.people.tokens(&by.id);
        let origin = Origin::new(inner, &migration.plan.source, Given::default(), &tokens)?;
        let source = migration.plan.source.keeper_name();
        let matched: Vec<Matched> = stream::iter(certificates)
            .map(|(certificate, name)| matched(&origin, &source, certificate, name))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut tx = inner.store.begin_write().await?;
        takes_certificates(&migrations::lookup(&mut tx, id).await?.ok_or(SupplyError::NotFound)?)?;
        let added = keep(&mut tx, id, &matched).await?;
        let text = format!("{} {}", by.name, sentence(&matched, added));
        events::append(&mut tx, id, inner.clock.now(), &by.name, EventKind::Enrollment, &text).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(added)
    }
}

/// The plan is one by which devices with certificates of their own can move.
fn carries_over(migration: &Migration) -> bool {
    match &migration.plan.source {
        Source::App(_) => migration.plan.carry_individual,
        Source::Hub(hubs) => hubs.dps.is_some(),
    }
}

/// Each certificate once, with the name that its device registers under, if all will do as far as they themselves tell.
fn checked(all: Vec<Certificate>, now: crate::clock::Timestamp) -> Result<Vec<(Certificate, DeviceId)>, SupplyError> {
    if all.len() > MOST {
        let words = format!("This contains {} certificates. Supply up to {MOST} at a time.", all.len());
        return Err(SupplyError::Foreign(words));
    }
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(all.len());
    for certificate in all.into_iter().filter(|one| seen.insert(one.sha256.clone())) {
        let Some(name) = certificate.common_name.as_deref().map(DeviceId::new) else {
            let words = format!("{} has no common name, and under that a device registers.", certificate.called());
            return Err(SupplyError::Foreign(words));
        };
        certificate.check_device(&name, now)?;
        checked.push((certificate, name));
    }
    Ok(checked)
}

/// Holds a certificate against what the source shows of its device.
async fn matched(
    origin: &Origin,
    source: &str,
    certificate: Certificate,
    name: DeviceId,
) -> Result<Matched, SupplyError> {
    let called = certificate.called();
    let words = match origin.certificates_of(&name).await? {
        OfItsOwn::Certificates(device, shown) if shown.iter().any(|one| one.has_thumbprint(&certificate.sha1)) => {
            return Ok(Matched { certificate, device, shown });
        }
        OfItsOwn::Certificates(device, shown) => {
            let own: Vec<String> = shown.iter().filter_map(|one| one.sha1.as_deref()).map(in_fours).collect();
            let own = if own.is_empty() { "not shown".to_owned() } else { own.join(" or ") };
            let sha1 = in_fours(&certificate.sha1);
            format!("{called} has the SHA-1 thumbprint {sha1}; that of the certificate of {device} is {own}.")
        }
        OfItsOwn::Else(has) => format!("{called}: {source} shows for {name} {has}, and no certificate."),
        OfItsOwn::Nothing if certificate.is_authority => format!(
            "{called} is the certificate of an authority, or {source} has no device {name} with a certificate of its own. \
             Supply the devices' own certificates alone, without their chains."
        ),
        OfItsOwn::Nothing => {
            format!("{called}: {source} has no device {name} with a certificate of its own.")
        }
    };
    Err(SupplyError::Foreign(words))
}

/// Keeps them; devices whose certificates are all there now come back.
async fn keep(tx: &mut WriteTx, id: MigrationId, matched: &[Matched]) -> Result<Added, StoreError> {
    for Matched { certificate, device, .. } in matched {
        device_certificates::keep(tx, id, device, &certificate.sha1, certificate.der()).await?;
    }
    let mut added = Added { devices: 0, back: 0 };
    let mut seen = HashSet::new();
    for Matched { device, shown, .. } in matched.iter().filter(|one| seen.insert(&one.device)) {
        added.devices += 1;
        let supplied = device_certificates::of_device(tx, id, device).await?;
        if OwnCertificates::of(shown, &supplied).is_ok() && reopen_certified(tx, id, device).await? {
            added.back += 1;
        }
    }
    Ok(added)
}

/// What was done, for the events: `supplied certificates of 2 devices (dev-01, dev-02).`
fn sentence(matched: &[Matched], added: Added) -> String {
    let mut names: Vec<&str> = matched.iter().map(|one| one.device.as_str()).collect();
    names.dedup();
    let more = if names.len() > NAMED { ", …" } else { "" };
    names.truncate(NAMED);
    let devices = if added.devices == 1 { "1 device".to_owned() } else { format!("{} devices", added.devices) };
    let back = match added.back {
        0 => String::new(),
        1 => " 1 that had been skipped for want of it is to move.".to_owned(),
        some => format!(" {some} that had been skipped for want of them are to move."),
    };
    format!("supplied certificates of {devices} ({}{more}).{back}", names.join(", "))
}
