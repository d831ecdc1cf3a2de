//! Keys that no service shows: pasted for hubs, and erased again.
//!
//! Promises: what was pasted is never sent back, neither into the page after a mistake nor into an address, a message or
//! the session.

use std::fmt;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use super::page::{Found, Said, show_again, taking_keys};
use crate::engine::{PasteError, Pasted};
use crate::identity::SignedInUser;
use crate::ids::EnrollmentGroupId;
use crate::migration::Migration;
use crate::web::actor::actor;
use crate::web::components::{Field, Kind};
use crate::web::csrf::Verified;
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::paths;
use crate::web::shell::Shell;
use crate::web::state::Web;

/// Both keys of an enrollment group.
#[derive(Debug, Deserialize)]
pub(super) struct Keys {
    primary: SecretString,
    secondary: SecretString,
}

/// A group whose keys were pasted.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    group: String,
}

/// The part of the page where keys are pasted.
pub(super) struct Paste {
    pub(super) id: String,
    pub(super) csrf: String,
    /// The devices have a DPS: most need no pasted keys.
    pub(super) beside_dps: bool,
    pub(super) primary: Field,
    pub(super) secondary: Field,
    /// What was pasted so far, by the ids that stand for it.
    pub(super) pasted: Vec<String>,
}

impl fmt::Debug for Paste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paste").field("pasted", &self.pasted).finish_non_exhaustive()
    }
}

/// What is wrong with pasted keys, by field.
#[derive(Debug, Default)]
pub(super) struct Unpasted {
    primary: Option<String>,
    secondary: Option<String>,
}

impl Unpasted {
    fn of(error: &PasteError) -> Option<Self> {
        let words = Some(error.to_string());
        match error {
            PasteError::NotPrimary => Some(Self { primary: words, secondary: None }),
            PasteError::NotSecondary => Some(Self { primary: None, secondary: words }),
            _ => None,
        }
    }

    pub(super) fn is_something(&self) -> bool {
        self.primary.is_some() || self.secondary.is_some()
    }
}

impl Paste {
    /// Absent for an application, which shows its keys itself.
    pub(super) fn of(
        migration: &Migration,
        csrf: &str,
        pasted: Vec<EnrollmentGroupId>,
        unpasted: Unpasted,
    ) -> Option<Self> {
        let source = migration.plan.source.hubs()?;
        let field =
            |id: &str, name: &str, label: &str, error| Field { id: id.into(), error, ..Field::new(name, label) };
        Some(Self {
            id: migration.id.to_string(),
            csrf: csrf.to_owned(),
            beside_dps: source.dps.is_some(),
            primary: field("paste-primary", "primary", "Primary key", unpasted.primary),
            secondary: field("paste-secondary", "secondary", "Secondary key", unpasted.secondary),
            pasted: pasted.into_iter().map(|id| id.to_string()).collect(),
        })
    }

    /// It is shown without being asked for.
    pub(super) fn is_open(&self) -> bool {
        !self.beside_dps || !self.pasted.is_empty() || self.primary.error.is_some() || self.secondary.error.is_some()
    }
}

/// *Add keys*.
pub(super) async fn add(
    State(web): State<Web>,
    user: SignedInUser,
    shell: Shell,
    session: Session,
    Path(id): Path<String>,
    Verified(keys): Verified<Keys>,
) -> Result<Response, PageError> {
    let migration = match taking_keys(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    match web.engine.paste_keys(migration.id, &actor(&user.person), &keys.primary, &keys.secondary).await {
        Ok(pasted) => flash::leave(&session, found(&pasted)).await?,
        Err(error) => match Unpasted::of(&error) {
            Some(unpasted) => {
                let said = Said { unpasted, ..Said::default() };
                return show_again(&web, &user.person, shell, &migration, said).await;
            }
            None => flash::leave(&session, refused(error)?).await?,
        },
    }
    Ok(Redirect::to(&paths::keys(&id)).into_response())
}

/// *Erase*.
pub(super) async fn erase(
    State(web): State<Web>,
    user: SignedInUser,
    session: Session,
    Path(id): Path<String>,
    Verified(Group { group }): Verified<Group>,
) -> Result<Response, PageError> {
    let migration = match taking_keys(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    let group = EnrollmentGroupId::new(group);
    let said = match web.engine.forget_keys(migration.id, &actor(&user.person), &group).await {
        Ok(()) => Flash::new(Kind::Success, format!("The keys {group} are erased.")),
        Err(error) => refused(error)?,
    };
    flash::leave(&session, said).await?;
    Ok(Redirect::to(&paths::keys(&id)).into_response())
}

fn refused(error: PasteError) -> Result<Flash, PageError> {
    Ok(match error {
        PasteError::NotFound => return Err(PageError::NotFound),
        PasteError::Store(error) => return Err(error.into()),
        PasteError::NotNow(words) => Flash::new(Kind::Info, words),
        PasteError::Azure(error) => Flash {
            remedy: error.hint.clone().unwrap_or_else(|| "Mend the cause, then paste the keys again.".into()),
            ..Flash::new(Kind::Error, format!("The keys could not be tried, so they were not kept. {error}"))
        },
        error => Flash::new(Kind::Error, error.to_string()),
    })
}

/// What trying the keys on some devices came to.
fn found(pasted: &Pasted) -> Flash {
    let remedy = "Check them: devices whose keys do not match are skipped, not told.";
    let warning = |what: String| Flash { remedy: remedy.into(), ..Flash::new(Kind::Warning, what) };
    match (pasted.looked_at, pasted.matching) {
        (0, _) => warning("The keys are kept. No device with symmetric keys was found to try them on.".into()),
        (1, 0) => warning("The one device looked at has no keys derived from these.".into()),
        (all, 0) => warning(format!("None of the {all} devices looked at has keys derived from these.")),
        (1, _) => Flash::new(Kind::Success, "The one device looked at has keys derived from these."),
        (all, 1) => Flash::new(Kind::Success, format!("1 of the {all} devices looked at has keys derived from these.")),
        (all, some) => {
            Flash::new(Kind::Success, format!("{some} of the {all} devices looked at have keys derived from these."))
        }
    }
}

#[cfg(test)]
#[path = "paste_tests.rs"]
mod tests;
