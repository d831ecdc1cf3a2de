//! The table is the truth: the move is made as a careful tool makes it, and the devices' own logs tell how it ends.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    BASIC, LOOSE, METER_CERTIFICATES, NEXT_APP, ODD, PLANT, PLANT_DPS, PLANT_TWO, RETURNER, SHARED,
    hub_to_central_world, hub_world, loose_keys,
};
use crate::sandbox::device::{Device, Happening, Place, is_at_app, restart, set_online};
use crate::sandbox::fleet::METER;
use crate::sandbox::testkit::{Answer, Bench};
use crate::sandbox::x509::Certificate;

const COMPONENT: &str = "migration*DeviceMove";

/// What the table says of a number, where the first of the two individual attestations is carried over.
fn end_of(number: usize) -> &'static str {
    match number {
        1..=12 | 14 | 27 => "moved",
        13 => "skipped: individual enrollment",
        15 | 16 => "waiting",
        17 => "failed: refused",
        18 => "failed: not seen at the target",
        19 => "skipped: edge",
        20 => "skipped: disabled",
        21 => "skipped: never connected",
        22 => "skipped: hub-only key",
        23 => "skipped: its key is of no enrollment",
        24 => "skipped: its enrollment is disabled",
        25 => "skipped: X.509",
        26 => "skipped: TPM",
        28 => "skipped: its certificate is not supplied",
        _ => panic!("there is no number {number}"),
    }
}

fn id_of(number: usize) -> String {
    format!("meter-{number:04}")
}

fn host(hub: &str) -> String {
    format!("{hub}.azure-devices.net")
}

/// What really became of a device that was told, or that may still be.
fn really(bench: &Bench, id: &str) -> &'static str {
    bench.shared.look(|world| {
        let device = &world.devices[id];
        let refused = |what: &Happening| matches!(what, Happening::Answered { status: 403, .. });
        let stayed = device.place == (Place::Hub { host: host(PLANT) });
        match device.times_commanded() {
            0 if stayed && !device.online => "waiting",
            1 if stayed && device.log.iter().any(|entry| refused(&entry.what)) => "failed: refused",
            1 if matches!(device.place, Place::Lost { .. }) => "failed: not seen at the target",
            1 if is_at_app(world, NEXT_APP, id) => "moved",
            2 if is_at_app(world, NEXT_APP, id) && device.component.is_none() => "moved",
            _ => panic!("{id}: {device:?}"),
        }
    })
}

/// The keys of an enrollment, as the provisioning service shows them.
async fn keys_of(bench: &Bench, dps: &str, enrollment: &str) -> Value {
    let mechanism = bench.dps_at(dps, "POST", &format!("/{enrollment}/attestationmechanism"), &[], Value::Null).await;
    assert_eq!(mechanism.status, 200, "{}", mechanism.text);
    mechanism.body
}

async fn carry_group(bench: &Bench, name: &str, attestation: Value) {
    let group = json!({"displayName": name, "type": "iot", "enabled": true, "attestation": attestation});
    let made = bench.app(NEXT_APP, "PUT", &format!("/enrollmentGroups/dps-{name}"), group).await;
    assert_eq!(made.status, 200, "{}", made.text);
}

async fn carry_enrollment(bench: &Bench, id: &str) {
    let attestation = keys_of(bench, PLANT_DPS, &format!("enrollments/{id}")).await;
    let path = format!("/devices/{id}");
    assert_eq!(bench.app(NEXT_APP, "PUT", &path, json!({"displayName": "Carried over"})).await.status, 200);
    assert_eq!(bench.app(NEXT_APP, "PUT", &format!("{path}/attestation"), attestation).await.status, 200);
}

/// The service shows the certificate's thumbprints only: the certificate comes from whoever has it.
async fn carry_certificate(bench: &Bench, id: &str) {
    let shown = bench.dps_at(PLANT_DPS, "GET", &format!("/enrollments/{id}"), &[], Value::Null).await.body;
    let own = &shown["attestation"]["x509"]["clientCertificates"]["primary"];
    let certificate = Certificate::read(METER_CERTIFICATES[0]).unwrap();
    assert_eq!(own["info"]["sha1Thumbprint"], json!(certificate.sha1));
    assert!(!own.to_string().contains(&certificate.der));
    let primary = json!({"certificate": STANDARD.encode(METER_CERTIFICATES[0])});
    let attestation = json!({"type": "x509", "x509": {"clientCertificates": {"primary": primary}}});
    let path = format!("/devices/{id}");
    assert_eq!(bench.app(NEXT_APP, "PUT", &path, json!({"displayName": "Carried over"})).await.status, 200);
    assert_eq!(bench.app(NEXT_APP, "PUT", &format!("{path}/attestation"), attestation).await.status, 200);
}

