//! The fleet of the sandbox's table ends as that says, device by device, compared with the devices' own logs.

use std::collections::BTreeMap;

use iotc_migrator::sandbox::device::{Device, Happening, Kind, Place};
use iotc_migrator::sandbox::fleet::{self, BOILER, MAIN_APP, NEXT_APP, PUMP};
use iotc_migrator::sandbox::log::Service;
use iotc_migrator::sandbox::world::World;
use serde_json::{Value, json};

use super::stage::{MAIN_HOST, NEXT, NEXT_HOST, PATIENCE, Stage};
use crate::support::journey::{Journey, Wish};
use crate::support::truth::was_left_alone;

type Row = BTreeMap<String, String>;

const DEVICES: usize = 22;
/// Announces the model of its template.
const ANNOUNCES: &str = "boiler-0019";
/// Was at the target before, and has a template there.
const RETURNER: &str = "boiler-0020";
/// Was created at the target ahead of its arrival, with a template.
const EXPECTED: &str = "boiler-0021";
const TARGET_SCOPE: &str = "0ne00A00004";

fn id_of(number: usize) -> String {
    format!("boiler-{number:04}")
}

/// What the table says of a number: where its row ends, and the reason.
fn must_end_as(number: usize) -> (&'static str, &'static str) {
    match number {
        1..=10 | 19..=21 => ("moved", ""),
        11 | 12 => ("failed", "offline"),
        13 => ("failed", "refused"),
        14 => ("failed", "not seen at the target"),
        15 | 16 | 22 => ("skipped", "individual attestation"),
        17 => ("skipped", "simulated device"),
        18 => ("skipped", "blocked or awaiting approval"),
        _ => panic!("there is no number {number}"),
    }
}

/// The row says what the device itself knows.
fn agrees(stage: &Stage, row: &Row, device: &Device) {
    let (id, log) = (&device.id, &device.log);
    let has = |column: &str| !row[column].is_empty();
    assert!(!device.was_told_again_after_accepting(), "{id} was told again: {log:?}");
    match (row["outcome"].as_str(), row["reason"].as_str()) {
        ("moved", _) => {
            assert!(stage.lab.is_at_app(NEXT_APP, id), "{id} counts as moved and is {}: {log:?}", device.whereabouts());
            assert_eq!(device.times_commanded(), 1, "{id}: {log:?}");
            assert!(has("commanded_at") && has("provisioned_at") && has("connected_at"), "{row:?}");
            assert_eq!(has("acknowledged_at"), device.kind != Kind::AnswerLost, "{row:?}");
            let newer = row["connected_evidence"].contains("newer telemetry");
            assert_eq!(newer, id == RETURNER, "{row:?}");
        }
        ("failed", "refused") => {
            assert_eq!(device.times_commanded(), 1, "{id}: {log:?}");
            assert!(matches!(device.place, Place::App { .. }) && row["detail"].contains("403"), "{row:?}");
        }
        ("failed", "not seen at the target") => {
            assert!(matches!(device.place, Place::Lost { .. }), "{id}: {log:?}");
            assert!(has("acknowledged_at") && !has("provisioned_at") && !has("connected_at"), "{row:?}");
        }
        _ => assert!(was_left_alone(device), "{id}: {log:?}"),
    }
    assert!(!has("registered_at"), "an application registers each device as it arrives: {row:?}");
    assert!(row["outcome"] == "moved" || has("what_to_do"), "{id} did not move and nobody is told what to do: {row:?}");
}

/// The source application without what devices and commands leave in it by themselves.
fn source(world: &World) -> Value {
    let app = &world.apps[MAIN_APP];
    let mut devices = json!(app.devices);
    for device in devices.as_object_mut().expect("devices").values_mut() {
        let device = device.as_object_mut().expect("a device");
        device.remove("commands");
        device.remove("presence");
    }
    json!([devices, app.enrollment_groups, app.groups, app.templates, app.roles, app.id_scope, app.jobs])
}

/// The payloads of all commands to a device of the source application.
fn payloads(stage: &Stage, id: &str) -> Vec<Value> {
    stage.lab.shared().look(|world| {
        let commands = world.apps[MAIN_APP].devices[id].commands.get("migration.DeviceMove");
        commands.into_iter().flatten().map(|record| record.request.clone()).collect()
    })
}

fn told_the_target(stage: &Stage, template_model: Option<&str>) {
    let mut payload = json!({
        "idScope": TARGET_SCOPE, "centralAppName": NEXT_APP, "centralAppSubdomain": NEXT_APP,
    });
    if let Some(model) = template_model {
        payload["deviceTemplateId"] = json!(model);
    }
    for device in stage.lab.devices("boiler-") {
        let sent = payloads(stage, &device.id);
        assert!(sent.iter().all(|sent| *sent == payload), "{}: {sent:?}", device.id);
        let heard = |what: &Happening| match what {
            Happening::Commanded { id_scope, .. } => id_scope.clone(),
            _ => None,
        };
        let scopes: Vec<String> = device.log.iter().filter_map(|entry| heard(&entry.what)).collect();
        assert!(scopes.iter().all(|scope| scope == TARGET_SCOPE), "{}: {scopes:?}", device.id);
    }
}

