//! Migrations that take up the devices of another: reruns and fail backs.
//!
//! A follow-up is a draft like any other: a person sees to its keys and starts it, and the same engine moves its devices,
//! canary first. The migration that it follows stays as it ended. Promises: while a follow-up of a kind has not ended, asking
//! for another one leads to it, whoever asks and however often at once.

mod back;

use super::control::ControlError;
use super::{Engine, Inner};
use crate::clock::Timestamp;
use crate::ids::DeviceId;
use crate::migration::follow_up;
use crate::migration::model::{Actor, Migration, MigrationId, Mode, Plan};
use crate::migration::{Parent, Relation};
use crate::store::events::{self, EventKind};
use crate::store::follow_ups::{self, Chosen};
use crate::store::migrations::{self, NewMigration};
use crate::store::{StoreError, WriteTx, choices};

/// Where a person who asked for a follow-up goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// At this new draft.
    Made(MigrationId),
    /// At this one, which had not ended.
    Open(MigrationId),
}

/// Which devices are to go back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailBack {
    /// The hub (its host) that they go back to, where they came from more than one.
    pub hub: Option<String>,
    /// These; absent = all that moved.
    pub devices: Option<Vec<DeviceId>>,
}

/// A follow-up to be made.
struct New<'a> {
    relation: Relation,
    mode: Mode,
    plan: Plan,
    chosen: Chosen<'a>,
}

impl Engine {
    /// Makes a draft that takes the devices which this migration did not move the same way once more.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] while it has not ended, and when no device failed.
    pub async fn rerun(&self, id: MigrationId, by: &Actor) -> Result<FollowUp, ControlError> {
        let migration = self.inner.of_tenant(id, by).await?.ok_or(ControlError::NotFound)?;
        let plan = Plan { canary: None, ..migration.plan.clone() };
        let (mode, relation) = (migration.mode, Relation::Rerun);
        let Some(Parent { id: first, relation: Relation::FailBack }) = migration.parent else {
            return self.follow_up(&migration, by, New { relation, mode, plan, chosen: Chosen::default() }).await;
        };
        // Those that did not come back go back once more: what moved them must hear of it.
        must_have_ended(&migration)?;
        let failed = self.inner.store.failed_devices(id).await?;
        let first = self.inner.of_tenant(first, by).await?.ok_or(ControlError::NotFound)?;
        let chosen = Chosen { from: None, ids: Some(&failed) };
        self.follow_up(&first, by, New { relation: Relation::FailBack, mode, plan, chosen }).await
    }

    /// Makes a draft that takes devices which this migration moved back to where they came from.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] while it has not ended, when a chosen device is not proven at its target, and where no way
    /// back is known; Azure's, when the target cannot be read with `by`'s rights.
    pub async fn fail_back(&self, id: MigrationId, by: &Actor, wish: &FailBack) -> Result<FollowUp, ControlError> {
        let migration = self.inner.of_tenant(id, by).await?.ok_or(ControlError::NotFound)?;
        must_have_ended(&migration)?;
        if let Some(devices) = &wish.devices {
            all_moved(&self.inner, id, devices).await?;
        }
        let (mode, plan) = back::plan(&self.inner, &migration, by, wish).await?;
        let from = back::from(&plan);
        let chosen = Chosen { from: from.as_deref(), ids: wish.devices.as_deref() };
        self.follow_up(&migration, by, New { relation: Relation::FailBack, mode, plan, chosen }).await
    }

    async fn follow_up(&self, migration: &Migration, by: &Actor, new: New<'_>) -> Result<FollowUp, ControlError> {
        let parent = Parent { id: migration.id, relation: new.relation };
        let (mut tx, migration, now) = self.open(migration.id, by).await?;
        must_have_ended(&migration)?;
        let same = |open: &Migration| open.plan.target.name() == new.plan.target.name();
        if let Some(open) = follow_ups::open(&mut tx, parent).await?.into_iter().find(same) {
            return Ok(FollowUp::Open(open.id));
        }
        let child = insert(&mut tx, &migration, by, new, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.inner.wake();
        Ok(FollowUp::Made(child))
    }
}

async fn insert(
    tx: &mut WriteTx,
    migration: &Migration,
    by: &Actor,
    new: New<'_>,
    now: Timestamp,
) -> Result<MigrationId, ControlError> {
    let New { relation, mode, plan, chosen } = new;
    let number = follow_ups::number_in_family(tx, migration.id, relation).await? + 1;
    let root = follow_ups::root_name(tx, migration.id).await?;
    let made = NewMigration {
        request_key: format!("{}/{}/{}", migration.id, relation.stored(), uuid::Uuid::new_v4()),
        name: follow_up::name(&root, relation, number),
        mode,
        plan,
        by: by.clone(),
    };
    let child = migrations::insert_once(tx, &made, now).await?;
    let taken = follow_ups::link(tx, child, Parent { id: migration.id, relation }, chosen).await?;
    if taken == 0 {
        return Err(ControlError::NotNow(nobody(relation).into()));
    }
    if relation == Relation::Rerun {
        choices::set_keys(tx, child, migration.keys).await?;
        follow_ups::inherit_certificates(tx, child, migration.id).await?;
    }
    let devices = if taken == 1 { "1 device".to_owned() } else { format!("{taken} devices") };
    let text = format!("{} made “{}” of {devices} of this migration.", by.name, made.name);
    events::append(tx, migration.id, now, &by.name, EventKind::FollowedUp, &text).await?;
    let of = match relation {
        Relation::Rerun => "that did not move",
        Relation::FailBack => "that moved",
    };
    let text = format!("It takes up {devices} of “{}” {of}.", migration.name);
    events::append(tx, child, now, &by.name, EventKind::FollowedUp, &text).await?;
    Ok(child)
}

fn nobody(relation: Relation) -> &'static str {
    match relation {
        Relation::Rerun => "There is no device that failed.",
        Relation::FailBack => "There is no device at the target that could go back.",
    }
}

fn must_have_ended(migration: &Migration) -> Result<(), ControlError> {
    match migration.state.is_ended() {
        true => Ok(()),
        false => Err(ControlError::NotNow("The migration has not ended: finish or stop it first.".into())),
    }
}

/// How many ids a message names.
const NAMED: usize = 10;

async fn all_moved(inner: &Inner, id: MigrationId, devices: &[DeviceId]) -> Result<(), ControlError> {
    if devices.is_empty() {
        return Err(ControlError::NotNow("Name at least one device.".into()));
    }
    let others = inner.store.not_moved(id, devices).await?;
    if others.is_empty() {
        return Ok(());
    }
    let mut names: Vec<&str> = others.iter().take(NAMED).map(DeviceId::as_str).collect();
    if others.len() > NAMED {
        names.push("…");
    }
    Err(ControlError::NotNow(format!(
        "Nothing was made, because these are no devices that this migration moved, or were removed from their source: {}.",
        names.join(", ")
    )))
}
