use std::sync::Arc;

use super::*;
use crate::azure::arm::{CentralApp, DpsResource, HubResource, HubTier, Inventory, LinkedHub};
use crate::azure::central::DeviceTemplate;
use crate::ids::HubHost;
use crate::migration::{TryEvery, TryFor};
use crate::web::new::reading::Loaded;
use crate::web::new::surveyor::{CentralAppName, ChosenApp, Contents};

pub(super) fn dps() -> DpsResource {
    DpsResource {
        id: "/subscriptions/1/dps".into(),
        name: "contoso-dps".into(),
        subscription: "1".into(),
        resource_group: "iot".into(),
        location: "westeurope".into(),
        state: "Active".into(),
        id_scope: "0ne00ABCDEF".into(),
        service_host: "contoso-dps.azure-devices-provisioning.net".into(),
        device_host: "global.azure-devices-provisioning.net".into(),
        allocation_policy: "Hashed".into(),
        linked_hubs: vec![LinkedHub {
            host: "contoso-hub.azure-devices.net".into(),
            location: "westeurope".into(),
            apply_allocation_policy: true,
            allocation_weight: None,
        }],
        etag: None,
    }
}

pub(super) fn hub(host: &str) -> HubResource {
    HubResource {
        id: "/subscriptions/1/hub".into(),
        name: "contoso-hub".into(),
        subscription: "1".into(),
        resource_group: "iot".into(),
        location: "westeurope".into(),
        state: "Active".into(),
        host: HubHost::new(host),
        sku_name: "S1".into(),
        tier: HubTier::Standard,
        units: 1,
        disable_local_auth: false,
        public_network_access: None,
    }
}

fn offer() -> Offer {
    let app = CentralAppName {
        id: "/subscriptions/1/app".into(),
        name: "contoso-fleet".into(),
        display_name: "Contoso fleet".into(),
        state: Some("created".into()),
    };
    let inventory = Inventory {
        apps: Vec::<CentralApp>::new(),
        dps: vec![dps()],
        hubs: vec![hub("contoso-hub.azure-devices.net"), hub("other.azure-devices.net")],
        problems: Vec::new(),
    };
    let contents = Contents {
        groups: vec![
            serde_json::from_value(serde_json::json!({"id": "boilers", "displayName": "Boilers"})).expect("a group"),
        ],
        templates: vec![DeviceTemplate {
            gateway: false,
            id: "dtmi:boiler;1".into(),
            display_name: "Boiler".into(),
            model: None,
            migration: None,
            telemetry: Vec::new(),
            reported: Vec::new(),
            cloud: Vec::new(),
            writable: Vec::new(),
        }],
    };
    Offer {
        inventory: Loaded::Ready(Arc::new(inventory)),
        app: Some(Ok(ChosenApp { arm: Some(app), subdomain: "contoso-fleet".into() })),
        contents: Loaded::Ready(Arc::new(contents)),
        dps: Loaded::Ready(Arc::new(dps())),
        hub: Loaded::Ready(Arc::new(hub("contoso-hub.azure-devices.net"))),
        target_app: None,
        target_templates: Loaded::NotAsked,
        from_hub: None,
    }
}

fn entered() -> Entered {
    Entered {
        name: "  First wave ".into(),
        mode: "central_to_hub".into(),
        application: "contoso-fleet".into(),
        group: "boilers".into(),
        template: "dtmi:boiler;1".into(),
        dps: "contoso-dps.azure-devices-provisioning.net".into(),
        hub: "contoso-hub.azure-devices.net".into(),
        minutes: "10".into(),
        ..Entered::default()
    }
}

fn mistakes(entered: &Entered) -> Vec<FieldKey> {
    parse(entered, &offer()).expect_err("a mistake").into_iter().map(|mistake| mistake.field).collect()
}

#[test]
fn a_form_that_is_filled_in_becomes_a_plan_of_what_azure_says() {
    let chosen = parse(&entered(), &offer()).expect("a plan");
    assert_eq!(chosen.name, "First wave");
    assert_eq!(chosen.plan.source.name(), "Contoso fleet");
    assert_eq!(chosen.plan.source.selection(), "Boilers");
    assert_eq!(chosen.plan.target.hub().expect("a hub").id_scope.as_str(), "0ne00ABCDEF");
    assert_eq!(chosen.plan.arrival_minutes, 10);
    assert!(!chosen.plan.register_on_arrival);
}

