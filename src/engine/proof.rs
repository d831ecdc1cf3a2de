//! What a device has of its own to prove itself with: symmetric keys, which the source shows, or certificates, of which it
//! shows the thumbprints only, so that people supply them.

use super::certificates::in_fours;
use super::halt::Halt;
use super::run::Run;
use super::source::NoKeys;
use crate::azure::central::KeyPair;
use crate::azure::hub::Thumbprints;
use crate::azure::x509::{CertificateDer, KnownCertificate, Slots};
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::SkipReason;
use crate::migration::certificate::Certificate;

/// It.
#[derive(Debug, Clone)]
pub(super) enum OwnProof {
    /// Symmetric keys.
    Keys(KeyPair),
    /// Certificates.
    Certificates(Box<OwnCertificates>),
}

impl From<OwnCertificates> for OwnProof {
    fn from(own: OwnCertificates) -> Self {
        Self::Certificates(Box::new(own))
    }
}

/// All certificates that a device may present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnCertificates {
    primary: Certificate,
    secondary: Option<Certificate>,
}

/// Why a device's certificates are not all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incomplete {
    /// The source shows no thumbprint to know them by.
    NotShown,
    /// Nobody supplied the one with this thumbprint.
    Missing(String),
}

impl OwnCertificates {
    /// Those that the source shows, out of what people supplied (DER), or out of what the source itself gives back.
    pub(super) fn of(shown: &Slots<KnownCertificate>, supplied: &[Vec<u8>]) -> Result<Self, Incomplete> {
        let supplied: Vec<Certificate> = supplied.iter().filter_map(|der| Certificate::read(der).ok()).collect();
        let find = |known: &KnownCertificate| {
            let given_back = || known.certificate.as_ref().and_then(|own| Certificate::read(own.as_bytes()).ok());
            let found = supplied.iter().find(|one| is(known, one)).cloned().or_else(given_back);
            found.ok_or_else(|| match known.sha1.as_ref().or(known.sha256.as_ref()) {
                Some(thumbprint) => Incomplete::Missing(thumbprint.clone()),
                None => Incomplete::NotShown,
            })
        };
        let mut all = shown.iter().map(find).collect::<Result<Vec<_>, _>>()?.into_iter();
        match (all.next(), all.next()) {
            (Some(primary), secondary) => Ok(Self { primary, secondary }),
            (None, _) => Err(Incomplete::NotShown),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Certificate> {
        [&self.primary].into_iter().chain(&self.secondary)
    }

    /// As they are given to a service.
    pub(super) fn to_give(&self) -> Slots<CertificateDer> {
        let der = |certificate: &Certificate| CertificateDer::new(certificate.der());
        Slots { primary: Some(der(&self.primary)), secondary: self.secondary.as_ref().map(der) }
    }

    /// Whether a service has these, and no other.
    pub(super) fn are(&self, known: &Slots<KnownCertificate>) -> bool {
        self.iter().all(|own| known.iter().any(|known| is(known, own)))
            && known.iter().all(|known| self.iter().any(|own| is(known, own)))
    }

    /// Whether each thumbprint that an identity shows is of one of these.
    pub(super) fn account_for(&self, shown: &Thumbprints) -> bool {
        shown_by(shown).all(|thumbprint| self.iter().any(|own| own.has_thumbprint(thumbprint)))
    }

    /// Whether an identity knows the device by these, and by no other.
    pub(super) fn are_known_by(&self, shown: &Thumbprints) -> bool {
        self.account_for(shown)
            && self.iter().all(|own| shown_by(shown).any(|thumbprint| own.has_thumbprint(thumbprint)))
    }

    /// Why the device would not be let in with them: one is another device's, or not valid now.
    fn unfit(&self, id: &DeviceId, now: Timestamp) -> Option<String> {
        self.iter().find_map(|own| own.check_device(id, now).err()).map(|problem| problem.to_string())
    }
}

fn is(known: &KnownCertificate, certificate: &Certificate) -> bool {
    [&known.sha1, &known.sha256].into_iter().flatten().any(|thumbprint| certificate.has_thumbprint(thumbprint))
}

fn shown_by(identity: &Thumbprints) -> impl Iterator<Item = &str> {
    [&identity.primary, &identity.secondary].into_iter().flatten().map(String::as_str)
}

/// The certificates that the source shows for a device, if they were supplied; else why it cannot move with them.
pub(super) async fn supplied(
    run: &Run,
    id: &DeviceId,
    shown: &Slots<KnownCertificate>,
) -> Result<Result<OwnCertificates, NoKeys>, Halt> {
    let supplied = run.store().device_certificates(run.id(), id).await?;
    let needed = |why| Err((SkipReason::CertificateNeeded, why));
    Ok(match OwnCertificates::of(shown, &supplied) {
        Ok(own) => match own.unfit(id, run.now()) {
            Some(why) => needed(why),
            None => Ok(own),
        },
        Err(Incomplete::Missing(thumbprint)) => {
            needed(format!("nobody supplied the one with the thumbprint {}", in_fours(&thumbprint)))
        }
        Err(Incomplete::NotShown) => {
            Err((SkipReason::Certificate, "the thumbprint of its certificate is not shown".to_owned()))
        }
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn der() -> Vec<u8> {
        let params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn known(der: &[u8]) -> KnownCertificate {
        KnownCertificate { sha1: Some(Certificate::read(der).unwrap().sha1.to_lowercase()), ..Default::default() }
    }

    #[test]
    fn they_are_complete_when_every_one_that_is_shown_is_there() {
        let (first, second, other) = (der(), der(), der());
        let both = Slots { primary: Some(known(&first)), secondary: Some(known(&second)) };
        let own = OwnCertificates::of(&both, &[other.clone(), second.clone(), first.clone()]).unwrap();
        assert_eq!(own.to_give().primary, Some(CertificateDer::new(first.clone())));
        assert_eq!(own.to_give().secondary, Some(CertificateDer::new(second.clone())));
        let missing = Incomplete::Missing(known(&second).sha1.unwrap());
        assert_eq!(OwnCertificates::of(&both, &[first.clone(), other]), Err(missing));
        assert_eq!(OwnCertificates::of(&Slots::default(), std::slice::from_ref(&first)), Err(Incomplete::NotShown));
        let given_back = KnownCertificate { certificate: Some(CertificateDer::new(first.clone())), ..known(&first) };
        assert!(OwnCertificates::of(&Slots::one(given_back), &[]).is_ok());
    }

    #[test]
    fn a_service_has_them_if_it_has_all_of_them_and_no_other_in_whatever_places() {
        let (first, second) = (der(), der());
        let both = Slots { primary: Some(known(&first)), secondary: Some(known(&second)) };
        let own = OwnCertificates::of(&both, &[first.clone(), second.clone()]).unwrap();
        let turned = Slots { primary: both.secondary.clone(), secondary: both.primary.clone() };
        assert!(own.are(&both) && own.are(&turned) && !own.are(&Slots::one(known(&first))));
        let one = OwnCertificates::of(&Slots::one(known(&first)), std::slice::from_ref(&first)).unwrap();
        assert!(!one.are(&both) && !one.are(&Slots::default()));
    }

    #[test]
    fn an_identity_knows_them_by_either_digest() {
        let (first, second) = (Certificate::read(&der()).unwrap(), Certificate::read(&der()).unwrap());
        let own = OwnCertificates { primary: first.clone(), secondary: None };
        let by = |primary: &str| Thumbprints { primary: Some(primary.to_owned()), secondary: None };
        assert!(own.are_known_by(&by(&first.sha1)) && own.are_known_by(&by(&first.sha256.to_lowercase())));
        assert!(!own.are_known_by(&by(&second.sha1)) && !own.account_for(&by(&second.sha256)));
        let nothing = Thumbprints::default();
        assert!(own.account_for(&nothing) && !own.are_known_by(&nothing));
        let two = OwnCertificates { primary: first.clone(), secondary: Some(second) };
        assert!(two.account_for(&by(&first.sha1)) && !two.are_known_by(&by(&first.sha1)));
    }
}
