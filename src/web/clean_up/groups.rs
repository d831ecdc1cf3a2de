//! Enrollment groups that the program made at the target, and their removal.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::entered::number;
use super::form;
use crate::engine::{GroupsRefused, GroupsRemoved, RemoveGroups};
use crate::identity::SignedInUser;
use crate::migration::Migration;
use crate::store::made_groups::MadeGroup;
use crate::web::actor::actor;
use crate::web::components::{Field, Kind};
use crate::web::csrf::Verified;
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::migration::visible;
use crate::web::paths;
use crate::web::shell::Shell;
use crate::web::state::Web;

/// The part of the page about groups.
pub(super) struct GroupsView {
    /// The DPS or application that has them.
    pub(super) place: String,
    /// Each, and why it stays, if that is known.
    pub(super) groups: Vec<(String, Option<String>)>,
    /// How many can be removed, as far as known.
    pub(super) unneeded: usize,
    pub(super) number: Field,
    pub(super) name: Field,
    /// The confirmation is shown again, with its mistake.
    pub(super) is_open: bool,
}

/// What is wrong with a confirmation.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    number: Option<String>,
    name: Option<String>,
}

/// What a person typed to confirm.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Confirmed {
    groups: String,
    group_name: String,
}

impl GroupsView {
    /// Absent where the program made none, or the migration goes on.
    pub(super) fn of(migration: &Migration, groups: &[MadeGroup], wrong: Option<Wrong>) -> Option<Self> {
        if groups.is_empty() || !migration.state.is_ended() {
            return None;
        }
        let is_open = wrong.is_some();
        let wrong = wrong.unwrap_or_default();
        let field = |name: &str, label: &str, error| Field { error, ..Field::new(name, label) };
        let groups: Vec<(String, Option<String>)> =
            groups.iter().map(|group| (group.id.to_string(), group.needed(migration))).collect();
        Some(Self {
            place: migration.plan.target.keeper_name().to_owned(),
            unneeded: groups.iter().filter(|(_, why)| why.is_none()).count(),
            groups,
            number: field("groups", "Type the number of groups", wrong.number),
            name: field("group_name", "Type the migration's name once more", wrong.name),
            is_open,
        })
    }

    /// `1 enrollment group`, `2 enrollment groups`.
    pub(super) fn words(&self) -> String {
        counted(self.unneeded as u64)
    }
}

fn counted(number: u64) -> String {
    if number == 1 { "1 enrollment group".to_owned() } else { format!("{number} enrollment groups") }
}

/// *Remove groups*.
pub(super) async fn remove(
    State(web): State<Web>,
    Path(id): Path<String>,
    user: SignedInUser,
    shell: Shell,
    session: Session,
    Verified(confirmed): Verified<Confirmed>,
) -> Result<Response, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let asked = RemoveGroups { number: number(&confirmed.groups), name: confirmed.group_name };
    let said = match web.engine.remove_groups(migration.id, &asked, &actor(&user.person)).await {
        Ok(came_of) => words(&came_of),
        Err(GroupsRefused::NotFound) => return Err(PageError::NotFound),
        Err(GroupsRefused::Store(error)) => return Err(error.into()),
        Err(GroupsRefused::NotNow(words)) => Flash::new(Kind::Info, words),
        Err(GroupsRefused::Azure(error)) => Flash {
            remedy: error.hint.clone().unwrap_or_else(|| "Mend the cause, then try again.".into()),
            ..Flash::new(Kind::Error, format!("Not every group was removed. {error}"))
        },
        Err(GroupsRefused::OtherNumber(there_are)) => {
            let number = Some(format!("It is {} now. Nothing was removed. Type that number.", counted(there_are)));
            return form::show_again(&web, shell, &migration, Wrong { number, name: None }).await;
        }
        Err(GroupsRefused::OtherName) => {
            let name = Some("This is not the migration's name. Nothing was removed.".into());
            return form::show_again(&web, shell, &migration, Wrong { number: None, name }).await;
        }
    };
    flash::leave(&session, said).await?;
    Ok(Redirect::to(&paths::clean_up(&id)).into_response())
}

fn words(came_of: &GroupsRemoved) -> Flash {
    let kept: Vec<String> = came_of.kept.iter().map(|(group, why)| format!("{group} was kept: {why}.")).collect();
    let removed: Vec<&str> = came_of.removed.iter().map(crate::ids::EnrollmentGroupId::as_str).collect();
    match removed.as_slice() {
        [] => Flash { remedy: kept.join(" "), ..Flash::new(Kind::Info, "No group was removed.") },
        names => {
            Flash { remedy: kept.join(" "), ..Flash::new(Kind::Success, format!("Removed: {}.", names.join(", "))) }
        }
    }
}
