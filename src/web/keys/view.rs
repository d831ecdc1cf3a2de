//! View models of the page: the plan, and how each enrollment group stands.

use secrecy::{ExposeSecret, SecretString};

use super::source_words;
use crate::azure::Cloud;
use crate::engine::{KeysView, Problem};
use crate::ids::TenantId;
use crate::migration::coverage::{Covered, Standing};
use crate::migration::model::{Plan, Source, Target};
use crate::migration::sentence::capitalized;
use crate::migration::{KeyHandling, Migration};
use crate::web::components::{Choice, Field, Kind};
use crate::web::new::{CountWords, Trouble};

/// The part of the page that follows from the form and from Azure; htmx swaps it.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) id: String,
    pub(super) csrf: String,
    pub(super) handling: Field,
    pub(super) choices: Vec<Choice>,
    pub(super) by_hand: bool,
    pub(super) groups: Vec<Group>,
    /// Why the groups could not be read.
    pub(super) trouble: Option<Trouble>,
    /// Ids of the groups that the program will make.
    pub(super) to_make: Vec<String>,
    /// The name of what is to know the keys, and the same for a sentence.
    pub(super) keeper_name: String,
    pub(super) keeper: &'static str,
    pub(super) target: String,
    /// The name of what shows the groups.
    pub(super) source: String,
    /// Where a person adds groups to it.
    pub(super) keeper_link: Option<String>,
    /// Groups must lead to the chosen hub.
    pub(super) to_hub: bool,
    /// The devices come from hubs, so that it is known which group a device uses.
    pub(super) from_hub: bool,
    /// What the table of groups shows, and what it says if it is empty.
    pub(super) caption: String,
    pub(super) no_groups: &'static str,
    /// How devices are told apart, where that can be done.
    pub(super) clearing: Option<&'static str>,
    /// Why it cannot be started.
    pub(super) blocked: Option<String>,
    pub(super) sign_in: String,
}

/// An enrollment group of the source.
#[derive(Debug)]
pub(super) struct Group {
    /// Id of its elements on the page.
    pub(super) element: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) attestation: &'static str,
    pub(super) badge: Kind,
    pub(super) standing: &'static str,
    pub(super) detail: String,
    /// What the person may state of it, so that it need not be carried over.
    pub(super) statement: Option<String>,
    pub(super) stated: bool,
    keys: Option<(SecretString, SecretString)>,
}

impl Group {
    /// Both keys, where they are to be shown.
    pub(super) fn keys(&self) -> Option<(&str, &str)> {
        self.keys.as_ref().map(|(primary, secondary)| (primary.expose_secret(), secondary.expose_secret()))
    }
}

/// The count of the group, polled until it is final.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) target: String,
    /// Which devices are told, while their number is not known.
    pub(super) all: &'static str,
    pub(super) words: Option<CountWords>,
}

impl Count {
    /// The count of a group that the person may not have counted.
    pub(super) fn none(migration: &Migration) -> Self {
        Self {
            id: migration.id.to_string(),
            source: migration.plan.source.name(),
            target: migration.plan.target.name().to_owned(),
            all: match migration.plan.source {
                Source::App(_) => "all devices that match",
                Source::Hub(_) => "all devices whose keys are known",
            },
            words: None,
        }
    }
}

/// What the body is made of.
pub(super) struct Ingredients<'a> {
    pub(super) migration: &'a Migration,
    pub(super) handling: KeyHandling,
    pub(super) unused: &'a [String],
    pub(super) keys: Result<KeysView, Trouble>,
    pub(super) cloud: &'a Cloud,
    pub(super) tenant: &'a TenantId,
    pub(super) csrf: String,
    pub(super) sign_in: String,
}

impl Body {
    /// What the keys are added to, as the end of the page's title.
    pub(super) fn title(&self) -> &'static str {
        if self.to_hub { "DPS" } else { "the target application" }
    }

    /// The keeper at the beginning of a sentence.
    pub(super) fn keeper_first(&self) -> String {
        capitalized(self.keeper)
    }

    pub(super) fn new(from: Ingredients<'_>) -> Self {
        let Ingredients { migration, handling, unused, keys, cloud, tenant, csrf, sign_in } = from;
        let (source, target) = (&migration.plan.source, &migration.plan.target);
        let by_hand = handling == KeyHandling::ByHand;
        let (view, trouble) = match keys {
            Ok(view) => (Some(view), None),
            Err(trouble) => (None, Some(trouble)),
        };
        let groups = view.iter().flat_map(|view| groups(view, handling, unused, &migration.plan)).collect();
        let to_make = match &view {
            Some(view) if !by_hand => to_make(view, unused),
            _ => Vec::new(),
        };
        Self {
            id: migration.id.to_string(),
            csrf,
            handling: Field { id: "handling".into(), ..Field::new(super::stated::HANDLING, "Who adds the keys?") },
            choices: choices(handling, target),
            by_hand,
            groups,
            to_make,
            keeper_name: target.keeper_name().to_owned(),
            keeper: target.keeper(),
            target: target.name().to_owned(),
            source: source.keeper_name(),
            keeper_link: match target {
                Target::Hub(hub) => Some(cloud.portal_link(tenant, &hub.dps_id)),
                Target::App(app) => cloud.central_app_link(&app.subdomain),
            },
            to_hub: target.hub().is_some(),
            from_hub: source.hubs().is_some(),
            caption: source_words::caption(source),
            no_groups: source_words::no_groups(source),
            clearing: source_words::clearing(source),
            blocked: match &view {
                Some(view) => blocked(view, handling, unused, &migration.plan),
                None => Some("The keys could not be read, so it is not certain that devices would be let in.".into()),
            },
            trouble,
            sign_in,
        }
    }
}

