//! Follows a job that IoT Central has, until every verdict is recorded or it is clear that none will come.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::turn;
use crate::azure::central::{Job, JobDevice, JobDeviceStatus, JobProgress, JobStatus};
use crate::azure::error::ErrorKind;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::engine::source::app::FromApp;
use crate::ids::{DeviceId, JobId};
use crate::migration::app_evidence::AppSeen;
use crate::migration::device::Fact;
use crate::migration::evidence::RecordSeen;
use crate::migration::model::{PauseReason, Step, StepState, Target};
use crate::migration::sentence::WAITS_FOR_TURN;
use crate::migration::{CommandState, Outcome, Via};
use crate::store::devices::{self, Found};
use crate::store::events::{self, EventKind, PROGRAM};

/// Between two looks at a job.
const LOOK: Duration = Duration::from_secs(3);
/// How long a device that the job did not reach is looked for before it is asked about.
const A_MOMENT: Duration = Duration::from_secs(30);
/// A job in which nothing moves for so long will move no more. A device has half a minute to answer.
const STALLED: Duration = Duration::from_secs(5 * 60);
/// Our word for the status of such a job, written before it is stopped.
const GIVEN_UP: &str = "stalled";
/// A job that is not shown for so long, and at so many looks in a row, was deleted. Time alone tells nothing: this
/// workstation may have slept through it.
const GONE: Duration = Duration::from_secs(30 * 60);
const GONE_LOOKS: u32 = 8;

/// Follows a job until every verdict is recorded. `stop` ends it early: it is taken up again at the next turn.
pub(super) async fn follow(run: &Run, at: &FromApp, id: &JobId, stop: &CancellationToken) -> Result<(), Halt> {
    run.begin(Step::Track, "Following the job.").await?;
    if !resume_if_held(run, at, id, stop).await? {
        return Ok(());
    }
    if was_given_up(run, id).await?
        && let Some(job) = at.central.job(id).await?
    {
        return give_up(run, at, id, &job).await;
    }
    let mut before: Option<Look> = None;
    let mut changed_at = run.now();
    while !stop.is_cancelled() {
        run.still_wanted().await?;
        let Some((job, verdicts)) = read(run, at, id).await? else { return finish(run, id, "gone").await };
        record_verdicts(run, at, id, &job, &verdicts).await?;
        run.store().job_seen(run.id(), id, &job.status.to_string(), false).await?;
        let look = Look::new(&job, &verdicts);
        if job.status == JobStatus::Stopped && !look.is_complete() {
            return Err(stopped_by_somebody(run, id).await?);
        }
        let same = before.as_ref() == Some(&look);
        if !same {
            changed_at = run.now();
        }
        // Lists lag: an end is believed when it is complete, and the same at two looks.
        if same && look.has_ended() {
            return finish(run, id, &job.status.to_string()).await;
        }
        if job.status != JobStatus::Pending && run.now() - changed_at > STALLED.max(run.patience()) {
            return give_up(run, at, id, &job).await;
        }
        before = Some(look);
        tokio::select! {
            () = stop.cancelled() => {}
            () = run.inner.clock.sleep(LOOK) => {}
        }
    }
    Ok(())
}

/// What a look at a job showed. Two looks are compared without regard to the order of its list.
#[derive(PartialEq)]
struct Look {
    status: JobStatus,
    progress: Option<JobProgress>,
    verdicts: BTreeMap<DeviceId, JobDeviceStatus>,
}

impl Look {
    fn new(job: &Job, verdicts: &[JobDevice]) -> Self {
        let verdicts = verdicts.iter().map(|verdict| (verdict.id.clone(), verdict.status.clone())).collect();
        Self { status: job.status.clone(), progress: job.progress, verdicts }
    }

    /// No verdict is pending, and none is missing of the job's own total.
    fn is_complete(&self) -> bool {
        self.verdicts.values().all(|status| *status != JobDeviceStatus::Pending)
            && self
                .progress
                .is_none_or(|progress| self.verdicts.len() as u64 >= progress.total && progress.pending == 0)
    }

    /// The job will tell nobody else. Its word may lag behind its own counts; a job that failed as a whole, or was ended
    /// by its threshold, leaves devices pending.
    fn has_ended(&self) -> bool {
        let counted = self.progress.is_some_and(|progress| progress.total > 0);
        match &self.status {
            JobStatus::Cancelled | JobStatus::Failed => true,
            JobStatus::Complete | JobStatus::Stopped => self.is_complete(),
            JobStatus::Pending | JobStatus::Running => counted && self.is_complete(),
            JobStatus::Unknown(_) => self.is_complete() && !self.verdicts.is_empty(),
        }
    }
}

/// An earlier turn was about to stop the job: that it is stopped now is our doing.
async fn was_given_up(run: &Run, id: &JobId) -> Result<bool, Halt> {
    Ok(run.store().jobs(run.id()).await?.iter().any(|job| job.id == *id && job.status.as_deref() == Some(GIVEN_UP)))
}

