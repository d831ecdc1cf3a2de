//! View model of what a migration was set up to do: source, target, people, and links out to Azure.

use super::plan_words;
use crate::azure::cloud::Cloud;
use crate::ids::TenantId;
use crate::migration::model::{Source, StepRecord, Target};
use crate::migration::{Migration, Waves};
use crate::store::enrollments::EnrollmentCounts;
use crate::store::jobs::{JobProgress, JobRecord};
use crate::web::moment::Moment;
use crate::web::paths;

/// Words, and where they lead, if anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The words.
    pub text: String,
    /// An address outside the program.
    pub href: Option<String>,
}

/// What was set up, and by whom.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// From where to where, in general.
    pub mode: &'static str,
    /// Where they are.
    pub source: SourceView,
    /// Where they go.
    pub target: TargetView,
    /// The ID scope that devices are told, once it is known.
    pub id_scope: Option<String>,
    /// The device to be moved first, if the person named one.
    pub canary: Option<String>,
    /// How the devices after the canary are told, where that is in waves.
    pub waves: Option<String>,
    /// Who asked that devices be approved at the target as they arrive.
    pub approved_by: Option<String>,
    /// Who registers devices in the hub, or did.
    pub registration: Option<&'static str>,
    /// What becomes, or became, of the keys.
    pub keys: String,
    /// Groups that the person stated to be unused, or whose devices are left, in words.
    pub stated: Option<String>,
    /// Where devices are that have not left the source.
    pub home: &'static str,
    /// How long a device has to turn up.
    pub arrival_minutes: u32,
    /// How devices are tried again that could not be reached.
    pub offline: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Moment,
    /// With whose rights it goes on, once started.
    pub started_by: Option<String>,
    /// When it was started.
    pub started_at: Option<Moment>,
    /// Since when with these rights, if it was taken over.
    pub taken_over_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Its jobs in IoT Central.
    pub jobs: Vec<JobView>,
}

/// Where devices are.
#[derive(Debug, Clone)]
pub enum SourceView {
    /// An IoT Central application.
    App {
        /// The application.
        app: Link,
        /// Group and template of the devices, or whose they are.
        part: String,
        /// Where its set-up can be taken along.
        take_along: String,
    },
    /// Hubs.
    Hub {
        /// The hubs.
        hubs: Vec<Link>,
        /// The DPS by which they came there.
        dps: Option<Link>,
        /// How long a hub waits for a device.
        patience: String,
    },
}

impl SourceView {
    fn of(source: &Source, cloud: &Cloud, tenant: &TenantId) -> Self {
        match source {
            Source::App(app) => Self::App {
                app: Link { text: app.app_display_name.clone(), href: cloud.central_app_link(&app.subdomain) },
                part: app.part(),
                take_along: paths::take_along(app.subdomain.as_str()),
            },
            Source::Hub(source) => {
                let link = |name: &str, id| Link { text: name.to_owned(), href: Some(cloud.portal_link(tenant, id)) };
                Self::Hub {
                    hubs: source.hubs.iter().map(|hub| link(&hub.name, &hub.id)).collect(),
                    dps: source.dps.as_ref().map(|dps| link(&dps.name, &dps.id)),
                    patience: source.patience(),
                }
            }
        }
    }
}

/// Where devices go.
#[derive(Debug, Clone)]
pub enum TargetView {
    /// A hub.
    Hub {
        /// The hub.
        hub: Link,
        /// Its SKU and units.
        size: String,
        /// The DPS by way of which they reach it.
        dps: Link,
    },
    /// An IoT Central application.
    App {
        /// The application.
        app: Link,
        /// The template that devices get there.
        template: Option<String>,
    },
}

