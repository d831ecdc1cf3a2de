//! *Take over*: a migration that went on with a colleague's rights goes on with one's own. They are tried first, and what was
//! reviewed must still hold: whoever takes over answers for it from then on.

use super::control::{ControlError, active};
use super::keys::KeysError;
use super::{Engine, review};
use crate::migration::model::{Actor, Migration, MigrationId, MigrationState, PauseReason};
use crate::store::choices;
use crate::store::events::EventKind;
use crate::store::migrations;

impl Engine {
    /// Has an active migration go on with `by`'s rights. One that waited for its person's sign-in goes on at once; any other
    /// pause stays until somebody presses *Resume*.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when it is not active, uses these rights already, or Azure is not as it was reviewed;
    /// whatever Azure answers where a right is missing.
    pub async fn take_over(&self, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
        let (tx, migration, _) = self.open(id, by).await?;
        drop(tx);
        let before = another(&migration, by)?.clone();
        self.must_hold_for(&migration, by).await?;
        let (mut tx, migration, now) = self.open(id, by).await?;
        if another(&migration, by)?.id != before.id {
            return Err(ControlError::NotNow("Somebody else took it over at the same time.".into()));
        }
        choices::take_over(&mut tx, id, by, now).await?;
        if matches!(&migration.state, MigrationState::Paused(pause) if pause.reason == PauseReason::SignIn) {
            migrations::set_state(&mut tx, id, &MigrationState::Running, now).await?;
        }
        let text = format!("{} took the migration over from {}: it goes on with their rights.", by.name, before.name);
        self.commit(tx, id, by, EventKind::TakenOver, &text, now).await
    }

    /// Reads with these rights what a run reads first.
    async fn must_hold_for(&self, migration: &Migration, by: &Actor) -> Result<(), ControlError> {
        if let Some(problem) = review::changes(&self.inner, migration, &by.id).await?.first() {
            return Err(ControlError::NotNow(format!("It was not taken over. {} {}", problem.what, problem.remedy)));
        }
        match self.keys(migration, &by.id).await {
            Ok(_) => Ok(()),
            Err(KeysError::Azure(error)) => Err(error.into()),
            Err(KeysError::Store(error)) => Err(error.into()),
        }
    }
}

/// Whose rights an active migration uses, if they are not `by`'s.
fn another<'a>(migration: &'a Migration, by: &Actor) -> Result<&'a Actor, ControlError> {
    active(migration)?;
    let others = migration.runs_as.as_ref().filter(|person| person.id != by.id);
    others.ok_or_else(|| ControlError::NotNow("It goes on with your rights already.".into()))
}
