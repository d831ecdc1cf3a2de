//! The form as a page, and its two parts that are fetched anew while it is filled in.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::entered::Entered;
use super::options::Options;
use super::parse::Mistake;
use super::reading::Wait;
use super::summary::{Audience, Summary};
use super::survey::Review;
use super::surveyor::{Anew, Caller, Manner, Offer};
use super::try_again::TryAgainFields;
use super::view::{Choices, Fields};
use super::waves::WaveFields;
use crate::identity::{MaybeUser, Person, sign_in_url};
use crate::web::errors::PageError;
use crate::web::render;
use crate::web::shell::Shell;
use crate::web::state::Web;

/// How long to wait for a device, if nothing was entered: what real devices need, and what simulated ones do.
const DEFAULT_MINUTES: &str = "10";
const SANDBOX_MINUTES: &str = "1";

#[derive(Template)]
#[template(path = "new/page.html")]
struct FormPage {
    shell: Shell,
    entered: Entered,
    minutes: String,
    request_key: String,
    form: Fields,
    lists: Choices,
    options: Options,
    waves: WaveFields,
    try_again: TryAgainFields,
    summary: Summary,
    mistakes: Vec<Mistake>,
    /// *Migrate* was pressed, and refused.
    rejected: bool,
    out_of_band: bool,
}

#[derive(Template)]
#[template(
    source = "{% include \"new/choices.html\" %}{% include \"new/options.html\" %}{% include \"new/summary.html\" %}",
    ext = "html"
)]
struct ChoicesFragment {
    entered: Entered,
    lists: Choices,
    options: Options,
    summary: Summary,
    out_of_band: bool,
}

#[derive(Template)]
#[template(path = "new/summary.html")]
struct SummaryFragment {
    summary: Summary,
    out_of_band: bool,
}

/// A form that was refused.
pub(super) struct Refused {
    pub(super) offer: Offer,
    pub(super) review: Review,
    pub(super) mistakes: Vec<Mistake>,
}

pub(super) fn caller(web: &Web, person: &Person) -> Caller {
    Caller { person: person.id.clone(), tokens: web.identity.tokens(&person.id) }
}

/// The page. It does not wait long for Azure: what is late is shown as being read.
pub(in crate::web) async fn show(
    web: &Web,
    shell: Shell,
    person: &Person,
    mut entered: Entered,
) -> Result<Response, PageError> {
    let caller = caller(web, person);
    let anew = if entered.wants_reload() { Anew::Everything } else { Anew::Nothing };
    let manner = Manner { anew, wait: Wait::AWhile };
    let offer = web.surveyor.offer(&caller, &entered, manner).await;
    offer.drop_stale(&mut entered);
    let review = web.surveyor.review(&caller, &entered, &offer, manner).await;
    render::page(&form_page(web, shell, entered, &offer, &review, Vec::new(), false))
}

/// The page again, with what is wrong: 422.
pub(super) fn show_refused(web: &Web, shell: Shell, entered: Entered, refused: Refused) -> Result<Response, PageError> {
    let Refused { offer, review, mistakes } = refused;
    let shell = shell.at(crate::web::paths::HOME);
    render::rejected_form(&form_page(web, shell, entered, &offer, &review, mistakes, true))
}

fn form_page(
    web: &Web,
    shell: Shell,
    entered: Entered,
    offer: &Offer,
    review: &Review,
    mistakes: Vec<Mistake>,
    rejected: bool,
) -> FormPage {
    FormPage {
        shell,
        minutes: minutes(web, &entered),
        request_key: Uuid::new_v4().to_string(),
        form: Fields::new(&entered, &mistakes, web.site.sandbox.is_some()),
        lists: Choices::new(&entered, offer, &mistakes),
        options: Options::new(&entered, &mistakes),
        waves: WaveFields::new(&entered, &mistakes),
        try_again: TryAgainFields::new(&entered, &mistakes),
        summary: Summary::new(&entered, review, Audience::Page),
        entered,
        mistakes,
        rejected,
        out_of_band: false,
    }
}

fn minutes(web: &Web, entered: &Entered) -> String {
    let default = if web.site.sandbox.is_some() { SANDBOX_MINUTES } else { DEFAULT_MINUTES };
    if entered.minutes.is_empty() { default.to_owned() } else { entered.minutes.clone() }
}

/// The lists, after something in them was chosen. The summary follows by a request of its own, so that the lists do not
/// wait for it.
pub(super) async fn choices(
    State(web): State<Web>,
    user: MaybeUser,
    Query(mut entered): Query<Entered>,
) -> Result<Response, PageError> {
    let Some(person) = user.person else { return Ok(sign_in_first(&entered)) };
    let caller = caller(&web, &person);
    let anew = if entered.wants_reload() { Anew::Everything } else { Anew::Nothing };
    let offer = web.surveyor.offer(&caller, &entered, Manner { anew, wait: Wait::Longer }).await;
    offer.drop_stale(&mut entered);
    if entered.wants_reload() {
        web.surveyor.forget_verdicts(&caller, &entered, &offer);
    }
    let (lists, options) = (Choices::new(&entered, &offer, &[]), Options::new(&entered, &[]));
    let summary = Summary::pending(&entered);
    let address = entered.page();
    let mut answer = render::page(&ChoicesFragment { entered, lists, options, summary, out_of_band: true })?;
    if let Ok(address) = HeaderValue::from_str(&address) {
        answer.headers_mut().insert(HeaderName::from_static("hx-replace-url"), address);
    }
    Ok(answer)
}

/// The summary, polled while the group is counted.
pub(super) async fn summary(
    State(web): State<Web>,
    user: MaybeUser,
    Query(entered): Query<Entered>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(person) = user.person else { return Ok(sign_in_first(&entered)) };
    let caller = caller(&web, &person);
    let manner = Manner { anew: Anew::Nothing, wait: Wait::Longer };
    let offer = web.surveyor.offer(&caller, &entered, manner).await;
    let review = web.surveyor.review(&caller, &entered, &offer, manner).await;
    let summary = Summary::new(&entered, &review, Audience::Script);
    render::polled(&SummaryFragment { summary, out_of_band: false }, &headers)
}

/// What a browser without script sends to have the lists filled: it changes nothing, so it leads to the page's address.
pub(super) async fn load(Form(entered): Form<Entered>) -> Redirect {
    let page = entered.page();
    if !entered.wants_reload() {
        return Redirect::to(&page);
    }
    let separator = if page.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{page}{separator}reload=1"))
}

/// For a fragment: the whole page goes to sign in, and comes back with everything that was entered.
fn sign_in_first(entered: &Entered) -> Response {
    let to = sign_in_url(&entered.return_to());
    (StatusCode::UNAUTHORIZED, [(HeaderName::from_static("hx-redirect"), to)]).into_response()
}
