//! A person asks for a clean-up: what they chose and typed is held against the record, in one transaction.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::engine::control::ControlError;
use crate::ids::DeviceId;
use crate::migration::clean_up::judge::{self, Record};
use crate::migration::clean_up::{CleanUpId, Fate, KeepReason, Soak};
use crate::migration::model::{Actor, Migration, MigrationId};
use crate::store::clean_ups::{self, NewCleanUp};
use crate::store::events::{self, EventKind};
use crate::store::{StoreError, WriteTx, devices, removals};

/// Which devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All that qualify.
    All,
    /// These.
    Listed(BTreeSet<DeviceId>),
}

/// What a person asks for, with what they typed to confirm it.
#[derive(Debug, Clone)]
pub struct CleanUpAsked {
    /// Hidden key of the form: the same again gives the first one's clean-up.
    pub request_key: String,
    /// How long devices must have been proven at the target.
    pub soak: Soak,
    /// Which devices.
    pub choice: Choice,
    /// The number of devices, as typed.
    pub number: Option<u64>,
    /// The migration's name, as typed.
    pub name: String,
}

/// A device that was listed and does not qualify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Which.
    pub device: DeviceId,
    /// Why; absent if this migration has no such device.
    pub reason: Option<KeepReason>,
}

/// Why nothing is cleaned up.
#[derive(Debug, thiserror::Error)]
pub enum CleanUpRefused {
    /// There is no such migration for this person.
    #[error("there is no such migration")]
    NotFound,
    /// The migration has not ended.
    #[error("the migration has not ended")]
    NotEnded,
    /// A clean-up of it is at work.
    #[error("a clean-up of this migration is at work")]
    AtWork(CleanUpId),
    /// No device qualifies, or none was listed.
    #[error("there is no device to remove")]
    Nobody,
    /// These were listed and do not qualify.
    #[error("some devices cannot be removed")]
    Unfit(Vec<Unfit>),
    /// The number typed is not that of the devices: there are so many.
    #[error("there are {0} devices")]
    OtherNumber(u64),
    /// The name typed is not the migration's.
    #[error("that is not the migration's name")]
    OtherName,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ControlError> for CleanUpRefused {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Store(error) => Self::Store(error),
            ControlError::NotFound | ControlError::NotNow(_) | ControlError::Azure(_) => Self::NotFound,
        }
    }
}

impl Engine {
    /// Begins a clean-up with the rights of `by`.
    ///
    /// # Errors
    /// [`CleanUpRefused`]; then nothing was done.
    pub async fn clean_up(
        &self,
        id: MigrationId,
        asked: &CleanUpAsked,
        by: &Actor,
    ) -> Result<CleanUpId, CleanUpRefused> {
        let (mut tx, migration, now) = self.open(id, by).await?;
        if let Some(known) = clean_ups::of_request(&mut tx, &asked.request_key).await? {
            return if known.migration == id { Ok(known.id) } else { Err(CleanUpRefused::NotFound) };
        }
        if !migration.state.is_ended() {
            return Err(CleanUpRefused::NotEnded);
        }
        if let Some(known) = clean_ups::at_work(&mut tx, id).await? {
            return Err(CleanUpRefused::AtWork(known.id));
        }
        let new = NewCleanUp { request_key: &asked.request_key, migration: id, by, soak: asked.soak };
        let made = clean_ups::insert(&mut tx, &new, now).await?;
        let number = choose(&mut tx, made, &migration, asked, now).await?;
        // What follows from the form is checked last, so that the number is that of this very moment. Nothing is committed.
        if number == 0 {
            return Err(CleanUpRefused::Nobody);
        }
        if asked.number != Some(number) {
            return Err(CleanUpRefused::OtherNumber(number));
        }
        if asked.name.trim() != migration.name {
            return Err(CleanUpRefused::OtherName);
        }
        let text = format!(
            "{} asked that {number} {} be removed from {}, once at the target for {}.",
            by.name,
            if number == 1 { "device" } else { "devices" },
            migration.plan.source.name(),
            asked.soak.words()
        );
        events::append(&mut tx, id, now, &by.name, EventKind::CleanUp, &text).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.inner.wake();
        Ok(made)
    }
}

/// Takes what was chosen into the clean-up. Gives how many devices that are.
async fn choose(
    tx: &mut WriteTx,
    made: CleanUpId,
    migration: &Migration,
    asked: &CleanUpAsked,
    now: Timestamp,
) -> Result<u64, CleanUpRefused> {
    let listed = match &asked.choice {
        Choice::All => return Ok(removals::choose_all(tx, made, migration.id, asked.soak, now).await?),
        Choice::Listed(listed) => listed,
    };
    let mut unfit = Vec::new();
    for id in listed {
        match unfitness(tx, migration.id, id, asked.soak, now).await? {
            Some(reason) => unfit.push(Unfit { device: id.clone(), reason }),
            None => removals::choose(tx, made, id).await?,
        }
    }
    if unfit.is_empty() { Ok(listed.len() as u64) } else { Err(CleanUpRefused::Unfit(unfit)) }
}

/// Why a device does not qualify, if it does not.
async fn unfitness(
    tx: &mut WriteTx,
    migration: MigrationId,
    id: &DeviceId,
    soak: Soak,
    now: Timestamp,
) -> Result<Option<Option<KeepReason>>, StoreError> {
    let Some(device) = devices::lookup(tx, migration, id).await? else { return Ok(Some(None)) };
    if let Err(settled) = judge::by_record(Record::from(&device), soak, now) {
        let reason = if let Fate::Kept(reason) = settled.fate { reason } else { KeepReason::NotMoved };
        return Ok(Some(Some(reason)));
    }
    let held = removals::is_held(&mut **tx, migration, id, soak, now).await?;
    Ok(held.then_some(Some(KeepReason::BeingMoved)))
}
