//! Pace: a small hub is never told more than it takes.

use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::device::{Device, Happening, Kind, Place};
use iotc_migrator::sandbox::fleet::{self, MAIN_APP, PUMP, Spec};
use iotc_migrator::sandbox::log::Call;
use iotc_migrator::sandbox::world::World;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::truth::HUB;

const PATIENCE: Duration = Duration::from_secs(150);
const SMALL_HUB: &str = "contoso-hub-small.azure-devices.net";

/// One hub unit registers a hundred devices a minute, and firmware like the official samples' does not try twice.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_fleet_reaches_a_hub_of_one_unit_without_losing_a_device() {
    let lab = Lab::start(15).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::onto_the_small_hub()).await;
    ada.wait_for_state(&journey, "Waiting for 12 devices", PATIENCE).await;

    let rows = ada.devices(&journey).await;
    for device in lab.devices("boiler-") {
        let (id, row) = (&device.id, &rows[&device.id]);
        let is_lost = matches!(device.place, Place::Lost { .. });
        assert_eq!(is_lost, device.kind == Kind::Vanishes, "{id}: {:?}", device.log);
        assert_eq!(row["outcome"] == "moved", lab.is_at_hub(SMALL_HUB, id), "{id}: {row:?}");
        met_no_throttle(&device);
    }
    assert_eq!(rows.values().filter(|row| row["outcome"] == "moved").count(), 150 + 6 + 6 + 4);
    hardly_throttled(&lab);
}

/// All tries of a device are shown when it is lost by a throttled registration.
fn met_no_throttle(device: &Device) {
    let refused = device.log.iter().any(|entry| matches!(entry.what, Happening::RegistrationFailed { .. }));
    assert!(!refused, "{} met a throttled registration: {:?}", device.id, device.log);
}

/// Under one in a hundred calls was answered 429.
fn hardly_throttled(lab: &Lab) {
    let calls = lab.shared().log().all();
    let throttled: Vec<&Call> = calls.iter().filter(|call| call.throttled).collect();
    let paths: Vec<&str> = throttled.iter().map(|call| call.path.as_str()).collect();
    assert!(paths.len() * 100 < calls.len(), "{} of {} calls were answered 429: {paths:?}", paths.len(), calls.len());
}

/// Boilers of firmware that does not try twice, in front of a hub of one unit.
fn in_front_of_one_unit(clock: &SandboxClock, boilers: usize) -> World {
    let mut world = fleet::simple_world(clock, boilers, "S1", 1);
    world.devices.values_mut().for_each(|device| device.kind = Kind::NoRetry);
    world
}

/// A job tells twenty devices a second, and making their identities ahead has used up the hub's registry before.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_group_larger_than_a_minute_of_the_hub_arrives_without_losing_a_device() {
    let (lab, _program, ada) = Lab::with_ada(25, |clock| in_front_of_one_unit(clock, 170)).await;
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for_state(&journey, "Completed", PATIENCE).await;
    lab.devices("boiler-").iter().for_each(met_no_throttle);
    let rows = ada.devices(&journey).await;
    assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
    hardly_throttled(&lab);
}

/// Each alone keeps to what the hub takes; together they must, too.
#[tokio::test(flavor = "multi_thread")]
async fn two_migrations_to_one_small_hub_share_what_it_takes() {
    let (lab, _program, ada) = Lab::with_ada(20, |clock| {
        let mut world = in_front_of_one_unit(clock, 90);
        let since = world.apps[MAIN_APP].devices["boiler-0001"].presence.since.expect("a connection");
        fleet::add_group(&mut world, MAIN_APP, "pumps-all", "Pumps - all", PUMP);
        let pump = Spec { kind: Kind::NoRetry, ..Spec::new(PUMP) };
        fleet::add_devices(&mut world, MAIN_APP, "pump", 1, 90, &pump, since);
        world
    })
    .await;
    let on_arrival = |wish: Wish| wish.with("Let DPS register each device as it arrives", "yes");
    let boilers = ada.start(&on_arrival(Wish::default())).await;
    let pumps = ada.start(&on_arrival(Wish::pumps())).await;
    for (journey, prefix) in [(boilers, "boiler-"), (pumps, "pump-")] {
        ada.wait_for_state(&journey, "Completed", PATIENCE).await;
        lab.devices(prefix).iter().for_each(met_no_throttle);
        let rows = ada.devices(&journey).await;
        assert_eq!(rows.len(), 90);
        assert!(rows.iter().all(|(id, row)| row["outcome"] == "moved" && lab.is_at_hub(HUB, id)), "{rows:?}");
    }
    hardly_throttled(&lab);
}
