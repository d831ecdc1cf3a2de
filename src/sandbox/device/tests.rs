//! Whole moves, told from the devices' side.

use serde_json::{Value, json};

use super::{Device, Firmware, Happening, Kind, Place, is_at_app, is_at_hub};
use crate::sandbox::fleet;
use crate::sandbox::options::IdentityConflict;
use crate::sandbox::testkit::{Bench, HUB, SCOPE};
use crate::sandbox::world::World;

async fn tell(bench: &Bench, id: &str) -> u16 {
    let path = format!("/devices/{id}/components/migration/commands/DeviceMove");
    bench.central("POST", &path, json!({"request": {"idScope": SCOPE}, "responseTimeout": 5})).await.status
}

fn first(world: &World, kind: Kind) -> String {
    world.devices.values().find(|device| device.kind == kind).unwrap().id.clone()
}

fn set_firmware(bench: &Bench, id: &str, firmware: Firmware) {
    bench.shared.world(|world| world.devices.get_mut(id).unwrap().firmware = firmware);
}

fn is_settled(device: &Device) -> bool {
    device.doing.is_none()
}

#[tokio::test]
async fn a_moved_device_really_registers_connects_and_sends() {
    let bench = Bench::simple(500);
    bench.carry_over("SAS-IoT-Devices").await;
    assert_eq!(tell(&bench, "boiler-0001").await, 201);
    bench.until("connected", |world| is_at_hub(world, HUB, "boiler-0001")).await;
    let twin = bench.hub("service", "GET", "/twins/boiler-0001", &[], Value::Null).await.body;
    assert_eq!(twin["connectionState"], "Connected");
    assert_ne!(twin["lastActivityTime"], "0001-01-01T00:00:00Z");
    let left = |entry: &super::Entry| matches!(entry.what, Happening::Left { .. });
    assert!(bench.shared.look(|world| world.devices["boiler-0001"].log.iter().any(left)));
}

#[tokio::test]
async fn a_device_whose_key_nobody_knows_is_lost() {
    let bench = Bench::simple(500);
    assert_eq!(tell(&bench, "boiler-0001").await, 201);
    bench
        .until(
            "lost",
            |world| matches!(&world.devices["boiler-0001"].place, Place::Lost { why } if why.contains("401002")),
        )
        .await;
}

#[tokio::test]
async fn a_device_whose_identity_was_kept_with_other_keys_is_refused_by_the_hub() {
    let bench = Bench::simple(500);
    bench.carry_over("SAS-IoT-Devices").await;
    bench.shared.flip(|switches| switches.identity_conflict = IdentityConflict::Keep);
    let other = json!({"deviceId": "boiler-0001", "status": "enabled"});
    bench.hub("registryReadWrite", "PUT", "/devices/boiler-0001", &[], other).await;
    tell(&bench, "boiler-0001").await;
    bench.until("lost", |world| matches!(world.devices["boiler-0001"].place, Place::Lost { .. })).await;
    let twin = bench.hub("service", "GET", "/twins/boiler-0001", &[], Value::Null).await.body;
    assert_eq!(twin["connectionState"], "Disconnected");
}

#[tokio::test]
async fn vanishing_devices_answer_and_refusing_ones_stay() {
    let bench = Bench::fleet(500);
    bench.carry_over("SAS-IoT-Devices").await;
    let (vanishing, refusing) = bench.shared.look(|world| (first(world, Kind::Vanishes), first(world, Kind::Refuses)));
    assert_eq!(tell(&bench, &vanishing).await, 201);
    bench.until("lost", |world| matches!(world.devices[&vanishing].place, Place::Lost { .. })).await;
    let path = format!("/devices/{refusing}/components/migration/commands/DeviceMove");
    let refused = bench.central("POST", &path, json!({"request": {"idScope": SCOPE}})).await;
    assert_eq!(refused.body["responseCode"], 403);
    assert!(bench.shared.look(|world| matches!(world.devices[&refusing].place, Place::App { .. })));
}

