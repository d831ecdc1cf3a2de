//! The page on which a clean-up is asked for.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::devices;
use super::entered::{Entered, Mistakes, soak, soak_rule};
use super::groups::GroupsView;
use super::list::CleanUps;
use crate::clock::Timestamp;
use crate::engine::CleanUpRefused;
use crate::identity::SignedInUser;
use crate::migration::clean_up::Soak;
use crate::migration::model::{Plan, Source};
use crate::migration::{Migration, MigrationState};
use crate::store::removals::Preview;
use crate::web::actor::actor;
use crate::web::components::{Choice, Field, Kind};
use crate::web::csrf::Verified;
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::migration::visible;
use crate::web::moment::Moment;
use crate::web::shell::Shell;
use crate::web::state::Web;
use crate::web::{paths, render};

#[derive(Template)]
#[template(path = "clean_up/form.html")]
struct FormPage {
    shell: Shell,
    view: FormView,
    groups: Option<GroupsView>,
    all: CleanUps,
}

/// What the page shows of a migration.
struct FormView {
    id: String,
    name: String,
    csrf: String,
    request_key: String,
    source: String,
    target: String,
    /// What deletion ends besides fail back.
    billing: bool,
    /// Why nothing can be asked for.
    not_now: Option<NotNow>,
    soak: Field,
    soak_hours: String,
    preview: Preview,
    /// Until when the last of the others must have been there.
    soaked_at: Option<Moment>,
    /// How long it takes, where that is long.
    pace: Option<String>,
    which: Field,
    choices: Vec<Choice>,
    devices: Field,
    listed: String,
    number: Field,
    typed_number: String,
    typed_name: String,
    confirm_name: Field,
    mistaken: bool,
}

/// Why nothing can be asked for now, and where to look instead.
struct NotNow {
    what: String,
    link: Option<(String, &'static str)>,
}

/// The query string as it came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    soak: Option<String>,
}

/// The page.
pub(super) async fn show(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    user: SignedInUser,
    shell: Shell,
) -> Result<Response, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let typed = asked.soak.unwrap_or_else(|| Soak::DEFAULT.hours().to_string());
    let wrong = soak(&typed).is_none().then(soak_rule);
    let entered = Entered { soak: typed, which: "all".into(), ..Entered::default() };
    let mistakes = Mistakes { soak: wrong, ..Mistakes::default() };
    let page = page(&web, shell, &migration, &entered, mistakes, None).await?;
    if page.view.mistaken { render::rejected_form(&page) } else { render::page(&page) }
}

/// *Remove devices*.
pub(super) async fn ask(
    State(web): State<Web>,
    Path(id): Path<String>,
    user: SignedInUser,
    shell: Shell,
    session: Session,
    Verified(entered): Verified<Entered>,
) -> Result<Response, PageError> {
    let migration = visible(&web, &id, &user.person).await?;
    let mistakes = match entered.asked() {
        Err(mistakes) => mistakes,
        Ok(asked) => match web.engine.clean_up(migration.id, &asked, &actor(&user.person)).await {
            Ok(made) => return Ok(Redirect::to(&paths::clean_up_run(&id, &made.to_string())).into_response()),
            Err(CleanUpRefused::NotFound) => return Err(PageError::NotFound),
            Err(CleanUpRefused::Store(error)) => return Err(error.into()),
            Err(CleanUpRefused::AtWork(other)) => {
                let what = "A clean-up of this migration is at work already. Nothing else was begun.";
                flash::leave(&session, Flash::new(Kind::Info, what)).await?;
                return Ok(Redirect::to(&paths::clean_up_run(&id, &other.to_string())).into_response());
            }
            Err(refused) => match entered.mistakes(&refused) {
                Some(mistakes) => mistakes,
                // The page says why.
                None => return Ok(Redirect::to(&paths::clean_up(&id)).into_response()),
            },
        },
    };
    render::rejected_form(&page(&web, shell, &migration, &entered, mistakes, None).await?)
}

/// The page again, after groups were not removed: 422.
pub(super) async fn show_again(
    web: &Web,
    shell: Shell,
    migration: &Migration,
    wrong: super::groups::Wrong,
) -> Result<Response, PageError> {
    let soak = Soak::DEFAULT.hours().to_string();
    let entered = Entered { soak, which: "all".into(), ..Entered::default() };
    render::rejected_form(&page(web, shell, migration, &entered, Mistakes::default(), Some(wrong)).await?)
}

