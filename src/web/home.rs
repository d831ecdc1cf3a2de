//! `/`: where people start, and where Entra sends them back to.

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::response::Response;
use axum::routing::get;
use tower_sessions::Session;

use super::errors::PageError;
use super::shell::Shell;
use super::state::Web;
use super::{new, paths, render, sign_in};
use crate::identity::{Callback, MaybeUser};

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    shell: Shell,
}

/// Routes of this page.
pub fn router() -> Router<Web> {
    Router::new().route(paths::HOME, get(home))
}

async fn home(
    State(web): State<Web>,
    Query(callback): Query<Callback>,
    Query(entered): Query<new::Entered>,
    user: MaybeUser,
    session: Session,
    request: Request,
) -> Result<Response, PageError> {
    if callback.is_return() {
        return sign_in::finish(&web, session, callback).await;
    }
    // Only now: a shell takes the waiting messages, which are for a page and not for a redirect.
    let (mut parts, _) = request.into_parts();
    let mut shell = Shell::from_request_parts(&mut parts, &web).await?;
    // The page has a *Sign in* of its own, and one is enough.
    shell.can_sign_in = false;
    match user.person {
        Some(person) => new::show(&web, shell, &person, entered).await,
        None => render::page(&WelcomePage { shell }),
    }
}
