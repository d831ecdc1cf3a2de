//! Jobs that tell devices to move, as IoT Central itself shows them: ours, and those of Microsoft's original tool.
//!
//! Both carry the same description, by which the original tool finds its own. Only an id tells which are ours. Read with the
//! rights of whoever looks; an application that refuses them, or does not answer, does not hide the others.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};

use super::{Engine, Inner};
use crate::azure::central::{Central, Job};
use crate::azure::error::{AzureError, ErrorKind, Service};
use crate::ids::{JobId, PersonId, Subdomain};
use crate::migration::MigrationId;
use crate::store::StoreError;

/// The description of every job that moves devices.
pub(super) const DESCRIPTION: &str = "AUTOMATED-DEVICE-MOVE";
/// How the ids of our jobs begin; the original tool takes GUIDs.
const OURS: &str = "iotc-migrator-";
/// Applications, and jobs of one, read at once.
const AT_ONCE: usize = 4;
/// How long an application may take, by the machine's clock, until the others are shown without it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The id of the job of a migration.
pub(super) fn id_for(migration: MigrationId) -> JobId {
    JobId::new(format!("{OURS}{migration}"))
}

/// An application whose jobs are wanted, with its name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its subdomain.
    pub subdomain: Subdomain,
    /// Its name.
    pub name: String,
}

/// The jobs of an application.
#[derive(Debug)]
pub struct JobsOf {
    /// Which.
    pub app: Application,
    /// Its jobs that move devices, the latest first, or why they could not be read.
    pub jobs: Result<Vec<MoveJob>, AzureError>,
}

/// A job that tells devices to move.
#[derive(Debug)]
pub struct MoveJob {
    /// The job, with its progress where that can be read.
    pub job: Job,
    /// Who made it.
    pub maker: Maker,
}

/// Who made a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker {
    /// A migration of this program, with its name.
    Migration(MigrationId, String),
    /// This program on another machine, or with another data directory.
    AnotherCopy,
    /// Microsoft's original tool.
    OriginalTool,
}

impl Maker {
    /// Of a job that moves devices; `None` if it does not. `known` are the jobs of our own migrations.
    fn of(job: &Job, known: &HashMap<JobId, (MigrationId, String)>) -> Option<Self> {
        match known.get(&job.id) {
            Some((migration, name)) => Some(Self::Migration(*migration, name.clone())),
            None if job.id.as_str().starts_with(OURS) => Some(Self::AnotherCopy),
            None => (job.description.trim() == DESCRIPTION).then_some(Self::OriginalTool),
        }
    }
}

impl Engine {
    /// The jobs in the applications of this person's tenant that migrations have as their source, and in these others.
    ///
    /// # Errors
    /// The database failed.
    pub async fn move_jobs(&self, person: &PersonId, others: Vec<Application>) -> Result<Vec<JobsOf>, StoreError> {
        let known = self.inner.store.jobs_of_tenant(&person.tid).await?;
        let mut apps: Vec<Application> = Vec::new();
        for app in others.into_iter().chain(sources(&self.inner, person).await?) {
            if !apps.iter().any(|other| other.subdomain.same_as(app.subdomain.as_str())) {
                apps.push(app);
            }
        }
        apps.sort_by_key(|app| app.name.to_lowercase());
        let (inner, known) = (&self.inner, &known);
        let read = |app: Application| {
            async move { JobsOf { jobs: in_time(inner, person, &app.subdomain, known).await, app } }.boxed()
        };
        let reads: Vec<_> = apps.into_iter().map(read).collect();
        Ok(stream::iter(reads).buffered(AT_ONCE).collect().await)
    }
}

/// The applications that migrations of the tenant have as their source.
async fn sources(inner: &Inner, person: &PersonId) -> Result<Vec<Application>, StoreError> {
    let migrations = inner.store.migrations(&person.tid, u32::MAX, 0).await?;
    let sources = migrations.iter().filter_map(|migration| migration.plan.source.app());
    Ok(sources
        .map(|app| Application { subdomain: app.subdomain.clone(), name: app.app_display_name.clone() })
        .collect())
}

async fn in_time(
    inner: &Inner,
    person: &PersonId,
    app: &Subdomain,
    known: &HashMap<JobId, (MigrationId, String)>,
) -> Result<Vec<MoveJob>, AzureError> {
    let central = inner.azure.central(inner.people.tokens(person), app)?;
    tokio::select! {
        jobs = read(&central, known) => jobs,
        () = inner.clock.sleep(PATIENCE * inner.clock.speed()) => {
            let kind = ErrorKind::Unavailable { retry_after: None };
            let message = format!("no answer within {} seconds", PATIENCE.as_secs());
            Err(AzureError::local(Service::Central, "list jobs", app.as_str(), kind, message))
        }
    }
}

async fn read(central: &Central, known: &HashMap<JobId, (MigrationId, String)>) -> Result<Vec<MoveJob>, AzureError> {
    let listed = central.jobs().await?;
    let moves = listed.into_iter().filter_map(|job| Some((Maker::of(&job, known)?, job)));
    let read = |(maker, job)| async move { MoveJob { job: in_full(central, job).await, maker } }.boxed();
    let reads: Vec<_> = moves.map(read).collect();
    let mut jobs: Vec<MoveJob> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    jobs.sort_by_key(|own| std::cmp::Reverse(own.job.start));
    Ok(jobs)
}

/// Lists leave progress and times out. A job that is gone meanwhile, or cannot be read singly, is shown as it was listed.
async fn in_full(central: &Central, listed: Job) -> Job {
    if listed.progress.is_some() && listed.start.is_some() {
        return listed;
    }
    match central.job(&listed.id).await {
        Ok(Some(job)) => job,
        Ok(None) | Err(_) => listed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    fn job(id: &str, description: &str) -> Job {
        serde_json::from_value(json!({ "id": id, "description": description })).unwrap()
    }

    #[test]
    fn the_description_is_shared_and_the_id_tells_whose_a_job_is() {
        let migration = MigrationId::new(datetime!(2026-11-26 12:32:10 UTC));
        let known = HashMap::from([(id_for(migration), (migration, "Pumps".to_owned()))]);
        let of = |id: &str, description| Maker::of(&job(id, description), &known);
        assert_eq!(of(id_for(migration).as_str(), DESCRIPTION), Some(Maker::Migration(migration, "Pumps".to_owned())));
        assert_eq!(of("iotc-migrator-of-a-colleague", DESCRIPTION), Some(Maker::AnotherCopy));
        assert_eq!(of("6f1f0f57-2d36-4d57-9a3e-0f0a6a7a1d11", DESCRIPTION), Some(Maker::OriginalTool));
        assert_eq!(of("6f1f0f57-2d36-4d57-9a3e-0f0a6a7a1d11", "Reboot all"), None);
    }
}
