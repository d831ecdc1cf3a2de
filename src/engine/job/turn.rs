//! IoT Central runs five jobs at once in an application, whoever made them; what it does with a sixth is not documented.
//! So a job is made, or resumed, only when there is a place for it: those at work there are counted, and those of ours
//! that are about to be. Should somebody else take the place at that moment, the job waits again: it may be refused, or
//! stay pending in IoT Central until it can run.

use std::collections::HashSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::azure::central::JobStatus;
use crate::azure::error::{AzureError, EffectKnown, ErrorKind};
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::source::app::FromApp;
use crate::ids::JobId;
use crate::migration::model::{Step, StepState};
use crate::migration::sentence::WAITS_FOR_TURN;
use crate::store::events::{self, EventKind, PROGRAM};
use crate::store::job_turns::{self, JobsSeen, Place};
use crate::store::{WriteTx, steps};

/// Jobs that IoT Central runs at once in an application (azure-api §3.10).
const AT_ONCE: usize = 5;
/// Between two looks at whose turn it is.
const LOOK: Duration = Duration::from_secs(5);
/// The longest wait after refusals.
const LONGEST: Duration = Duration::from_secs(60);
/// How a refusal tells that it is for the number of jobs.
const OF_THE_NUMBER: [&str; 6] = ["limit", "maximum", "too many", "concurrent", "at once", "at the same time"];

/// A place among the five.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// It was there at the first look.
    pub(super) at_once: bool,
    /// It is the last one, as far as known.
    is_last: bool,
}

/// Waits for a place for the job, and takes it; `None` if `stop` was set before.
pub(super) async fn wait(run: &Run, at: &FromApp, id: &JobId, stop: &CancellationToken) -> Result<Option<Turn>, Halt> {
    let mut at_once = true;
    while !stop.is_cancelled() {
        run.still_wanted().await?;
        let seen = look(run, at).await?;
        let is_last = is_full_but_one(&seen, id);
        if take(run, id, &seen).await? {
            return Ok(Some(Turn { at_once, is_last }));
        }
        at_once = false;
        pause(run, LOOK, stop).await;
    }
    Ok(None)
}

/// Gives the place back for which IoT Central has refused the job, and waits a while: longer after each refusal.
pub(super) async fn wait_again(run: &Run, id: &JobId, refusals: u32, stop: &CancellationToken) -> Result<(), Halt> {
    let mut tx = run.store().begin_write().await?;
    let first = job_turns::wait_again(&mut tx, run.id(), id, run.now()).await?;
    say_that_it_waits(&mut tx, run, first).await?;
    tx.commit().await?;
    pause(run, LOOK.saturating_mul(refusals).min(LONGEST), stop).await;
    Ok(())
}

/// The step says it every time, an event once.
async fn say_that_it_waits(tx: &mut WriteTx, run: &Run, first: bool) -> Result<(), Halt> {
    let (now, note) = (run.now(), format!("{WAITS_FOR_TURN}."));
    steps::set(tx, run.id(), Step::Command, StepState::Running, Some(&note), now).await?;
    if first {
        events::append(tx, run.id(), now, PROGRAM, EventKind::Job, &note).await?;
    }
    Ok(())
}

/// IoT Central refused the job because as many as it runs are at work. With which error is not documented: what tells is
/// its words, or that there is hardly a place, or was none but the one taken.
pub(super) async fn is_taken(
    run: &Run,
    at: &FromApp,
    id: &JobId,
    turn: Turn,
    error: &AzureError,
) -> Result<bool, Halt> {
    if !may_be_of_the_number(error) {
        return Ok(false);
    }
    Ok(turn.is_last || names_the_number(&error.message) || is_full_but_one(&look(run, at).await?, id))
}

async fn pause(run: &Run, time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = run.inner.clock.sleep(time) => {}
    }
}

/// What the application shows of its jobs. A word that is not documented takes no place: to wait for one that will never
/// be free is worse than to be refused.
async fn look(run: &Run, at: &FromApp) -> Result<JobsSeen, Halt> {
    let before = run.now();
    let mut seen = JobsSeen { at: before, at_work: HashSet::new(), over: HashSet::new() };
    for job in at.central.jobs().await? {
        match job.status {
            JobStatus::Pending | JobStatus::Running => seen.at_work.insert(job.id),
            _ if job.is_over() => seen.over.insert(job.id),
            _ => false,
        };
    }
    Ok(seen)
}

fn is_full_but_one(seen: &JobsSeen, id: &JobId) -> bool {
    seen.at_work.iter().filter(|job| *job != id).count() + 1 >= AT_ONCE
}

/// One transaction; the first time that there is none is an event.
async fn take(run: &Run, id: &JobId, seen: &JobsSeen) -> Result<bool, Halt> {
    let now = run.now();
    let mut tx = run.store().begin_write().await?;
    let place = job_turns::take_place(&mut tx, id, seen, AT_ONCE, now).await?;
    match place {
        Place::Waits { first: true } => say_that_it_waits(&mut tx, run, true).await?,
        Place::Taken { waited: true } => {
            let note = Some("The job's turn has come.");
            steps::set(&mut tx, run.id(), Step::Command, StepState::Running, note, now).await?;
        }
        Place::Waits { first: false } | Place::Taken { waited: false } => {}
    }
    tx.commit().await?;
    Ok(matches!(place, Place::Taken { .. }))
}

/// A refusal of any kind that says nothing of the sign-in or of a service in trouble.
fn may_be_of_the_number(error: &AzureError) -> bool {
    error.effect == EffectKnown::NotDone
        && matches!(
            error.kind,
            ErrorKind::Throttled { .. }
                | ErrorKind::Conflict
                | ErrorKind::Rejected
                | ErrorKind::Precondition
                | ErrorKind::Forbidden
        )
}

fn names_the_number(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("jobs") && OF_THE_NUMBER.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_refusal_for_the_number_of_jobs_is_told_from_one_for_something_else() {
        for words in ["The maximum number of running jobs is 5.", "Too many jobs are running.", "Concurrent jobs: 5"] {
            assert!(names_the_number(words), "{words}");
        }
        for words in ["The maximum length of a job's name is 200.", "A job with the id x exists.", "No jobs here."] {
            assert!(!names_the_number(words), "{words}");
        }
    }

    #[test]
    fn with_four_others_at_work_there_is_one_place_left() {
        let seen = |number: usize| JobsSeen {
            at: Timestamp::UNIX_EPOCH,
            at_work: (0..number).map(|job| JobId::new(format!("job-{job}"))).collect(),
            over: HashSet::new(),
        };
        let own = JobId::new("job-0");
        assert!(!is_full_but_one(&seen(4), &own) && is_full_but_one(&seen(5), &own));
        assert!(is_full_but_one(&seen(4), &JobId::new("another")));
    }
}
