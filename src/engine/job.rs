//! Tells devices by one IoT Central job.
//!
//! A job hits every member of a live query, so it is used only when that query's members are exactly the devices cleared
//! to move, besides those that moved already. Its verdict never changes a device that moved, and its *failed* carries no
//! reason: such a device is looked for at the target and then asked singly.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::halt::Halt;
use super::run::Run;
use super::singles::Budget;
use super::snapshot::completed;
use crate::azure::central::{Job, JobDevice, JobDeviceStatus, JobRequest, JobStatus};
use crate::azure::error::{AzureError, EffectKnown, ErrorKind};
use crate::ids::{DeviceId, JobId};
use crate::migration::device::Fact;
use crate::migration::model::{Step, StepState};
use crate::migration::{CommandState, Outcome, Via};
use crate::store::devices::{self, Found};
use crate::store::events::EventKind;
use crate::store::jobs::{self, JobProgress, JobRecord};

/// Fewer devices are told singly: a job would take longer to start.
const FEWEST: usize = 2;
/// Between two looks at a job.
const LOOK: Duration = Duration::from_secs(3);
/// How long IoT Central certainly keeps a job: it says 30 days.
const KEPT: Duration = Duration::from_secs(29 * 24 * 3600);
/// The description by which the original tool, too, finds such jobs.
const DESCRIPTION: &str = "AUTOMATED-DEVICE-MOVE";

/// Launches the job if the rule allows one, and follows the one that was launched until it has ended.
pub(super) async fn run(run: &Run, stop: &CancellationToken) -> Result<(), Halt> {
    let record = match run.store().jobs(run.id()).await?.pop() {
        Some(record) => record,
        None if allowed(run).await? => plan(run).await?,
        None => {
            let pending = run
                .store()
                .steps(run.id())
                .await?
                .iter()
                .any(|s| s.step == Step::Track && s.state == StepState::Pending);
            if pending {
                run.end(Step::Track, StepState::NotNeeded, "Single commands: each answer is recorded as it comes.")
                    .await?;
            }
            return Ok(());
        }
    };
    if record.progress == JobProgress::Planned {
        launch(run, &record).await?;
    }
    if record.progress != JobProgress::Ended {
        follow(run, &record.id, stop).await?;
    }
    Ok(())
}

