//! What the forms of this page do: choose who adds the keys, check again, start, discard.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::page::{Found, Said, draft, show_again, show_body};
use super::stated::Stated;
use super::view::Refusal;
use crate::engine::StartRefused;
use crate::identity::{Person, SignedInUser};
use crate::migration::{KeyHandling, Migration};
use crate::store::events::{self, EventKind};
use crate::store::{StoreError, choices, drafts};
use crate::web::actor::actor;
use crate::web::components::Kind;
use crate::web::csrf::{NoFields, Verified};
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::shell::Shell;
use crate::web::state::Web;
use crate::web::{paths, render};

type Pairs = Vec<(String, String)>;

fn read(pairs: &Pairs) -> Stated {
    Stated::of_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// *Check again*, and every change of a choice: records who adds the keys and shows how it stands now.
pub(super) async fn choose(
    State(web): State<Web>,
    user: SignedInUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    Verified(pairs): Verified<Pairs>,
) -> Result<Response, PageError> {
    let migration = match draft(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    let stated = read(&pairs);
    record_handling(&web, &user.person, &migration, stated.handling).await?;
    if !render::is_htmx(&headers) {
        return Ok(Redirect::to(&stated.page(&id)).into_response());
    }
    let csrf = user.session.csrf_token().await?;
    show_body(&web, &user.person, csrf, &migration, &stated).await
}

/// *Start migration*. The engine looks at Azure once more before it does.
pub(super) async fn start(
    State(web): State<Web>,
    user: SignedInUser,
    shell: Shell,
    Path(id): Path<String>,
    Verified(pairs): Verified<Pairs>,
) -> Result<Response, PageError> {
    let migration = match draft(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    let stated = read(&pairs);
    record_handling(&web, &user.person, &migration, stated.handling).await?;
    match web.engine.start_migration(migration.id, &actor(&user.person), stated.unused.clone()).await {
        // Started before, by a double click or by somebody else: its page shows it.
        Ok(()) | Err(StartRefused::NotDraft) => Ok(Redirect::to(&paths::migration(&id)).into_response()),
        Err(StartRefused::NotFound) => Err(PageError::NotFound),
        Err(StartRefused::Store(error)) => Err(error.into()),
        Err(refused) => {
            tracing::info!(migration = %migration.id, reason = %refused, "a start was refused");
            let refusal = Refusal { problems: refused.problems() };
            let said = Said { stated, refusal, ..Said::default() };
            show_again(&web, &user.person, shell, &migration, said).await
        }
    }
}

/// *Discard draft*. Nothing of it is kept: a draft never did anything in Azure.
pub(super) async fn discard(
    State(web): State<Web>,
    user: SignedInUser,
    session: Session,
    Path(id): Path<String>,
    Verified(NoFields {}): Verified<NoFields>,
) -> Result<Response, PageError> {
    let migration = match draft(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    let mut tx = web.store.begin_write().await?;
    let discarded = drafts::discard(&mut tx, migration.id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    if !discarded {
        // Somebody has started it meanwhile.
        return Ok(Redirect::to(&paths::migration(&id)).into_response());
    }
    tracing::info!(migration = %migration.id, by = %user.person.id, "a draft was discarded");
    let what = format!("The draft “{}” is discarded. Nothing was done in Azure.", migration.name);
    flash::leave(&session, Flash::new(Kind::Success, what)).await?;
    Ok(Redirect::to(paths::MIGRATIONS).into_response())
}

/// Whoever comes by GET, from a reload or a sign-in, is led to the draft.
pub(super) async fn to_page(Path(id): Path<String>) -> Redirect {
    Redirect::to(&paths::keys(&id))
}

async fn record_handling(
    web: &Web,
    person: &Person,
    migration: &Migration,
    handling: Option<KeyHandling>,
) -> Result<(), PageError> {
    let Some(handling) = handling.filter(|handling| *handling != migration.keys) else { return Ok(()) };
    let text = match handling {
        KeyHandling::Program => format!("{} lets the program create the enrollment groups.", person.name),
        KeyHandling::ByHand => format!("{} adds the keys to {} by hand.", person.name, migration.plan.target.keeper()),
    };
    let mut tx = web.store.begin_write().await?;
    choices::set_keys(&mut tx, migration.id, handling).await?;
    events::append(&mut tx, migration.id, web.clock.now(), &person.name, EventKind::KeysChosen, &text).await?;
    Ok(tx.commit().await.map_err(StoreError::from)?)
}