#[test]
fn how_offline_devices_are_tried_becomes_part_of_the_plan_which_may_lack_it() {
    let chosen = Entered { try_every: "hour".into(), try_for: "week".into(), ..entered() };
    let plan = parse(&chosen, &offer()).expect("a plan").plan;
    assert_eq!(plan.try_again, TryAgain { every: TryEvery::Hour, time: TryFor::Week });
    assert_eq!(mistakes(&Entered { try_every: "often".into(), ..entered() }), [FieldKey::TryEvery]);
    let mut before = serde_json::to_value(&plan).expect("JSON");
    assert!(before.as_object_mut().is_some_and(|fields| fields.remove("try_again").is_some()));
    let before: Plan = serde_json::from_value(before).expect("a plan made before there was a choice");
    assert_eq!(before, Plan { try_again: TryAgain::default(), ..plan });
}

#[test]
fn an_empty_form_is_told_every_field_that_lacks() {
    let nothing =
        Offer { app: None, contents: Loaded::NotAsked, dps: Loaded::NotAsked, hub: Loaded::NotAsked, ..offer() };
    let mistakes = parse(&Entered::default(), &nothing).expect_err("mistakes");
    let fields: Vec<FieldKey> = mistakes.into_iter().map(|mistake| mistake.field).collect();
    assert_eq!(fields, [FieldKey::Name, FieldKey::Application, FieldKey::Dps, FieldKey::Minutes]);
}

#[test]
fn waves_are_part_of_the_plan_where_they_are_chosen() {
    let chosen = Entered { after: "waves".into(), waves: "5, 20".into(), halt: "3".into(), ..entered() };
    let plan = parse(&chosen, &offer()).expect("a plan").plan;
    let waves = plan.waves.expect("waves");
    assert_eq!((waves.shares().as_str(), waves.halt_percent()), ("5, 20", 3));
    assert_eq!(parse(&Entered { after: String::new(), ..chosen.clone() }, &offer()).expect("a plan").plan.waves, None);
    assert_eq!(mistakes(&Entered { waves: "100".into(), ..chosen }), [FieldKey::Waves]);
}

#[test]
fn absurd_names_are_refused_and_unusual_ones_kept() {
    for name in ["", "   ", "a\u{0}b", "a\nb", "\u{202E}evil", "a\u{200B}b", &"x".repeat(121)] {
        assert_eq!(mistakes(&Entered { name: name.into(), ..entered() }), [FieldKey::Name], "{name:?}");
    }
    for name in ["<script>alert(1)</script>", "Größe 北 🚚", "'; drop table migrations", &"é".repeat(120)] {
        let chosen = parse(&Entered { name: name.into(), ..entered() }, &offer()).expect(name);
        assert_eq!(chosen.name, name);
    }
}

#[test]
fn ids_that_azure_does_not_offer_are_refused_at_their_field() {
    let forged = |change: fn(&mut Entered)| {
        let mut form = entered();
        change(&mut form);
        mistakes(&form)
    };
    assert_eq!(forged(|form| form.group = "forged".into()), [FieldKey::Group]);
    assert_eq!(forged(|form| form.template = "dtmi:forged;1".into()), [FieldKey::Template]);
    assert_eq!(forged(|form| form.dps = "forged.azure-devices-provisioning.net".into()), [FieldKey::Dps]);
    assert!(forged(|form| form.mode = "hub_to_nowhere".into()).contains(&FieldKey::Mode));
    assert_eq!(forged(|form| form.mode = "sideways".into()), [FieldKey::Mode]);
}

#[test]
fn a_hub_that_is_not_linked_to_the_dps_is_refused_even_if_it_exists() {
    assert_eq!(mistakes(&Entered { hub: "other.azure-devices.net".into(), ..entered() }), [FieldKey::Hub]);
}

