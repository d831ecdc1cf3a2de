//! View models of the form: what each field shows, given what was entered and what Azure offers.

mod hubs;
mod target;

pub(super) use hubs::HubChoices;
pub(super) use target::TargetChoices;

use super::application::{before_contents, not_running_remark, with_state};
use super::entered::Entered;
use super::parse::{FieldKey, Mistake};
use super::reading::{Loaded, Trouble};
use super::survey::{chosen_template, template_facts};
use super::surveyor::{CentralAppName, ChosenApp, Offer};
use crate::migration::Mode;
use crate::migration::preflight::DeviceMove;
use crate::web::components::{Choice, Field, Kind};

/// A select whose entries come from Azure.
#[derive(Debug)]
pub(super) struct Select {
    pub(super) field: Field,
    pub(super) choices: Vec<Choice>,
    /// Words of the entry that chooses nothing.
    pub(super) empty: String,
    /// It is being read.
    pub(super) reading: bool,
    /// Why there are no entries.
    pub(super) trouble: Option<Trouble>,
}

/// A remark under a field.
#[derive(Debug)]
pub(super) struct Remark {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// The parts *Source* and *Target*.
#[derive(Debug)]
pub(super) struct Choices {
    pub(super) source: SourceChoices,
    pub(super) target: TargetChoices,
    /// Why there are no lists at all.
    pub(super) trouble: Option<Trouble>,
    /// Lists that could not be read, of some subscriptions.
    pub(super) problems: Vec<Trouble>,
    /// Where the browser is sent to sign in and come back.
    pub(super) sign_in: String,
    /// A list is still being read.
    pub(super) reading: bool,
}

/// The part *Source*, by what the devices are in.
#[derive(Debug)]
pub(super) enum SourceChoices {
    /// An application.
    App(Box<AppChoices>),
    /// Hubs.
    Hub(Box<HubChoices>),
}

/// The fields for a group of an application.
#[derive(Debug)]
pub(super) struct AppChoices {
    pub(super) application: Select,
    /// Why the application cannot be taken; said once, here.
    pub(super) application_remark: Option<Remark>,
    /// Where the set-up of the chosen application can be taken along.
    pub(super) take_along: Option<String>,
    pub(super) address: Field,
    pub(super) group: Select,
    pub(super) template: Select,
    pub(super) template_remark: Option<Remark>,
}

/// The fields around them.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) name: Field,
    pub(super) mode: Field,
    pub(super) modes: Vec<Choice>,
    pub(super) canary: Field,
    pub(super) minutes: Field,
}

fn field(key: FieldKey, mistakes: &[Mistake]) -> Field {
    let error = mistakes.iter().find(|mistake| mistake.field == key).map(|mistake| mistake.words.clone());
    Field { error, ..Field::new(key.key(), key.label()) }
}

pub(super) fn hinted(key: FieldKey, mistakes: &[Mistake], hint: &str) -> Field {
    Field { hint: Some(hint.to_owned()), ..field(key, mistakes) }
}

impl Fields {
    /// `sandbox`: the devices are simulated ones.
    pub(super) fn new(entered: &Entered, mistakes: &[Mistake], sandbox: bool) -> Self {
        let choice = |mode: Mode| Choice {
            value: mode.stored().to_owned(),
            label: mode.label().to_owned(),
            chosen: entered.mode() == Some(mode),
            ..Choice::default()
        };
        let canary =
            "Its device id. It is moved and proven at the target before any other. Without one, the program picks one.";
        let minutes = format!(
            "From the command to the first sign of life at the target. A device that is not seen by then is recorded as failed. {}",
            if sandbox {
                "1 is enough for the sandbox's devices; real ones need about 10."
            } else {
                "10 suits most devices."
            }
        );
        Self {
            name: field(FieldKey::Name, mistakes),
            mode: field(FieldKey::Mode, mistakes),
            modes: Mode::ALL.iter().copied().map(choice).collect(),
            canary: Field { required: false, ..hinted(FieldKey::Canary, mistakes, canary) },
            minutes: hinted(FieldKey::Minutes, mistakes, &minutes),
        }
    }
}