/// The group's members of the template, read now, less those that moved, are exactly the cleared devices.
async fn allowed(run: &Run) -> Result<bool, Halt> {
    let cleared: HashSet<DeviceId> =
        run.store().devices_untold(run.id(), u32::MAX).await?.into_iter().map(|device| device.id).collect();
    if cleared.len() < FEWEST {
        return Ok(false);
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
    Ok(hit == cleared)
}

async fn plan(run: &Run) -> Result<JobRecord, Halt> {
    let id = JobId::new(format!("iotc-migrator-{}", run.id()));
    let mut tx = run.store().begin_write().await?;
    jobs::plan(&mut tx, run.id(), &id, &run.payload().to_string(), run.now()).await?;
    tx.commit().await?;
    let record = run.store().jobs(run.id()).await?.pop();
    record.ok_or(Halt::LookAgain)
}

/// PUTs the job, unless IoT Central has it already; then every cleared device counts as told.
async fn launch(run: &Run, record: &JobRecord) -> Result<(), Halt> {
    run.still_wanted().await?;
    if run.central.job(&record.id).await?.is_none() {
        let source = &run.migration.plan.source;
        let budget = Budget::of(&run.migration.plan);
        let request = JobRequest {
            display_name: format!("Move to {}: {}", run.migration.plan.target.hub_name, run.migration.name),
            description: DESCRIPTION.into(),
            group: source.group.clone(),
            batch: u32::try_from(budget.lag() / 2).ok().filter(|batch| *batch > 0),
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
    run.begin(Step::Track, "Following the job.").await
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
    let budget = Budget::of(&run.migration.plan).lag();
    let mut held = run.store().jobs(run.id()).await?.iter().any(|job| job.id == *id && job.held);
    while !stop.is_cancelled() {
        run.still_wanted().await?;
        let Some((job, verdicts)) = read(run, id).await? else { return finish(run, id, "gone", &[]).await };
        record_verdicts(run, id, &verdicts).await?;
        let over = has_ended(&job, held);
        if over {
            return finish(run, id, &job.status.to_string(), &verdicts).await;
        }
        held = pace(run, id, budget, held).await?;
        run.store().job_seen(run.id(), id, &job.status.to_string(), held).await?;
        tokio::select! {
            () = stop.cancelled() => {}
            () = run.inner.clock.sleep(LOOK) => {}
        }
    }
    Ok(())
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

/// A job that we hold shows *stopped* and has not ended; of unknown words only the numbers count.
fn has_ended(job: &Job, held: bool) -> bool {
    match &job.status {
        JobStatus::Complete | JobStatus::Failed | JobStatus::Cancelled => true,
        JobStatus::Stopped => !held,
        JobStatus::Pending | JobStatus::Running => false,
        JobStatus::Unknown(_) => {
            job.progress.as_ref().is_some_and(|progress| progress.pending == 0 && progress.total > 0)
        }
    }
}

/// Holds the job while more devices are on their way than the target takes in a minute.
async fn pace(run: &Run, id: &JobId, budget: u64, held: bool) -> Result<bool, Halt> {
    let on_the_way = run.store().acknowledged_and_not_seen(run.id()).await?;
    if !held && on_the_way > budget {
        run.central.stop_job(id).await?;
        run.note(
            EventKind::Job,
            &format!("Job held: {on_the_way} devices are on their way, and the target takes {budget} a minute."),
        )
        .await?;
        return Ok(true);
    }
    if held && on_the_way <= budget / 2 {
        run.central.resume_job(id).await?;
        run.note(EventKind::Job, "Job resumed: the devices have arrived.").await?;
        return Ok(false);
    }
    Ok(held)
}

async fn record_verdicts(run: &Run, id: &JobId, verdicts: &[JobDevice]) -> Result<(), Halt> {
    let waiting: HashSet<DeviceId> =
        run.store().devices_in_job(run.id()).await?.into_iter().map(|device| device.id).collect();
    let now = run.now();
    let patience = run.patience();
    for verdict in verdicts {
        if !waiting.contains(&verdict.id) {
            stranger(run, id, &verdict.id).await?;
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
                    // No reason is given: it is due at once for the questions that tell.
                    JobDeviceStatus::Failed => {
                        row.command = CommandState::Unclear;
                        row.detail = Some("the job says failed, without a reason".into());
                        row.deadline = Some(now);
                    }
                    JobDeviceStatus::Pending | JobDeviceStatus::Other(_) => {}
                }
            })
            .await?;
    }
    Ok(())
}

/// A device that the job took along and the snapshot did not know gets a row.
async fn stranger(run: &Run, job: &JobId, id: &DeviceId) -> Result<(), Halt> {
    if run.store().device(run.id(), id).await?.is_some() {
        return Ok(());
    }
    let found = Found { id: id.clone(), display_name: None, outcome: Outcome::Pending, joined_later: true };
    let mut tx = run.store().begin_write().await?;
    devices::insert(&mut tx, run.id(), &run.migration.plan.source.subdomain, &found).await?;
    tx.commit().await?;
    let now = run.now();
    let deadline = now + run.patience();
    run.store()
        .change_device(run.id(), id, |row| {
            if row.outcome == Outcome::Pending {
                row.command = CommandState::Started;
                row.via = Some(Via::Job);
                row.cleared = true;
                row.deadline = Some(deadline);
                row.facts.commanded = Some(Fact { at: now, evidence: format!("job {job}: joined the group later") });
            }
        })
        .await?;
    run.note(EventKind::Device, &format!("{id} joined the group after the snapshot; the job took it along.")).await
}

/// The job has ended: whom it did not tell is told singly.
async fn finish(run: &Run, id: &JobId, status: &str, verdicts: &[JobDevice]) -> Result<(), Halt> {
    let told: HashSet<&DeviceId> = verdicts.iter().map(|verdict| &verdict.id).collect();
    for device in run.store().devices_in_job(run.id()).await? {
        let absent = !told.contains(&device.id);
        let now = run.now();
        run.store()
            .change_device(run.id(), &device.id, |row| {
                if absent {
                    row.command = CommandState::None;
                    row.via = None;
                    row.facts.commanded = None;
                    row.deadline = None;
                } else {
                    row.command = CommandState::Unclear;
                    row.deadline = Some(now);
                }
            })
            .await?;
    }
    run.store().job_seen(run.id(), id, status, false).await?;
    run.store().job_ended(run.id(), id, run.now()).await?;
    run.note(EventKind::Job, &format!("Job {id} ended: {status}.")).await?;
    run.end(Step::Track, StepState::Done, "Every verdict of the job is recorded.").await
}
