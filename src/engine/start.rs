//! *Start*: Azure is read once more and must equal what was reviewed; then the draft becomes a running migration.

use super::keys::KeysError;
use super::{Engine, Inner, keys, review};
use crate::azure::error::AzureError;
use crate::migration::coverage::Standing;
use crate::migration::model::{Actor, KeyHandling, Migration, MigrationId, MigrationState, Source, Target};
use crate::migration::sentence::capitalized;
use crate::store::events::{self, EventKind};
use crate::store::{StoreError, migrations};

/// One thing that stands in the way of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Why a migration was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartRefused {
    /// There is no such migration for this person.
    #[error("there is no such migration")]
    NotFound,
    /// It has been started before.
    #[error("the migration has been started already")]
    NotDraft,
    /// Source or target is no longer what was reviewed.
    #[error("Azure is no longer as reviewed")]
    Changed(Vec<Problem>),
    /// Keys that devices may present are not known at the target.
    #[error("the target does not have every key")]
    Uncovered(Vec<Problem>),
    /// Azure could not be read.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeysError> for StartRefused {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Azure(error) => Self::Azure(error),
            KeysError::Store(error) => Self::Store(error),
        }
    }
}

impl StartRefused {
    /// What to show, each with its remedy.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let one = |what: String, remedy: &str| vec![Problem { what, remedy: remedy.into() }];
        match self {
            Self::Changed(problems) | Self::Uncovered(problems) => problems.clone(),
            Self::NotFound => one("There is no such migration.".into(), "Look for it under Migration status."),
            Self::NotDraft => one("The migration has been started already.".into(), "See its page."),
            Self::Azure(error) => one(
                error.to_string(),
                error.hint.as_deref().unwrap_or("Try again; if it persists, see the log of this program."),
            ),
            Self::Store(_) => one("The program's database failed.".into(), "See the log of this program."),
        }
    }
}

impl Engine {
    /// Starts a draft with `by`'s rights. `stated_unused` names source groups of which `by` states that no selected
    /// device uses them; the statement is recorded.
    ///
    /// # Errors
    /// [`StartRefused`]; nothing has been changed then.
    pub async fn start_migration(
        &self,
        id: MigrationId,
        by: &Actor,
        stated_unused: Vec<String>,
    ) -> Result<(), StartRefused> {
        let inner = &self.inner;
        let migration = inner.store.migration(id).await?.filter(|migration| migration.created_by.id.tid == by.id.tid);
        let migration = migration.ok_or(StartRefused::NotFound)?;
        if migration.state != MigrationState::Draft {
            return Err(StartRefused::NotDraft);
        }
        let changes = review::changes(inner, &migration, &by.id).await?;
        if !changes.is_empty() {
            return Err(StartRefused::Changed(changes));
        }
        let view = self.keys(&migration, &by.id).await.map_err(StartRefused::from)?;
        let names = must_be_coverable(&migration, &view, &stated_unused)?;
        record(inner, &migration, by, &stated_unused, &names).await?;
        inner.wake();
        Ok(())
    }
}

/// Pairs of id and name of the groups that are stated unused, once nothing else is in the way.
fn must_be_coverable(
    migration: &Migration,
    view: &keys::KeysView,
    stated: &[String],
) -> Result<Vec<String>, StartRefused> {
    let target = &migration.plan.target;
    let in_the_way = match migration.keys {
        KeyHandling::Program => view.coverage.blocking(stated),
        KeyHandling::ByHand => view.coverage.uncovered(stated),
    };
    if view.coverage.is_empty() && !may_be_keyless(migration) {
        return Err(StartRefused::Uncovered(vec![keyless(&migration.plan.source)]));
    }
    if !in_the_way.is_empty() {
        let problem = |group: &crate::migration::coverage::Covered| Problem {
            what: format!("{} does not have the keys of {}.", capitalized(target.keeper()), group.source.name),
            remedy: match (&group.standing, target) {
                (Standing::Blocked(obstacle), _) => obstacle.words(target.keeper()),
                (_, Target::Hub(_)) => {
                    "Add an enrollment group with its primary and secondary key, leading to the chosen hub only.".into()
                }
                (_, Target::App(_)) => "Add an enrollment group with its primary and secondary key.".into(),
            },
        };
        return Err(StartRefused::Uncovered(in_the_way.into_iter().map(problem).collect()));
    }
    let stated = |id: &str| stated.iter().any(|name| name == id);
    let groups = view.coverage.groups.iter().filter(|group| stated(group.source.id.as_str()));
    Ok(groups.map(|group| group.source.name.clone()).collect())
}

