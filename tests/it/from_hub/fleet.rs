//! The fleet of the sandbox's table ends as that says, device by device, compared with the devices' own logs.

use std::collections::BTreeMap;

use iotc_migrator::sandbox::device::{Device, Happening, Kind, Place};
use iotc_migrator::sandbox::fleet::{
    self, METER, METER_CERTIFICATES, METER_MODEL, NEXT_APP, ODD, PLANT, PLANT_CA, PLANT_DPS, PLANT_TWO,
};
use iotc_migrator::sandbox::log::Service;
use serde_json::json;

use super::stage::{GIVE_UP, NEXT, PATIENCE, is_method, made_groups, was_never_told};
use crate::support::journey::Wish;
use crate::support::lab::Lab;

type Row = BTreeMap<String, String>;

const TARGET_SCOPE: &str = "0ne00A00004";
/// Was at the target before.
const RETURNER: &str = "meter-0014";
/// Know the command without its component only.
const PLAIN: [&str; 2] = ["meter-0009", "meter-0010"];

/// What the table says of a device: where its row ends, the reason, and by what it is let in.
fn must_end_as(id: &str) -> (&'static str, &'static str, &'static str) {
    let number: usize = id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    match (id, number) {
        (ODD, _) => ("skipped", "id not allowed in DPS", ""),
        (_, 5 | 6) => ("moved", "", "annex"),
        (_, 12 | 13 | 27) => ("moved", "", ""),
        (_, 15 | 16) => ("failed", "offline", "plant"),
        (_, 17) => ("failed", "refused", "plant"),
        (_, 18) => ("failed", "not seen at the target", "plant"),
        (_, 19) => ("skipped", "IoT Edge device", ""),
        (_, 20) => ("skipped", "disabled in the hub", ""),
        (_, 21) => ("skipped", "never connected to the hub", ""),
        (_, 22) => ("skipped", "key of the hub only", ""),
        (_, 23) => ("skipped", "key of no known enrollment", ""),
        (_, 24) => ("skipped", "enrollment group not carried over", ""),
        (_, 25) => ("moved", "", "plant-x509"),
        (_, 26) => ("skipped", "TPM", ""),
        (_, 28) => ("skipped", "its certificate was not supplied", ""),
        (_, 1..=14) => ("moved", "", "plant"),
        _ => panic!("there is no {id}"),
    }
}

/// The row says what the device itself knows.
fn agrees(lab: &Lab, row: &Row, device: &Device) {
    let (id, log) = (&device.id, &device.log);
    let has = |column: &str| !row[column].is_empty();
    assert!(!device.was_told_again_after_accepting(), "{id} was told again: {log:?}");
    match (row["outcome"].as_str(), row["reason"].as_str()) {
        ("moved", _) => {
            assert!(lab.is_at_app(NEXT_APP, id), "{id} counts as moved and is {}: {log:?}", device.whereabouts());
            let times = if PLAIN.contains(&id.as_str()) { 2 } else { 1 };
            assert_eq!(device.times_commanded(), times, "{id}: {log:?}");
            assert!(has("commanded_at") && has("left_at") && has("provisioned_at") && has("connected_at"), "{row:?}");
            assert_eq!(has("acknowledged_at"), device.kind != Kind::AnswerLost, "{row:?}");
            let newer = row["connected_evidence"].contains("newer telemetry");
            assert_eq!(newer, id == RETURNER, "{row:?}");
        }
        ("failed", "refused") => {
            assert_eq!(device.times_commanded(), 1, "{id}: {log:?}");
            assert!(matches!(device.place, Place::Hub { .. }) && row["detail"].contains("403"), "{row:?}");
        }
        ("failed", "not seen at the target") => {
            assert!(matches!(device.place, Place::Lost { .. }), "{id}: {log:?}");
            assert!(has("acknowledged_at") && !has("provisioned_at") && !has("connected_at"), "{row:?}");
            assert!(row["detail"].contains("contoso-plant shows it disconnected"), "{row:?}");
        }
        _ => assert!(was_never_told(device), "{id}: {log:?}"),
    }
    assert!(row["outcome"] == "moved" || has("what_to_do"), "{id} did not move and nobody is told what to do: {row:?}");
}

