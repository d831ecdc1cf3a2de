//! The clean-ups of a migration, as its own page and the page *Clean up* list them.

use crate::migration::Migration;
use crate::migration::clean_up::{CleanUp, CleanUpState};
use crate::store::{Store, StoreError};
use crate::web::components::Kind;
use crate::web::migration::summary::Badge;
use crate::web::moment::Moment;
use crate::web::paths;

/// What was cleaned up, and whether there is more to clean up.
#[derive(Debug, Clone, Default)]
pub struct CleanUps {
    /// Newest first.
    pub rows: Vec<Row>,
    /// Where a clean-up is asked for; absent unless the migration has ended and moved devices are in their source still.
    pub ask: Option<String>,
    /// The name of the source.
    pub source: String,
}

/// A clean-up.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its page.
    pub href: String,
    /// When it was asked for.
    pub at: Moment,
    /// Who asked.
    pub by: String,
    /// Where it stands.
    pub badge: Badge,
    /// What came of it so far.
    pub tally: String,
    /// It is at work.
    pub is_active: bool,
}

impl CleanUps {
    /// Reads them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read(store: &Store, migration: &Migration) -> Result<Self, StoreError> {
        if !migration.state.is_ended() {
            return Ok(Self::default());
        }
        let id = migration.id.to_string();
        let mut rows = Vec::new();
        for clean_up in store.clean_ups(migration.id).await? {
            rows.push(Row {
                href: paths::clean_up_run(&id, &clean_up.id.to_string()),
                at: clean_up.asked_at.into(),
                by: clean_up.asked_by.name.clone(),
                badge: badge(&clean_up),
                tally: store.removal_counts(clean_up.id).await?.tally(),
                is_active: clean_up.state.is_active(),
            });
        }
        let ask = store.has_unremoved(migration.id).await?.then(|| paths::clean_up(&id));
        Ok(Self { rows, ask, source: migration.plan.source.name() })
    }

    /// The one at work.
    #[must_use]
    pub fn at_work(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.is_active)
    }
}

/// A state as a badge.
#[must_use]
pub fn badge(clean_up: &CleanUp) -> Badge {
    let (kind, icon) = match clean_up.state {
        CleanUpState::Running => (Kind::Info, "info"),
        CleanUpState::Paused(_) => (Kind::Warning, "warning"),
        CleanUpState::Completed => (Kind::Success, "success"),
        CleanUpState::Stopped => (Kind::Neutral, "neutral"),
    };
    Badge { kind, icon, label: clean_up.state.label() }
}
