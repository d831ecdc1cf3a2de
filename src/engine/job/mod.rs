//! Tells devices by one IoT Central job.
//!
//! A job hits every member of a live query, so it is used only when that query's members are exactly the devices cleared
//! to move, besides those that moved already. Its verdict never changes a device that moved, and its *failed* carries no
//! reason: such a device is looked for at the target and then asked singly. A job cannot be paced by arrivals, so it is
//! used only for as many devices as the target takes in a minute.
//!
//! Every cleared device counts as told before the job is PUT: were it marked afterwards, a job whose answer was lost would
//! move devices that a pause, or *Stop*, still takes for untold.

mod follow;

use std::collections::{HashMap, HashSet};

use tokio_util::sync::CancellationToken;

use super::admission;
use super::central_jobs;
use super::halt::Halt;
use super::run::Run;
use super::source::app::FromApp;
use super::source::app::members::completed;
use crate::azure::central::{JobRequest, JobStatus};
use crate::azure::error::{AzureError, EffectKnown};
use crate::ids::{DeviceId, JobId};
use crate::migration::model::{Migration, MigrationState, Step, StepState};
use crate::store::events::EventKind;
use crate::store::jobs::{self, JobProgress, JobRecord};
use crate::store::migrations;

/// Fewer devices are told singly: a job would take longer to start.
const FEWEST: usize = 2;

/// Launches the job if the rule allows one, and follows the one that was launched until it has ended.
pub(super) async fn run(run: &Run, stop: &CancellationToken) -> Result<(), Halt> {
    let Some(at) = run.origin.app() else { return single_commands(run).await };
    let record = match run.store().jobs(run.id()).await?.pop() {
        Some(record) => record,
        None if allowed(run, at).await? => plan(run).await?,
        None => return single_commands(run).await,
    };
    match record.progress {
        JobProgress::Planned if !launch(run, at, &record).await? => single_commands(run).await,
        JobProgress::Planned | JobProgress::Accepted => follow::follow(run, at, &record.id, stop).await,
        JobProgress::Ended => Ok(()),
    }
}

async fn single_commands(run: &Run) -> Result<(), Halt> {
    let steps = run.store().steps(run.id()).await?;
    if steps.iter().any(|record| record.step == Step::Track && record.state == StepState::Pending) {
        run.end(Step::Track, StepState::NotNeeded, "Single commands: each answer is recorded as it comes.").await?;
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
    let mut members = at.central.group_devices(&source.group).await?;
    if members.iter().any(|member| member.template.is_none()) {
        let everybody: HashMap<_, _> =
            at.central.devices().await?.into_iter().map(|device| (device.id.clone(), device)).collect();
        members = completed(at, members, &everybody).await?;
    }
    let moved: HashSet<DeviceId> = run.store().devices_moved(run.id()).await?.into_iter().collect();
    let hit: HashSet<DeviceId> = members
        .into_iter()
        .filter(|member| member.template.as_ref() == Some(&source.template))
        .map(|member| member.id)
        .filter(|id| !moved.contains(id))
        .collect();
    Ok((hit == cleared).then_some(cleared.len()))
}

async fn plan(run: &Run) -> Result<JobRecord, Halt> {
    let id = central_jobs::id_for(run.id());
    let payload = run.payload()?.to_string();
    let mut tx = run.store().begin_write().await?;
    jobs::plan(&mut tx, run.id(), &id, &payload, run.now()).await?;
    tx.commit().await?;
    let record = run.store().jobs(run.id()).await?.pop();
    record.ok_or(Halt::LookAgain)
}

/// PUTs the job, unless IoT Central has it already. False: the group is no longer what the rule wants, and IoT Central
/// never got the job.
async fn launch(run: &Run, at: &FromApp, record: &JobRecord) -> Result<bool, Halt> {
    run.still_wanted().await?;
    if at.central.job(&record.id).await?.is_none() {
        if !admission::ensure_all(run).await? || exactly_the_cleared(run, at).await?.is_none() {
            not_used(run, record).await?;
            return Ok(false);
        }
        let request = request(run, at, record)?;
        mark_as_told(run, record).await?;
        if let Err(error) = at.central.put_job(&record.id, &request).await {
            // Whether it was made is not known, or it is refused because it is there (how a second PUT is refused is not
            // documented): it is read again before anything is repeated.
            if at.central.job(&record.id).await?.is_none() {
                return Err(not_made(run, error).await?);
            }
        }
    }
    accepted(run, &record.id).await?;
    Ok(true)
}

fn request(run: &Run, at: &FromApp, record: &JobRecord) -> Result<JobRequest, Halt> {
    let source = &at.source;
    Ok(JobRequest {
        display_name: format!("Move to {}: {}", run.migration.plan.target.name(), run.migration.name),
        description: central_jobs::DESCRIPTION.into(),
        group: source.group.clone(),
        batch: None,
        target: source.template.clone(),
        path: at.command().job_path(),
        value: match serde_json::from_str(&record.payload) {
            Ok(value) => value,
            Err(_) => run.payload()?,
        },
    })
}

async fn not_used(run: &Run, record: &JobRecord) -> Result<(), Halt> {
    let mut tx = run.store().begin_write().await?;
    jobs::mark_as_untold(&mut tx, run.id()).await?;
    tx.commit().await?;
    run.store().job_ended(run.id(), &record.id, run.now()).await?;
    run.note(EventKind::Job, "The group has changed: no job is used, the devices are told singly.").await
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

/// A job that IoT Central does not have after a PUT that failed. If it certainly was not made, nobody was told.
async fn not_made(run: &Run, error: AzureError) -> Result<Halt, Halt> {
    if error.effect == EffectKnown::Unknown {
        return Ok(Halt::Transient { trouble: error.to_string(), after: error.retry_after() });
    }
    let mut tx = run.store().begin_write().await?;
    jobs::mark_as_untold(&mut tx, run.id()).await?;
    tx.commit().await?;
    Ok(error.into())
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
