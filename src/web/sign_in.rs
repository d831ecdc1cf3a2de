//! Signing in and out. The way back from Entra is `/` ([`super::home`]), because that is what the official guide has
//! people register.

use std::error::Error;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_sessions::Session;
use uuid::Uuid;

use super::components::Kind;
use super::csrf::{NoFields, Verified};
use super::errors::PageError;
use super::flash::{self, Flash};
use super::paths;
use super::shell::moment;
use super::state::Web;
use crate::identity::{
    Callback, Finished, LocalPath, Prompt, Remedy, SignInError, SignInStart, SignInWish, SignedIn, UserSession,
};
use crate::ids::{PersonId, TenantId};

/// Routes of these actions.
pub fn router() -> Router<Web> {
    Router::new().route(paths::SIGN_IN, get(sign_in)).route(paths::SIGN_OUT, post(sign_out))
}

/// How a link asks for a sign-in. What is not understood is left out: the worst that a wrong link can do is a plain
/// sign-in.
#[derive(Debug, Deserialize)]
struct Asked {
    return_to: Option<String>,
    tenant: Option<String>,
    prompt: Option<String>,
}

impl Asked {
    fn wish(self) -> SignInWish {
        let prompt = match self.prompt.as_deref() {
            Some("select_account") => Some(Prompt::SelectAccount),
            Some("consent") => Some(Prompt::Consent),
            Some("login") => Some(Prompt::Login),
            _ => None,
        };
        SignInWish {
            return_to: self.return_to.and_then(|path| LocalPath::parse(&path)).unwrap_or_default(),
            tenant: self.tenant.filter(|tenant| Uuid::try_parse(tenant).is_ok()).map(TenantId::from),
            prompt,
            ..SignInWish::default()
        }
    }
}

async fn sign_in(State(web): State<Web>, Query(asked): Query<Asked>, session: Session) -> Result<Response, PageError> {
    let user = UserSession::new(session.clone());
    let mut wish = asked.wish();
    if let Some(person) = user.user().await? {
        wish.claims = web.identity.wanted_claims(&person);
    }
    match web.identity.begin_sign_in(wish) {
        Ok(start) => leave_for_entra(&user, &start).await,
        Err(error) => say_failed(&session, &error).await,
    }
}

async fn leave_for_entra(session: &UserSession, start: &SignInStart) -> Result<Response, PageError> {
    session.remember(&start.attempt).await?;
    Ok(Redirect::to(start.authorize_url.as_str()).into_response())
}

/// Takes what Entra's redirect brought, and answers with a redirect to an address without it.
pub(super) async fn finish(web: &Web, session: Session, callback: Callback) -> Result<Response, PageError> {
    let user = UserSession::new(session.clone());
    let attempt = match &callback.state {
        Some(state) => user.take_attempt(state).await?,
        None => None,
    };
    match web.identity.finish_sign_in(attempt, callback).await {
        Ok(Finished::SignedIn(SignedIn { person, return_to, notices })) => {
            user.sign_in(&person.id).await?;
            for notice in notices {
                flash::leave(&session, Flash::new(Kind::Warning, notice)).await?;
            }
            Ok(Redirect::to(return_to.as_str()).into_response())
        }
        Ok(Finished::Again(start)) => leave_for_entra(&user, &start).await,
        Err(error) => say_failed(&session, &error).await,
    }
}

async fn say_failed(session: &Session, error: &SignInError) -> Result<Response, PageError> {
    // With its causes: the page names only what the person can do something about.
    tracing::warn!(error = error as &dyn Error, "a sign-in failed");
    let signed_in = UserSession::new(session.clone()).user().await?.is_some();
    flash::leave(session, failed(error, signed_in)).await?;
    Ok(Redirect::to(paths::HOME).into_response())
}

/// A sign-in that failed ends none that is there. An answer that comes again, by the browser's way back or in a second
/// window, tells nothing about who is signed in.
fn failed(error: &SignInError, signed_in: bool) -> Flash {
    if was_cancelled(error) {
        let what = match signed_in {
            true => "The sign-in was cancelled, or consent was not given. You are signed in as before.",
            false => "The sign-in was cancelled, or consent was not given. You are not signed in.",
        };
        let remedy = "To go on, sign in and accept what Entra asks for.".to_owned();
        return Flash { remedy, ..Flash::new(Kind::Info, what) };
    }
    let repeated = matches!(error, SignInError::AlreadyUsed | SignInError::NotStartedHere);
    let (kind, what) = match (signed_in, repeated) {
        (true, true) => (Kind::Info, format!("{error} You are signed in all the same.")),
        (true, false) => (Kind::Error, format!("You are signed in as before. {error}")),
        (false, true) => (Kind::Error, error.to_string()),
        (false, false) => (Kind::Error, format!("You are not signed in. {error}")),
    };
    let remedy = if signed_in && repeated { "There is nothing to do.".to_owned() } else { error.advice() };
    Flash { kind, what, remedy, set_up: error.is_set_up() }
}

/// Entra says the same of who cancels and of who declines to consent.
fn was_cancelled(error: &SignInError) -> bool {
    matches!(error, SignInError::Refused(refusal)
        if refusal.error == "access_denied" && (refusal.code.is_none() || refusal.remedy == Remedy::Consent))
}

/// What somebody has to know who signs out while a migration uses their rights.
async fn goes_on(web: &Web, person: &PersonId) -> Result<Option<Flash>, PageError> {
    let runs = web.store.active_runs(person).await?;
    let which = match runs.as_slice() {
        [] => return Ok(None),
        [name] => format!("“{name}” goes on"),
        [name, others @ ..] => format!("“{name}” and {} more go on", others.len()),
    };
    let until = web.identity.signed_in_until(person).await?.map(|until| format!(" until {}", moment(until)));
    let what = format!("You are signed out. {which} with your rights{}.", until.unwrap_or_default());
    let remedy =
        if runs.len() == 1 { "To end that, sign in and stop it." } else { "To end that, sign in and stop them." };
    Ok(Some(Flash { remedy: remedy.into(), ..Flash::new(Kind::Info, what) }))
}

async fn sign_out(
    State(web): State<Web>,
    session: Session,
    Verified(NoFields {}): Verified<NoFields>,
) -> Result<Response, PageError> {
    let user = UserSession::new(session.clone());
    let goes_on = match user.user().await? {
        Some(person) => goes_on(&web, &person).await?,
        None => None,
    };
    // A migration goes on after its person has left the browser; its right to do so goes with its end.
    let left =
        web.identity.sign_out(&user, goes_on.is_some()).await.map_err(|error| PageError::Failed(error.into()))?;
    if let Some(flash) = goes_on {
        // The message goes into a session of its own: the one that has ended does not come back.
        session.cycle_id().await?;
        flash::leave(&session, flash).await?;
    }
    Ok(Redirect::to(left.as_ref().map_or(paths::HOME, url::Url::as_str)).into_response())
}
