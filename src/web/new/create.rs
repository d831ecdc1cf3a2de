//! `POST /migrations`: *Migrate* makes a draft.

use aws_lc_rs::digest;
use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::canary::canary_mistake;
use super::entered::Entered;
use super::page::{Refused, caller, show, show_refused};
use super::parse::{self, Chosen};
use super::reading::Wait;
use super::surveyor::{Anew, Caller, Manner};
use crate::identity::{MaybeUser, Person, sign_in_url};
use crate::migration::preflight;
use crate::store::migrations::{self, NewMigration};
use crate::web::actor::actor;
use crate::web::components::Kind;
use crate::web::csrf::Verified;
use crate::web::errors::PageError;
use crate::web::flash::Flash;
use crate::web::paths;
use crate::web::shell::Shell;
use crate::web::state::Web;

/// Makes a draft of what was chosen, once: the same form sent twice leads to the same draft.
pub(super) async fn create(
    State(web): State<Web>,
    user: MaybeUser,
    shell: Shell,
    request: Request,
) -> Result<Response, PageError> {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &web).await.map_err(unreadable)?;
    let again = || Request::from_parts(parts.clone(), Body::from(body.clone()));
    let Some(person) = user.person else {
        // The session has ended while the form was filled in. Taking the form along does nothing but fill it in again.
        let Form(entered) = Form::<Entered>::from_request(again(), &web).await.map_err(unreadable)?;
        return Ok(Redirect::to(&sign_in_url(&entered.return_to())).into_response());
    };
    let entered = match Verified::<Entered>::from_request(again(), &web).await {
        Ok(Verified(entered)) => entered,
        Err(PageError::StaleForm) => {
            let Form(entered) = Form::<Entered>::from_request(again(), &web).await.map_err(unreadable)?;
            return refilled(&web, shell, &person, entered).await;
        }
        Err(error) => return Err(error),
    };
    match judge(&web, &caller(&web, &person), &entered).await {
        Ok(chosen) => draft(&web, &person, &entered, chosen).await,
        Err(refused) => show_refused(&web, shell, entered, *refused),
    }
}

fn unreadable<E: std::fmt::Display>(error: E) -> PageError {
    PageError::Refused {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        title: "The form was not understood".into(),
        what: format!("A field of it is missing or malformed ({error}). Nothing was changed."),
        remedy: "Reload the page and fill the form in again.".into(),
    }
}

/// A form of another session is not acted on (403), but what was entered comes back for a second look.
async fn refilled(web: &Web, mut shell: Shell, person: &Person, entered: Entered) -> Result<Response, PageError> {
    let what = "The form was made for another session, so no migration was made.";
    let remedy = "Look through it and press Migrate again.".to_owned();
    shell.flashes.push(Flash { remedy, ..Flash::new(Kind::Warning, what) });
    let mut page = show(web, shell, person, entered).await?;
    *page.status_mut() = StatusCode::FORBIDDEN;
    Ok(page)
}

/// Reads what was chosen anew, and checks all of it.
async fn judge(web: &Web, caller: &Caller, entered: &Entered) -> Result<Chosen, Box<Refused>> {
    let manner = Manner { anew: Anew::Chosen, wait: Wait::Longer };
    let offer = web.surveyor.offer(caller, entered, manner).await;
    let review = web.surveyor.review(caller, entered, &offer, manner).await;
    let mut mistakes = Vec::new();
    match parse::parse(entered, &offer) {
        Ok(chosen) => match canary_mistake(web, caller, &chosen.plan).await {
            None => {
                let findings = preflight::findings(&review.survey);
                if review.rights.ready().is_some() && !preflight::blocks(&findings) {
                    return Ok(chosen);
                }
            }
            Some(mistake) => mistakes.push(mistake),
        },
        Err(found) => mistakes = found,
    }
    Err(Box::new(Refused { offer, review, mistakes }))
}

async fn draft(web: &Web, person: &Person, entered: &Entered, chosen: Chosen) -> Result<Response, PageError> {
    let new = NewMigration {
        request_key: request_key(person, entered),
        name: chosen.name,
        mode: chosen.mode,
        plan: chosen.plan,
        by: actor(person),
    };
    let mut tx = web.store.begin_write().await?;
    let id = migrations::insert_once(&mut tx, &new, web.clock.now()).await?;
    tx.commit().await.map_err(crate::store::StoreError::from)?;
    Ok(Redirect::to(&paths::keys(&id.to_string())).into_response())
}

/// Who sent what on which page: who comes back to a page and changes something gets another draft, not the old one.
fn request_key(person: &Person, entered: &Entered) -> String {
    let page = Uuid::try_parse(&entered.key).unwrap_or_else(|_| Uuid::new_v4());
    let content = digest::digest(&digest::SHA256, entered.query().as_bytes());
    let content: String = content.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}/{page}/{content}", person.id)
}