/// Devices of a hub can all have keys of their own, which only the DPS's individual enrollments show.
fn may_be_keyless(migration: &Migration) -> bool {
    migration.plan.source.hubs().is_some_and(|hubs| hubs.dps.is_some())
}

fn keyless(source: &Source) -> Problem {
    let keeper = source.keeper_name();
    let (what, remedy) = match source {
        Source::App(_) => (
            format!("{keeper} shows no enabled enrollment group for IoT devices."),
            "Check the application's enrollment groups and your role there: which keys the devices have is not known.",
        ),
        Source::Hub(_) => (
            format!("Which keys the devices of {keeper} have is not known: no DPS was chosen and no keys were pasted."),
            "Paste the keys of their enrollment group, then start again.",
        ),
    };
    Problem { what, remedy: remedy.into() }
}

/// What a statement about a group means: of a hub's devices it is known which are in it.
fn statement(source: &Source, who: &str, group: &str) -> String {
    match source {
        Source::App(_) => format!("{who} stated that no selected device uses the enrollment group {group}."),
        Source::Hub(_) => {
            format!("{who} chose to leave the devices of the enrollment group {group} where they are.")
        }
    }
}

async fn record(
    inner: &Inner,
    migration: &Migration,
    by: &Actor,
    stated: &[String],
    names: &[String],
) -> Result<(), StartRefused> {
    let now = inner.clock.now();
    let mut tx = inner.store.begin_write().await?;
    if !migrations::start(&mut tx, migration.id, by, stated, now).await? {
        return Err(StartRefused::NotDraft);
    }
    for name in names {
        let text = statement(&migration.plan.source, &by.name, name);
        events::append(&mut tx, migration.id, now, &by.name, EventKind::Stated, &text).await?;
    }
    let text = format!("{} started the migration.", by.name);
    events::append(&mut tx, migration.id, now, &by.name, EventKind::Started, &text).await?;
    Ok(tx.commit().await.map_err(StoreError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::model::{CentralSource, HubSource};

    fn hub() -> Source {
        Source::Hub(HubSource {
            dps: None,
            hubs: Vec::new(),
            component: None,
            connect_seconds: 5,
            response_seconds: 30,
        })
    }

    fn app() -> Source {
        Source::App(CentralSource {
            app_id: None,
            app_name: "contoso".into(),
            app_display_name: "Contoso".into(),
            subdomain: "contoso".into(),
            group: Some("pumps".into()),
            group_name: "Pumps".into(),
            template: Some("dtmi:pump;1".into()),
            template_name: "Pump".into(),
            component: None,
        })
    }

    #[test]
    fn a_statement_on_record_says_what_it_means_for_the_devices() {
        let of = |source: &Source| statement(source, "Ada", "annex");
        assert_eq!(of(&app()), "Ada stated that no selected device uses the enrollment group annex.");
        assert_eq!(of(&hub()), "Ada chose to leave the devices of the enrollment group annex where they are.");
    }

    #[test]
    fn without_any_keys_a_person_is_told_to_paste_them() {
        assert!(keyless(&hub()).remedy.starts_with("Paste the keys"));
        assert!(keyless(&app()).remedy.contains("your role there"));
    }
}