async fn page(
    web: &Web,
    shell: Shell,
    migration: &Migration,
    entered: &Entered,
    mistakes: Mistakes,
    wrong: Option<super::groups::Wrong>,
) -> Result<FormPage, PageError> {
    let soak = entered.soak().unwrap_or(Soak::DEFAULT);
    let now = web.clock.now();
    let preview = web.store.removable(migration.id, soak, now).await?;
    let all = CleanUps::read(&web.store, migration).await?;
    let groups = web.store.made_groups(migration.id).await?;
    Ok(FormPage {
        groups: GroupsView::of(migration, &groups, wrong),
        view: FormView::of(migration, shell.csrf(), entered, mistakes, (soak, preview), &all, now),
        all,
        shell,
    })
}

impl FormView {
    fn of(
        migration: &Migration,
        csrf: &str,
        entered: &Entered,
        mistakes: Mistakes,
        (soak, preview): (Soak, Preview),
        all: &CleanUps,
        now: Timestamp,
    ) -> Self {
        let mistaken = mistakes.any();
        let field = |name: &str, label: &str, error| Field { error, ..Field::new(name, label) };
        let hint = format!(
            "Only devices that have been at {} for so long are removed: firmware that forgets where it went shows that at a restart.",
            migration.plan.target.name()
        );
        let some = |text: &str| if text.is_empty() { uuid::Uuid::new_v4().to_string() } else { text.to_owned() };
        Self {
            id: migration.id.to_string(),
            name: migration.name.clone(),
            csrf: csrf.to_owned(),
            request_key: some(&entered.request_key),
            source: migration.plan.source.name(),
            target: migration.plan.target.name().to_owned(),
            billing: matches!(migration.plan.source, Source::App(_)),
            not_now: not_now(migration, &preview, all),
            soak: Field { hint: Some(hint), ..field("soak", "Hours at the target", mistakes.soak) },
            soak_hours: entered.soak.clone(),
            soaked_at: preview.last_proof.map(|at| Moment::ahead(at + soak.length(), now)),
            pace: pace(&migration.plan, preview.ready),
            which: field("which", "Devices to remove", mistakes.which),
            choices: vec![
                choice("all", &format!("All that qualify ({})", devices(preview.ready)), !entered.is_listed()),
                choice("listed", "Only these", entered.is_listed()),
            ],
            devices: Field {
                required: false,
                hint: Some("One id a line. Used only with “Only these”.".into()),
                ..field("devices", "Device ids", mistakes.devices)
            },
            listed: entered.devices.clone(),
            number: field("number", "Type the number of devices", mistakes.number),
            typed_number: entered.number.clone(),
            typed_name: entered.name.clone(),
            confirm_name: field("name", "Type the migration's name", mistakes.name),
            preview,
            mistaken,
        }
    }

    fn ready(&self) -> String {
        devices(self.preview.ready)
    }
}

fn choice(value: &str, label: &str, chosen: bool) -> Choice {
    Choice { value: value.into(), label: label.into(), chosen, ..Choice::default() }
}

fn not_now(migration: &Migration, preview: &Preview, all: &CleanUps) -> Option<NotNow> {
    let only = |what: &str| Some(NotNow { what: what.to_owned(), link: None });
    match &migration.state {
        MigrationState::Draft => return only("The migration has not been started."),
        state if !state.is_ended() => return only("Devices can be removed once the migration has ended."),
        _ => {}
    }
    if let Some(at_work) = all.at_work() {
        let link = Some((at_work.href.clone(), "See how far it is"));
        return Some(NotNow { what: "A clean-up of this migration is at work.".into(), link });
    }
    if preview.ready == 0 { only("No device can be removed now.") } else { None }
}

/// Seconds that one device takes at least, where an application is asked for telemetry: it answers 0.8 such questions a second.
const SECONDS_IN_AN_APP: f64 = 1.25;
/// What is worth saying.
const LONG: f64 = 300.0;

/// How long so many devices take, where that is long.
fn pace(plan: &Plan, number: u64) -> Option<String> {
    if plan.source.app().is_none() && plan.target.app().is_none() {
        return None;
    }
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let seconds = f64::from(number) * SECONDS_IN_AN_APP;
    if seconds < LONG {
        return None;
    }
    let long = if seconds < 7_200.0 {
        format!("{:.0} minutes", seconds / 60.0)
    } else {
        format!("{:.0} hours", seconds / 3_600.0)
    };
    Some(format!(
        "IoT Central answers about one question a second on what a device has sent, so this takes {long} or more. It goes on while nobody looks."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::fixture::plan;

    #[test]
    fn only_what_takes_long_is_said_to() {
        assert_eq!(pace(&plan(), 100), None);
        assert!(pace(&plan(), 1_000).is_some_and(|words| words.contains("21 minutes")));
        assert!(pace(&plan(), 100_000).is_some_and(|words| words.contains("35 hours")));
    }
}
