//! Tells devices by one IoT Central job.
//!
//! A job hits every member of a live query, so it is used only when that query's members are exactly the devices cleared
//! to move, besides those that moved already. Its verdict never changes a device that moved, and its *failed* carries no
//! reason: such a device is looked for at the target and then asked singly. A job cannot be paced by arrivals, so it is
//! used only for as many devices as the target takes in a minute.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::halt::Halt;
use super::run::Run;
use super::snapshot::completed;
use crate::azure::central::{Job, JobDevice, JobDeviceStatus, JobRequest, JobStatus};
use crate::azure::error::{AzureError, EffectKnown, ErrorKind};
use crate::ids::{DeviceId, JobId};
use crate::migration::device::Fact;
use crate::migration::evidence::RecordSeen;
use crate::migration::model::{PauseReason, Step, StepState};
use crate::migration::{CommandState, Outcome, Via};
use crate::store::devices::{self, Found};
use crate::store::events::{self, EventKind, PROGRAM};
use crate::store::jobs::{self, JobProgress, JobRecord};

/// Fewer devices are told singly: a job would take longer to start.
const FEWEST: usize = 2;
/// Between two looks at a job.
const LOOK: Duration = Duration::from_secs(3);
/// How long a device that the job did not reach is looked for before it is asked about.
const A_MOMENT: Duration = Duration::from_secs(30);
/// How long IoT Central certainly keeps a job: it says 30 days.
const KEPT: Duration = Duration::from_secs(29 * 24 * 3600);
/// The description by which the original tool, too, finds such jobs.
const DESCRIPTION: &str = "AUTOMATED-DEVICE-MOVE";

