//! Keys of enrollment groups that a person pastes, where no service shows them: checked, sealed, and erased when the
//! migration ends.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::given::{Given, may_be_given};
use super::keys::GroupKeys;
use super::source::{self, Origin};
use super::{Engine, Inner};
use crate::azure::error::AzureError;
use crate::ids::{EnrollmentGroupId, TenantId};
use crate::migration::model::{Actor, Migration, MigrationId};
use crate::store::events::{self, EventKind};
use crate::store::{StoreError, migrations, pasted_keys};

/// Seals secrets that must outlive the program.
pub trait Safe: Send + Sync + fmt::Debug {
    /// Seals a secret of `owner`; `None` if that is not possible.
    fn seal(&self, tenant: &TenantId, owner: &str, secret: &[u8]) -> Option<Vec<u8>>;

    /// Opens what was sealed for the same owner; `None` if it was changed, or sealed with another key.
    fn unseal(&self, tenant: &TenantId, owner: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
}

/// What pasted keys came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted {
    /// The group that stands for them.
    pub group: EnrollmentGroupId,
    /// Devices of the hubs that were looked at, as examples.
    pub looked_at: usize,
    /// Those of them that have keys derived from the pasted ones.
    pub matching: usize,
}

/// Why pasted keys were not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasteError {
    /// There is no such migration for this person.
    #[error("there is no such migration")]
    NotFound,
    /// The migration is not one that keys are pasted for, or not now; says why in words for the page.
    #[error("{0}")]
    NotNow(&'static str),
    /// The primary key is none.
    #[error("The primary key is not a key: a key is base64 of 16 to 64 bytes.")]
    NotPrimary,
    /// The secondary key is none.
    #[error("The secondary key is not a key: a key is base64 of 16 to 64 bytes.")]
    NotSecondary,
    /// They could not be sealed.
    #[error("The keys could not be sealed, so they were not kept.")]
    NotSealed,
    /// The hubs could not be read.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Takes the keys of an enrollment group, and holds them against some devices of the hubs, with `by`'s rights.
    ///
    /// # Errors
    /// [`PasteError`]; nothing is kept then.
    pub async fn paste_keys(
        &self,
        id: MigrationId,
        by: &Actor,
        primary: &SecretString,
        secondary: &SecretString,
    ) -> Result<Pasted, PasteError> {
        let inner = &self.inner;
        let migration = inner.of_tenant(id, by).await?.ok_or(PasteError::NotFound)?;
        takes_keys(&migration)?;
        let primary = checked(primary).ok_or(PasteError::NotPrimary)?;
        let secondary = checked(secondary).ok_or(PasteError::NotSecondary)?;
        let keys = group_keys(primary, secondary);
        let tokens = inner.people.tokens(&by.id);
        let origin = Origin::new(inner, &migration.plan.source, Given::default(), &tokens)?;
        let Origin::Hub(at) = &origin else { return Err(NOT_HERE) };
        let (looked_at, matching) = source::hub::examples::matching(at, &keys).await?;
        let secret = Zeroizing::new(format!("{}\n{}", keys.primary.expose_secret(), keys.secondary.expose_secret()));
        let sealed = inner.safe.seal(&migration.created_by.id.tid, &id.to_string(), secret.as_bytes());
        let sealed = sealed.ok_or(PasteError::NotSealed)?;
        let mut tx = inner.store.begin_write().await?;
        takes_keys(&migrations::lookup(&mut tx, id).await?.ok_or(PasteError::NotFound)?)?;
        pasted_keys::keep(&mut tx, id, &keys.id, &sealed).await?;
        let text = format!("{} pasted the keys of an enrollment group; they are kept sealed as {}.", by.name, keys.id);
        events::append(&mut tx, id, inner.clock.now(), &by.name, EventKind::Enrollment, &text).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Pasted { group: keys.id, looked_at, matching })
    }

    /// Erases keys that were pasted.
    ///
    /// # Errors
    /// [`PasteError::NotNow`] if there are none of this group.
    pub async fn forget_keys(&self, id: MigrationId, by: &Actor, group: &EnrollmentGroupId) -> Result<(), PasteError> {
        let inner = &self.inner;
        inner.of_tenant(id, by).await?.ok_or(PasteError::NotFound)?;
        let mut tx = inner.store.begin_write().await?;
        takes_keys(&migrations::lookup(&mut tx, id).await?.ok_or(PasteError::NotFound)?)?;
        if !pasted_keys::erase(&mut tx, id, group).await? {
            return Err(PasteError::NotNow("These keys are erased already."));
        }
        let text = format!("{} erased the pasted keys {group}.", by.name);
        events::append(&mut tx, id, inner.clock.now(), &by.name, EventKind::Enrollment, &text).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

const NOT_HERE: PasteError = PasteError::NotNow("An application shows its keys itself: none are pasted.");

/// Keys can be given until the start, and while a pause waits for them.
fn takes_keys(migration: &Migration) -> Result<(), PasteError> {
    if migration.plan.source.hubs().is_none() {
        return Err(NOT_HERE);
    }
    match may_be_given(migration) {
        true => Ok(()),
        false => Err(PasteError::NotNow("Keys are given before the start, or while the migration is paused.")),
    }
}

/// The key without what copying adds around it, if it is one.
fn checked(key: &SecretString) -> Option<SecretString> {
    let key = key.expose_secret().trim();
    let bytes = Zeroizing::new(STANDARD.decode(key).ok()?);
    (16..=64).contains(&bytes.len()).then(|| SecretString::from(key))
}

/// The same keys have the same id, so that whoever pastes them twice has them once.
fn group_keys(primary: SecretString, secondary: SecretString) -> GroupKeys {
    let both = Zeroizing::new(format!("{}\n{}", primary.expose_secret(), secondary.expose_secret()));
    let mark: String =
        digest(&SHA256, both.as_bytes()).as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let id = EnrollmentGroupId::new(format!("pasted-{mark}"));
    GroupKeys { name: format!("Pasted keys {mark}"), id, primary, secondary }
}

/// The keys that were pasted for a migration. What cannot be opened is as if it were not there.
pub(super) async fn of(inner: &Inner, migration: &Migration) -> Result<Vec<GroupKeys>, StoreError> {
    if migration.plan.source.hubs().is_none() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for (group, sealed) in inner.store.pasted_keys(migration.id).await? {
        let opened = inner.safe.unseal(&migration.created_by.id.tid, &migration.id.to_string(), &sealed);
        let text = opened.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        match text.and_then(|text| text.split_once('\n')) {
            Some((primary, secondary)) => all.push(group_keys(primary.into(), secondary.into())),
            None => tracing::error!(%group, "pasted keys cannot be opened: they must be pasted again"),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_base64_of_16_to_64_bytes_is_a_key_and_blanks_around_it_do_no_harm() {
        let key = |bytes: usize| SecretString::from(format!(" {}\n", STANDARD.encode(vec![7; bytes])));
        assert!(checked(&key(16)).is_some() && checked(&key(64)).is_some());
        assert!(checked(&key(15)).is_none() && checked(&key(65)).is_none());
        assert!(checked(&SecretString::from("not base64!")).is_none());
    }

    #[test]
    fn the_same_keys_have_one_id_and_swapped_ones_another() {
        let id = |one: &str, two: &str| group_keys(one.into(), two.into()).id;
        assert_eq!(id("a", "b"), id("a", "b"));
        assert_ne!(id("a", "b"), id("b", "a"));
    }
}