#[test]
fn minutes_are_a_whole_number_within_a_day() {
    for minutes in ["", "0", "1441", "-5", "ten", "1.5", "99999999999999"] {
        assert_eq!(mistakes(&Entered { minutes: minutes.into(), ..entered() }), [FieldKey::Minutes], "{minutes:?}");
    }
    assert_eq!(
        parse(&Entered { minutes: " 1440 ".into(), ..entered() }, &offer()).expect("a day").plan.arrival_minutes,
        1_440
    );
}

#[test]
fn a_canary_is_an_id_without_blanks() {
    assert_eq!(mistakes(&Entered { canary: "two words".into(), ..entered() }), [FieldKey::Canary]);
    let chosen = parse(&Entered { canary: " sn-0007 ".into(), ..entered() }, &offer()).expect("a plan");
    assert_eq!(chosen.plan.canary, Some("sn-0007".into()));
}

#[test]
fn a_list_that_could_not_be_read_is_no_reason_to_believe_the_form() {
    let unread = Offer { dps: Loaded::Reading, ..offer() };
    let mistakes = parse(&entered(), &unread).expect_err("a mistake");
    assert_eq!(mistakes[0].field, FieldKey::Dps);
    assert!(mistakes[0].words.contains("Try again"));
}

#[test]
fn an_application_from_the_list_and_an_address_at_once_is_asked_back() {
    let both = Offer { app: Some(Err(AppMistake::Both)), contents: Loaded::NotAsked, ..offer() };
    assert_eq!(parse(&entered(), &both).expect_err("a mistake")[0].field, FieldKey::Address);
}

#[test]
fn an_application_that_does_not_run_is_the_mistake_and_not_its_lists() {
    let words = "The application Contoso fleet is suspended.".to_owned();
    let offer = Offer { app: Some(Err(AppMistake::NotRunning(words.clone()))), contents: Loaded::NotAsked, ..offer() };
    let found = parse(&entered(), &offer).expect_err("a mistake");
    assert_eq!(found, [Mistake { field: FieldKey::Application, words }]);
}

pub(super) fn into_central() -> (Entered, Offer) {
    let template = DeviceTemplate {
        gateway: false,
        id: "dtmi:target:boiler;1".into(),
        display_name: "Boiler".into(),
        model: Some("dtmi:model:boiler;1".into()),
        migration: None,
        telemetry: Vec::new(),
        reported: Vec::new(),
        cloud: Vec::new(),
        writable: Vec::new(),
    };
    let app = ChosenApp { arm: None, subdomain: "contoso-next".into() };
    let offer =
        Offer { target_app: Some(Ok(app)), target_templates: Loaded::Ready(Arc::new(vec![template])), ..offer() };
    let entered = Entered {
        mode: "central_to_central".into(),
        target_address: "https://contoso-next.azureiotcentral.com".into(),
        target_template: "dtmi:target:boiler;1".into(),
        ..entered()
    };
    (entered, offer)
}

#[test]
fn a_move_between_applications_takes_nothing_from_a_hub_that_was_chosen_before() {
    let (entered, offer) = into_central();
    let chosen = parse(&entered, &offer).expect("understood");
    let target = chosen.plan.target.app().expect("an application");
    assert_eq!((chosen.mode, target.subdomain.as_str()), (Mode::CentralToCentral, "contoso-next"));
    let assign = target.assign.as_ref().expect("a template");
    assert_eq!(assign.model.as_ref().expect("a model").as_str(), "dtmi:model:boiler;1");
    let none = Entered { target_template: String::new(), ..entered };
    assert_eq!(parse(&none, &offer).expect("understood").plan.target.app().expect("an application").assign, None);
}

#[test]
fn an_application_cannot_be_both_source_and_target() {
    let (entered, offer) = into_central();
    let same = Some(Ok(offer.chosen_app().expect("chosen").clone()));
    let mistakes = parse(&entered, &Offer { target_app: same, ..offer }).expect_err("a mistake");
    assert_eq!(mistakes[0].field, FieldKey::TargetApplication);
    assert!(mistakes[0].words.contains("in already"), "{}", mistakes[0].words);
}

#[path = "parse_from_hub_tests.rs"]
mod from_hub;