impl TargetView {
    fn of(target: &Target, cloud: &Cloud, tenant: &TenantId) -> Self {
        match target {
            Target::Hub(target) => Self::Hub {
                hub: Link { text: target.hub_name.clone(), href: Some(cloud.portal_link(tenant, &target.hub_id)) },
                size: size(&target.hub_sku, target.hub_units),
                dps: Link { text: target.dps_name.clone(), href: Some(cloud.portal_link(tenant, &target.dps_id)) },
            },
            Target::App(target) => Self::App {
                app: Link { text: target.app_display_name.clone(), href: cloud.central_app_link(&target.subdomain) },
                template: target.assign.as_ref().map(|assign| assign.template_name.clone()),
            },
        }
    }

    /// What holds the enrollment groups, with the way there.
    #[must_use]
    pub fn keeper(&self) -> &Link {
        match self {
            Self::Hub { dps, .. } => dps,
            Self::App { app, .. } => app,
        }
    }

    /// What the devices go to.
    #[must_use]
    pub fn link(&self) -> &Link {
        match self {
            Self::Hub { hub, .. } => hub,
            Self::App { app, .. } => app,
        }
    }
}

/// What was done so far.
#[derive(Debug, Clone, Copy)]
pub struct Done<'a> {
    /// The steps.
    pub steps: &'a [StepRecord],
    /// The jobs in IoT Central.
    pub jobs: &'a [JobRecord],
    /// The groups in the DPS.
    pub groups: EnrollmentCounts,
}

/// A job in IoT Central.
#[derive(Debug, Clone)]
pub struct JobView {
    /// Its id, and its page there once it exists.
    pub link: Link,
    /// IoT Central's word for where it stands.
    pub status: Option<String>,
}

impl PlanView {
    /// Makes the view, with links into `cloud` for people of `tenant`.
    #[must_use]
    pub fn of(migration: &Migration, done: Done<'_>, cloud: &Cloud, tenant: &TenantId) -> Self {
        let target = &migration.plan.target;
        Self {
            mode: migration.mode.label(),
            source: SourceView::of(&migration.plan.source, cloud, tenant),
            target: TargetView::of(target, cloud, tenant),
            id_scope: match target {
                Target::Hub(hub) => Some(hub.id_scope.to_string()),
                Target::App(_) => migration.app_scope.as_ref().map(ToString::to_string),
            },
            canary: migration.plan.canary.as_ref().map(ToString::to_string),
            waves: migration.plan.waves.as_ref().map(Waves::words),
            registration: target.hub().map(|_| plan_words::identities(migration, done.steps)),
            keys: plan_words::keys(migration, done.groups, done.steps),
            approved_by: migration.approved_by.clone(),
            stated: plan_words::stated(migration),
            home: migration.plan.source.home(),
            arrival_minutes: migration.plan.arrival_minutes,
            offline: migration.plan.try_again.words(),
            created_by: migration.created_by.name.clone(),
            created_at: migration.created_at.into(),
            started_by: migration.runs_as.as_ref().map(|person| person.name.clone()),
            started_at: migration.started_at.map(Moment::from),
            taken_over_at: migration.taken_over_at.map(Moment::from),
            ended_at: migration.ended_at.map(Moment::from),
            jobs: done.jobs.iter().map(|job| JobView::of(job, migration, cloud)).collect(),
        }
    }
}

impl JobView {
    fn of(job: &JobRecord, migration: &Migration, cloud: &Cloud) -> Self {
        let planned = job.progress == JobProgress::Planned;
        let app = migration.plan.source.app().filter(|_| !planned);
        let href = app.and_then(|app| cloud.central_job_link(&app.subdomain, &job.id));
        let status = match (&job.status, planned) {
            (_, _) if job.waits && migration.state.is_active() => Some("waits for its turn".to_owned()),
            (_, true) => Some("planned".to_owned()),
            (Some(status), false) if job.held => Some(format!("{status}, held until arrivals catch up")),
            (status, false) => status.clone(),
        };
        Self { link: Link { text: job.id.to_string(), href }, status }
    }
}

fn size(sku: &str, units: u32) -> String {
    if units == 1 { format!("{sku}, 1 unit") } else { format!("{sku}, {units} units") }
}
