//! Devices of a hub that came by an individual enrollment: with keys of their own, which their identities show, or with
//! certificates, of which identity and enrollment show thumbprints.

use super::FromHub;
use crate::azure::dps::{Attestation, AttestationKind, IndividualEnrollment};
use crate::azure::error::AzureError;
use crate::azure::hub::{AuthType, Identity, IdentityKeys};
use crate::azure::x509::{KnownCertificate, Slots};
use crate::engine::halt::Halt;
use crate::engine::individuals::are_equal;
use crate::engine::proof::{self, OwnCertificates, OwnProof};
use crate::engine::run::Run;
use crate::engine::source::{NoKeys, OfItsOwn, pair};
use crate::ids::DeviceId;
use crate::migration::{Device, SkipReason};

const OTHER_KIND: &str = "its individual enrollment is of another kind than its identity";
const OTHER_KEYS: &str = "its individual enrollment has other keys than its identity";
const OTHER_CERTIFICATES: &str = "its individual enrollment has other certificates than its identity";
const NO_KEYS_NOW: &str = "its identity shows no keys any more";
const NO_ENROLLMENT_NOW: &str = "its individual enrollment is no longer one of certificates";

/// Holds an individual enrollment, which wins over groups, against the identity that goes by its name. `keys` are those of an
/// identity that has some; any other has certificates. An error says why the device cannot move by it.
pub(super) async fn compare(
    run: &Run,
    at: &FromHub,
    own: &IndividualEnrollment,
    identity: &Identity,
    keys: Option<&IdentityKeys>,
) -> Result<Result<(), (SkipReason, Option<String>)>, Halt> {
    let not = |words: &str| Ok(Err((SkipReason::KeyUnknown, Some(words.to_owned()))));
    if !own.device_id.same_as(identity.device_id.as_str()) {
        return not("the individual enrollment of its name is another device's");
    }
    match (&own.attestation_kind, keys) {
        (AttestationKind::Tpm, _) => Ok(Err((SkipReason::Tpm, None))),
        (AttestationKind::Symmetric, Some(keys)) => {
            let Some(dps) = &at.dps else { return not("the DPS of its individual enrollment was not chosen") };
            let Attestation::Symmetric { primary, secondary } = dps.individual_keys(&own.registration_id).await? else {
                return not("the keys of its individual enrollment are not shown");
            };
            match are_equal(&pair(&keys.primary, &keys.secondary), &primary, &secondary) {
                true => Ok(Ok(())),
                false => not(OTHER_KEYS),
            }
        }
        (AttestationKind::X509, None) => {
            let certificates = certificates(run, identity, &shown(own)).await?;
            Ok(certificates.map(drop).map_err(|(reason, why)| (reason, Some(why))))
        }
        (AttestationKind::Symmetric | AttestationKind::X509, _) => not(OTHER_KIND),
        (AttestationKind::Other(_), _) => not("its individual enrollment is of an unknown kind"),
    }
}

/// The certificates that an enrollment shows for a device, if they were supplied, and its identity knows it by them.
async fn certificates(
    run: &Run,
    identity: &Identity,
    shown: &Slots<KnownCertificate>,
) -> Result<Result<OwnCertificates, NoKeys>, Halt> {
    let supplied = proof::supplied(run, &identity.device_id, shown).await?;
    Ok(supplied.and_then(|own| match own.account_for(&identity.thumbprints) {
        true => Ok(own),
        false => Err((SkipReason::KeyUnknown, OTHER_CERTIFICATES.to_owned())),
    }))
}

fn shown(own: &IndividualEnrollment) -> Slots<KnownCertificate> {
    own.x509.as_ref().map(|x509| x509.client_certificates.clone()).unwrap_or_default()
}

/// What the device has of its own, as its identity shows it now; else why there is nothing.
pub(in crate::engine) async fn keys(
    run: &Run,
    at: &FromHub,
    device: &Device,
) -> Result<Result<OwnProof, NoKeys>, Halt> {
    let no = |words: &str| Ok(Err((SkipReason::KeyUnknown, words.to_owned())));
    let Some(identity) = at.hub_of(device)?.identity(&device.id).await? else { return no(NO_KEYS_NOW) };
    if matches!(identity.auth_type, AuthType::SelfSigned | AuthType::CertificateAuthority) {
        let own = match &at.dps {
            Some(dps) => dps.individual_enrollment(&identity.device_id).await?,
            None => None,
        };
        return match own.filter(|own| own.attestation_kind == AttestationKind::X509) {
            Some(own) => Ok(certificates(run, &identity, &shown(&own)).await?.map(OwnProof::from)),
            None => no(NO_ENROLLMENT_NOW),
        };
    }
    match identity.keys {
        Some(keys) => Ok(Ok(OwnProof::Keys(pair(&keys.primary, &keys.secondary)))),
        None => no(NO_KEYS_NOW),
    }
}

/// What the DPS shows of the device that registers under this name.
pub(in crate::engine) async fn certificates_of(at: &FromHub, name: &DeviceId) -> Result<OfItsOwn, AzureError> {
    let Some(dps) = &at.dps else { return Ok(OfItsOwn::Nothing) };
    Ok(match dps.individual_enrollment(name).await? {
        None => OfItsOwn::Nothing,
        Some(own) if !own.device_id.same_as(name.as_str()) => {
            OfItsOwn::Else(format!("an individual enrollment of another device, {}", own.device_id))
        }
        Some(own) => match &own.attestation_kind {
            AttestationKind::X509 => OfItsOwn::Certificates(own.device_id.clone(), Box::new(shown(&own))),
            AttestationKind::Symmetric => OfItsOwn::Else("symmetric keys of its own".into()),
            AttestationKind::Tpm => OfItsOwn::Else("a TPM".into()),
            AttestationKind::Other(word) => OfItsOwn::Else(word.clone()),
        },
    })
}

impl FromHub {
    /// Whether the DPS has individual enrollments of devices with certificates.
    pub(in crate::engine) async fn has_own_certificates(&self) -> Result<bool, AzureError> {
        let mut all = self.enrollments().await?.values();
        Ok(all.any(|own| own.attestation_kind == AttestationKind::X509))
    }
}
