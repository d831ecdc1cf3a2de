//! From what was read for the form to the facts that the preflight judges.

use std::sync::Arc;

use super::entered::Entered;
use super::from_hub::HubOffer;
use super::reading::Loaded;
use super::rights::Rights;
use super::surveyor::{Caller, Manner, Offer, Surveyor};
use crate::azure::central::{DeviceGroup, DeviceTemplate};
use crate::engine::counting::{CountKey, CountState};
use crate::ids::{DeviceGroupId, Subdomain, TemplateId};
use crate::migration::preflight::{
    ApplicationFacts, ArrivalFloor, DeviceMove, DpsFacts, HubFacts, MemberFacts, Survey, TemplateFacts,
};

/// What the summary under the form shows.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) survey: Survey,
    /// The count of the group, once group and template are chosen.
    pub(super) count: Option<CountState>,
    /// How fast devices can arrive, once the hub is chosen.
    pub(super) floor: Option<ArrivalFloor>,
    /// Something that was chosen could not be read; the lists say why.
    pub(super) unread: bool,
    /// Whether the rights were tried.
    pub(super) rights: Loaded<()>,
}

impl Surveyor {
    /// Judges what was chosen.
    pub(super) async fn review(&self, caller: &Caller, entered: &Entered, offer: &Offer, manner: Manner) -> Review {
        let rights = self.rights(caller, offer, manner).await;
        let group = chosen_group(offer, &entered.group);
        let template = chosen_template(offer, &entered.template);
        let count = match (offer.chosen_app(), group, template) {
            (Some(app), Some(group), Some(template)) => {
                let key = count_key(caller, &app.subdomain, &group.id, &template.id);
                if manner.lists_anew() {
                    self.counting.forget(&key);
                }
                Some(self.counting.of(&key, Arc::clone(&caller.tokens)))
            }
            _ => None,
        };
        let (tried, rights) = match rights {
            Loaded::Ready(rights) => (rights, Loaded::Ready(())),
            Loaded::NotAsked => (Rights::default(), Loaded::NotAsked),
            Loaded::Reading => (Rights::default(), Loaded::Reading),
            Loaded::Failed(trouble) => (Rights::default(), Loaded::Failed(trouble)),
        };
        let survey = Survey {
            application: offer.chosen_app().map(|app| ApplicationFacts {
                name: app.label().to_owned(),
                state: app.arm.as_ref().and_then(|arm| arm.state.clone()),
            }),
            template: template.map(template_facts),
            members: group.zip(count.as_ref()).map(|(group, count)| MemberFacts {
                unassigned: if entered.unassigned.is_empty() { count.unassigned } else { 0 },
                ..member_facts(group, count)
            }),
            enrollment: tried.enrollment,
            dps: offer.dps.ready().map(Arc::as_ref).or(offer.source_dps()).map(|dps| DpsFacts {
                name: dps.name.clone(),
                state: dps.state.clone(),
                linked_hubs: dps.linked_hubs.len(),
            }),
            hub: hub_facts(offer, &entered.hub),
            from_hubs: offer.from_hub.as_ref().map(|from| from.facts(&tried.counted)),
            same_application: offer
                .chosen_target_app()
                .filter(|app| offer.is_the_source(app))
                .map(|app| app.label().to_owned()),
            foreign_hosts: self.foreign_hosts(offer),
            rights: tried.checks,
        };
        let floor = match entered.is_into_central() {
            true => offer.chosen_target_app().map(|_| ArrivalFloor::of_application()),
            false => offer.hub.ready().map(|hub| ArrivalFloor::of(&hub.sku_name, hub.units)),
        };
        let unread = offer.has_trouble() || offer.not_running().is_some() || offer.target_not_running().is_some();
        Review { survey, count, floor, unread, rights }
    }

    /// Hosts in Azure's answers that this program would not talk to.
    fn foreign_hosts(&self, offer: &Offer) -> Vec<String> {
        let cloud = self.azure.cloud();
        let dps = offer.dps.ready().map(Arc::as_ref).into_iter().chain(offer.source_dps());
        let dps = dps.map(|dps| &dps.service_host).filter(|host| !cloud.trusts_dps(host)).map(ToString::to_string);
        let hubs = offer.hub.ready().map(Arc::as_ref).into_iter();
        let hubs = hubs.chain(offer.from_hub.iter().flat_map(HubOffer::read)).map(|hub| &hub.host);
        dps.chain(hubs.filter(|host| !cloud.trusts_hub(host)).map(ToString::to_string)).collect()
    }
}

/// What to count for a choice.
pub(super) fn count_key(caller: &Caller, app: &Subdomain, group: &DeviceGroupId, template: &TemplateId) -> CountKey {
    CountKey {
        tenant: caller.person.tid.clone(),
        app: app.as_str().to_ascii_lowercase().into(),
        group: group.clone(),
        template: template.clone(),
    }
}

pub(super) fn chosen_group<'a>(offer: &'a Offer, id: &str) -> Option<&'a DeviceGroup> {
    offer.contents.ready()?.groups.iter().find(|group| group.id.as_str() == id)
}

pub(super) fn chosen_template<'a>(offer: &'a Offer, id: &str) -> Option<&'a DeviceTemplate> {
    offer.contents.ready()?.templates.iter().find(|template| template.id.as_str() == id)
}

/// Whether a template's devices can be told to move.
pub(super) fn template_facts(template: &DeviceTemplate) -> TemplateFacts {
    let device_move = match &template.migration {
        None => DeviceMove::Absent,
        Some(command) if command.queued_if_offline => DeviceMove::Queued,
        Some(command) => DeviceMove::Present { component: command.component.clone(), notice: command.notice.clone() },
    };
    TemplateFacts { name: template.display_name.clone(), device_move }
}

fn member_facts(group: &DeviceGroup, count: &CountState) -> MemberFacts {
    MemberFacts {
        group: group.display_name.clone(),
        matching: count.matching,
        simulated: count.simulated,
        blocked: count.blocked,
        unprovisioned: count.unprovisioned,
        other_template: count.other_template,
        unassigned: count.unassigned,
        members_done: count.members_done,
        failed: count.error.as_ref().map(ToString::to_string),
    }
}

fn hub_facts(offer: &Offer, host: &str) -> Option<HubFacts> {
    let dps = offer.dps.ready()?;
    let linked = dps.linked_hubs.iter().find(|linked| linked.host.same_as(host))?;
    if let Some(hub) = offer.hub.ready() {
        return Some(HubFacts::Known {
            name: hub.name.clone(),
            state: hub.state.clone(),
            sku: hub.sku_name.clone(),
            units: hub.units,
            local_auth_disabled: hub.disable_local_auth,
            other_subscription: (!hub.subscription.eq_ignore_ascii_case(&dps.subscription))
                .then(|| hub.subscription.clone()),
        });
    }
    // Only a list that is there can lack the hub.
    matches!(offer.hub, Loaded::NotAsked).then_some(())?;
    offer.inventory.ready().map(|_| HubFacts::Unreadable(linked.host.clone()))
}