async fn with_targets() -> Bench {
    let bench = Bench::new(500, hub_to_central_world);
    for group in ["plant", "annex"] {
        carry_group(&bench, group, keys_of(&bench, PLANT_DPS, &format!("enrollmentGroups/{group}")).await).await;
    }
    carry_enrollment(&bench, &id_of(12)).await;
    carry_certificate(&bench, &id_of(27)).await;
    bench
}

/// Calls the component's method, and the plain one where the device does not know that.
async fn tell(bench: &Bench, hub: &str, id: &str) -> Answer {
    let told = bench.tell(&host(hub), id, COMPONENT, NEXT_APP).await;
    match told.body["status"].as_u64() {
        Some(404 | 501) => bench.tell(&host(hub), id, "DeviceMove", NEXT_APP).await,
        _ => told,
    }
}

async fn is_lost(bench: &Bench, id: &str, because: &str) {
    let is_lost = |device: &Device| matches!(&device.place, Place::Lost { why } if why.contains(because));
    bench.until("lost", |world| is_lost(&world.devices[id])).await;
}

#[tokio::test]
async fn every_device_ends_as_the_table_says() {
    let bench = with_targets().await;
    let began = bench.shared.clock().now();
    let mut answers = BTreeMap::new();
    for number in (1..=28).filter(|number| !end_of(*number).starts_with("skipped")) {
        let told = tell(&bench, PLANT, &id_of(number)).await;
        answers.insert(number, (told.status, told.body["status"].as_u64()));
    }
    assert_eq!([8, 15, 16, 17].map(|number| answers.remove(&number).unwrap().0), [504, 404, 404, 200]);
    assert!(answers.values().all(|answer| *answer == (200, Some(200))), "{answers:?}");
    bench.until("rest", |world| world.devices.values().all(|device| device.doing.is_none())).await;
    for number in (1..=28).filter(|number| !end_of(*number).starts_with("skipped")) {
        let id = id_of(number);
        assert_eq!(really(&bench, &id), end_of(number), "{number}");
        let shown = bench.app(NEXT_APP, "GET", &format!("/devices/{id}"), Value::Null).await;
        assert_eq!(shown.status, if end_of(number) == "moved" { 200 } else { 404 }, "{number}");
        if end_of(number) == "moved" {
            assert_eq!((&shown.body["provisioned"], &shown.body["enabled"]), (&json!(true), &json!(true)), "{number}");
            let template = if [11, 14].contains(&number) { json!(METER) } else { Value::Null };
            assert_eq!(shown.body["template"], template, "{number}");
        }
    }
    assert!(bench.last_telemetry(NEXT_APP, METER, RETURNER).await > Some(began));
}

#[tokio::test]
async fn those_that_move_are_gone_from_the_hub_and_go_back_there_when_they_restart() {
    let bench = with_targets().await;
    for number in [1, 5, 12, 27] {
        let id = id_of(number);
        tell(&bench, PLANT, &id).await;
        bench.until("arrival", |world| is_at_app(world, NEXT_APP, &id)).await;
        let twin = bench.hub_at(&host(PLANT), "service", "GET", &format!("/twins/{id}"), &[], Value::Null).await.body;
        assert_eq!((&twin["status"], &twin["connectionState"]), (&json!("enabled"), &json!("Disconnected")));
        assert!(restart(&bench.shared, &id));
        let back = Place::Hub { host: host(PLANT) };
        bench.until("back", |world| world.devices[&id].place == back).await;
    }
}

#[tokio::test]
async fn those_that_wait_move_when_they_are_on_and_told_again() {
    let bench = with_targets().await;
    for id in [id_of(15), id_of(16)] {
        assert_eq!(tell(&bench, PLANT, &id).await.headers["iothub-errorcode"], "DeviceNotOnline");
        set_online(&bench.shared, &id, true);
        assert_eq!(tell(&bench, PLANT, &id).await.body["status"], 200);
        bench.until("arrival", |world| is_at_app(world, NEXT_APP, &id)).await;
    }
}

#[tokio::test]
async fn those_that_are_skipped_cannot_be_told_or_would_be_lost() {
    let bench = with_targets().await;
    for (number, error) in [(19, "DeviceNotOnline"), (20, "DeviceNotFound"), (21, "DeviceNotOnline")] {
        let told = tell(&bench, PLANT, &id_of(number)).await;
        assert_eq!((told.status, &told.headers["iothub-errorcode"]), (404, &error.parse().unwrap()), "{number}");
    }
    let told = tell(&bench, PLANT, &id_of(22)).await;
    assert!(told.status == 504 || told.body["status"] == 501, "it does not know the method: {}", told.text);
    assert!(bench.shared.look(|world| world.devices[&id_of(22)].place == Place::Hub { host: host(PLANT) }));
    for (id, code) in
        [13, 23, 24, 25, 26, 28].map(|number| (id_of(number), "401002")).into_iter().chain([(ODD.to_owned(), "400")])
    {
        assert_eq!(tell(&bench, PLANT, &id).await.body["status"], 200, "{id}");
        is_lost(&bench, &id, code).await;
    }
}

