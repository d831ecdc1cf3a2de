//! What a person does to a clean-up at work: each is one transaction, safe to press twice, and an event with their name.

use crate::engine::Engine;
use crate::engine::control::ControlError;
use crate::migration::clean_up::{CleanUp, CleanUpId, CleanUpState};
use crate::migration::model::{Actor, MigrationId, PauseReason};
use crate::store::{StoreError, WriteTx, clean_ups, removals};

impl Engine {
    /// Stops a clean-up after the device in hand. Those whose turn has not come are kept.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when it is not at work.
    pub async fn stop_clean_up(&self, of: MigrationId, id: CleanUpId, by: &Actor) -> Result<(), ControlError> {
        let (mut tx, clean_up) = self.clean_up_at_work(of, id, by).await?;
        let now = self.inner.clock.now();
        let kept = removals::keep_the_rest(&mut tx, id, now).await?;
        let text = format!("{} stopped the clean-up; {kept} devices whose turn had not come are kept.", by.name);
        clean_ups::set_state(&mut tx, &clean_up, &CleanUpState::Stopped, &by.name, &text, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.inner.wake();
        Ok(())
    }

    /// Goes on with a paused clean-up, with the rights of this person.
    ///
    /// # Errors
    /// [`ControlError::NotNow`] when it is not paused, or waits for this very person to sign in.
    pub async fn resume_clean_up(&self, of: MigrationId, id: CleanUpId, by: &Actor) -> Result<(), ControlError> {
        let (mut tx, clean_up) = self.clean_up_at_work(of, id, by).await?;
        let CleanUpState::Paused(pause) = &clean_up.state else {
            return Err(ControlError::NotNow("The clean-up is not paused.".into()));
        };
        let same = clean_up.runs_as.id == by.id;
        if same && pause.reason == PauseReason::SignIn {
            return Err(ControlError::NotNow("It goes on by itself as soon as you have signed in again.".into()));
        }
        clean_ups::run_as(&mut tx, id, by).await?;
        let text = match same {
            true => format!("{} resumed the clean-up.", by.name),
            false => format!(
                "{} resumed the clean-up: it goes on with their rights in place of those of {}.",
                by.name, clean_up.runs_as.name
            ),
        };
        let now = self.inner.clock.now();
        clean_ups::set_state(&mut tx, &clean_up, &CleanUpState::Running, &by.name, &text, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.inner.wake();
        Ok(())
    }

    async fn clean_up_at_work(
        &self,
        of: MigrationId,
        id: CleanUpId,
        by: &Actor,
    ) -> Result<(WriteTx, CleanUp), ControlError> {
        let (mut tx, _, _) = self.open(of, by).await?;
        let clean_up = clean_ups::lookup(&mut tx, id).await?.filter(|clean_up| clean_up.migration == of);
        let clean_up = clean_up.ok_or(ControlError::NotFound)?;
        if !clean_up.state.is_active() {
            let words = format!("The clean-up is not at work: it is {}.", clean_up.state.label().to_lowercase());
            return Err(ControlError::NotNow(words));
        }
        Ok((tx, clean_up))
    }
}
