//! The part *Source* of the form where devices come from hubs: a DPS or none, and hubs.

use super::target::size;
use super::{Remark, Select, choice, field, keep, select, tell_apart};
use crate::web::components::{Choice, Field, Kind};
use crate::web::new::entered::{Entered, NO_DPS};
use crate::web::new::from_hub::{CameBy, HubOffer, OfferedHub};
use crate::web::new::parse::{FieldKey, Mistake};
use crate::web::new::reading::{Loaded, Trouble};
use crate::web::new::surveyor::Offer;

/// The fields for hubs.
#[derive(Debug)]
pub(in crate::web::new) struct HubChoices {
    pub(in crate::web::new) dps: Select,
    pub(in crate::web::new) dps_remark: Option<Remark>,
    /// Why the DPS or a hub could not be read.
    pub(in crate::web::new) trouble: Option<Trouble>,
    pub(in crate::web::new) hubs: Field,
    pub(in crate::web::new) choices: Vec<Choice>,
    /// What stands in place of hubs while there are none to choose from.
    pub(in crate::web::new) empty: Option<&'static str>,
}

impl HubChoices {
    pub(in crate::web::new) fn new(entered: &Entered, offer: &Offer, from: &HubOffer, mistakes: &[Mistake]) -> Self {
        Self {
            dps: dps(entered, offer, mistakes),
            dps_remark: remark(from),
            trouble: trouble(from),
            hubs: field(FieldKey::SourceHubs, mistakes),
            choices: hubs(from),
            empty: empty(from),
        }
    }
}

fn dps(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    let field = Field {
        hint: Some("The one that the devices registered with. Its enrollments tell which keys each has.".into()),
        ..field(FieldKey::SourceDps, mistakes)
    };
    let mut select = select(field, &offer.inventory, "", |all| {
        let listed = all
            .dps
            .iter()
            .map(|dps| (choice(dps.service_host.as_str(), &dps.name, &entered.source_dps), dps.resource_group.clone()));
        let mut choices = tell_apart(listed.collect());
        choices.push(choice(NO_DPS, "None: hubs without a DPS", &entered.source_dps));
        choices
    });
    keep(&mut select, offer, &entered.source_dps, None);
    // Said for all lists together.
    select.trouble = None;
    select
}

fn remark(from: &HubOffer) -> Option<Remark> {
    let info = |text: String| Some(Remark { kind: Kind::Info, text });
    match &from.came_by {
        CameBy::NoDps => {
            info("You paste the keys of their enrollment groups on the next page. Devices with other keys stay.".into())
        }
        CameBy::Dps(dps) => info(format!("ID scope {}", dps.ready()?.id_scope)),
        CameBy::Unsaid | CameBy::NotListed => None,
    }
}

fn trouble(from: &HubOffer) -> Option<Trouble> {
    from.hubs.trouble().or_else(|| from.chosen().find_map(|hub| hub.read.trouble())).cloned()
}

fn hubs(from: &HubOffer) -> Vec<Choice> {
    let of = |hub: &OfferedHub| {
        let choice = Choice {
            value: hub.host.to_string(),
            label: hub.name().to_owned(),
            hint: Some(hub.listed.as_ref().map_or_else(|| "In no subscription that you can read".to_owned(), size)),
            chosen: hub.chosen && hub.listed.is_some(),
            disabled: hub.listed.is_none(),
        };
        (choice, hub.host.to_string())
    };
    tell_apart(from.hubs.ready().map(|hubs| hubs.iter().map(of).collect()).unwrap_or_default())
}

fn empty(from: &HubOffer) -> Option<&'static str> {
    match (&from.hubs, &from.came_by) {
        (Loaded::Ready(hubs), CameBy::NoDps) if hubs.is_empty() => Some("No hub is visible to you in Azure."),
        (Loaded::Ready(hubs), _) if hubs.is_empty() => Some("No hub is linked to this DPS."),
        (Loaded::Ready(_), _) => None,
        (Loaded::NotAsked, _) => Some("Choose a DPS instance, or None, first"),
        (Loaded::Reading, _) => Some("Reading from Azure…"),
        (Loaded::Failed(_), _) => Some("Could not be read"),
    }
}
