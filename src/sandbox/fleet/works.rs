//! An application that is set up to the full: some of every family that its API lists, every type of destination, the
//! deepest tree of organizations, and jobs of Microsoft's own migration tool. It has no devices any more.

mod exports;

use serde_json::{Value, json};

use super::apps::{add_app, add_filter, add_group};
use super::people::{BOB, CAROL, CONTOSO};
use super::{BOILER, COMPRESSOR, PUMP, VALVE, WORKS_APP, key, templates};
use crate::sandbox::central::configuration::{Configuration, Organization};
use crate::sandbox::central::model::{Job, JobDeviceStatus, JobStatus, JobWork};
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::world::{App, Moment, World};

/// How long a finished job of the application took.
const JOB_TOOK: time::Duration = time::Duration::minutes(4);
/// An id of its own for everything, that depends on the name only.
const IDS: uuid::Uuid = uuid::Uuid::NAMESPACE_OID;
const BUILDER: &str = "344138e9-8de4-4497-8c54-5237e96d6aaf";
const OPERATOR: &str = "ae2c9854-393b-4f97-8c42-479d70ce626e";

/// A world for tests, with that application only.
#[must_use]
pub fn works_world(clock: &SandboxClock) -> World {
    let mut world = super::empty_world();
    add_works_app(&mut world, clock.now() - super::UPTIME);
    world
}

/// Adds the application. Ada and Bob are its administrators, Carol is operator.
pub(super) fn add_works_app(world: &mut World, since: Moment) {
    add_app(world, WORKS_APP, "0ne00A00006");
    for (id, name, template) in [
        ("boilers-all", "Boilers - all", BOILER),
        ("pumps-all", "Pumps - all", PUMP),
        ("valves-all", "Valves - all", VALVE),
        ("compressors-all", "Compressors - all", COMPRESSOR),
    ] {
        add_group(world, WORKS_APP, id, name, template);
    }
    for line in ["line-1", "line-2", "line-3"] {
        let condition = format!("$template = \"{BOILER}\" AND CONTAINS($displayName, \"{line}\")");
        add_filter(world, WORKS_APP, &format!("boilers-{line}"), &format!("Boilers - {line}"), &condition);
    }
    let Some(app) = world.apps.get_mut(WORKS_APP) else { return };
    app.templates.extend([templates::meter(), templates::edge_gateway()]);
    app.roles.extend([(BOB.to_owned(), "admin".to_owned()), (CAROL.to_owned(), "operator".to_owned())]);
    app.configuration = configuration();
    add_jobs(app, since);
}

fn id(name: &str) -> String {
    uuid::Uuid::new_v5(&IDS, name.as_bytes()).to_string()
}

fn configuration() -> Configuration {
    let roles = ["Shift lead", "Auditor", "Field engineer", "Visitor"].map(|name| (id(name), name.to_owned()));
    Configuration {
        organizations: organizations(),
        file_uploads: Some(json!({
            "account": "contosoworks", "connectionString": "*****", "container": "uploads", "sasTtl": "PT1H",
            "state": "succeeded", "etag": "\"7502ac89-0000-0300-0000-627eaf100000\"",
        })),
        export_destinations: by_id(exports::destinations()),
        exports: by_id(exports::exports()),
        users: by_id(users()),
        roles: roles.into(),
        scheduled_jobs: by_id(scheduled_jobs()),
        dashboards: by_id(dashboards()),
        deployment_manifests: by_id(deployment_manifests()),
        ..Configuration::default()
    }
}

fn by_id(all: Vec<Value>) -> std::collections::BTreeMap<String, Value> {
    all.into_iter().map(|own| (own["id"].as_str().unwrap_or_default().to_owned(), own)).collect()
}

fn organizations() -> std::collections::BTreeMap<String, Organization> {
    let tree = [
        ("emea", "EMEA", None),
        ("emea-de", "Germany", Some("emea")),
        ("emea-de-ulm", "Ulm", Some("emea-de")),
        ("emea-de-ulm-hall-1", "Ulm, hall 1", Some("emea-de-ulm")),
        ("emea-de-ulm-hall-1-line-3", "Ulm, hall 1, line 3", Some("emea-de-ulm-hall-1")),
        ("emea-fr", "France", Some("emea")),
        ("apac", "APAC", None),
        ("apac-jp", "Japan", Some("apac")),
    ];
    let organization = |name: &str, parent: Option<&str>| Organization {
        display_name: name.to_owned(),
        parent: parent.map(str::to_owned),
    };
    tree.map(|(id, name, parent)| (id.to_owned(), organization(name, parent))).into()
}

