//! One clean-up's task: takes its devices in turn, waits out passing troubles, pauses for those that do not pass.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::one;
use crate::clock::Timestamp;
use crate::engine::halt::Halt;
use crate::engine::run::{Run, Turn, too_late};
use crate::engine::sign_in::{self, Waited};
use crate::engine::{Inner, backoff, target};
use crate::migration::clean_up::{CleanUp, CleanUpId, CleanUpState, Fate, Removal};
use crate::migration::model::{Migration, PauseReason};
use crate::store::events::PROGRAM;
use crate::store::{StoreError, clean_ups, removals};

/// Devices taken up at one turn.
const BATCH: u32 = 100;
/// So often a device is asked about before the others go on without it.
const TRIES: u32 = 3;
/// Between two of these tries.
const BETWEEN: Duration = Duration::from_secs(10);

/// Works on a clean-up until it has ended or the program stops.
pub(in crate::engine) async fn run(inner: Arc<Inner>, id: CleanUpId) {
    let mut hints = inner.hints.subscribe();
    while !inner.cancel.is_cancelled() {
        hints.mark_unchanged();
        let rest_until = match turn(&inner, id, &mut hints).await {
            Ok(Turn::GoOn) => continue,
            Ok(Turn::Ended) => return,
            Ok(Turn::RestUntil(moment)) => moment,
            Err(halt) => match note(&inner, id, halt).await {
                Ok(moment) => moment,
                Err(error) => {
                    tracing::error!(%id, error = ?error, "the database failed; trying again");
                    inner.clock.now() + backoff::FIRST_WAIT
                }
            },
        };
        tokio::select! {
            () = inner.cancel.cancelled() => {}
            _ = hints.changed() => {}
            () = inner.clock.sleep_until(rest_until) => {}
        }
    }
}

/// Reads where the clean-up stands and does the next thing.
async fn turn(inner: &Arc<Inner>, id: CleanUpId, hints: &mut watch::Receiver<u64>) -> Result<Turn, Halt> {
    let Some(clean_up) = inner.store.clean_up(id).await? else { return Ok(Turn::Ended) };
    if let CleanUpState::Paused(pause) = &clean_up.state {
        return match pause.reason {
            PauseReason::SignIn => wait_for_sign_in(inner, &clean_up, hints).await,
            _ => Ok(Turn::RestUntil(inner.clock.now() + Duration::from_secs(3600))),
        };
    }
    let batch = inner.store.removals_to_do(id, BATCH).await?;
    if batch.is_empty() {
        return finish(inner, &clean_up).await;
    }
    let run = with_its_rights(inner, &clean_up).await?;
    tokio::select! {
        () = too_late(inner) => return Err(Halt::LookAgain),
        done = all(&run, id, batch).boxed() => done?,
    }
    Ok(Turn::GoOn)
}

/// The clients of source and target, with the rights that the clean-up uses.
pub(super) async fn with_its_rights(inner: &Arc<Inner>, clean_up: &CleanUp) -> Result<Run, Halt> {
    let migration = inner.store.migration(clean_up.migration).await?.ok_or(Halt::LookAgain)?;
    Run::new(inner, Migration { runs_as: Some(clean_up.runs_as.clone()), ..migration }).await
}

/// Settles these devices. Of a trouble that may be of one device it is found out whether it is.
async fn all(run: &Run, id: CleanUpId, batch: Vec<Removal>) -> Result<(), Halt> {
    let (mut troubled, mut answered) = (Vec::new(), false);
    for removal in batch {
        let clean_up = still_wanted(run, id, &removal).await?;
        match one::settle(run, &clean_up, &removal).await {
            Ok(true) if !answered => {
                answered = true;
                run.store().clean_up_trouble_over(id).await?;
            }
            Ok(_) => {}
            Err(halt) if halt.may_be_of_one_device() => troubled.push((removal, halt)),
            Err(halt) => return Err(halt),
        }
    }
    if troubled.is_empty() {
        return Ok(());
    }
    if !answered && !target::another_can_be_seen(run).await.unwrap_or(false) {
        return Err(troubled.swap_remove(0).1);
    }
    for (removal, halt) in &troubled {
        let tried = run.store().count_try(id, &removal.device).await?;
        if tried.tries >= TRIES {
            one::give_up(run, id, &tried, &halt.words()).await?;
        }
    }
    run.inner.clock.sleep(BETWEEN).await;
    Ok(())
}