fn choices(handling: KeyHandling, target: &Target) -> Vec<Choice> {
    let keeper = target.keeper();
    let choice = |of: KeyHandling, label: &str, hint: String| Choice {
        value: of.stored().into(),
        label: label.into(),
        hint: Some(hint),
        chosen: of == handling,
        disabled: false,
    };
    vec![
        choice(
            KeyHandling::Program,
            "Create the enrollment groups for me",
            format!("Groups that {keeper} has already are used as they are. None is changed or removed."),
        ),
        choice(
            KeyHandling::ByHand,
            if target.hub().is_some() { "I add them in the portal myself" } else { "I add them in IoT Central myself" },
            format!("The keys are shown here to be copied. The program adds no group to {keeper}."),
        ),
    ]
}

fn groups<'a>(
    view: &'a KeysView,
    handling: KeyHandling,
    unused: &'a [String],
    plan: &'a Plan,
) -> impl Iterator<Item = Group> + use<'a> {
    view.coverage
        .groups
        .iter()
        .enumerate()
        .map(move |(index, covered)| group(index, covered, view, handling, unused, plan))
}

fn group(
    index: usize,
    covered: &Covered,
    view: &KeysView,
    handling: KeyHandling,
    unused: &[String],
    plan: &Plan,
) -> Group {
    let target = &plan.target;
    let keeper = target.keeper();
    let source = &covered.source;
    let by_hand = handling == KeyHandling::ByHand;
    let stated = unused.iter().any(|id| id == source.id.as_str());
    let (badge, standing, detail) = match &covered.standing {
        Standing::Equal(id) => (
            Kind::Success,
            there(target),
            format!(
                "The group {id} of {keeper} has the same {}.",
                if source.keys.is_some() { "keys" } else { "certificates" }
            ),
        ),
        _ if stated => {
            let (standing, words) = source_words::stated(&plan.source);
            (Kind::Neutral, standing, words.into())
        }
        Standing::Creatable(id) if by_hand => {
            let leading = if target.hub().is_some() { ", that leads to the chosen hub only" } else { "" };
            let words = match source.keys {
                Some(_) => format!("Add a group with symmetric keys, for example {id}{leading}. Copy both keys."),
                None => format!("Add an X.509 group with the same certificates, for example {id}{leading}."),
            };
            (Kind::Warning, "Missing", words)
        }
        Standing::Creatable(id) => {
            let (standing, words) = source_words::creatable(&plan.source, id.as_str());
            (Kind::Info, standing, words)
        }
        Standing::Blocked(obstacle) => (Kind::Error, "In the way", obstacle.words(keeper)),
    };
    let keys = view.groups.iter().find(|keys| by_hand && keys.id == source.id);
    let can_state = match covered.standing {
        Standing::Equal(_) => false,
        // What the program makes anyway needs no statement.
        Standing::Creatable(_) => by_hand || stated,
        Standing::Blocked(_) => true,
    };
    Group {
        element: format!("group-{index}"),
        id: source.id.to_string(),
        name: source.name.clone(),
        attestation: if source.keys.is_some() { "Symmetric keys" } else { "X.509" },
        badge,
        standing,
        detail,
        statement: can_state.then(|| source_words::statement(&plan.source, &source.name)),
        stated,
        keys: keys.map(|keys| (keys.primary.clone(), keys.secondary.clone())),
    }
}

fn there(target: &Target) -> &'static str {
    if target.hub().is_some() { "In the DPS" } else { "In the application" }
}

fn to_make(view: &KeysView, unused: &[String]) -> Vec<String> {
    let planned = |covered: &&Covered| match &covered.standing {
        Standing::Creatable(id) => Some(id.to_string()),
        Standing::Equal(_) | Standing::Blocked(_) => None,
    };
    view.coverage.uncovered(unused).iter().filter_map(planned).collect()
}

/// Why it cannot be started, if it cannot.
fn blocked(view: &KeysView, handling: KeyHandling, unused: &[String], plan: &Plan) -> Option<String> {
    let keeper = capitalized(plan.target.keeper());
    if view.coverage.groups.is_empty() {
        return source_words::blocked_without_groups(&plan.source);
    }
    let in_the_way = match handling {
        KeyHandling::Program => view.coverage.blocking(unused),
        KeyHandling::ByHand => view.coverage.uncovered(unused),
    };
    let names: Vec<&str> = in_the_way.iter().map(|covered| covered.source.name.as_str()).collect();
    match names.as_slice() {
        [] => None,
        [name] => Some(format!("{keeper} does not have the keys of {name} yet; see above.")),
        names => Some(format!("{keeper} does not have the keys of these groups yet: {}; see above.", names.join(", "))),
    }
}

/// A start that was refused.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    pub(super) problems: Vec<Problem>,
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
