//! The form of a move out of hubs.

use std::sync::Arc;

use super::super::{FieldKey, Mistake, parse};
use super::{dps, hub, into_central};
use crate::azure::central::MoveCommand;
use crate::migration::Mode;
use crate::migration::model::{Carry, HubSource};
use crate::web::new::entered::{Entered, NO_DPS};
use crate::web::new::from_hub::{CameBy, HubOffer, OfferedHub};
use crate::web::new::reading::Loaded;
use crate::web::new::surveyor::Offer;

const PLANT: &str = "contoso-hub.azure-devices.net";

fn offered(host: &str, chosen: bool) -> OfferedHub {
    OfferedHub::new(hub(host), chosen)
}

/// With one of two hubs of a DPS chosen, and what was entered for other modes still in the form.
fn from_hub() -> (Entered, Offer) {
    let (entered, offer) = into_central();
    let hubs = vec![offered(PLANT, true), offered("other.azure-devices.net", false)];
    let from = HubOffer { came_by: CameBy::Dps(Loaded::Ready(Arc::new(dps()))), hubs: Loaded::Ready(hubs) };
    let entered = Entered {
        mode: "hub_to_central".into(),
        source_dps: "contoso-dps.azure-devices-provisioning.net".into(),
        source_hubs: vec![PLANT.to_ascii_uppercase()],
        on_arrival: "yes".into(),
        unassigned: "yes".into(),
        carry: "all".into(),
        ..entered
    };
    (entered, Offer { app: None, from_hub: Some(from), ..offer })
}

fn source(entered: &Entered, offer: &Offer) -> HubSource {
    parse(entered, offer).expect("understood").plan.source.hubs().expect("hubs").clone()
}

fn only(entered: &Entered, offer: &Offer) -> Mistake {
    let mut mistakes = parse(entered, offer).expect_err("a mistake");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes.remove(0)
}

#[test]
fn hubs_and_their_dps_become_a_source_and_nothing_of_another_mode_stays() {
    let (entered, offer) = from_hub();
    let chosen = parse(&entered, &offer).expect("understood");
    assert_eq!(chosen.mode, Mode::HubToCentral);
    assert_eq!(chosen.plan.target.app().expect("an application").subdomain.as_str(), "contoso-next");
    let source = chosen.plan.source.hubs().expect("hubs");
    assert_eq!(source.dps.as_ref().expect("a DPS").name, "contoso-dps");
    assert_eq!((source.hubs.len(), source.hubs[0].host.as_str()), (1, PLANT));
    assert_eq!((source.connect_seconds, source.response_seconds), (5, 30));
    let plan = &chosen.plan;
    assert!(plan.carry_individual && !plan.tell_unassigned && !plan.register_on_arrival);
    assert_eq!(plan.carry, Carry::Nothing);
}

#[test]
fn hubs_without_a_dps_are_a_source_too() {
    let (entered, mut offer) = from_hub();
    offer.from_hub.as_mut().expect("hubs").came_by = CameBy::NoDps;
    let entered = Entered { source_dps: NO_DPS.into(), ..entered };
    assert_eq!(source(&entered, &offer).dps, None);
}

#[test]
fn the_component_is_that_of_the_template_to_be_assigned_or_the_customary_one() {
    let (entered, mut offer) = from_hub();
    assert_eq!(source(&entered, &offer).component.as_deref(), Some("migration"));
    let mut template = offer.target_templates.ready().expect("read")[0].clone();
    template.migration = Some(MoveCommand {
        component: Some("mover".into()),
        command: "DeviceMove".into(),
        queued_if_offline: false,
        notice: None,
    });
    offer.target_templates = Loaded::Ready(Arc::new(vec![template]));
    assert_eq!(source(&entered, &offer).component.as_deref(), Some("mover"));
    let unassigned = Entered { target_template: String::new(), ..entered };
    assert_eq!(source(&unassigned, &offer).component.as_deref(), Some("migration"));
}

#[test]
fn what_is_missing_or_no_longer_offered_is_said_at_its_field() {
    let (entered, offer) = from_hub();
    let none = Entered { source_hubs: Vec::new(), ..entered.clone() };
    assert_eq!(only(&none, &offer).field, FieldKey::SourceHubs);
    let stale = Entered { source_hubs: vec!["gone.azure-devices.net".into()], ..entered.clone() };
    assert!(only(&stale, &offer).words.contains("gone.azure-devices.net is not linked to the DPS contoso-dps"));
    let unsaid = HubOffer { came_by: CameBy::Unsaid, hubs: Loaded::NotAsked };
    let nothing = Entered { source_dps: String::new(), source_hubs: Vec::new(), ..entered.clone() };
    let fields: Vec<FieldKey> = parse(&nothing, &Offer { from_hub: Some(unsaid), ..offer })
        .expect_err("mistakes")
        .into_iter()
        .map(|mistake| mistake.field)
        .collect();
    assert_eq!(fields, [FieldKey::SourceDps, FieldKey::SourceHubs]);
}

#[test]
fn a_hub_that_nobody_can_find_or_read_is_not_taken() {
    let (entered, mut offer) = from_hub();
    let mut unread = offered(PLANT, true);
    unread.read = Loaded::Reading;
    offer.from_hub.as_mut().expect("hubs").hubs = Loaded::Ready(vec![unread]);
    assert!(only(&entered, &offer).words.contains("Try again"));
    let mut unfound = offered(PLANT, true);
    (unfound.read, unfound.listed) = (Loaded::NotAsked, None);
    offer.from_hub.as_mut().expect("hubs").hubs = Loaded::Ready(vec![unfound]);
    assert!(only(&entered, &offer).words.contains("in no subscription that you can read"));
}

#[test]
fn hubs_wait_as_long_as_was_entered_within_what_azure_takes() {
    let (entered, offer) = from_hub();
    let of = |connect: &str, respond: &str| Entered {
        connect_seconds: connect.into(),
        response_seconds: respond.into(),
        ..entered.clone()
    };
    let taken = source(&of("0", " 300 "), &offer);
    assert_eq!((taken.connect_seconds, taken.response_seconds), (0, 300));
    for (connect, respond, field) in [
        ("301", "30", FieldKey::Connect),
        ("-1", "30", FieldKey::Connect),
        ("5", "4", FieldKey::Respond),
        ("5", "x", FieldKey::Respond),
    ] {
        let mistake = only(&of(connect, respond), &offer);
        assert_eq!(mistake.field, field);
        assert!(mistake.words.contains("to 300."), "{}", mistake.words);
    }
}

#[test]
fn what_was_chosen_with_another_dps_is_left_out_of_the_form() {
    let (entered, offer) = from_hub();
    let mut entered = Entered { source_hubs: vec![PLANT.into(), "elsewhere.azure-devices.net".into()], ..entered };
    offer.drop_stale(&mut entered);
    assert_eq!(entered.source_hubs, [PLANT]);
}
