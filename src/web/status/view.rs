//! View model of the list of migrations.

use crate::ids::TenantId;
use crate::migration::{Migration, MigrationState, Relation};
use crate::store::{Store, StoreError};
use crate::web::components::Pagination;
use crate::web::migration::summary::Summary;
use crate::web::moment::Moment;
use crate::web::paths;

/// Migrations on a page.
const PAGE_SIZE: u32 = 20;

/// A page of the list.
#[derive(Debug)]
pub struct ListView {
    /// The migrations, newest first.
    pub rows: Vec<Row>,
    /// Links through the pages.
    pub pages: Pagination,
    /// This page's address.
    pub here: String,
    /// The live fragment's address.
    pub live: String,
    /// Seconds between two questions for news.
    pub seconds: u32,
}

/// A migration of the list.
#[derive(Debug)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The name that its maker gave it.
    pub name: String,
    /// Its page; for a draft, the page on which it goes on.
    pub href: String,
    /// What it is to another migration, if it follows one up.
    pub relation: Option<&'static str>,
    /// From where to where, in general.
    pub mode: &'static str,
    /// From where.
    pub source: String,
    /// To where.
    pub target: String,
    /// State, sentence, counts.
    pub summary: Summary,
    /// What stands in place of counts while there are none.
    pub no_devices: &'static str,
    /// Who started it, or made it if nobody has.
    pub by: String,
    /// What they did.
    pub did: &'static str,
    /// When.
    pub at: Moment,
}

impl ListView {
    /// Reads a page of the list. A page past the end gives the last one.
    pub(super) async fn read(store: &Store, tenant: &TenantId, page: u32) -> Result<Self, StoreError> {
        let (total, _) = store.migrations_version(tenant).await?;
        let last = u32::try_from(total.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX).max(1);
        let page = page.clamp(1, last);
        let migrations = store.migrations(tenant, PAGE_SIZE, (page - 1) * PAGE_SIZE).await?;
        let active = migrations.iter().any(|migration| migration.state.is_active());
        let mut rows = Vec::with_capacity(migrations.len());
        for migration in &migrations {
            let counts = store.counts(migration.id).await?;
            let steps = store.steps(migration.id).await?;
            let course = store.course_of(migration).await?;
            let summary = Summary::of(migration, &counts, &steps, course.as_ref());
            rows.push(Row::of(migration, summary));
        }
        let pages = Pagination {
            page: page.into(),
            size: PAGE_SIZE.into(),
            total,
            base: format!("{}?page=", paths::MIGRATIONS),
            fragment: "",
        };
        Ok(Self {
            rows,
            pages,
            here: format!("{}?page={page}", paths::MIGRATIONS),
            live: format!("{}?page={page}", paths::MIGRATIONS_LIVE),
            seconds: if active { 2 } else { 5 },
        })
    }
}

impl Row {
    fn of(migration: &Migration, summary: Summary) -> Self {
        let id = migration.id.to_string();
        let own = paths::migration(&id);
        let (by, did, at) = match (&migration.runs_as, migration.started_at, migration.taken_over_at) {
            (Some(person), _, Some(at)) => (person, "Taken over", at),
            (Some(person), Some(at), None) => (person, "Started", at),
            _ => (&migration.created_by, "Created", migration.created_at),
        };
        let plan = &migration.plan;
        Self {
            href: if migration.state == MigrationState::Draft { format!("{own}/keys") } else { own },
            id,
            name: migration.name.clone(),
            relation: migration.relation().map(Relation::label),
            mode: migration.mode.label(),
            source: plan.source.words(),
            target: plan.target.name().to_owned(),
            summary,
            no_devices: if migration.state.is_ended() { "No devices" } else { "Not read yet" },
            by: by.name.clone(),
            did,
            at: at.into(),
        }
    }
}