fn told_the_target(lab: &Lab) {
    for device in lab.devices("") {
        let heard = |what: &Happening| match what {
            Happening::Commanded { method, id_scope, .. } => Some((method.clone(), id_scope.clone())),
            _ => None,
        };
        for (method, scope) in device.log.iter().filter_map(|entry| heard(&entry.what)) {
            assert_eq!(scope.as_deref(), Some(TARGET_SCOPE), "{}", device.id);
            assert!(["migration*DeviceMove", "DeviceMove"].contains(&method.as_str()), "{}: {method}", device.id);
        }
    }
}

/// Nothing was sent to the hubs or their DPS that changes anything but the methods.
fn only_methods_were_sent(lab: &Lab) {
    for service in [Service::Hub, Service::DpsService] {
        let strange: Vec<String> = lab
            .calls_to(service)
            .iter()
            .filter(|call| call.method != "GET" && !is_method(call))
            .filter(|call| !call.path.ends_with("/query") && !call.path.ends_with("/attestationmechanism"))
            .map(|call| format!("{} {}", call.method, call.path))
            .collect();
        assert_eq!(strange, [] as [String; 0], "{service:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_of_two_hubs_ends_as_its_table_says() {
    let (lab, _program, ada) = Lab::with_ada(20, fleet::hub_to_central_world).await;
    let hubs = lab.shared().look(|world| json!([world.hubs, world.dps]));
    let wish = Wish::from_hubs(Some(PLANT_DPS), &[PLANT, PLANT_TWO], NEXT, Some("Meter")).with(GIVE_UP, "2");
    let (journey, page) = ada.migrate(&wish).await;
    let form = page.form_with_button("Add certificate of plant-x509").expect("the X.509 group waits for a certificate");
    let page = ada.submit(&page, form.set("certificate", PLANT_CA)).await;
    let form = page.form_with_button("Add certificates of devices").expect("the DPS has enrollments of certificates");
    let page = ada.submit(&page, form.set("certificates", METER_CERTIFICATES[0])).await;
    assert!(page.text().contains("Supplied so far, of 1 device: meter-0027"), "{}", page.text());
    ada.press(&page, "Start migration").await;
    let page = ada.wait_for_state(&journey, "Waiting for 2 devices", PATIENCE).await;
    for id in ["meter-0015", "meter-0016"] {
        assert_eq!(ada.devices(&journey).await[id]["outcome"], "waiting");
    }
    ada.press(&page, "Finish now").await;
    ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;

    let rows = ada.devices(&journey).await;
    let of_the_hubs: Vec<String> = lab.shared().look(|world| {
        let hubs = [PLANT, PLANT_TWO].map(|name| format!("{name}.azure-devices.net"));
        let mut ids: Vec<String> = hubs.iter().flat_map(|host| world.hubs[host].identities.keys().cloned()).collect();
        ids.sort();
        ids
    });
    assert_eq!(rows.keys().cloned().collect::<Vec<_>>(), of_the_hubs);
    for (id, row) in &rows {
        let end = (row["outcome"].as_str(), row["reason"].as_str(), row["key_group"].as_str());
        assert_eq!(end, must_end_as(id), "{row:?}");
        if let Some(device) = lab.shared().look(|world| world.devices.get(id).cloned()) {
            agrees(&lab, row, &device);
        }
    }
    told_the_target(&lab);
    only_methods_were_sent(&lab);
    let identities = |value: &serde_json::Value| value[0].as_object().expect("hubs").len();
    assert_eq!(identities(&lab.shared().look(|world| json!([world.hubs]))), identities(&hubs), "no hub is gone");
    assert_eq!(lab.effects("identity.deleted"), [] as [String; 0]);
    assert_eq!(
        lab.shared().look(made_groups).len(),
        3,
        "no other group than plant, annex and plant-x509 has a device that moves"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_get_the_chosen_template_unless_they_have_one() {
    let (lab, _program, ada) = Lab::with_ada(30, |clock| {
        let mut world = super::stage::meters(clock, 3);
        if let Some(device) = world.devices.get_mut("meter-0002") {
            device.model_id = Some(METER_MODEL.to_owned());
        }
        world
    })
    .await;
    let wish = Wish::from_hubs(Some(PLANT_DPS), &[PLANT], NEXT, Some("Pump")).with(GIVE_UP, "2");
    let journey = ada.start(&wish).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    let template = |id: &str| lab.known_at(NEXT_APP, id).expect("it came").template;
    assert_eq!(template("meter-0001").as_deref(), Some(fleet::PUMP));
    assert_eq!(template("meter-0002").as_deref(), Some(METER));
}
