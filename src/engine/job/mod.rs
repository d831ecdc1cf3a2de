//! Tells devices by one IoT Central job.
//!
//! A job hits every member of a live query, so it is used only when that query's members are exactly the devices cleared
//! to move, besides those that moved already. Its verdict never changes a device that moved, and its *failed* carries no
//! reason: such a device is looked for at the target and then asked singly. A job cannot be paced by arrivals, so it is
//! used only for as many devices as the target takes in a minute, and not at all where devices go in waves.
//!
//! IoT Central runs five jobs at once in an application: see [`turn`].
//!
//! Every cleared device counts as told before the job is PUT: were it marked afterwards, a job whose answer was lost would
//! move devices that a pause, or *Stop*, still takes for untold.

mod follow;
mod turn;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::central_jobs;
use super::halt::Halt;
use super::run::Run;
use super::source::app::FromApp;
use super::source::app::members::completed;
use super::{admission, arrivals};
use crate::azure::central::{JobRequest, JobStatus};
use crate::azure::error::{AzureError, EffectKnown};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, JobId};
use crate::migration::model::{Migration, MigrationState, Step, StepState};
use crate::store::events::EventKind;
use crate::store::jobs::{self, JobProgress, JobRecord};
use crate::store::{job_turns, migrations};
use turn::Turn;

/// Fewer devices are told singly: a job would take longer to start.
const FEWEST: usize = 2;
/// For so long what is sent to a target counts against what it takes.
const MINUTE: Duration = Duration::from_secs(60);

/// Launches the job if the rule allows one, and follows the one that was launched until it has ended.
pub(super) async fn run(run: &Run, stop: &CancellationToken) -> Result<(), Halt> {
    let Some(at) = run.origin.app().filter(|_| run.migration.plan.waves.is_none()) else {
        return single_commands(run).await;
    };
    let record = match run.store().jobs(run.id()).await?.pop() {
        Some(record) => record,
        None if allowed(run, at).await? => plan(run, at).await?,
        None => return single_commands(run).await,
    };
    let launched = match record.progress {
        JobProgress::Planned => launch(run, at, &record, stop).await?,
        JobProgress::Accepted => Launched::InCentral,
        JobProgress::Ended => return Ok(()),
    };
    match launched {
        Launched::InCentral => follow::follow(run, at, &record.id, stop).await,
        Launched::NotUsed => single_commands(run).await,
        Launched::NotYet => Ok(()),
    }
}

/// What launching a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Launched {
    /// IoT Central has it.
    InCentral,
    /// The group is no longer what the rule wants, and IoT Central never got it.
    NotUsed,
    /// The turn ended before its own came.
    NotYet,
}

async fn single_commands(run: &Run) -> Result<(), Halt> {
    let steps = run.store().steps(run.id()).await?;
    if steps.iter().any(|record| record.step == Step::Track && record.state == StepState::Pending) {
        let text = match run.migration.plan.waves {
            None => "Single commands: each answer is recorded as it comes.",
            Some(_) => {
                "Single commands, since a job would tell every wave at once: each answer is recorded as it comes."
            }
        };
        run.end(Step::Track, StepState::NotNeeded, text).await?;
    }
    Ok(())
}

/// The rule holds, and the target takes all of the devices within a minute: how fast a job goes is up to IoT Central.
async fn allowed(run: &Run, at: &FromApp) -> Result<bool, Halt> {
    let number = exactly_the_cleared(run, at).await?;
    Ok(number.is_some_and(|number| run.inner.arrivals.take_many(&run.migration.plan.target, number, run.now())))
}

