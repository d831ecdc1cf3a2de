//! *Rerun* and *Fail back*: each makes a draft of devices of a migration that has ended, and leads to it.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::get;
use serde::Deserialize;
use tower_sessions::Session;

use super::visible;
use crate::engine::{ControlError, FailBack, FollowUp};
use crate::identity::SignedInUser;
use crate::ids::DeviceId;
use crate::migration::Relation;
use crate::web::actor::actor;
use crate::web::components::Kind;
use crate::web::csrf::{NoFields, Verified};
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::paths;
use crate::web::state::Web;

/// Routes of both. Whoever comes by GET, from a reload or a sign-in, is led to the migration's page.
pub(super) fn router() -> Router<Web> {
    let to_page = async |Path(id): Path<String>| Redirect::to(&paths::migration(&id));
    Router::new()
        .route(&paths::rerun("{id}"), get(to_page).post(rerun))
        .route(&paths::fail_back("{id}"), get(to_page).post(fail_back))
}

/// The fields of *Fail back*.
#[derive(Debug, Deserialize)]
struct Wish {
    /// Ids of devices, separated by white space, commas or semicolons; empty = all.
    #[serde(default)]
    devices: String,
    /// The hub to go back to, by host; empty = the only one.
    #[serde(default)]
    hub: String,
}

impl From<Wish> for FailBack {
    fn from(wish: Wish) -> Self {
        let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
        let mut ids: Vec<DeviceId> =
            wish.devices.split(separates).filter(|id| !id.is_empty()).map(DeviceId::from).collect();
        ids.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        ids.dedup();
        Self {
            hub: Some(wish.hub.trim().to_ascii_lowercase()).filter(|hub| !hub.is_empty()),
            devices: (!ids.is_empty()).then_some(ids),
        }
    }
}

async fn rerun(
    State(web): State<Web>,
    Path(id): Path<String>,
    user: SignedInUser,
    session: Session,
    Verified(NoFields {}): Verified<NoFields>,
) -> Result<Redirect, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let made = web.engine.rerun(migration.id, &actor(&user.person)).await;
    lead_on(&session, &id, Relation::Rerun, made).await
}

async fn fail_back(
    State(web): State<Web>,
    Path(id): Path<String>,
    user: SignedInUser,
    session: Session,
    Verified(wish): Verified<Wish>,
) -> Result<Redirect, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let made = web.engine.fail_back(migration.id, &actor(&user.person), &wish.into()).await;
    lead_on(&session, &id, Relation::FailBack, made).await
}

/// To the draft, or back to the page with why there is none.
async fn lead_on(
    session: &Session,
    id: &str,
    relation: Relation,
    made: Result<FollowUp, ControlError>,
) -> Result<Redirect, PageError> {
    let what = relation.label().to_lowercase();
    let (to, said) = match made {
        Ok(FollowUp::Made(child)) => {
            let words = format!("The {what} is a draft: look through it and start it.");
            (paths::keys(&child.to_string()), Flash::new(Kind::Success, words))
        }
        Ok(FollowUp::Open(child)) => {
            let words =
                format!("This {what} has been made and has not ended: go on with it, or discard or finish it first.");
            (paths::keys(&child.to_string()), Flash::new(Kind::Info, words))
        }
        Err(ControlError::NotFound) => return Err(PageError::NotFound),
        Err(ControlError::Store(error)) => return Err(error.into()),
        Err(ControlError::NotNow(words)) => (paths::migration(id), Flash::new(Kind::Warning, words)),
        Err(ControlError::Azure(error)) => {
            let remedy = error.hint.clone().unwrap_or_else(|| "Mend the cause, then try again.".into());
            let said = Flash { remedy, ..Flash::new(Kind::Error, format!("No {what} was made. {error}")) };
            (paths::migration(id), said)
        }
    };
    flash::leave(session, said).await?;
    Ok(Redirect::to(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(text: &str) -> Option<Vec<DeviceId>> {
        FailBack::from(Wish { devices: text.into(), hub: " ".into() }).devices
    }

    #[test]
    fn ids_are_taken_in_any_layout_and_none_means_all() {
        let ids = |names: [&str; 2]| Some(names.map(DeviceId::from).to_vec());
        assert_eq!(devices("b\r\na\n\nb"), ids(["a", "b"]));
        assert_eq!(devices("a, b;"), ids(["a", "b"]));
        assert_eq!(devices(" \r\n"), None);
    }
}
