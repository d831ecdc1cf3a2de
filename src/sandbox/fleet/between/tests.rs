//! The table is the truth: the move is made as a careful tool makes it, and the devices' own logs tell how it ends.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{EXPECTED, RETURNER, central_to_central_world};
use crate::sandbox::device::{Device, Happening, Place, is_at_app, set_online};
use crate::sandbox::fleet::{BOILER, BOILER_CERTIFICATE, MAIN_APP, NEXT_APP};
use crate::sandbox::testkit::Bench;
use crate::sandbox::x509::Certificate;

/// What the table says of a number, where the first of the two individual attestations is carried over.
fn end_of(number: usize) -> &'static str {
    match number {
        1..=10 | 15 | 19..=21 => "moved",
        11 | 12 => "waiting",
        13 => "failed: refused",
        14 => "failed: not seen at the target",
        16 => "skipped: individual attestation",
        22 => "moved",
        17 => "skipped: simulated",
        18 => "skipped: blocked",
        _ => panic!("there is no number {number}"),
    }
}

/// What really became of a device.
fn really(bench: &Bench, id: &str) -> &'static str {
    bench.shared.look(|world| {
        let device = &world.devices[id];
        let refused = |what: &Happening| matches!(what, Happening::Answered { status: 403, .. });
        let stayed = device.place == (Place::App { sub: MAIN_APP.to_owned() });
        let known = &world.apps[MAIN_APP].devices[id];
        match device.times_commanded() {
            0 if stayed && known.simulated => "skipped: simulated",
            0 if stayed && !known.enabled => "skipped: blocked",
            0 if stayed && known.attestation.is_some() => "skipped: individual attestation",
            0 if stayed && !device.online => "waiting",
            1 if stayed && device.log.iter().any(|entry| refused(&entry.what)) => "failed: refused",
            1 if matches!(device.place, Place::Lost { .. }) => "failed: not seen at the target",
            1 if is_at_app(world, NEXT_APP, id) => "moved",
            _ => panic!("{id}: {device:?}"),
        }
    })
}

fn id_of(number: usize) -> String {
    format!("boiler-{number:04}")
}

async fn carry_attestation(bench: &Bench, id: &str) {
    let path = format!("/devices/{id}/attestation");
    let attestation = bench.app(MAIN_APP, "GET", &path, Value::Null).await.body;
    let device = json!({"displayName": "Carried over"});
    assert_eq!(bench.app(NEXT_APP, "PUT", &format!("/devices/{id}"), device).await.status, 200);
    assert_eq!(bench.app(NEXT_APP, "PUT", &path, attestation).await.status, 200);
}

/// The source shows the thumbprint only: the certificate comes from whoever has it.
async fn carry_certificate(bench: &Bench, id: &str) {
    let path = format!("/devices/{id}/attestation");
    let shown = bench.app(MAIN_APP, "GET", &path, Value::Null).await.body;
    let sha1 = Certificate::read(BOILER_CERTIFICATE).unwrap().sha1;
    assert_eq!(shown["x509"]["clientCertificates"], json!({"primary": {"info": {"sha1Thumbprint": sha1}}}));
    let primary = json!({"certificate": STANDARD.encode(BOILER_CERTIFICATE)});
    let own = json!({"type": "x509", "x509": {"clientCertificates": {"primary": primary}}});
    let device = json!({"displayName": "Carried over"});
    assert_eq!(bench.app(NEXT_APP, "PUT", &format!("/devices/{id}"), device).await.status, 200);
    assert_eq!(bench.app(NEXT_APP, "PUT", &path, own).await.status, 200);
}

async fn with_targets() -> Bench {
    let bench = Bench::new(500, central_to_central_world);
    for group in ["SAS-IoT-Devices", "second-plant"] {
        bench.carry_into(NEXT_APP, group).await;
    }
    carry_attestation(&bench, &id_of(15)).await;
    carry_certificate(&bench, &id_of(22)).await;
    bench
}

/// What the callers of the command hear.
async fn tell_all(bench: &Bench) -> BTreeMap<usize, u16> {
    let mut answers = BTreeMap::new();
    for number in (1..=22).filter(|number| !end_of(*number).starts_with("skipped")) {
        answers.insert(number, bench.send_to_app(&id_of(number), NEXT_APP).await.status);
    }
    answers
}

#[tokio::test]
async fn every_device_ends_as_the_table_says() {
    let bench = with_targets().await;
    let told = bench.shared.clock().now();
    let mut answers = tell_all(&bench).await;
    assert_eq!([10, 11, 12].map(|number| answers.remove(&number)), [Some(504), Some(404), Some(404)]);
    assert!(answers.values().all(|status| *status == 201), "{answers:?}");
    bench.until("rest", |world| world.devices.values().all(|device| device.doing.is_none())).await;
    for number in 1..=22 {
        assert_eq!(really(&bench, &id_of(number)), end_of(number), "{number}");
        let shown = bench.app(NEXT_APP, "GET", &format!("/devices/{}", id_of(number)), Value::Null).await;
        let is_there = end_of(number) == "moved";
        assert_eq!(shown.status, if is_there { 200 } else { 404 }, "{number}");
        if is_there {
            assert_eq!((&shown.body["provisioned"], &shown.body["enabled"]), (&json!(true), &json!(true)), "{number}");
            let template = if (19..=21).contains(&number) { json!(BOILER) } else { Value::Null };
            assert_eq!(shown.body["template"], template, "{number}");
        }
    }
    assert!(bench.last_telemetry(NEXT_APP, BOILER, RETURNER).await > Some(told));
    let shown = bench.app(NEXT_APP, "GET", &format!("/devices/{EXPECTED}"), Value::Null).await.body;
    assert_eq!(shown["displayName"], "Boiler 21");
    assert!(!bench.shared.look(|world| world.devices.values().any(Device::was_told_again_after_accepting)));
}

#[tokio::test]
async fn those_that_wait_move_when_they_are_on_and_told_again() {
    let bench = with_targets().await;
    for id in [id_of(11), id_of(12)] {
        assert_eq!(bench.send_to_app(&id, NEXT_APP).await.status, 404);
        set_online(&bench.shared, &id, true);
        assert_eq!(bench.send_to_app(&id, NEXT_APP).await.status, 201);
        bench.until("arrival", |world| is_at_app(world, NEXT_APP, &id)).await;
    }
}

#[tokio::test]
async fn an_individual_attestation_that_is_not_carried_over_would_lose_its_device() {
    let bench = with_targets().await;
    assert_eq!(bench.send_to_app(&id_of(16), NEXT_APP).await.status, 201);
    bench.until("lost", |world| matches!(world.devices[&id_of(16)].place, Place::Lost { .. })).await;
}

#[tokio::test]
async fn all_but_one_are_in_the_device_group() {
    let bench = Bench::new(500, central_to_central_world);
    let members = bench.app(MAIN_APP, "GET", "/deviceGroups/boilers-all/devices", Value::Null).await.body;
    let members: Vec<_> = members["value"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(members, (1..=22).map(id_of).collect::<Vec<_>>());
    let outside = bench.app(MAIN_APP, "GET", "/devices/unassigned-0001", Value::Null).await;
    assert_eq!((outside.status, &outside.body["template"]), (200, &Value::Null));
    for number in [20, 21] {
        let shown = bench.app(NEXT_APP, "GET", &format!("/devices/{}", id_of(number)), Value::Null).await.body;
        assert_eq!(shown["provisioned"], number == 20, "{number}");
    }
}