/// How many devices a job would tell, if the group's members of the template, read now, less those that moved, are exactly
/// the cleared ones.
async fn exactly_the_cleared(run: &Run, at: &FromApp) -> Result<Option<usize>, Halt> {
    // Those that a job of ours may be telling are cleared too: whether it exists is what the caller asks first.
    let untold = run.store().devices_untold(run.id(), u32::MAX).await?;
    let in_job = run.store().devices_in_job(run.id()).await?;
    let of_the_group = untold.into_iter().filter(|device| !device.unassigned);
    let cleared: HashSet<DeviceId> = of_the_group.chain(in_job).map(|device| device.id).collect();
    if cleared.len() < FEWEST {
        return Ok(None);
    }
    let source = &at.source;
    // Devices chosen one by one are in no group of their own.
    let (Some(group), Some(template)) = (&source.group, &source.template) else { return Ok(None) };
    if run.migration.parent.is_some() {
        return Ok(None);
    }
    let mut members = at.central.group_devices(group).await?;
    if members.iter().any(|member| member.template.is_none()) {
        let everybody: HashMap<_, _> =
            at.central.devices().await?.into_iter().map(|device| (device.id.clone(), device)).collect();
        members = completed(at, members, &everybody).await?;
    }
    let moved: HashSet<DeviceId> = run.store().devices_moved(run.id()).await?.into_iter().collect();
    let hit: HashSet<DeviceId> = members
        .into_iter()
        .filter(|member| member.template.as_ref() == Some(template))
        .map(|member| member.id)
        .filter(|id| !moved.contains(id))
        .collect();
    Ok((hit == cleared).then_some(cleared.len()))
}

async fn plan(run: &Run, at: &FromApp) -> Result<JobRecord, Halt> {
    let id = central_jobs::id_for(run.id());
    let payload = run.payload()?.to_string();
    let mut tx = run.store().begin_write().await?;
    jobs::plan(&mut tx, run.id(), &at.source.subdomain, &id, &payload, run.now()).await?;
    tx.commit().await?;
    let record = run.store().jobs(run.id()).await?.pop();
    record.ok_or(Halt::LookAgain)
}

/// PUTs the job once it is its turn, unless IoT Central has it already.
async fn launch(run: &Run, at: &FromApp, record: &JobRecord, stop: &CancellationToken) -> Result<Launched, Halt> {
    run.still_wanted().await?;
    if at.central.job(&record.id).await?.is_none() {
        if !admission::ensure_all(run).await? || exactly_the_cleared(run, at).await?.is_none() {
            return not_used(run, record).await;
        }
        let began = run.now();
        for refusals in 1.. {
            let Some(turn) = turn::wait(run, at, &record.id, stop).await? else { return Ok(Launched::NotYet) };
            let waited_since = (!turn.at_once || refusals > 1).then_some(began);
            // One whose answer was lost may have come into being meanwhile.
            if waited_since.is_some() && at.central.job(&record.id).await?.is_some() {
                break;
            }
            match put(run, at, record, turn, waited_since).await? {
                Put::Made => break,
                Put::NoPlace => turn::wait_again(run, &record.id, refusals, stop).await?,
                Put::NotUsed => return not_used(run, record).await,
            }
        }
    }
    accepted(run, &record.id).await?;
    Ok(Launched::InCentral)
}

/// What a PUT came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// IoT Central has the job.
    Made,
    /// It was refused because as many as IoT Central runs are at work.
    NoPlace,
    /// The group has changed while the job's turn was waited for.
    NotUsed,
}

/// PUTs the job, which has a place. Without an answer that it was not made the place stays its own.
async fn put(
    run: &Run,
    at: &FromApp,
    record: &JobRecord,
    turn: Turn,
    waited_since: Option<Timestamp>,
) -> Result<Put, Halt> {
    match ready(run, at, record, waited_since).await {
        Ok(true) => {}
        Ok(false) => return Ok(Put::NotUsed),
        Err(halt) => {
            run.store().leave_place(&record.id).await?;
            return Err(halt);
        }
    }
    let request = request(run, at, record)?;
    let Err(error) = at.central.put_job(&record.id, &request).await else { return Ok(Put::Made) };
    // Whether it was made is not known, or it is refused because it is there (how a second PUT is refused is not
    // documented): it is read again before anything is repeated.
    if at.central.job(&record.id).await?.is_some() {
        return Ok(Put::Made);
    }
    not_made(run, record, &error).await?;
    if turn::is_taken(run, at, &record.id, turn, &error).await? { Ok(Put::NoPlace) } else { Err(error.into()) }
}

/// Marks the devices as told, unless the group has changed while the turn was waited for. What was sent to the target
/// meanwhile is looked at again.
async fn ready(run: &Run, at: &FromApp, record: &JobRecord, waited_since: Option<Timestamp>) -> Result<bool, Halt> {
    if let Some(since) = waited_since {
        let Some(number) = exactly_the_cleared(run, at).await? else { return Ok(false) };
        if run.now() - since > MINUTE {
            arrivals::wait_for_many(run, number).await?;
        }
    }
    mark_as_told(run, record).await?;
    Ok(true)
}