impl Choices {
    pub(super) fn new(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Self {
        let inventory = offer.inventory.ready();
        let troubles = inventory.map(|all| all.problems.iter().map(Trouble::from).collect());
        Self {
            source: match &offer.from_hub {
                Some(from) => SourceChoices::Hub(Box::new(HubChoices::new(entered, offer, from, mistakes))),
                None => SourceChoices::App(Box::new(AppChoices::new(entered, offer, mistakes))),
            },
            target: TargetChoices::new(entered, offer, mistakes),
            trouble: offer.inventory.trouble().cloned(),
            problems: troubles.unwrap_or_default(),
            sign_in: crate::identity::sign_in_url(&entered.return_to()),
            reading: offer.is_reading(),
        }
    }
}

impl AppChoices {
    fn new(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Self {
        Self {
            application: application(entered, offer, mistakes),
            application_remark: not_running_remark(offer.not_running(), FieldKey::Application, mistakes),
            take_along: offer.chosen_app().map(|app| crate::web::paths::take_along(app.subdomain.as_str())),
            address: Field { required: false, ..field(FieldKey::Address, mistakes) },
            group: group(entered, offer, mistakes),
            template: template(entered, offer, mistakes),
            template_remark: chosen_template(offer, &entered.template)
                .map(|template| template_remark(&template_facts(template).device_move)),
        }
    }
}

/// A select over something loaded. `first` names what must be chosen before.
fn select<T>(field: Field, loaded: &Loaded<T>, first: &str, choices: impl FnOnce(&T) -> Vec<Choice>) -> Select {
    let choices = loaded.ready().map(choices).unwrap_or_default();
    let empty = match loaded {
        Loaded::NotAsked => first.to_owned(),
        Loaded::Reading => "Reading from Azure…".to_owned(),
        Loaded::Failed(_) => "Could not be read".to_owned(),
        Loaded::Ready(_) if choices.is_empty() => "There are none".to_owned(),
        Loaded::Ready(_) => "Choose…".to_owned(),
    };
    Select { field, choices, empty, reading: loaded.is_reading(), trouble: loaded.trouble().cloned() }
}

fn choice(value: &str, label: &str, entered: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: value.eq_ignore_ascii_case(entered),
        ..Choice::default()
    }
}

/// Sorts by label, and tells entries of one label apart by `more`.
fn tell_apart(mut entries: Vec<(Choice, String)>) -> Vec<Choice> {
    let labels: Vec<String> = entries.iter().map(|(choice, _)| choice.label.clone()).collect();
    for (choice, more) in &mut entries {
        if labels.iter().filter(|label| **label == choice.label).count() > 1 {
            choice.label = format!("{} ({more})", choice.label);
        }
    }
    entries.sort_by_cached_key(|(choice, _)| choice.label.to_lowercase());
    entries.into_iter().map(|(choice, _)| choice).collect()
}

fn application(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    applications(FieldKey::Application, &entered.application, offer.chosen_app(), offer, mistakes)
}

/// The applications, for a field of them.
fn applications(
    key: FieldKey,
    entered: &str,
    chosen: Option<&ChosenApp>,
    offer: &Offer,
    mistakes: &[Mistake],
) -> Select {
    let field = Field { required: false, ..field(key, mistakes) };
    let mut select = select(field, &offer.inventory, "", |all| {
        tell_apart(
            all.apps
                .iter()
                .map(|app| {
                    let label = with_state(&app.display_name, &app.state);
                    (choice(app.subdomain.as_str(), &label, entered), app.subdomain.to_string())
                })
                .collect(),
        )
    });
    if offer.inventory.ready().is_some() && select.choices.is_empty() {
        select.field.hint = Some(
            "No application is visible to you in Azure. If you have a role in one, give its address below.".into(),
        );
    }
    keep(&mut select, offer, entered, chosen.and_then(|app| app.arm.as_ref()));
    select
}

/// A choice whose list cannot be shown now, or not as a whole, is not lost by that.
fn keep(select: &mut Select, offer: &Offer, entered: &str, known: Option<&CentralAppName>) {
    let incomplete = offer.inventory.ready().is_none_or(|all| !all.problems.is_empty());
    let from_inventory = [FieldKey::Application, FieldKey::TargetApplication, FieldKey::SourceDps, FieldKey::Dps]
        .map(FieldKey::key)
        .contains(&select.field.name.as_str());
    let missing = select.choices.is_empty() || (from_inventory && !select.choices.iter().any(|choice| choice.chosen));
    if missing && !entered.is_empty() && (select.reading || select.trouble.is_some() || incomplete) {
        let label = known.map_or(entered, |app| app.display_name.as_str());
        select.choices.push(choice(entered, label, entered));
    }
}

fn group(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    let mut select = select(field(FieldKey::Group, mistakes), &offer.contents, before_contents(offer), |contents| {
        let entries = contents.groups.iter();
        tell_apart(
            entries
                .map(|group| (choice(group.id.as_str(), &group.display_name, &entered.group), group.id.to_string()))
                .collect(),
        )
    });
    keep(&mut select, offer, &entered.group, None);
    select
}

fn template(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    let mut select = select(field(FieldKey::Template, mistakes), &offer.contents, before_contents(offer), |contents| {
        let entries = contents.templates.iter();
        tell_apart(
            entries
                .map(|template| {
                    (choice(template.id.as_str(), &template.display_name, &entered.template), template.id.to_string())
                })
                .collect(),
        )
    });
    keep(&mut select, offer, &entered.template, None);
    // Groups and templates are read together: one message will do.
    select.trouble = None;
    select
}

fn template_remark(device_move: &DeviceMove) -> Remark {
    let (kind, text) = match device_move {
        DeviceMove::Absent => {
            (Kind::Error, "It does not carry the command DeviceMove: its devices cannot be told to move.".into())
        }
        DeviceMove::Queued => {
            (Kind::Error, "Its command DeviceMove is marked “Queue if offline”, which devices do not see.".into())
        }
        DeviceMove::Present { component: Some(component), notice } => {
            (kind_of(notice), with_notice(format!("It carries DeviceMove in the component {component}."), notice))
        }
        DeviceMove::Present { component: None, notice } => {
            (kind_of(notice), with_notice("It carries DeviceMove at its root.".into(), notice))
        }
    };
    Remark { kind, text }
}

fn kind_of(notice: &Option<String>) -> Kind {
    if notice.is_some() { Kind::Warning } else { Kind::Success }
}

fn with_notice(text: String, notice: &Option<String>) -> String {
    match notice {
        Some(notice) => format!("{text} {notice}"),
        None => text,
    }
}