fn users() -> Vec<Value> {
    let role = |role: &str, organization: Option<&str>| match organization {
        Some(organization) => json!([{"role": role, "organization": organization}]),
        None => json!([{"role": role}]),
    };
    vec![
        json!({"id": id("grace"), "type": "email", "email": "grace@contoso.com", "roles": role(BUILDER, None)}),
        json!({"id": id("heidi"), "type": "email", "email": "heidi@contoso.com", "roles": role(OPERATOR, Some("emea-de-ulm"))}),
        json!({"id": id("kenji"), "type": "email", "email": "kenji@contoso.com", "roles": role(&id("Shift lead"), Some("apac-jp"))}),
        json!({
            "id": id("pipeline"), "type": "servicePrincipal", "tenantId": CONTOSO, "objectId": id("pipeline/object"),
            "roles": role(BUILDER, None),
        }),
        json!({
            "id": id("operators"), "type": "adGroup", "tenantId": CONTOSO, "objectId": id("operators/object"),
            "roles": role(OPERATOR, Some("emea")),
        }),
    ]
}

fn add_jobs(app: &mut App, since: Moment) {
    let told = |devices: usize, failed: usize| {
        let status = |number: usize| match number <= failed {
            true => JobDeviceStatus::Failed,
            false => JobDeviceStatus::Completed,
        };
        (1..=devices).map(|number| (format!("mixer-{number:04}"), status(number))).collect::<Vec<_>>()
    };
    let move_them = |name: &str| {
        json!({
            "displayName": name, "description": "AUTOMATED-DEVICE-MOVE", "group": "boilers-all",
            "batch": {"type": "number", "value": 100},
            "data": [{"type": "command", "target": BOILER, "path": "migration.DeviceMove", "value": {"idScope": "0ne00C0DE01"}}],
        })
    };
    let set = |name: &str, path: &str, value: Value| {
        json!({
            "displayName": name, "description": "", "group": "boilers-all",
            "data": [{"type": "property", "target": BOILER, "path": path, "value": value}],
        })
    };
    let password = key(&format!("{WORKS_APP}/wifi"));
    for (name, definition, status, devices) in [
        ("move-1", move_them("Mixers to contoso-hub"), JobStatus::Complete, told(12, 2)),
        ("move-2", move_them("Mixers to contoso-hub, again"), JobStatus::Stopped, told(2, 2)),
        ("interval", set("Report every minute", "reportInterval", json!(60)), JobStatus::Complete, told(12, 0)),
        ("wifi", set("New Wi-Fi", "wifi.password", json!(password)), JobStatus::Complete, told(12, 1)),
        ("slow", set("Report every hour", "reportInterval", json!(3600)), JobStatus::Cancelled, told(12, 9)),
    ] {
        let job = Job {
            id: id(name),
            definition,
            status,
            created: since,
            start: Some(since),
            end: Some(since + JOB_TOOK),
            devices: Some(devices),
            work: JobWork::default(),
        };
        app.jobs.insert(job.id.clone(), job);
    }
}

fn scheduled_jobs() -> Vec<Value> {
    let scheduled = |(name, recurrence): (&str, &str)| {
        json!({
            "id": id(name), "displayName": name, "description": "", "group": "boilers-all",
            "data": [{"type": "command", "target": BOILER, "path": "restart", "value": null}],
            "schedule": {"start": "2026-01-05T03:00:00Z", "recurrence": recurrence}, "enabled": true, "completed": false,
            "etag": format!("\"{}\"", id(&format!("{name}/etag"))),
        })
    };
    [("Restart on Mondays", "weekly"), ("Calibrate", "monthly"), ("Report", "daily")].map(scheduled).into()
}

fn dashboards() -> Vec<Value> {
    let dashboard = |(name, organization): (&str, Option<&str>)| {
        let tile = json!({
            "displayName": "Temperature", "x": 0, "y": 0, "width": 3, "height": 3,
            "configuration": {
                "type": "lineChart", "group": "boilers-all", "devices": [], "format": {"xAxisEnabled": true},
                "capabilities": [{"capability": "temperature", "aggregateFunction": "avg"}],
                "queryRange": {"type": "time", "duration": "P1W", "resolution": "PT12H"},
            },
        });
        json!({
            "id": format!("dtmi:contoso:{}", id(name).replace('-', "x")), "displayName": name, "personal": false, "favorite": false,
            "organizations": organization.into_iter().collect::<Vec<_>>(), "tiles": [tile],
        })
    };
    [("Works", None), ("Ulm", Some("emea-de-ulm")), ("Japan", Some("apac-jp"))].map(dashboard).into()
}

fn deployment_manifests() -> Vec<Value> {
    let manifest = |name: &str| {
        let registry = json!({
            "username": "contosoworks", "password": key(&format!("{WORKS_APP}/registry/{name}")), "address": "contosoworks.azurecr.io",
        });
        let module = json!({
            "version": "1.0", "type": "docker", "status": "running", "restartPolicy": "always",
            "settings": {"image": "contosoworks.azurecr.io/reader:1.0", "createOptions": "{\"HostConfig\":{\"Privileged\":true}}"},
        });
        json!({
            "id": id(name), "displayName": name, "organizations": ["emea"], "etag": id(&format!("{name}/etag")),
            "data": {"modulesContent": {"$edgeAgent": {"properties.desired": {
                "schemaVersion": "1.1",
                "runtime": {"type": "docker", "settings": {"registryCredentials": {"contosoworks": registry}}},
                "modules": {"reader": module},
            }}}},
        })
    };
    ["Gateways", "Gateways, next"].map(manifest).into()
}
