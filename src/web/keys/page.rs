//! The page, and its parts that are swapped.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use url::form_urlencoded;

use super::certificate::{self, Needed, Unfit};
use super::count::count;
use super::device_certificates::OfDevices;
use super::paste::{Paste, Unpasted};
use super::review::Review;
use super::stated::Stated;
use super::view::{Body, Count, Ingredients, Refusal};
use crate::engine::DeviceCertificates;
use crate::identity::{LocalPath, Person, SignedInUser, sign_in_url};
use crate::migration::{KeyHandling, Migration, MigrationState, PauseReason};
use crate::web::errors::PageError;
use crate::web::new::Trouble;
use crate::web::shell::{Shell, moment};
use crate::web::state::Web;
use crate::web::{paths, render};

#[derive(Template)]
#[template(path = "keys/page.html")]
struct KeysPage {
    shell: Shell,
    review: Review,
    count: Count,
    body: Body,
    refusal: Refusal,
    paste: Option<Paste>,
    /// Groups that wait for a certificate.
    certificates: Vec<Needed>,
    /// Where certificates of devices themselves are taken.
    own: Option<OfDevices>,
    /// Pasted keys, or a certificate, were not taken.
    rejected: bool,
    /// It was started, and waits for keys.
    paused: bool,
    out_of_band: bool,
    /// Until when the run can use the sign-in of the person who looks.
    until: Option<String>,
}

#[derive(Template)]
#[template(path = "keys/body.html")]
struct BodyFragment {
    body: Body,
    count: Count,
    out_of_band: bool,
}

/// The page of a draft.
pub(super) async fn show(
    State(web): State<Web>,
    user: SignedInUser,
    shell: Shell,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let migration = match taking_keys(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    let query = query.unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let stated = Stated::of_pairs(pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref())));
    let said = Said { stated, ..Said::default() };
    render::page(&page(&web, &user.person, shell, &migration, said).await?)
}

/// The page again, with why something was not done: 422.
pub(super) async fn show_again(
    web: &Web,
    person: &Person,
    shell: Shell,
    migration: &Migration,
    said: Said,
) -> Result<Response, PageError> {
    render::rejected_form(&page(web, person, shell, migration, said).await?)
}

/// What somebody said with the page's forms, and what is said to it.
#[derive(Default)]
pub(super) struct Said {
    pub(super) stated: Stated,
    /// Why the migration was not started.
    pub(super) refusal: Refusal,
    /// Why pasted keys were not taken.
    pub(super) unpasted: Unpasted,
    /// Why a certificate was not taken.
    pub(super) unfit: Unfit,
    /// Why certificates of devices were not taken.
    pub(super) unfit_devices: Option<String>,
}

/// The part that follows from the form.
pub(super) async fn show_body(
    web: &Web,
    person: &Person,
    csrf: String,
    migration: &Migration,
    stated: &Stated,
) -> Result<Response, PageError> {
    let Read { body, readable, .. } = body(web, person, csrf, migration, stated, &Unfit::default()).await;
    let count = count_if(readable, web, person, migration).await;
    render::page(&BodyFragment { body, count, out_of_band: false })
}

async fn page(
    web: &Web,
    person: &Person,
    shell: Shell,
    migration: &Migration,
    said: Said,
) -> Result<KeysPage, PageError> {
    let Said { stated, refusal, unpasted, unfit, unfit_devices } = said;
    let (read, of_devices) = tokio::join!(
        body(web, person, shell.csrf().to_owned(), migration, &stated, &unfit),
        device_certificates(web, person, migration)
    );
    let Read { body, readable, certificates } = read;
    let pasted = web.store.pasted_keys(migration.id).await?.into_iter().map(|(group, _)| group).collect();
    let parent = match migration.parent {
        Some(parent) => web.store.migration(parent.id).await?,
        None => None,
    };
    Ok(KeysPage {
        review: Review::new(migration, parent.as_ref(), web.azure.cloud(), &person.id.tid),
        count: count_if(readable, web, person, migration).await,
        rejected: unpasted.is_something() || unfit.is_something() || unfit_devices.is_some(),
        own: OfDevices::of(migration, shell.csrf(), of_devices, unfit_devices),
        certificates,
        paused: migration.state != MigrationState::Draft,
        paste: Paste::of(migration, shell.csrf(), pasted, unpasted),
        out_of_band: false,
        until: web.engine.signed_in_until(&person.id).await.map(moment),
        shell,
        body,
        refusal,
    })
}