#[tokio::test]
async fn a_device_that_is_switched_on_while_the_caller_waits_gets_the_command() {
    let bench = Bench::simple(50);
    bench.carry_over("SAS-IoT-Devices").await;
    super::set_online(&bench.shared, "boiler-0001", false);
    assert_eq!(tell(&bench, "boiler-0001").await, 404);
    let path = "/devices/boiler-0001/components/migration/commands/DeviceMove";
    let waiting = bench.central("POST", path, json!({"request": {"idScope": SCOPE}, "connectionTimeout": 30}));
    let switching = async { super::set_online(&bench.shared, "boiler-0001", true) };
    let (answer, ()) = tokio::join!(waiting, switching);
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn a_throttled_device_tries_again_unless_it_is_of_the_kind_that_does_not() {
    let bench = Bench::new(200, |clock| fleet::simple_world(clock, 2, "S1", 1));
    bench.carry_over("SAS-IoT-Devices").await;
    bench.shared.world(|world| world.devices.get_mut("boiler-0002").unwrap().kind = Kind::NoRetry);
    bench.shared.look(|world| {
        use crate::sandbox::hub::limits::{Class, take};
        take(&bench.shared, &world.hubs[HUB], Class::Registry, 460).unwrap();
    });
    tell(&bench, "boiler-0001").await;
    tell(&bench, "boiler-0002").await;
    bench.until("both settled", |world| world.devices.values().all(is_settled)).await;
    bench.shared.look(|world| {
        assert_eq!(world.devices["boiler-0001"].place, Place::Hub { host: HUB.to_owned() });
        assert!(matches!(&world.devices["boiler-0002"].place, Place::Lost { why } if why.contains("Throttling")));
    });
}

#[tokio::test]
async fn a_restart_leads_back_to_the_scope_in_the_configuration() {
    let bench = Bench::simple(500);
    bench.carry_over("SAS-IoT-Devices").await;
    tell(&bench, "boiler-0001").await;
    bench.until("at the hub", |world| is_at_hub(world, HUB, "boiler-0001")).await;
    assert!(super::restart(&bench.shared, "boiler-0001"));
    bench.until("back", |world| super::is_at_app(world, "contoso-fleet", "boiler-0001")).await;
    assert!(!bench.shared.look(|world| is_at_hub(world, HUB, "boiler-0001")));
}

#[tokio::test]
async fn a_hub_device_obeys_its_component_method_and_enters_the_application() {
    let bench = Bench::new(500, |clock| {
        let mut world = fleet::simple_world(clock, 0, "S2", 10);
        fleet::add_hub_devices(&mut world, "contoso-dps", HUB, "meters", "meter", 1, clock.now());
        world
    });
    let (primary, secondary) = (fleet::key("contoso-dps/meters/primary"), fleet::key("contoso-dps/meters/secondary"));
    let keys = json!({"primaryKey": primary, "secondaryKey": secondary});
    let group =
        json!({"displayName": "m", "type": "iot", "attestation": {"type": "symmetricKey", "symmetricKey": keys}});
    assert_eq!(bench.central("PUT", "/enrollmentGroups/meters", group).await.status, 200);
    let method = |name: &str| json!({"methodName": name, "payload": {"idScope": "0ne00A00001"}});
    let plain = bench.hub("service", "POST", "/twins/meter-0001/methods", &[], method("DeviceMove")).await;
    assert_eq!((plain.status, plain.body["status"].as_u64()), (200, Some(501)));
    let moved = bench.hub("service", "POST", "/twins/meter-0001/methods", &[], method("migration*DeviceMove")).await;
    assert_eq!((moved.status, moved.body["status"].as_u64()), (200, Some(200)));
    bench.until("in the application", |world| super::is_at_app(world, "contoso-fleet", "meter-0001")).await;
    let shown = bench.central("GET", "/devices/meter-0001", Value::Null).await.body;
    assert_eq!((shown["provisioned"].as_bool(), shown["template"].as_str()), (Some(true), None));
}

#[tokio::test]
async fn a_move_under_way_goes_on_after_a_restart_of_the_sandbox() {
    let bench = Bench::simple(50);
    bench.carry_over("SAS-IoT-Devices").await;
    tell(&bench, "boiler-0001").await;
    let saved = bench.shared.look(|world| serde_json::to_string(world).unwrap());
    bench.shared.end_tasks().await;
    let again = Bench::new(500, |_| serde_json::from_str(&saved).unwrap());
    super::resume(&again.shared);
    again.until("arrival", |world| is_at_hub(world, HUB, "boiler-0001")).await;
}

#[tokio::test]
async fn a_job_on_the_whole_default_fleet_ends_as_the_design_says() {
    let bench = Bench::fleet(500);
    bench.carry_over("SAS-IoT-Devices").await;
    bench.carry_over("second-plant").await;
    let data = json!([{"type": "command", "target": fleet::BOILER, "path": "migration.DeviceMove", "value": {"idScope": SCOPE}}]);
    let body = json!({"displayName": "Move", "group": "boilers-all", "data": data});
    assert_eq!(bench.central("PUT", "/jobs/all", body).await.status, 200);
    bench.until("the end of the job", |world| world.apps[fleet::MAIN_APP].jobs["all"].end.is_some()).await;
    bench.until("rest", |world| world.devices.values().all(is_settled)).await;
    bench.shared.look(|world| {
        let boilers = || world.devices.values().filter(|device| device.id.starts_with("boiler-"));
        let at_hub = boilers().filter(|device| matches!(device.place, Place::Hub { .. })).count();
        let lost = boilers().filter(|device| matches!(device.place, Place::Lost { .. })).count();
        let stayed = boilers().filter(|device| matches!(device.place, Place::App { .. })).count();
        assert_eq!(at_hub, 150 + 6 + 6 + 4);
        assert_eq!(lost, 4 + 2, "those that vanish, and those with a key of their own that nobody enrolled");
        assert_eq!(stayed, 12 + 6 + 2 + 2);
        assert!(!boilers().any(Device::was_told_again_after_accepting));
    });
    let shown = bench.central("GET", "/jobs/all", Value::Null).await.body;
    assert_eq!(shown["progress"], json!({"total": 194, "pending": 0, "completed": 170, "failed": 24}));
}

#[tokio::test]
async fn a_method_that_firmware_does_not_know_is_refused_by_one_sample_and_ignored_by_the_others() {
    let bench = Bench::simple(500);
    bench.shared.world(|world| world.devices.get_mut("boiler-0001").unwrap().component = None);
    for (firmware, status) in [(Firmware::Node, 504), (Firmware::Python, 504), (Firmware::DotNet, 201)] {
        set_firmware(&bench, "boiler-0001", firmware);
        assert_eq!(tell(&bench, "boiler-0001").await, status, "{firmware:?}");
    }
    assert!(bench.shared.look(|world| is_at_app(world, "contoso-fleet", "boiler-0001")));
}

#[tokio::test]
async fn a_dotnet_device_is_still_there_for_three_seconds_after_it_has_accepted() {
    let bench = Bench::simple(10);
    bench.carry_over("SAS-IoT-Devices").await;
    set_firmware(&bench, "boiler-0001", Firmware::DotNet);
    assert_eq!([tell(&bench, "boiler-0001").await, tell(&bench, "boiler-0001").await], [201, 201]);
    bench.until("connected", |world| is_at_hub(world, HUB, "boiler-0001")).await;
    assert!(bench.shared.look(|world| world.devices["boiler-0001"].was_told_again_after_accepting()));
}

#[tokio::test]
async fn a_command_without_an_id_scope_is_accepted_by_all_samples_and_loses_those_that_leave() {
    let bench = Bench::simple(500);
    let path = "/devices/boiler-0001/components/migration/commands/DeviceMove";
    set_firmware(&bench, "boiler-0001", Firmware::Python);
    assert_eq!(bench.central("POST", path, json!({"request": {}})).await.body["responseCode"], 200);
    assert!(bench.shared.look(|world| is_at_app(world, "contoso-fleet", "boiler-0001")));
    assert_eq!(tell(&bench, "boiler-0001").await, 504, "its listener broke off");
    assert!(super::restart(&bench.shared, "boiler-0001"));
    bench.until("back", |world| is_at_app(world, "contoso-fleet", "boiler-0001")).await;
    set_firmware(&bench, "boiler-0001", Firmware::DotNet);
    let unreadable = bench.central("POST", path, json!({"request": "0ne00000001"})).await;
    assert_eq!(unreadable.body["responseCode"], 400);
    assert_eq!(bench.central("POST", path, json!({"request": {}})).await.body["responseCode"], 200);
    bench.until("lost", |world| matches!(world.devices["boiler-0001"].place, Place::Lost { .. })).await;
}

#[tokio::test]
async fn a_device_that_keeps_its_old_client_connects_at_the_target_and_is_silent_there() {
    let bench = Bench::simple(500);
    bench.carry_over("SAS-IoT-Devices").await;
    bench.shared.world(|world| world.devices.get_mut("boiler-0001").unwrap().keeps_old_client = true);
    assert_eq!(tell(&bench, "boiler-0001").await, 201);
    bench.until("connected", |world| is_at_hub(world, HUB, "boiler-0001")).await;
    bench.shared.jump(std::time::Duration::from_secs(600));
    let twin = bench.hub("service", "GET", "/twins/boiler-0001", &[], Value::Null).await.body;
    assert_eq!(twin["connectionState"], "Connected");
    bench.shared.look(|world| {
        let presence = &world.hubs[HUB].identities["boiler-0001"].presence;
        assert_eq!(presence.last_message(bench.shared.clock().now()), presence.since);
    });
    let method = json!({"methodName": "migration*DeviceMove", "payload": {"idScope": SCOPE}});
    assert_eq!(bench.hub("service", "POST", "/twins/boiler-0001/methods", &[], method).await.status, 404);
}

#[tokio::test]
async fn a_deleted_device_that_still_runs_comes_back_unassigned() {
    let bench = Bench::simple(500);
    assert_eq!(bench.central("DELETE", "/devices/boiler-0001", Value::Null).await.status, 204);
    assert_eq!(bench.central("GET", "/devices/boiler-0001", Value::Null).await.status, 404);
    super::set_online(&bench.shared, "boiler-0002", false);
    assert_eq!(bench.central("DELETE", "/devices/boiler-0002", Value::Null).await.status, 204);
    super::set_online(&bench.shared, "boiler-0002", true);
    for id in ["boiler-0001", "boiler-0002"] {
        bench.until("back", |world| is_at_app(world, "contoso-fleet", id)).await;
        let shown = bench.central("GET", &format!("/devices/{id}"), Value::Null).await.body;
        assert_eq!((shown["provisioned"].as_bool(), &shown["template"]), (Some(true), &Value::Null));
    }
}

#[tokio::test]
async fn a_device_that_arrives_waits_for_approval_where_the_application_wants_it() {
    let bench = Bench::simple(500);
    bench.shared.world(|world| fleet::require_approval(world, "contoso-fleet"));
    bench.central("DELETE", "/devices/boiler-0001", Value::Null).await;
    let refused = |world: &World| {
        let is_told = |entry: &super::Entry| matches!(entry.what, Happening::RegistrationFailed { code: 400_209, .. });
        world.devices["boiler-0001"].log.iter().any(is_told)
    };
    bench.until("told to wait", refused).await;
    let waiting = bench.central("GET", "/devices/boiler-0001", Value::Null).await.body;
    assert_eq!((&waiting["enabled"], &waiting["provisioned"]), (&json!(false), &json!(false)));
    let approved = bench.central("PATCH", "/devices/boiler-0001", json!({"enabled": true})).await;
    assert_eq!(approved.status, 200);
    bench.until("let in", |world| is_at_app(world, "contoso-fleet", "boiler-0001")).await;
    let shown = bench.central("GET", "/devices/boiler-0001", Value::Null).await.body;
    assert_eq!(shown["provisioned"], true);
}