fn groups_have_exactly_the_sources_keys(stage: &Stage) {
    let made = stage.lab.effects("enrollment.created");
    stage.lab.shared().look(|world| {
        let (source, target) = (&world.apps[MAIN_APP].enrollment_groups, &world.apps[NEXT_APP].enrollment_groups);
        for name in ["SAS-IoT-Devices", "second-plant"] {
            let equal = target.values().filter(|group| group.attestation == source[name].attestation);
            let ids: Vec<&String> = equal.filter(|group| group.enabled && !group.edge).map(|group| &group.id).collect();
            assert!(ids.len() == 1 && made.contains(ids[0]), "{name}: {ids:?}, {made:?}");
        }
        assert_eq!((made.len(), target.len()), (2, 4), "the two that were born with it are still there: {made:?}");
        for born in ["SAS-IoT-Devices", "SAS-IoT-Edge-Devices"] {
            assert_eq!(target[born].etag, format!("etag-{born}"));
        }
    });
    for kind in ["enrollment.updated", "enrollment.deleted"] {
        assert_eq!(stage.lab.effects(kind), [] as [String; 0]);
    }
}

/// Nothing was sent to the source that changes anything but the commands, and nothing at all to a DPS or a hub.
fn only_commands_were_sent(stage: &Stage) {
    let strange: Vec<String> = stage
        .changes_at(MAIN_HOST)
        .iter()
        .filter(|call| !(call.method == "POST" && call.path.ends_with("/components/migration/commands/DeviceMove")))
        .map(|call| format!("{} {}", call.method, call.path))
        .collect();
    assert_eq!(strange, [] as [String; 0]);
    for service in [Service::DpsService, Service::DpsDevice, Service::Hub] {
        assert_eq!(stage.lab.calls_to(service).len(), 0, "{service:?}");
    }
    let keys = stage.lab.calls_to(Service::Arm).into_iter().filter(|call| call.method == "POST").count();
    assert_eq!(keys, 0, "no key of a DPS or a hub was asked for");
}

/// Which devices of the target have which template.
fn templates_at_the_target(stage: &Stage) -> BTreeMap<String, Option<String>> {
    stage.lab.shared().look(|world| {
        world.apps[NEXT_APP].devices.values().map(|device| (device.id.clone(), device.template.clone())).collect()
    })
}

async fn moved_as_the_table_says(template: Option<&str>) -> (Stage, Journey) {
    let stage = Stage::of(20, fleet::central_to_central_world).await;
    let before = stage.lab.shared().look(source);
    let wish = Wish::into_app(NEXT, template).with("Give up on a device that does not turn up after (minutes)", "2");
    let journey = stage.ada.start(&wish).await;
    let page = stage.ada.wait_for_state(&journey, "Waiting for 2 devices", PATIENCE).await;
    for number in [11, 12] {
        assert_eq!(stage.ada.devices(&journey).await[&id_of(number)]["outcome"], "waiting");
    }
    stage.ada.press(&page, "Finish now").await;
    let page = stage.ada.wait_for_state(&journey, "Completed with failures", PATIENCE).await;
    assert!(page.text().contains("1 has no template, so it is in no group"), "{}", page.text());

    let rows = stage.ada.devices(&journey).await;
    assert_eq!(rows.keys().cloned().collect::<Vec<_>>(), (1..=DEVICES).map(id_of).collect::<Vec<_>>());
    for number in 1..=DEVICES {
        let (id, row) = (id_of(number), &rows[&id_of(number)]);
        assert_eq!((row["outcome"].as_str(), row["reason"].as_str()), must_end_as(number), "{id}: {row:?}");
        agrees(&stage, row, &stage.lab.device(&id));
    }
    assert!(was_left_alone(&stage.lab.device("unassigned-0001")));
    assert_eq!(stage.lab.effects("job.created"), [] as [String; 0], "a job would hit those that are not cleared");
    assert_eq!(stage.lab.shared().look(source), before, "nothing changes in the application that they come from");
    only_commands_were_sent(&stage);
    groups_have_exactly_the_sources_keys(&stage);
    assert_eq!(stage.probes(), [] as [String; 0]);
    let made = stage.changes_at(NEXT_HOST).iter().filter(|call| call.path.contains("migrator-probe-")).count();
    assert_eq!(made, 0, "the scope is read from a device that is there");
    (stage, journey)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_ends_as_its_table_says_and_gets_the_chosen_template_unless_it_has_one() {
    let (stage, journey) = moved_as_the_table_says(Some("Pump")).await;
    told_the_target(&stage, Some("dtmi:contoso:Pump;2"));
    let rows = stage.ada.devices(&journey).await;
    let templates = templates_at_the_target(&stage);
    assert_eq!(templates.len(), 13);
    for (id, template) in &templates {
        let own = [ANNOUNCES, RETURNER, EXPECTED].contains(&id.as_str());
        assert_eq!(template.as_deref(), Some(if own { BOILER } else { PUMP }), "{id}");
        let said = rows[id]["detail"].contains("it has the template dtmi:modelDefinition:contoso:boiler;1 there");
        assert_eq!(said, own, "{:?}", rows[id]);
        let path = format!("/api/devices/{id}");
        let changes = stage.changes_at(NEXT_HOST).iter().filter(|call| call.path == path).count();
        assert_eq!(changes, usize::from(!own), "{id} is changed once, unless it has a template");
    }
    assert_eq!(stage.lab.known_at(NEXT_APP, EXPECTED).expect("it is there").display_name, "Boiler 21");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_template_chosen_devices_stay_as_they_came() {
    let (stage, _) = moved_as_the_table_says(None).await;
    told_the_target(&stage, None);
    for (id, template) in templates_at_the_target(&stage) {
        let own = [ANNOUNCES, RETURNER, EXPECTED].contains(&id.as_str());
        assert_eq!(template.as_deref(), own.then_some(BOILER), "{id}");
    }
    let devices = stage.changes_at(NEXT_HOST).into_iter().filter(|call| call.path.starts_with("/api/devices/"));
    assert_eq!(devices.count(), 0, "no device is changed there");
}
