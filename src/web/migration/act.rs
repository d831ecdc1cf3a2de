//! The buttons of a migration's page. Each is a form post; the answer leads back to the page, which says how it went.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::get;
use tower_sessions::Session;

use super::action::Action;
use super::visible;
use crate::engine::{ControlError, Engine};
use crate::identity::SignedInUser;
use crate::migration::MigrationId;
use crate::migration::model::Actor;
use crate::web::actor::actor;
use crate::web::components::Kind;
use crate::web::csrf::{NoFields, Verified};
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::paths;
use crate::web::state::Web;

/// A route for every action. Whoever comes by GET, from a reload or a sign-in, is led to the page.
pub(super) fn router() -> Router<Web> {
    Action::ALL.iter().fold(Router::new(), |router, action| {
        let act = async move |State(web): State<Web>,
                              Path(id): Path<String>,
                              user: SignedInUser,
                              session: Session,
                              Verified(NoFields {}): Verified<NoFields>| {
            act(*action, &web, &id, &user, &session).await
        };
        let to_page = async |Path(id): Path<String>| Redirect::to(&paths::migration(&id));
        router.route(&format!("/migrations/{{id}}/{}", action.stored()), get(to_page).post(act))
    })
}

async fn act(
    action: Action,
    web: &Web,
    id: &str,
    user: &SignedInUser,
    session: &Session,
) -> Result<Redirect, PageError> {
    let migration = visible(web, id, &user.person).await?;
    let by = actor(&user.person);
    let said = match done(&web.engine, action, migration.id, &by).await {
        Ok(()) => Flash::new(Kind::Success, action.done()),
        Err(ControlError::NotFound) => return Err(PageError::NotFound),
        Err(ControlError::NotNow(words)) => Flash::new(Kind::Info, words),
        Err(ControlError::Store(error)) => return Err(error.into()),
        Err(ControlError::Azure(error)) => Flash {
            remedy: error.hint.clone().unwrap_or_else(|| "Mend the cause, then try again.".into()),
            ..Flash::new(Kind::Error, format!("{} {error}", action.refused()))
        },
    };
    flash::leave(session, said).await?;
    Ok(Redirect::to(&paths::migration(&migration.id.to_string())))
}

async fn done(engine: &Engine, action: Action, id: MigrationId, by: &Actor) -> Result<(), ControlError> {
    match action {
        Action::FinishNow => engine.finish_now(id, by).await,
        Action::TryAgain => engine.try_again(id, by).await,
        Action::Resume => engine.resume(id, by).await,
        Action::Stop => engine.stop_migration(id, by).await,
        Action::Approve => engine.approve_arrivals(id, by).await,
        Action::TakeOver => engine.take_over(id, by).await,
        Action::RemoveIdentities => engine.remove_unused_identities(id, by).await,
    }
}
