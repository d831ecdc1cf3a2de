//! What the devices' outcomes make of the migration as a whole.

use std::time::Duration;

use super::Inner;
use super::halt::Halt;
use super::run::Turn;
use crate::migration::model::{Migration, MigrationId, MigrationState, Step, StepState};
use crate::migration::sentence::tally;
use crate::migration::{Counts, Parent, Relation};
use crate::store::events::{self, EventKind, PROGRAM};
use crate::store::{migrations, steps};

/// While devices are waited for, the target is looked at this often: a device may turn up without being told again.
const WAITING_LOOK: Duration = Duration::from_secs(60);

/// The state that these counts mean.
fn meaning(counts: &Counts) -> MigrationState {
    if counts.unsettled() > 0 {
        MigrationState::Running
    } else if counts.waiting > 0 {
        MigrationState::Waiting
    } else if counts.failed > 0 || counts.went_back > 0 || counts.arrived() + counts.already == 0 {
        MigrationState::CompletedWithFailures
    } else {
        MigrationState::Completed
    }
}

/// Writes the state that the devices' outcomes mean, and says when to look again.
pub(super) async fn settle(inner: &Inner, id: MigrationId) -> Result<Turn, Halt> {
    let counts = inner.store.counts(id).await?;
    let state = meaning(&counts);
    let now = inner.clock.now();
    let mut tx = inner.store.begin_write().await?;
    let recorded = migrations::lookup(&mut tx, id).await?;
    let Some(Migration { state: MigrationState::Running | MigrationState::Waiting, .. }) = recorded else {
        return Ok(Turn::GoOn);
    };
    let came_home_to = match recorded.as_ref().and_then(|migration| migration.parent) {
        Some(Parent { id, relation: Relation::FailBack }) => Some(id),
        _ => None,
    };
    let given_up_at = recorded.as_ref().and_then(|migration| migration.plan.try_again.until(migration.started_at));
    if let Some(migration) = recorded.filter(|migration| migration.state != state) {
        let tally = tally(&counts, migration.relation());
        migrations::set_state(&mut tx, id, &state, now).await?;
        if state.is_ended() {
            steps::set(&mut tx, id, Step::Verify, StepState::Done, Some(&format!("{tally}.")), now).await?;
            for step in [Step::Command, Step::Track] {
                steps::close(&mut tx, id, step, now).await?;
            }
            let text = format!("{}: {tally}.", state.label());
            events::append(&mut tx, id, now, PROGRAM, EventKind::Ended, &text).await?;
        }
    }
    tx.commit().await?;
    if let Some(first) = came_home_to.filter(|_| state.is_ended()) {
        reconsider(inner, first).await?;
    }
    Ok(match state {
        MigrationState::Running => Turn::RestUntil(now + Duration::from_secs(1)),
        MigrationState::Waiting => {
            let due = inner.store.next_due(id).await?.into_iter().chain(given_up_at.filter(|until| *until > now)).min();
            let due = due.unwrap_or(now + WAITING_LOOK);
            Turn::RestUntil(due.max(now + Duration::from_secs(1)).min(now + WAITING_LOOK))
        }
        _ => Turn::Ended,
    })
}

/// An ended migration says what its devices' outcomes mean now: one may have turned up late, or gone back.
pub(super) async fn reconsider(inner: &Inner, id: MigrationId) -> Result<(), Halt> {
    let counts = inner.store.counts(id).await?;
    let state = meaning(&counts);
    let mut tx = inner.store.begin_write().await?;
    let Some(migration) = migrations::lookup(&mut tx, id).await? else { return Ok(()) };
    let has_ended = matches!(migration.state, MigrationState::Completed | MigrationState::CompletedWithFailures);
    if !has_ended || migration.state == state || !state.is_ended() {
        return Ok(());
    }
    let now = inner.clock.now();
    migrations::set_state(&mut tx, id, &state, now).await?;
    let text = format!("After a later check: {}: {}.", state.label(), tally(&counts, migration.relation()));
    events::append(&mut tx, id, now, PROGRAM, EventKind::Ended, &text).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moved_is_not_called_a_success() {
        assert_eq!(meaning(&Counts::default()), MigrationState::CompletedWithFailures);
        assert_eq!(meaning(&Counts { skipped: 3, ..Counts::default() }), MigrationState::CompletedWithFailures);
        assert_eq!(meaning(&Counts { already: 3, ..Counts::default() }), MigrationState::Completed);
    }

    #[test]
    fn one_failure_is_enough_to_say_so() {
        assert_eq!(
            meaning(&Counts { moved: 199, failed: 1, ..Counts::default() }),
            MigrationState::CompletedWithFailures
        );
        assert_eq!(meaning(&Counts { moved: 200, skipped: 5, ..Counts::default() }), MigrationState::Completed);
    }

    #[test]
    fn waiting_means_that_all_else_is_settled() {
        assert_eq!(meaning(&Counts { waiting: 1, moved: 5, ..Counts::default() }), MigrationState::Waiting);
        assert_eq!(meaning(&Counts { waiting: 1, on_the_way: 1, ..Counts::default() }), MigrationState::Running);
    }
}