fn request(run: &Run, at: &FromApp, record: &JobRecord) -> Result<JobRequest, Halt> {
    let source = &at.source;
    let (Some(group), Some(template)) = (&source.group, &source.template) else { return Err(Halt::LookAgain) };
    Ok(JobRequest {
        display_name: format!("Move to {}: {}", run.migration.plan.target.name(), run.migration.name),
        description: central_jobs::DESCRIPTION.into(),
        group: group.clone(),
        batch: None,
        target: template.clone(),
        path: at.command().job_path(),
        value: match serde_json::from_str(&record.payload) {
            Ok(value) => value,
            Err(_) => run.payload()?,
        },
    })
}

async fn not_used(run: &Run, record: &JobRecord) -> Result<Launched, Halt> {
    let mut tx = run.store().begin_write().await?;
    jobs::mark_as_untold(&mut tx, run.id()).await?;
    tx.commit().await?;
    run.store().job_ended(run.id(), &record.id, run.now()).await?;
    run.note(EventKind::Job, "The group has changed: no job is used, the devices are told singly.").await?;
    Ok(Launched::NotUsed)
}

/// From here on every cleared device may be told by the job, whatever becomes of its PUT's answer; unless somebody has
/// stopped the migration meanwhile.
async fn mark_as_told(run: &Run, record: &JobRecord) -> Result<(), Halt> {
    let now = run.now();
    let mut tx = run.store().begin_write().await?;
    match migrations::lookup(&mut tx, run.id()).await? {
        Some(Migration { state: MigrationState::Running | MigrationState::Waiting, .. }) => {}
        _ => return Err(Halt::LookAgain),
    }
    jobs::mark_as_told(&mut tx, run.id(), &record.id, now, now + run.patience()).await?;
    Ok(tx.commit().await?)
}

/// IoT Central does not have the job after a PUT that failed. If it certainly was not made, nobody was told.
async fn not_made(run: &Run, record: &JobRecord, error: &AzureError) -> Result<(), Halt> {
    if error.effect == EffectKnown::Unknown {
        return Err(Halt::Transient { trouble: error.to_string(), after: error.retry_after() });
    }
    let mut tx = run.store().begin_write().await?;
    jobs::mark_as_untold(&mut tx, run.id()).await?;
    job_turns::leave_place(&mut tx, &record.id).await?;
    Ok(tx.commit().await?)
}

/// IoT Central has the job. One that came into being while somebody stopped the migration is stopped.
async fn accepted(run: &Run, id: &JobId) -> Result<(), Halt> {
    let now = run.now();
    let mut tx = run.store().begin_write().await?;
    jobs::mark_as_told(&mut tx, run.id(), id, now, now + run.patience()).await?;
    jobs::accepted(&mut tx, run.id(), id).await?;
    let stopped =
        matches!(migrations::lookup(&mut tx, run.id()).await?, Some(Migration { state: MigrationState::Stopped, .. }));
    tx.commit().await?;
    run.note(EventKind::Job, &format!("Job {id} launched in IoT Central.")).await?;
    if stopped {
        stop_left_over(run).await?;
        return Err(Halt::LookAgain);
    }
    run.begin(Step::Track, "Following the job.").await
}

/// A job of which it is not known whether IoT Central has it is looked up before anything else is decided: whoever may have
/// been told by it must not be taken for untold.
pub(super) async fn settle_planned(run: &Run) -> Result<(), Halt> {
    let Some(at) = run.origin.app() else { return Ok(()) };
    for record in run.store().jobs(run.id()).await? {
        if record.progress == JobProgress::Planned && at.central.job(&record.id).await?.is_some() {
            accepted(run, &record.id).await?;
        }
    }
    Ok(())
}

/// Stops what a stopped migration still has at work in IoT Central.
pub(super) async fn stop_left_over(run: &Run) -> Result<(), Halt> {
    let Some(at) = run.origin.app() else { return Ok(()) };
    for record in run.store().jobs(run.id()).await? {
        if record.progress == JobProgress::Ended {
            continue;
        }
        let at_work =
            at.central.job(&record.id).await?.is_some_and(|job| {
                matches!(job.status, JobStatus::Pending | JobStatus::Running | JobStatus::Unknown(_))
            });
        if at_work {
            at.central.stop_job(&record.id).await?;
            run.note(EventKind::Job, &format!("The job {} of the stopped migration is stopped.", record.id)).await?;
        }
    }
    Ok(())
}
