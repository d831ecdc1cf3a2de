//! Reads which keys the source's devices may present, and which of them the target knows.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::certificates::Supplied;
use super::source::Origin;
use super::target::{self, At};
use super::{Engine, given};
use crate::azure::error::AzureError;
use crate::ids::{DeviceId, EnrollmentGroupId, PersonId};
use crate::migration::coverage::{Coverage, KeyPair, SourceGroup};
use crate::migration::model::{Migration, Plan};
use crate::store::StoreError;

/// The keys of a source group, to be shown to a person who adds them by hand.
#[derive(Debug, Clone)]
pub struct GroupKeys {
    /// The group.
    pub id: EnrollmentGroupId,
    /// Its display name.
    pub name: String,
    /// Primary key, base64.
    pub primary: SecretString,
    /// Secondary key, base64.
    pub secondary: SecretString,
}

/// How the source's keys stand at the target, with the keys themselves.
#[derive(Debug, Clone)]
pub struct KeysView {
    /// One entry an enabled `iot` group.
    pub coverage: Coverage,
    /// Keys of the enabled symmetric `iot` groups.
    pub groups: Vec<GroupKeys>,
    /// Certificates of the X.509 groups of which all were supplied.
    pub(super) certificates: Vec<Supplied>,
}

impl KeysView {
    /// Without certificates.
    #[must_use]
    pub fn new(coverage: Coverage, groups: Vec<GroupKeys>) -> Self {
        Self { coverage, groups, certificates: Vec::new() }
    }
}

/// Why it is not known how the keys stand.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Azure could not be read.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeysError {
    /// What Azure answered, if it was Azure.
    #[must_use]
    pub fn azure(&self) -> Option<&AzureError> {
        match self {
            Self::Azure(error) => Some(error),
            Self::Store(_) => None,
        }
    }
}

impl Engine {
    /// Reads how the keys stand, with `person`'s rights.
    ///
    /// # Errors
    /// Whatever Azure answers; a missing right is named in the hint.
    pub async fn keys(&self, migration: &Migration, person: &PersonId) -> Result<KeysView, KeysError> {
        let tokens = self.inner.people.tokens(person);
        let plan = &migration.plan;
        let given = given::of(&self.inner, migration).await?;
        let origin = Origin::new(&self.inner, &plan.source, given, &tokens)?;
        let at = At::new(&self.inner, &plan.target, &tokens)?;
        Ok(read(&origin, &at, plan).await?)
    }
}

/// A group of the source, with its keys where they are known and may be used.
#[derive(Debug, Clone)]
pub(super) struct FoundGroup {
    pub(super) group: SourceGroup,
    pub(super) keys: Option<GroupKeys>,
    /// Its certificates as a person supplied them, primary first; empty until all are there.
    pub(super) certificates: Vec<Supplied>,
}

/// What an enrollment group is made with.
#[derive(Debug)]
pub(super) enum NewGroup<'a> {
    /// These keys.
    Keys(&'a GroupKeys),
    /// These certificates of authorities.
    Certificates {
        /// The display name of the source's group.
        name: &'a str,
        primary: &'a Supplied,
        secondary: Option<&'a Supplied>,
    },
}

/// Reads both sides and holds them against each other.
pub(super) async fn read(origin: &Origin, at: &At, plan: &Plan) -> Result<KeysView, AzureError> {
    let target = async {
        match at {
            At::Hub(at) => target::hub::keys::groups(at).await,
            At::App(at) => target::app::keys::groups(at).await,
        }
    };
    let (source, target) = tokio::try_join!(origin.groups(), target)?;
    let open = source.iter().filter(|found| found.group.enabled && !found.group.edge);
    let groups = open.filter_map(|found| found.keys.clone()).collect();
    let certificates = source.iter().flat_map(|found| found.certificates.clone()).collect();
    let source: Vec<SourceGroup> = source.into_iter().map(|found| found.group).collect();
    let from = plan.source.mark();
    let coverage = match at {
        At::Hub(at) => {
            let hub = &at.target.hub_host;
            Coverage::of(&source, &target, Some(hub), |id| target::hub::keys::planned_id(from, id, hub))
        }
        At::App(_) => Coverage::of(&source, &target, None, |id| target::app::keys::planned_id(from, id)),
    };
    Ok(KeysView { certificates, ..KeysView::new(coverage, groups) })
}

/// The longest id of a group that is made: a DPS allows 128 characters, an application 255.
const LONGEST: usize = 128;

/// The id of a group that is made: `name`, as far as the target allows its characters, and a mark of all that tells the group
/// from others, so that it is the same at every try and a repeat finds its own work.
pub(in crate::engine) fn made_id(name: &str, all: &str, is_allowed: fn(char) -> bool) -> EnrollmentGroupId {
    let hash = digest(&SHA256, all.to_ascii_lowercase().as_bytes());
    let mark: String = hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut name: String = name.chars().map(|c| if is_allowed(c) { c } else { '-' }).collect();
    name.truncate(LONGEST - 1 - mark.len());
    EnrollmentGroupId::new(format!("{name}-{mark}"))
}

/// Whether a device derives exactly these two keys from those of one of the groups. DPS takes registration ids without regard
/// to case, and firmware may spell its own otherwise than the hub does: in lower case, as nearly all do (azure-api §4.9).
pub(in crate::engine) fn is_derived(groups: &[GroupKeys], device: &DeviceId, keys: &KeyPair) -> bool {
    let lower = DeviceId::new(device.as_str().to_ascii_lowercase());
    let derives = |group: &GroupKeys| [device, &lower].iter().any(|id| derived(group, id).as_ref() == Some(keys));
    groups.iter().any(derives)
}

/// The digests of two keys; `None` if they are not base64.
pub(in crate::engine) fn key_pair(primary: &SecretString, secondary: &SecretString) -> Option<KeyPair> {
    Some(KeyPair::from_digests(key_digest(primary)?, key_digest(secondary)?))
}

fn key_digest(key: &SecretString) -> Option<[u8; 32]> {
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(key.expose_secret().trim()).ok()?);
    digest(&SHA256, &bytes).as_ref().try_into().ok()
}

/// The digests of the keys that a device derives from those of a group.
fn derived(group: &GroupKeys, device: &DeviceId) -> Option<KeyPair> {
    let primary = crate::azure::sas::derive_device_key(&group.primary, device.as_str()).ok()?;
    let secondary = crate::azure::sas::derive_device_key(&group.secondary, device.as_str()).ok()?;
    key_pair(&primary, &secondary)
}

/// The same of two keys.
pub(in crate::engine) fn is_derived_from(
    group: &GroupKeys,
    device: &DeviceId,
    primary: &SecretString,
    secondary: &SecretString,
) -> bool {
    key_pair(primary, secondary).is_some_and(|own| is_derived(std::slice::from_ref(group), device, &own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_by_what_they_decode_to() {
        let key = |text: &str| SecretString::from(text);
        let one = key_pair(&key("AAECAw=="), &key("BAUGBw=="));
        assert_eq!(one, key_pair(&key(" AAECAw=="), &key("BAUGBw==")));
        assert_eq!(key_pair(&key("not base64!"), &key("BAUGBw==")), None);
    }
}
