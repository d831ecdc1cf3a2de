//! A device whose key would not be accepted at the target is never told.

use iotc_migrator::sandbox::dps::model::Attestation;
use iotc_migrator::sandbox::fleet::{self, HubSpec, NEXT_APP, PLANT_DPS};
use iotc_migrator::sandbox::hub::model::Authentication;
use iotc_migrator::sandbox::world::World;

use super::stage::{PATIENCE, PLANT_HOST, made_groups, meters, was_never_told, wish};
use crate::support::lab::Lab;

/// Three meters of the group `plant` and two of `annex`, whose keys the target has the wrong way round.
fn with_annex_swapped(clock: &iotc_migrator::sandbox::clock::SandboxClock) -> World {
    let mut world = meters(clock, 3);
    let since = clock.now() - time::Duration::hours(3);
    fleet::add_dps_group(&mut world, PLANT_DPS, "annex", since);
    for id in ["meter-0004", "meter-0005"] {
        fleet::add_hub_device(&mut world, PLANT_DPS, PLANT_HOST, id, &HubSpec::new("annex"), since);
    }
    let Attestation::SymmetricKey { primary, secondary } =
        world.dps[PLANT_DPS].groups["annex"].settings.attestation.clone()
    else {
        panic!("a group with keys");
    };
    fleet::add_symmetric_group(&mut world, NEXT_APP, "turned", false);
    let group = world.apps.get_mut(NEXT_APP).expect("there").enrollment_groups.get_mut("turned").expect("there");
    group.attestation = Attestation::SymmetricKey { primary: secondary, secondary: primary };
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_cannot_be_carried_over_holds_the_start_until_its_devices_are_left() {
    let (lab, _program, ada) = Lab::with_ada(30, with_annex_swapped).await;
    let (journey, page) = ada.migrate(&wish()).await;
    let refused = ada.press(&page, "Start migration").await;
    assert!(refused.text().contains("primary and secondary swapped"), "{}", refused.text());
    let (name, value) = refused.entry("Leave the devices of annex where they are").expect("a choice");
    let form = refused.form_with_button("Start migration").expect("a form").set(&name, &value);
    ada.submit(&refused, form).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    for id in ["meter-0004", "meter-0005"] {
        assert_eq!(rows[id]["reason"], "enrollment group not carried over", "{:?}", rows[id]);
        assert!(was_never_told(&lab.device(id)), "{id}");
    }
    for id in ["meter-0001", "meter-0002", "meter-0003"] {
        assert!(rows[id]["outcome"] == "moved" && lab.is_at_app(NEXT_APP, id), "{:?}", rows[id]);
    }
    assert_eq!(lab.shared().look(made_groups).len(), 2, "plant beside the one that was there");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_while_the_group_that_devices_have_keys_of_is_not_shown_any_more() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| meters(clock, 3)).await;
    for device in lab.devices("meter-") {
        lab.set_online(&device.id, false);
    }
    let journey = ada.start(&wish()).await;
    let page = ada.wait_for(&journey, "no device could be moved as the canary", PATIENCE).await;
    let enabled = |enabled: bool| {
        lab.shared().world(|world| {
            let group = world.dps.get_mut(PLANT_DPS).expect("there").groups.get_mut("plant").expect("there");
            group.settings.enabled = enabled;
        });
    };
    enabled(false);
    for device in lab.devices("meter-") {
        lab.set_online(&device.id, true);
    }
    ada.press(&page, "Resume").await;
    let page = ada.wait_for(&journey, "Paused: the device keys are not at the target", PATIENCE).await;
    let words = "contoso-plant-dps no longer shows the enrollment group plant, whose keys devices have";
    assert!(page.text().contains(words), "{}", page.text());
    assert!(lab.devices("meter-").iter().all(was_never_told));
    enabled(true);
    ada.press(&page, "Resume").await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    assert!(
        ada.devices(&journey).await.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_app(NEXT_APP, id))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_identity_has_other_keys_than_its_enrollment_is_never_told() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| {
        let mut world = meters(clock, 4);
        let since = clock.now() - time::Duration::hours(3);
        let own = HubSpec::from(fleet::Origin::Individual);
        fleet::add_hub_device(&mut world, PLANT_DPS, PLANT_HOST, "meter-0005", &own, since);
        let identities = &mut world.hubs.get_mut(PLANT_HOST).expect("there").identities;
        let (primary, secondary) = (fleet::key("of nobody"), fleet::key("of nobody else"));
        // Of the group's device one key is another's; of the individual one both are.
        if let Authentication::Sas { secondary: own, .. } =
            &mut identities.get_mut("meter-0004").expect("there").authentication
        {
            own.clone_from(&secondary);
        }
        identities.get_mut("meter-0005").expect("there").authentication = Authentication::Sas { primary, secondary };
        // A certificate that somebody told the hub of, and no enrollment.
        identities.get_mut("meter-0003").expect("there").authentication =
            Authentication::SelfSigned { primary: Some("A".repeat(40)), secondary: None };
        world
    })
    .await;
    let journey = ada.start(&wish()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let rows = ada.devices(&journey).await;
    for id in ["meter-0004", "meter-0005"] {
        assert_eq!(rows[id]["reason"], "key of no known enrollment", "{:?}", rows[id]);
        assert_eq!(lab.device(id).times_commanded(), 0, "{id}");
    }
    assert_eq!(rows["meter-0003"]["reason"], "X.509 certificate of its own", "{:?}", rows["meter-0003"]);
    assert_eq!(lab.device("meter-0003").times_commanded(), 0);
    assert_eq!(rows["meter-0001"]["outcome"], "moved");
    assert!(lab.known_at(NEXT_APP, "meter-0005").is_none(), "nothing is made ahead for a device that is not told");
}
