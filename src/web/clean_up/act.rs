//! The buttons of a clean-up's page. Each is a form post; the answer leads back to the page, which says how it went.

use axum::extract::{Path, State};
use axum::response::Redirect;
use tower_sessions::Session;

use crate::engine::ControlError;
use crate::identity::SignedInUser;
use crate::migration::clean_up::CleanUpId;
use crate::web::actor::actor;
use crate::web::components::Kind;
use crate::web::csrf::{NoFields, Verified};
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::migration::visible;
use crate::web::paths;
use crate::web::state::Web;

type Ids = Path<(String, String)>;

/// *Stop*.
pub(super) async fn stop(
    State(web): State<Web>,
    Path((id, run)): Ids,
    user: SignedInUser,
    session: Session,
    Verified(NoFields {}): Verified<NoFields>,
) -> Result<Redirect, PageError> {
    let of = visible(&web, &id, &user.person).await?.id;
    let done = web.engine.stop_clean_up(of, clean_up(&run)?, &actor(&user.person)).await;
    answer(&session, done, "The clean-up is stopped. Devices whose turn had not come are kept.", &id, &run).await
}

/// *Resume*.
pub(super) async fn resume(
    State(web): State<Web>,
    Path((id, run)): Ids,
    user: SignedInUser,
    session: Session,
    Verified(NoFields {}): Verified<NoFields>,
) -> Result<Redirect, PageError> {
    let of = visible(&web, &id, &user.person).await?.id;
    let done = web.engine.resume_clean_up(of, clean_up(&run)?, &actor(&user.person)).await;
    answer(&session, done, "The clean-up goes on, with your rights.", &id, &run).await
}

fn clean_up(run: &str) -> Result<CleanUpId, PageError> {
    run.parse().map_err(|_| PageError::NotFound)
}

async fn answer(
    session: &Session,
    done: Result<(), ControlError>,
    words: &str,
    id: &str,
    run: &str,
) -> Result<Redirect, PageError> {
    let said = match done {
        Ok(()) => Flash::new(Kind::Success, words),
        Err(ControlError::NotFound) => return Err(PageError::NotFound),
        Err(ControlError::NotNow(words)) => Flash::new(Kind::Info, words),
        Err(ControlError::Store(error)) => return Err(error.into()),
        Err(ControlError::Azure(error)) => Flash::new(Kind::Error, error.to_string()),
    };
    flash::leave(session, said).await?;
    Ok(Redirect::to(&paths::clean_up_run(id, run)))
}
