//! What a person gave for a migration, because no service shows it: pasted keys, and certificates of X.509 groups.

use super::certificates::{self, Supplied};
use super::keys::GroupKeys;
use super::{Inner, pasted};
use crate::migration::model::{Actor, Migration, MigrationId, MigrationState};
use crate::store::StoreError;

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) keys: Vec<GroupKeys>,
    pub(super) certificates: Vec<Supplied>,
}

/// Things are given before the start, and while a pause waits for them.
pub(super) fn may_be_given(migration: &Migration) -> bool {
    matches!(migration.state, MigrationState::Draft | MigrationState::Paused(_))
}

impl Inner {
    /// A migration of this person's tenant.
    pub(super) async fn of_tenant(&self, id: MigrationId, by: &Actor) -> Result<Option<Migration>, StoreError> {
        Ok(self.store.migration(id).await?.filter(|migration| migration.created_by.id.tid == by.id.tid))
    }
}

/// What was given so far.
pub(super) async fn of(inner: &Inner, migration: &Migration) -> Result<Given, StoreError> {
    Ok(Given { keys: pasted::of(inner, migration).await?, certificates: certificates::of(inner, migration).await? })
}
