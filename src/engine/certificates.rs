//! Certificates of X.509 enrollment groups that a person supplies: held against the source before they are kept. They are no
//! secret.

use super::given::{Given, may_be_given};
use super::source::Origin;
use super::{Engine, Inner};
use crate::azure::Arm;
use crate::azure::dps::DpsGroup;
use crate::azure::error::AzureError;
use crate::azure::x509::KnownCertificate;
use crate::ids::{ArmId, EnrollmentGroupId};
use crate::migration::certificate::{Certificate, CertificateProblem};
use crate::migration::coverage::Thumbprint;
use crate::migration::model::{Actor, Migration, MigrationId};
use crate::store::events::{self, EventKind};
use crate::store::{StoreError, migrations, supplied_certificates};

/// A certificate that was supplied for a group of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Supplied {
    pub(super) group: EnrollmentGroupId,
    pub(super) thumbprint: Thumbprint,
    pub(super) der: Vec<u8>,
}

/// Why a certificate was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// There is no such migration for this person.
    #[error("there is no such migration")]
    NotFound,
    /// Not now; says why in words for the page.
    #[error("{0}")]
    NotNow(&'static str),
    /// It is none that can be used.
    #[error(transparent)]
    Unfit(#[from] CertificateProblem),
    /// It is another than the source shows.
    #[error("{0}")]
    Foreign(String),
    /// The source could not be read.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Takes the certificate (PEM or DER) of an X.509 group of the source, if it is one of those that the source shows the
    /// thumbprints of, valid, and an authority's. `by`'s rights are used.
    ///
    /// # Errors
    /// [`SupplyError`]; nothing is kept then.
    pub async fn supply_certificate(
        &self,
        id: MigrationId,
        by: &Actor,
        group: &EnrollmentGroupId,
        supplied: &[u8],
    ) -> Result<(), SupplyError> {
        let inner = &self.inner;
        let migration = inner.of_tenant(id, by).await?.ok_or(SupplyError::NotFound)?;
        takes_certificates(&migration)?;
        let certificate = Certificate::read(supplied)?;
        certificate.check_authority(inner.clock.now())?;
        let thumbprint = Thumbprint::new(&certificate.sha1);
        must_be_the_groups(inner, &migration, by, group, &thumbprint).await?;
        let mut tx = inner.store.begin_write().await?;
        takes_certificates(&migrations::lookup(&mut tx, id).await?.ok_or(SupplyError::NotFound)?)?;
        supplied_certificates::keep(&mut tx, id, group, thumbprint.as_str(), certificate.der()).await?;
        let text = format!("{} supplied the certificate {} of {group}.", by.name, thumbprint.as_str());
        events::append(&mut tx, id, inner.clock.now(), &by.name, EventKind::Enrollment, &text).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

pub(super) fn takes_certificates(migration: &Migration) -> Result<(), SupplyError> {
    match may_be_given(migration) {
        true => Ok(()),
        false => Err(SupplyError::NotNow("Certificates are given before the start, or while the migration is paused.")),
    }
}

async fn must_be_the_groups(
    inner: &Inner,
    migration: &Migration,
    by: &Actor,
    group: &EnrollmentGroupId,
    thumbprint: &Thumbprint,
) -> Result<(), SupplyError> {
    let tokens = inner.people.tokens(&by.id);
    let origin = Origin::new(inner, &migration.plan.source, Given::default(), &tokens)?;
    let groups = origin.groups().await?;
    let Some(found) = groups.into_iter().map(|found| found.group).find(|found| found.id == *group) else {
        return Err(SupplyError::NotNow("The source no longer has this enrollment group."));
    };
    if found.certificates.contains(thumbprint) {
        return Ok(());
    }
    if found.certificates.is_empty() {
        return Err(SupplyError::NotNow("This enrollment group has no certificate."));
    }
    let own: Vec<&str> = found.certificates.iter().map(Thumbprint::as_str).collect();
    Err(SupplyError::Foreign(format!(
        "This certificate has the SHA-1 thumbprint {}; that of {} is {}. It was not kept.",
        thumbprint.as_str(),
        found.name,
        own.join(" or ")
    )))
}

/// A certificate that a group of a DPS trusts: its thumbprint, and itself where a service gives it back.
pub(super) type Trusted = (Thumbprint, Option<Vec<u8>>);

/// The certificates that a group of a DPS trusts, primary first: its own, and verified ones of the DPS that it names, which
/// are given back.
pub(super) async fn trusted_by(arm: &Arm, dps: &ArmId, group: &DpsGroup) -> Result<Vec<Trusted>, AzureError> {
    let Some(x509) = &group.x509 else { return Ok(Vec::new()) };
    let mut trusted: Vec<KnownCertificate> = x509.signing_certificates.iter().cloned().collect();
    for name in x509.ca_references.iter() {
        let kept = arm.dps_certificate(dps, name).await?.filter(|kept| kept.verified);
        trusted.extend(kept.map(|kept| kept.certificate));
    }
    let with_der = |known: KnownCertificate| {
        let der = known.certificate.map(|certificate| certificate.as_bytes().to_vec());
        known.sha1.map(|sha1| (Thumbprint::new(&sha1), der))
    };
    Ok(trusted.into_iter().filter_map(with_der).collect())
}

/// A thumbprint as people compare it.
pub(super) fn in_fours(thumbprint: &str) -> String {
    Thumbprint::new(thumbprint).in_fours()
}

/// The certificates that were supplied for a migration.
pub(super) async fn of(inner: &Inner, migration: &Migration) -> Result<Vec<Supplied>, StoreError> {
    let rows = inner.store.supplied_certificates(migration.id).await?;
    let supplied = |(group, thumbprint, der): (EnrollmentGroupId, String, Vec<u8>)| Supplied {
        group,
        thumbprint: Thumbprint::new(&thumbprint),
        der,
    };
    Ok(rows.into_iter().map(supplied).collect())
}

/// The certificates of a group as they are supplied, primary first, once all of them are.
pub(super) fn all_of(given: &Given, group: &EnrollmentGroupId, wanted: &[Thumbprint]) -> Option<Vec<Supplied>> {
    let find = |one: &Thumbprint| {
        given.certificates.iter().find(|supplied| supplied.group == *group && supplied.thumbprint == *one).cloned()
    };
    wanted.iter().map(find).collect()
}
