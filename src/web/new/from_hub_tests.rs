use super::*;
use crate::azure::arm::HubTier;
use crate::migration::preflight::HubCounts;
use crate::web::new::surveyor::Offer;
use crate::web::new::view::HubChoices;

fn resource(name: &str) -> HubResource {
    HubResource {
        id: format!("/subscriptions/1/{name}").as_str().into(),
        name: name.into(),
        subscription: "1".into(),
        resource_group: "iot".into(),
        location: "westeurope".into(),
        state: "Active".into(),
        host: HubHost::new(format!("{name}.azure-devices.net")),
        sku_name: "S1".into(),
        tier: HubTier::Standard,
        units: 1,
        disable_local_auth: false,
        public_network_access: None,
    }
}

/// One hub chosen, one not, and one that cannot be found.
fn offer() -> HubOffer {
    let mut plant = OfferedHub::new(resource("plant"), true);
    plant.other_dps = vec!["west-dps".into()];
    let mut gone = OfferedHub::new(resource("gone"), false);
    gone.listed = None;
    HubOffer { came_by: CameBy::NoDps, hubs: Loaded::Ready(vec![plant, OfferedHub::new(resource("two"), false), gone]) }
}

#[test]
fn the_preflight_learns_of_each_chosen_hub_and_of_those_left_out() {
    let counts = HubCounts { total: 3, enabled: 2, disabled: 1 };
    let facts = offer().facts(&[("PLANT.azure-devices.net".into(), Ok(counts))]);
    let [plant] = facts.hubs.as_slice() else { panic!("{facts:?}") };
    assert_eq!((plant.name.as_str(), &plant.devices), ("plant", &Some(Ok(counts))));
    assert_eq!(plant.other_dps, ["west-dps"]);
    assert_eq!(facts.not_chosen, ["two"]);
    assert_eq!(facts.not_found, [HubHost::new("gone.azure-devices.net")]);
}

#[test]
fn a_hub_that_cannot_be_found_is_shown_and_cannot_be_chosen() {
    let entered = Entered { source_dps: NO_DPS.into(), ..Entered::default() };
    let form = Offer {
        inventory: Loaded::NotAsked,
        app: None,
        contents: Loaded::NotAsked,
        dps: Loaded::NotAsked,
        hub: Loaded::NotAsked,
        target_app: None,
        target_templates: Loaded::NotAsked,
        from_hub: None,
    };
    let view = HubChoices::new(&entered, &form, &offer(), &[]);
    let shown: Vec<_> = view.choices.iter().map(|hub| (hub.label.as_str(), hub.chosen, hub.disabled)).collect();
    assert_eq!(shown, [("gone.azure-devices.net", false, true), ("plant", true, false), ("two", false, false)]);
    assert_eq!(view.choices[0].hint.as_deref(), Some("In no subscription that you can read"));
    assert_eq!(view.choices[1].hint.as_deref(), Some("S1 with 1 unit, westeurope"));
    assert!(view.dps_remark.expect("a remark").text.contains("paste the keys") && view.empty.is_none());
    let nothing = HubOffer { came_by: CameBy::Unsaid, hubs: Loaded::NotAsked };
    assert_eq!(HubChoices::new(&entered, &form, &nothing, &[]).empty, Some("Choose a DPS instance, or None, first"));
}