/// The record as it is now, if this device's turn may come: the clean-up is at work with the same rights, or was stopped while
/// this one was being removed.
async fn still_wanted(run: &Run, id: CleanUpId, removal: &Removal) -> Result<CleanUp, Halt> {
    if run.inner.cancel.is_cancelled() {
        return Err(Halt::LookAgain);
    }
    let now = run.store().clean_up(id).await?.ok_or(Halt::LookAgain)?;
    let goes_on = match now.state {
        CleanUpState::Running => now.runs_as.id == run.actor.id,
        CleanUpState::Paused(_) => false,
        CleanUpState::Completed | CleanUpState::Stopped => removal.fate == Fate::Started,
    };
    if goes_on { Ok(now) } else { Err(Halt::LookAgain) }
}

/// There is nothing left to do.
async fn finish(inner: &Inner, clean_up: &CleanUp) -> Result<Turn, Halt> {
    let counts = inner.store.removal_counts(clean_up.id).await?;
    let mut tx = inner.store.begin_write().await?;
    let recorded = clean_ups::lookup(&mut tx, clean_up.id).await?;
    if recorded.is_some_and(|now| now.state == CleanUpState::Running)
        && removals::open(&mut tx, clean_up.id).await? == 0
    {
        let text = format!("The clean-up that {} asked for has ended: {}.", clean_up.asked_by.name, counts.tally());
        let state = CleanUpState::Completed;
        clean_ups::set_state(&mut tx, clean_up, &state, PROGRAM, &text, inner.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(Turn::Ended)
}

async fn wait_for_sign_in(
    inner: &Arc<Inner>,
    clean_up: &CleanUp,
    hints: &mut watch::Receiver<u64>,
) -> Result<Turn, Halt> {
    if let Waited::Good = sign_in::wait_for(inner, &clean_up.runs_as.id, hints).await? {
        let mut tx = inner.store.begin_write().await?;
        let recorded = clean_ups::lookup(&mut tx, clean_up.id).await?;
        if recorded.is_some_and(|now| now.state == clean_up.state && now.runs_as.id == clean_up.runs_as.id) {
            let text = format!("{} is signed in again; the clean-up goes on.", clean_up.runs_as.name);
            let state = CleanUpState::Running;
            clean_ups::set_state(&mut tx, clean_up, &state, PROGRAM, &text, inner.clock.now()).await?;
        }
        tx.commit().await?;
    }
    Ok(Turn::GoOn)
}

/// Records a halt; gives the moment to look again.
async fn note(inner: &Inner, id: CleanUpId, halt: Halt) -> Result<Timestamp, StoreError> {
    let now = inner.clock.now();
    match halt.judged() {
        Halt::LookAgain => Ok(now),
        Halt::Store(error) => Err(error),
        Halt::Azure(error) => unreachable!("judged: {error}"),
        Halt::Transient { trouble, after } => {
            let (number, last) = inner.store.clean_up_troubles(id).await?;
            let (wait, in_a_row) = backoff::wait(number, last.as_deref(), &trouble, after);
            inner.store.clean_up_trouble(id, now + wait, &trouble, in_a_row).await?;
            Ok(now + wait)
        }
        Halt::Pause(mut pause) => {
            let mut tx = inner.store.begin_write().await?;
            let Some(clean_up) = clean_ups::lookup(&mut tx, id).await? else { return Ok(now) };
            if clean_up.state == CleanUpState::Running {
                if pause.reason == PauseReason::SignIn {
                    let who = &clean_up.runs_as.name;
                    pause.remedy = format!(
                        "The clean-up goes on by itself as soon as {who} signs in here, or when somebody else resumes it."
                    );
                }
                let text = format!("The clean-up is paused: {} {}", pause.detail, pause.remedy);
                clean_ups::set_state(&mut tx, &clean_up, &CleanUpState::Paused(pause), PROGRAM, &text, now).await?;
                tx.commit().await?;
                return Ok(now);
            }
            drop(tx);
            if clean_up.state.is_active() {
                return Ok(now);
            }
            // It was stopped while a device was being removed, and nobody will resume it.
            for removal in inner.store.removals_to_do(id, BATCH).await? {
                one::leave_unclear(inner, id, &removal, &pause.detail).await?;
            }
            Ok(now)
        }
    }
}
