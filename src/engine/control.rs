//! What a person does to a running migration: each is one transaction, safe to press twice, and an event with their name.

use super::Engine;
use crate::azure::error::AzureError;
use crate::clock::Timestamp;
use crate::migration::model::{Actor, Migration, MigrationId, MigrationState, PauseReason};
use crate::store::devices::{
    accept_failures, fail_untold, fail_waiting, reopen_unanswered, retire_canaries, try_waiting,
};
use crate::store::events::{self, EventKind};
use crate::store::jobs::JobProgress;
use crate::store::{StoreError, WriteTx, choices, migrations};

/// Why a control did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no such migration for this person.
    #[error("there is no such migration")]
    NotFound,
    /// The migration is not in a state for it; says why in words for the page.
    #[error("{0}")]
    NotNow(String),
    /// Azure refused.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Settles the devices that are waited for as failed: offline.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when nobody is waited for.
    pub async fn finish_now(&self, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
        let (mut tx, migration, now) = self.open(id, by).await?;
        active(&migration)?;
        let number = fail_waiting(&mut tx, id).await?;
        if number == 0 {
            return Err(ControlError::NotNow("No device is waited for.".into()));
        }
        let text = format!("{} finished the migration: {number} waiting devices are recorded as failed.", by.name);
        self.commit(tx, id, by, EventKind::FinishedNow, &text, now).await
    }

    /// Makes the devices that are waited for due at once.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when nobody is waited for.
    pub async fn try_again(&self, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
        let (mut tx, migration, now) = self.open(id, by).await?;
        active(&migration)?;
        let number = try_waiting(&mut tx, id, now).await?;
        if number == 0 {
            return Err(ControlError::NotNow("No device is waited for that is not being tried already.".into()));
        }
        let text = format!("{} asked for another try of {number} waiting devices.", by.name);
        self.commit(tx, id, by, EventKind::TriedAgain, &text, now).await
    }

    /// Goes on with a paused migration, if it goes on with the rights of this person. Devices that failed because
    /// no command was delivered to them, or no answer came, get another chance. If too many of a wave had failed, that is
    /// accepted.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when it is not paused, or goes on with somebody else's rights.
    pub async fn resume(&self, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
        let (mut tx, migration, now) = self.open(id, by).await?;
        let MigrationState::Paused(pause) = &migration.state else {
            return Err(ControlError::NotNow("The migration is not paused.".into()));
        };
        // Nothing but that sign-in helps: to say that it goes on would hide what it waits for.
        if let Some(person) = migration.runs_as.as_ref().filter(|person| person.id != by.id)
            && pause.reason == PauseReason::SignIn
        {
            return Err(ControlError::NotNow(format!(
                "It goes on by itself as soon as {} signs in here. To have it go on with your rights, take it over.",
                person.name
            )));
        }
        theirs(&migration, by)?;
        let accepted = match pause.reason {
            PauseReason::Wave => {
                format!(" and accepted the failures up to wave {}", accept_failures(&mut tx, id).await?)
            }
            _ => String::new(),
        };
        let again = match reopen_unanswered(&mut tx, id, now).await? {
            0 => String::new(),
            n => format!("; {n} devices that had failed without an answer are asked again"),
        };
        retire_canaries(&mut tx, id).await?;
        migrations::set_state(&mut tx, id, &MigrationState::Running, now).await?;
        let text = format!("{} resumed the migration{accepted}{again}.", by.name);
        self.commit(tx, id, by, EventKind::Resumed, &text, now).await
    }

    /// Stops a migration: nobody else is told, its job in IoT Central included. Devices that are on their way stay so on
    /// their rows, and are looked for at the target for another day.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when it is not active.
    pub async fn stop_migration(&self, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
        let (tx, migration, _) = self.open(id, by).await?;
        drop(tx);
        active(&migration)?;
        // The job first: were it stopped last, a crash in between would leave it telling devices for a stopped migration.
        let job = self.stop_jobs(&migration).await?;
        let (mut tx, migration, now) = self.open(id, by).await?;
        active(&migration)?;
        let untold = fail_untold(&mut tx, id).await?;
        migrations::set_state(&mut tx, id, &MigrationState::Stopped, now).await?;
        let text = format!(
            "{} stopped the migration; {untold} devices that were not told, or waited for, are left as they are.{job}",
            by.name
        );
        self.commit(tx, id, by, EventKind::Stopped, &text, now).await
    }

    /// Stops the job in IoT Central, if one is at work, with the rights that started it. Gives words on what came of it.
    async fn stop_jobs(&self, migration: &Migration) -> Result<String, ControlError> {
        let Some(actor) = &migration.runs_as else { return Ok(String::new()) };
        let tokens = self.inner.people.tokens(&actor.id);
        let Some(source) = migration.plan.source.app() else { return Ok(String::new()) };
        let central = self.inner.azure.central(tokens, &source.subdomain)?;
        let mut words = String::new();
        for job in self.inner.store.jobs(migration.id).await? {
            if job.progress == JobProgress::Ended || job.held {
                continue;
            }
            // Planned: its PUT may be under way. One that comes into being later is stopped by whoever sent it.
            if job.progress == JobProgress::Planned && matches!(central.job(&job.id).await, Ok(None)) {
                continue;
            }
            words = match central.stop_job(&job.id).await {
                Ok(()) => format!(" The job {} is stopped in IoT Central.", job.id),
                Err(error) => format!(" The job {} could not be stopped, see IoT Central: {error}", job.id),
            };
        }
        Ok(words)
    }

    /// Has the hub identities removed that this migration made ahead and that were never used; see [`super::target::hub::unused`].
    ///
    /// # Errors
    /// [`ControlError::NotNow`] unless the migration is paused, and while that is under way.
    pub async fn remove_unused_identities(&self, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
        let (mut tx, migration, now) = self.open(id, by).await?;
        if !choices::request_removal(&mut tx, id, by).await? {
            let words = match migration.removal {
                Some(_) => "They are being removed.",
                None => "Identities are removed only while the migration is paused.",
            };
            return Err(ControlError::NotNow(words.into()));
        }
        let text = format!("{} asked that unused identities be removed from the hub.", by.name);
        self.commit(tx, id, by, EventKind::Identities, &text, now).await
    }

    /// Has this migration's devices approved in the target application as they arrive; goes on, if that is what it was
    /// paused for.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when it is not active, goes on with somebody else's rights, or does not go to an application.
    pub async fn approve_arrivals(&self, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
        let (mut tx, migration, now) = self.open(id, by).await?;
        active(&migration)?;
        theirs(&migration, by)?;
        let Some(app) = migration.plan.target.app() else {
            return Err(ControlError::NotNow("Devices of a hub need no approval.".into()));
        };
        let paused = matches!(&migration.state, MigrationState::Paused(pause) if pause.reason == PauseReason::Approval);
        if let Some(who) = migration.approved_by.as_ref().filter(|_| !paused) {
            return Err(ControlError::NotNow(format!("Devices are approved as they arrive, as {who} asked.")));
        }
        choices::approve_arrivals(&mut tx, id, &by.name).await?;
        if paused {
            migrations::set_state(&mut tx, id, &MigrationState::Running, now).await?;
        }
        let text = format!("{} asked that devices be approved in {} as they arrive.", by.name, app.app_display_name);
        self.commit(tx, id, by, EventKind::Approval, &text, now).await
    }

    /// The migration, inside a write transaction, if this person may see it.
    pub(super) async fn open(
        &self,
        id: MigrationId,
        by: &Actor,
    ) -> Result<(WriteTx, Migration, Timestamp), ControlError> {
        let mut tx = self.inner.store.begin_write().await?;
        let migration =
            migrations::lookup(&mut tx, id).await?.filter(|migration| migration.created_by.id.tid == by.id.tid);
        Ok((tx, migration.ok_or(ControlError::NotFound)?, self.inner.clock.now()))
    }

    pub(super) async fn commit(
        &self,
        mut tx: WriteTx,
        id: MigrationId,
        by: &Actor,
        kind: EventKind,
        text: &str,
        now: Timestamp,
    ) -> Result<(), ControlError> {
        events::append(&mut tx, id, now, &by.name, kind, text).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.inner.wake();
        Ok(())
    }
}

/// Says so when it goes on with somebody else's rights.
fn theirs(migration: &Migration, by: &Actor) -> Result<(), ControlError> {
    match migration.runs_as.as_ref().filter(|person| person.id != by.id) {
        Some(person) => Err(ControlError::NotNow(format!(
            "It goes on with the rights of {}. To have it go on with yours, take it over first.",
            person.name
        ))),
        None => Ok(()),
    }
}

/// Says so when it is not active.
pub(super) fn active(migration: &Migration) -> Result<(), ControlError> {
    if migration.state.is_active() {
        return Ok(());
    }
    Err(ControlError::NotNow(format!(
        "The migration is not running: it is {}.",
        migration.state.label().to_lowercase()
    )))
}