/// Whether certificates of devices are taken. What keeps that from being read keeps the keys from it too, and is said there.
async fn device_certificates(web: &Web, person: &Person, migration: &Migration) -> DeviceCertificates {
    web.engine.device_certificates(migration, &person.id).await.unwrap_or_else(|error| {
        tracing::warn!(migration = %migration.id, error = %error, "it could not be read whether devices have certificates of their own");
        DeviceCertificates::NotWanted
    })
}

/// A count that others began is only for those who may read the application.
async fn count_if(readable: bool, web: &Web, person: &Person, migration: &Migration) -> Count {
    if readable { count(web, person, migration).await } else { Count::none(migration) }
}

/// What follows from reading how the keys stand.
struct Read {
    body: Body,
    /// Azure let the person read it.
    readable: bool,
    certificates: Vec<Needed>,
}

async fn body(web: &Web, person: &Person, csrf: String, migration: &Migration, stated: &Stated, unfit: &Unfit) -> Read {
    let keys = web.engine.keys(migration, &person.id).await.map_err(|error| {
        tracing::warn!(migration = %migration.id, error = %error, request = error.azure().and_then(|error| error.request_id.as_deref()), "keys could not be read");
        Trouble::from(&error)
    });
    let readable = keys.is_ok();
    let certificates = keys.as_ref().map(|view| certificate::needed(view, unfit)).unwrap_or_default();
    let here = LocalPath::parse(&stated.page(&migration.id.to_string())).unwrap_or_default();
    let body = Body::new(Ingredients {
        migration,
        handling: handling(migration, stated),
        unused: &stated.unused,
        keys,
        cloud: web.azure.cloud(),
        tenant: &person.id.tid,
        csrf,
        sign_in: sign_in_url(&here),
    });
    Read { body, readable, certificates }
}

/// What the form says, else what was recorded.
fn handling(migration: &Migration, stated: &Stated) -> KeyHandling {
    stated.handling.unwrap_or(migration.keys)
}

/// Where a migration is that a person asked for.
pub(super) enum Found {
    /// Here: a draft, or one that waits for keys where those can be given.
    Draft(Box<Migration>),
    /// On a page of its own.
    Elsewhere(Response),
}

/// The draft of that id, if the person's tenant has one.
pub(super) async fn draft(web: &Web, person: &Person, id: &str) -> Result<Found, PageError> {
    find(web, person, id, |state| *state == MigrationState::Draft).await
}

/// The same, or a migration that waits for keys: they can be given to it.
pub(super) async fn taking_keys(web: &Web, person: &Person, id: &str) -> Result<Found, PageError> {
    find(web, person, id, |state| match state {
        MigrationState::Draft => true,
        MigrationState::Paused(pause) => pause.reason == PauseReason::Keys,
        _ => false,
    })
    .await
}

async fn find(
    web: &Web,
    person: &Person,
    id: &str,
    is_here: impl Fn(&MigrationState) -> bool,
) -> Result<Found, PageError> {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let migration = web.store.migration(id).await?.ok_or(PageError::NotFound)?;
    if migration.created_by.id.tid != person.id.tid {
        return Err(PageError::NotFound);
    }
    match is_here(&migration.state) {
        true => Ok(Found::Draft(Box::new(migration))),
        false => Ok(Found::Elsewhere(Redirect::to(&paths::migration(&id.to_string())).into_response())),
    }
}
