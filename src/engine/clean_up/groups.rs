//! Enrollment groups that the program made at the target are removed again, where nobody needs them.
//!
//! Firmware registers again at every boot, so a group by which a device came is in use for ever: one is removed only if the
//! DPS has no registration record of it, no migration at work names it, and no device that moved by it may yet go back. An
//! application has no such records, so its groups stay.
//!
//! It is done while the person waits: there are few groups, and each deletion can be asked for again without harm. Nothing is
//! lost if the program dies in between: the next time finds a group that is gone, and says so.

use crate::azure::dps::Dps;
use crate::azure::error::{AzureError, ErrorKind};
use crate::engine::Engine;
use crate::engine::control::ControlError;
use crate::engine::target::At;
use crate::ids::EnrollmentGroupId;
use crate::migration::model::{Actor, Migration, MigrationId};
use crate::store::StoreError;
use crate::store::events::{self, EventKind};
use crate::store::made_groups::{self, MadeGroup};

/// What a person asks for, with what they typed to confirm it.
#[derive(Debug, Clone)]
pub struct RemoveGroups {
    /// The number of groups, as typed.
    pub number: Option<u64>,
    /// The migration's name, as typed.
    pub name: String,
}

/// What became of the groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupsRemoved {
    /// Removed, or gone already.
    pub removed: Vec<EnrollmentGroupId>,
    /// Kept, and why.
    pub kept: Vec<(EnrollmentGroupId, String)>,
}

/// Why no group was removed.
#[derive(Debug, thiserror::Error)]
pub enum GroupsRefused {
    /// There is no such migration for this person.
    #[error("there is no such migration")]
    NotFound,
    /// The migration has not ended, or no group of it can be removed; says why in words for the page.
    #[error("{0}")]
    NotNow(String),
    /// The number typed is not that of the groups: there are so many.
    #[error("there are {0} groups")]
    OtherNumber(u64),
    /// The name typed is not the migration's.
    #[error("that is not the migration's name")]
    OtherName,
    /// Azure refused. What was removed before is recorded.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ControlError> for GroupsRefused {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NotFound => Self::NotFound,
            ControlError::NotNow(words) => Self::NotNow(words),
            ControlError::Azure(error) => Self::Azure(error),
            ControlError::Store(error) => Self::Store(error),
        }
    }
}

impl MadeGroup {
    /// Why the group must stay, as far as the records say.
    #[must_use]
    pub fn needed(&self, migration: &Migration) -> Option<String> {
        if migration.plan.target.app().is_some() {
            return Some("an application does not show whether devices have come by a group".to_owned());
        }
        if let Some(name) = &self.named_by {
            return Some(format!("“{name}”, which is at work, uses it"));
        }
        match self.devices {
            0 => None,
            1 => Some("1 device that was told may have come by it".to_owned()),
            many => Some(format!("{many} devices that were told may have come by it")),
        }
    }
}

impl Engine {
    /// Removes the groups made for an ended migration that nobody needs.
    ///
    /// # Errors
    /// [`GroupsRefused`].
    pub async fn remove_groups(
        &self,
        id: MigrationId,
        asked: &RemoveGroups,
        by: &Actor,
    ) -> Result<GroupsRemoved, GroupsRefused> {
        let (mut tx, migration, _) = self.open(id, by).await?;
        let groups = made_groups::made(&mut tx, id).await?;
        drop(tx);
        if !migration.state.is_ended() {
            return Err(GroupsRefused::NotNow("The migration has not ended.".into()));
        }
        let unneeded: Vec<&MadeGroup> = groups.iter().filter(|group| group.needed(&migration).is_none()).collect();
        if unneeded.is_empty() {
            return Err(GroupsRefused::NotNow("No enrollment group made for this migration can be removed.".into()));
        }
        if asked.number != Some(unneeded.len() as u64) {
            return Err(GroupsRefused::OtherNumber(unneeded.len() as u64));
        }
        if asked.name.trim() != migration.name {
            return Err(GroupsRefused::OtherName);
        }
        let At::Hub(at) = At::new(&self.inner, &migration.plan.target, &self.inner.people.tokens(&by.id))? else {
            return Err(GroupsRefused::NotNow("The groups of an application stay.".into()));
        };
        let mut came_of = GroupsRemoved::default();
        for group in unneeded {
            // A migration may have begun to use it while the one before was removed.
            let (mut tx, migration, _) = self.open(id, by).await?;
            let now = made_groups::made(&mut tx, id).await?.into_iter().find(|now| now.id == group.id);
            drop(tx);
            if let Some(why) = now.and_then(|now| now.needed(&migration)) {
                came_of.kept.push((group.id.clone(), why));
                continue;
            }
            match remove(&at.dps, &group.id).await? {
                None => {
                    self.record(&migration, &group.id, by).await?;
                    came_of.removed.push(group.id.clone());
                }
                Some(why) => came_of.kept.push((group.id.clone(), why)),
            }
        }
        Ok(came_of)
    }

    async fn record(&self, migration: &Migration, group: &EnrollmentGroupId, by: &Actor) -> Result<(), StoreError> {
        let now = self.inner.clock.now();
        let mut tx = self.inner.store.begin_write().await?;
        made_groups::removed(&mut tx, migration.id, group, &by.name, now).await?;
        let place = migration.plan.target.keeper_name();
        let text = format!("{} removed the enrollment group {group}, which nobody used, from {place}.", by.name);
        events::append(&mut tx, migration.id, now, &by.name, EventKind::CleanUp, &text).await?;
        Ok(tx.commit().await?)
    }
}

/// Removes a group of which the DPS has no registration record; else says why it stays.
async fn remove(dps: &Dps, id: &EnrollmentGroupId) -> Result<Option<String>, AzureError> {
    let Some(group) = dps.enrollment_group(id).await? else { return Ok(None) };
    if dps.has_registrations(id).await? {
        return Ok(Some("a device has registered by it".to_owned()));
    }
    match dps.delete_enrollment_group(id, group.etag.as_deref()).await {
        Ok(()) => Ok(None),
        Err(error) if matches!(error.kind, ErrorKind::Precondition) => {
            Ok(Some("somebody changed it at the same time".to_owned()))
        }
        Err(error) => Err(error),
    }
}
