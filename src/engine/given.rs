//! What a person gave for a migration, because no service shows it: pasted keys, and certificates of X.509 groups.

use super::certificates::{self, Supplied};
use super::keys::GroupKeys;
use super::{Inner, pasted};
use crate::migration::Migration;
use crate::store::StoreError;

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) keys: Vec<GroupKeys>,
    pub(super) certificates: Vec<Supplied>,
}

/// What was given so far.
pub(super) async fn of(inner: &Inner, migration: &Migration) -> Result<Given, StoreError> {
    Ok(Given { keys: pasted::of(inner, migration).await?, certificates: certificates::of(inner, migration).await? })
}