/// A job in which nothing has moved for long is stopped, and whom it told nothing of is asked about singly.
async fn give_up(run: &Run, at: &FromApp, id: &JobId, job: &Job) -> Result<(), Halt> {
    run.store().job_seen(run.id(), id, GIVEN_UP, false).await?;
    if matches!(job.status, JobStatus::Running | JobStatus::Unknown(_))
        && let Err(error) = at.central.stop_job(id).await
        && at.central.job(id).await?.is_some_and(|job| job.status == JobStatus::Running)
    {
        return Err(error.into());
    }
    finish(run, id, GIVEN_UP).await
}

/// Somebody stopped the job in IoT Central: that is a wish to tell nobody else, until this migration is resumed.
async fn stopped_by_somebody(run: &Run, id: &JobId) -> Result<Halt, Halt> {
    run.store().job_seen(run.id(), id, "stopped", true).await?;
    let app = run.migration.plan.source.name();
    Ok(Halt::pause(
        PauseReason::Changed,
        format!("Somebody stopped the job {id} in {app} before every device was told."),
        "Press Resume to let the job go on.",
    ))
}

/// A job that was held takes a place like a new one. False if `stop` was set before there was one.
async fn resume_if_held(run: &Run, at: &FromApp, id: &JobId, stop: &CancellationToken) -> Result<bool, Halt> {
    if !run.store().jobs(run.id()).await?.iter().any(|job| job.id == *id && job.held) {
        return Ok(true);
    }
    let Some(turn) = turn::wait(run, at, id, stop).await? else { return Ok(false) };
    if let Err(error) = at.central.resume_job(id).await {
        // Whether it runs already is what the job itself says.
        let stopped = at.central.job(id).await?.is_some_and(|job| job.status == JobStatus::Stopped);
        if stopped {
            run.store().leave_place(id).await?;
            return Err(match turn::is_taken(run, at, id, turn, &error).await? {
                true => Halt::Transient { trouble: WAITS_FOR_TURN.into(), after: error.retry_after() },
                false => error.into(),
            });
        }
    }
    run.store().job_seen(run.id(), id, "running", false).await?;
    run.note(EventKind::Job, "The job goes on in IoT Central.").await?;
    Ok(true)
}

/// The job and its verdicts; `None` if IoT Central keeps it no longer. One that is not shown for a while is a slip of the
/// service: to tell its devices singly as well could tell them twice.
async fn read(run: &Run, at: &FromApp, id: &JobId) -> Result<Option<(Job, Vec<JobDevice>)>, Halt> {
    if let Some(job) = at.central.job(id).await? {
        match at.central.job_devices(id).await {
            Ok(verdicts) => return Ok(Some((job, verdicts))),
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (since, looks) = run.store().job_missing(id, run.now()).await?;
    if run.now() - since > GONE && looks >= GONE_LOOKS {
        return Ok(None);
    }
    let app = run.migration.plan.source.name();
    let trouble =
        format!("{app} accepted the job {id} and does not show it now; no device is told another way meanwhile");
    Err(Halt::Transient { trouble, after: None })
}

async fn record_verdicts(run: &Run, at: &FromApp, id: &JobId, job: &Job, verdicts: &[JobDevice]) -> Result<(), Halt> {
    let waiting: HashSet<DeviceId> =
        run.store().devices_in_job(run.id()).await?.into_iter().map(|device| device.id).collect();
    let now = run.now();
    let patience = run.patience();
    for verdict in verdicts {
        if !waiting.contains(&verdict.id) {
            stranger(run, at, job, &verdict.id).await?;
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
async fn stranger(run: &Run, at: &FromApp, job: &Job, id: &DeviceId) -> Result<(), Halt> {
    if run.store().device(run.id(), id).await?.is_some() {
        return Ok(());
    }
    let found = Found {
        id: id.clone(),
        display_name: None,
        organizations: Vec::new(),
        unassigned: false,
        outcome: Outcome::Pending,
        joined_later: true,
    };
    let now = run.now();
    let mut tx = run.store().begin_write().await?;
    devices::insert(&mut tx, run.id(), at.source.subdomain.as_str(), &found).await?;
    if let Some(mut row) = devices::lookup(&mut tx, run.id(), id).await?
        && row.outcome == Outcome::Pending
    {
        row.command = CommandState::Started;
        row.via = Some(Via::Job);
        row.cleared = true;
        row.deadline = Some(now + run.patience());
        row.facts.commanded = Some(Fact { at: now, evidence: format!("job {}: joined the group later", job.id) });
        row.baseline.taken_at = Some(now);
        match run.migration.plan.target {
            Target::Hub(_) => {
                row.baseline.record = job.start.map(|start| RecordSeen {
                    status: "unknown".into(),
                    hub: None,
                    updated: Some(start),
                    error: None,
                    device: None,
                });
            }
            Target::App(_) => {
                row.baseline.app =
                    Some(AppSeen { provisioned: true, enabled: true, newest: job.start, ..AppSeen::default() });
            }
        }
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