#[tokio::test]
async fn hub_and_provisioning_service_show_why_a_device_is_skipped() {
    let bench = Bench::new(500, hub_to_central_world);
    let identity = |number: usize| {
        let bench = &bench;
        let path = format!("/devices/{}", id_of(number));
        async move { bench.hub_at(&host(PLANT), "registryRead", "GET", &path, &[], Value::Null).await.body }
    };
    assert_eq!(identity(19).await["capabilities"]["iotEdge"], true);
    assert_eq!(identity(20).await["status"], "disabled");
    assert_eq!(identity(21).await["lastActivityTime"], "0001-01-01T00:00:00Z");
    assert_ne!(identity(15).await["lastActivityTime"], "0001-01-01T00:00:00Z");
    assert_eq!(identity(25).await["authentication"]["type"], "selfSigned");
    let record = |number: usize| {
        let bench = &bench;
        let path = format!("/registrations/{}", id_of(number));
        async move { bench.dps_at(PLANT_DPS, "GET", &path, &[], Value::Null).await.status }
    };
    assert_eq!([record(1).await, record(12).await, record(23).await, record(26).await], [200; 4]);
    assert_eq!([record(21).await, record(22).await], [404; 2]);
    let read = |path: &'static str| bench.dps_at(PLANT_DPS, "GET", path, &[], Value::Null);
    assert_eq!(read("/enrollmentGroups/former").await.status, 404);
    assert_eq!(read("/enrollmentGroups/retired").await.body["provisioningStatus"], "disabled");
    assert_eq!(read("/enrollmentGroups/plant-x509").await.body["attestation"]["type"], "x509");
    assert_eq!(read("/enrollments/meter-0026").await.body["attestation"]["type"], "tpm");
}

#[tokio::test]
async fn devices_of_the_other_hubs_move_with_the_keys_that_they_came_by() {
    let bench = with_targets().await;
    let (primary, secondary) = loose_keys();
    let loose = json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}});
    carry_group(&bench, "loose", loose).await;
    for side in ["east", "west"] {
        let dps = format!("contoso-{side}-dps");
        carry_group(&bench, side, keys_of(&bench, &dps, &format!("enrollmentGroups/{side}")).await).await;
    }
    for (hub, prefix, count) in [(PLANT_TWO, "gauge", 3), (LOOSE, "loose", 3), (SHARED, "east", 2), (SHARED, "west", 2)]
    {
        for number in 1..=count {
            let id = format!("{prefix}-{number:04}");
            assert_eq!(tell(&bench, hub, &id).await.body["status"], 200, "{id}");
            bench.until("arrival", |world| is_at_app(world, NEXT_APP, &id)).await;
        }
    }
}

#[tokio::test]
async fn the_basic_tier_has_devices_and_queries_but_neither_twins_nor_methods() {
    let bench = Bench::new(500, hub_to_central_world);
    assert_eq!(
        tell(&bench, BASIC, "basic-0001").await.headers["iothub-errorcode"],
        "OperationNotAvailableInCurrentTier"
    );
    let call = |policy: &'static str, method: &'static str, path: &'static str, body: Value| {
        let bench = &bench;
        async move { bench.hub_at(&host(BASIC), policy, method, path, &[], body).await }
    };
    assert_eq!(call("service", "GET", "/twins/basic-0001", Value::Null).await.status, 403);
    assert_eq!(
        call("registryRead", "GET", "/devices/basic-0001", Value::Null).await.body["connectionState"],
        "Connected"
    );
    let query = json!({"query": "SELECT deviceId FROM devices"});
    let found = call("service", "POST", "/devices/query", query).await;
    assert_eq!(found.body, json!([{"deviceId": "basic-0001"}, {"deviceId": "basic-0002"}]));
}

#[tokio::test]
async fn a_large_fleet_has_one_that_refuses_and_one_that_vanishes() {
    let bench = Bench::new(500, |clock| hub_world(clock, 5000, "S2", 10));
    assert_eq!(bench.shared.look(|world| world.hubs[&host(PLANT)].identities.len()), 5000);
    carry_group(&bench, "plant", keys_of(&bench, PLANT_DPS, "enrollmentGroups/plant").await).await;
    let answers = [1, 2, 3, 5000].map(id_of);
    let mut told = Vec::new();
    for id in &answers {
        told.push(tell(&bench, PLANT, id).await.body["status"].as_u64());
    }
    assert_eq!(told, [Some(200), Some(403), Some(200), Some(200)]);
    is_lost(&bench, &id_of(3), "never heard of again").await;
    for id in [id_of(1), id_of(5000)] {
        bench.until("arrival", |world| is_at_app(world, NEXT_APP, &id)).await;
    }
}
