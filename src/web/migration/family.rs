//! View model of what can follow a migration, and of the migrations that hang together with it.

use super::summary::{Badge, Summary};
use crate::ids::HubHost;
use crate::migration::{Counts, Migration, MigrationState, Relation};
use crate::store::{Store, StoreError};
use crate::web::moment::Moment;
use crate::web::paths;

/// What can follow, and what does.
#[derive(Debug, Clone, Default)]
pub struct FamilyView {
    /// How many devices a rerun would take up; absent while none can be made.
    pub rerun: Option<u64>,
    /// What a fail back would take up; absent while none can be made.
    pub fail_back: Option<FailBackView>,
    /// All that hang together with it, itself included, the oldest first; empty if there is none but itself.
    pub members: Vec<Member>,
}

/// A fail back that can be made.
#[derive(Debug, Clone)]
pub struct FailBackView {
    /// Devices that moved, and could go back.
    pub moved: u64,
    /// Where they would go.
    pub home: String,
    /// The hubs that they came from, host and words, where there is more than one.
    pub hubs: Vec<(String, String)>,
}

/// A migration of a family.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// It is the one whose page this is.
    pub current: bool,
    /// What it is to another.
    pub relation: &'static str,
    /// The name of that, if it is not the first.
    pub of: Option<String>,
    /// Its state.
    pub badge: Badge,
    /// Where it stands, in a sentence.
    pub sentence: String,
    /// When it was made.
    pub at: Moment,
    /// Who made it.
    pub by: String,
}

impl FamilyView {
    /// Reads what hangs together with a migration of these counts.
    pub(super) async fn read(store: &Store, migration: &Migration, counts: &Counts) -> Result<Self, StoreError> {
        let ended = migration.state.is_ended();
        let failed = match ended {
            true => store.to_rerun(migration.id).await?,
            false => 0,
        };
        Ok(Self {
            rerun: (ended && failed > 0).then_some(failed),
            fail_back: match ended && counts.moved > 0 && migration.relation() != Some(Relation::FailBack) {
                true => fail_back(store, migration).await?,
                false => None,
            },
            members: members(store, migration).await?,
        })
    }
}

async fn fail_back(store: &Store, migration: &Migration) -> Result<Option<FailBackView>, StoreError> {
    let source = &migration.plan.source;
    let sources = store.moved_by_source(migration.id).await?;
    let moved = sources.iter().map(|(_, number)| number).sum();
    let mut hubs = Vec::new();
    if let Some(of) = source.hubs().filter(|of| of.hubs.len() > 1) {
        for (host, number) in sources {
            let host = HubHost::from(host);
            let name =
                of.hubs.iter().find(|hub| hub.host.same_as(host.as_str())).map_or(host.as_str(), |hub| &hub.name);
            hubs.push((host.to_string(), format!("{name} ({number})")));
        }
    }
    if hubs.len() == 1 {
        hubs.clear();
    }
    Ok((moved > 0).then(|| FailBackView { moved, home: source.name(), hubs }))
}

async fn members(store: &Store, migration: &Migration) -> Result<Vec<Member>, StoreError> {
    let family = store.family(migration.id).await?;
    if family.len() < 2 {
        return Ok(Vec::new());
    }
    let mut members = Vec::with_capacity(family.len());
    for one in &family {
        let counts = store.counts(one.id).await?;
        let steps = store.steps(one.id).await?;
        let course = store.course_of(one).await?;
        let summary = Summary::of(one, &counts, &steps, course.as_ref());
        let id = one.id.to_string();
        let parent = one.parent.and_then(|parent| family.iter().find(|other| other.id == parent.id));
        members.push(Member {
            name: one.name.clone(),
            href: if one.state == MigrationState::Draft { paths::keys(&id) } else { paths::migration(&id) },
            current: one.id == migration.id,
            relation: one.relation().map_or("First run", Relation::label),
            of: parent.map(|parent| parent.name.clone()),
            badge: summary.badge,
            sentence: summary.sentence,
            at: one.created_at.into(),
            by: one.created_by.name.clone(),
        });
    }
    Ok(members)
}