/// Launches the job if the rule allows one, and follows the one that was launched until it has ended.
pub(super) async fn run(run: &Run, stop: &CancellationToken) -> Result<(), Halt> {
    let record = match run.store().jobs(run.id()).await?.pop() {
        Some(record) => record,
        None if allowed(run).await? => plan(run).await?,
        None => return single_commands(run).await,
    };
    match record.progress {
        JobProgress::Planned if !launch(run, &record).await? => single_commands(run).await,
        JobProgress::Planned | JobProgress::Accepted => follow(run, &record.id, stop).await,
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
async fn allowed(run: &Run) -> Result<bool, Halt> {
    let number = exactly_the_cleared(run).await?;
    Ok(number.is_some_and(|number| run.inner.arrivals.take_many(&run.migration.plan.target, number, run.now())))
}

/// How many devices a job would tell, if the group's members of the template, read now, less those that moved, are exactly
/// the cleared ones.
async fn exactly_the_cleared(run: &Run) -> Result<Option<usize>, Halt> {
    let cleared: HashSet<DeviceId> =
        run.store().devices_untold(run.id(), u32::MAX).await?.into_iter().map(|device| device.id).collect();
    if cleared.len() < FEWEST {
        return Ok(None);
    }
    let source = &run.migration.plan.source;
    let mut members = run.central.group_devices(&source.group).await?;
    if members.iter().any(|member| member.template.is_none()) {
        let everybody: HashMap<_, _> =
            run.central.devices().await?.into_iter().map(|device| (device.id.clone(), device)).collect();
        members = members.into_iter().map(|member| completed(member, &everybody)).collect();
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
    let id = JobId::new(format!("iotc-migrator-{}", run.id()));
    let mut tx = run.store().begin_write().await?;
    jobs::plan(&mut tx, run.id(), &id, &run.payload().to_string(), run.now()).await?;
    tx.commit().await?;
    let record = run.store().jobs(run.id()).await?.pop();
    record.ok_or(Halt::LookAgain)
}

/// PUTs the job, unless IoT Central has it already; then every cleared device counts as told. False: the group is no
/// longer what the rule wants, and IoT Central never got the job.
async fn launch(run: &Run, record: &JobRecord) -> Result<bool, Halt> {
    run.still_wanted().await?;
    if run.central.job(&record.id).await?.is_none() {
        if exactly_the_cleared(run).await?.is_none() {
            run.store().job_ended(run.id(), &record.id, run.now()).await?;
            run.note(EventKind::Job, "The group has changed: no job is used, the devices are told singly.").await?;
            return Ok(false);
        }
        let source = &run.migration.plan.source;
        let request = JobRequest {
            display_name: format!("Move to {}: {}", run.migration.plan.target.hub_name, run.migration.name),
            description: DESCRIPTION.into(),
            group: source.group.clone(),
            batch: None,
            target: source.template.clone(),
            path: run.command().job_path(),
            value: serde_json::from_str(&record.payload).unwrap_or_else(|_| run.payload()),
        };
        match run.central.put_job(&record.id, &request).await {
            Ok(_) => {}
            // Whether it was made is not known, or it is refused because it is there (how a second PUT is refused is not
            // documented): it is read again before anything is repeated.
            Err(error) => {
                if run.central.job(&record.id).await?.is_none() {
                    return Err(not_made(error));
                }
            }
        }
    }
    let now = run.now();
    let mut tx = run.store().begin_write().await?;
    jobs::accepted(&mut tx, run.id(), &record.id, now, now + run.patience()).await?;
    tx.commit().await?;
    run.note(EventKind::Job, &format!("Job {} launched in IoT Central.", record.id)).await?;
    run.begin(Step::Track, "Following the job.").await?;
    Ok(true)
}

/// A job that IoT Central does not have after a PUT that failed.
fn not_made(error: AzureError) -> Halt {
    if error.effect == EffectKnown::Unknown {
        return Halt::Transient { trouble: error.to_string(), after: error.retry_after() };
    }
    error.into()
}

/// Follows a job until every verdict is recorded. `stop` ends it early: it is taken up again at the next turn.
async fn follow(run: &Run, id: &JobId, stop: &CancellationToken) -> Result<(), Halt> {
    run.begin(Step::Track, "Following the job.").await?;
    resume_if_held(run, id).await?;
    let mut before: Option<Vec<JobDevice>> = None;
    while !stop.is_cancelled() {
        run.still_wanted().await?;
        let Some((job, verdicts)) = read(run, id).await? else { return finish(run, id, "gone").await };
        record_verdicts(run, id, &job, &verdicts).await?;
        run.store().job_seen(run.id(), id, &job.status.to_string(), false).await?;
        let open = verdicts.iter().any(|verdict| verdict.status == JobDeviceStatus::Pending);
        if job.status == JobStatus::Stopped && open {
            return Err(stopped_by_somebody(run, id).await?);
        }
        // Lists lag: an end is believed when it is complete, and the same at two looks.
        if has_ended(&job, &verdicts) && before.as_ref() == Some(&verdicts) {
            return finish(run, id, &job.status.to_string()).await;
        }
        before = Some(verdicts);
        tokio::select! {
            () = stop.cancelled() => {}
            () = run.inner.clock.sleep(LOOK) => {}
        }
    }
    Ok(())
}

/// Somebody stopped the job in IoT Central: that is a wish to tell nobody else, until this migration is resumed.
async fn stopped_by_somebody(run: &Run, id: &JobId) -> Result<Halt, Halt> {
    run.store().job_seen(run.id(), id, "stopped", true).await?;
    let app = &run.migration.plan.source.app_display_name;
    Ok(Halt::pause(
        PauseReason::Changed,
        format!("Somebody stopped the job {id} in {app} before every device was told."),
        "Press Resume to let the job go on.",
    ))
}

async fn resume_if_held(run: &Run, id: &JobId) -> Result<(), Halt> {
    if !run.store().jobs(run.id()).await?.iter().any(|job| job.id == *id && job.held) {
        return Ok(());
    }
    if let Err(error) = run.central.resume_job(id).await {
        // Whether it runs already is what the job itself says.
        let stopped = run.central.job(id).await?.is_some_and(|job| job.status == JobStatus::Stopped);
        if stopped {
            return Err(error.into());
        }
    }
    run.store().job_seen(run.id(), id, "running", false).await?;
    run.note(EventKind::Job, "The job goes on in IoT Central.").await
}

/// The job and its verdicts; `None` if IoT Central keeps it no longer. A young job that is not shown is a slip of the
/// service: to tell its devices singly as well would tell them twice.
async fn read(run: &Run, id: &JobId) -> Result<Option<(Job, Vec<JobDevice>)>, Halt> {
    if let Some(job) = run.central.job(id).await? {
        match run.central.job_devices(id).await {
            Ok(verdicts) => return Ok(Some((job, verdicts))),
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let jobs = run.store().jobs(run.id()).await?;
    let young = jobs.iter().any(|job| job.id == *id && run.now() - job.created_at < KEPT);
    if !young {
        return Ok(None);
    }
    let app = &run.migration.plan.source.app_display_name;
    let trouble =
        format!("{app} accepted the job {id} and does not show it now; no device is told another way meanwhile");
    Err(Halt::Transient { trouble, after: None })
}

/// No verdict is pending, none is missing of the job's own total, and its status, where it is a known word, says so.
fn has_ended(job: &Job, verdicts: &[JobDevice]) -> bool {
    let settled = verdicts.iter().all(|verdict| verdict.status != JobDeviceStatus::Pending);
    let complete = job.progress.is_none_or(|progress| verdicts.len() as u64 >= progress.total && progress.pending == 0);
    match &job.status {
        JobStatus::Cancelled => true,
        JobStatus::Complete | JobStatus::Failed | JobStatus::Stopped => settled && complete,
        JobStatus::Pending | JobStatus::Running => false,
        JobStatus::Unknown(_) => settled && complete && !verdicts.is_empty(),
    }
}

async fn record_verdicts(run: &Run, id: &JobId, job: &Job, verdicts: &[JobDevice]) -> Result<(), Halt> {
    let waiting: HashSet<DeviceId> =
        run.store().devices_in_job(run.id()).await?.into_iter().map(|device| device.id).collect();
    let now = run.now();
    let patience = run.patience();
    for verdict in verdicts {
        if !waiting.contains(&verdict.id) {
            stranger(run, job, &verdict.id).await?;
            continue;
        }
        if verdict.status == JobDeviceStatus::Pending {
            continue;
        }
        run.store()
            .change_device(run.id(), &verdict.id, |row| {
                if row.outcome != Outcome::Pending || row.via != Some(Via::Job) || row.command != CommandState::Started
                {
                    return;
                }
                match verdict.status {
                    JobDeviceStatus::Completed => {
                        row.command = CommandState::Answered;
                        row.facts.acknowledged = Some(Fact { at: now, evidence: format!("job {id}: completed") });
                        row.deadline = Some(now + patience);
                    }
                    // No reason is given: after a moment for its arrival the questions are asked that tell.
                    JobDeviceStatus::Failed => {
                        row.command = CommandState::Unclear;
                        row.detail = Some("the job says failed, without a reason".into());
                        row.deadline = Some(now + A_MOMENT);
                    }
                    JobDeviceStatus::Pending | JobDeviceStatus::Other(_) => {}
                }
            })
            .await?;
    }
    Ok(())
}

/// A device that the job took along and the snapshot did not know gets a row. What the target knew of it before is not
/// known: only what is newer than the job itself, by Azure's clock, counts as proof.
async fn stranger(run: &Run, job: &Job, id: &DeviceId) -> Result<(), Halt> {
    if run.store().device(run.id(), id).await?.is_some() {
        return Ok(());
    }
    let found = Found { id: id.clone(), display_name: None, outcome: Outcome::Pending, joined_later: true };
    let now = run.now();
    let mut tx = run.store().begin_write().await?;
    devices::insert(&mut tx, run.id(), &run.migration.plan.source.subdomain, &found).await?;
    if let Some(mut row) = devices::lookup(&mut tx, run.id(), id).await?
        && row.outcome == Outcome::Pending
    {
        row.command = CommandState::Started;
        row.via = Some(Via::Job);
        row.cleared = true;
        row.deadline = Some(now + run.patience());
        row.facts.commanded = Some(Fact { at: now, evidence: format!("job {}: joined the group later", job.id) });
        row.baseline.taken_at = Some(now);
        row.baseline.record = job.start.map(|start| RecordSeen {
            status: "unknown".into(),
            hub: None,
            updated: Some(start),
            error: None,
        });
        devices::save(&mut tx, run.id(), &row).await?;
    }
    let text = format!("{id} joined the group after the snapshot; the job took it along.");
    events::append(&mut tx, run.id(), now, PROGRAM, EventKind::Device, &text).await?;
    Ok(tx.commit().await?)
}

/// The job has ended. Whom it did not tell, as far as it shows, is asked about like one whose answer was lost.
async fn finish(run: &Run, id: &JobId, status: &str) -> Result<(), Halt> {
    let now = run.now();
    for device in run.store().devices_in_job(run.id()).await? {
        run.store()
            .change_device(run.id(), &device.id, |row| {
                if row.outcome == Outcome::Pending && row.command == CommandState::Started {
                    row.command = CommandState::Unclear;
                    row.detail = Some("the job ended without a verdict on it".into());
                    row.deadline = Some(now + A_MOMENT);
                }
            })
            .await?;
    }
    run.store().job_seen(run.id(), id, status, false).await?;
    run.store().job_ended(run.id(), id, run.now()).await?;
    run.note(EventKind::Job, &format!("Job {id} ended: {status}.")).await?;
    run.end(Step::Track, StepState::Done, "Every verdict of the job is recorded.").await
}
