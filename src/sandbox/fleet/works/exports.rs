//! Data exports of the application that is set up to the full, with what they sign in with.

use serde_json::{Value, json};

use super::super::people::CONTOSO;
use super::super::{BOILER, WORKS_APP, key};
use super::id;

/// One of every type and of every way to sign in.
pub(super) fn destinations() -> Vec<Value> {
    let secret = |of: &str| key(&format!("{WORKS_APP}/exports/{of}"));
    let bus = |of: &str, entity: &str| {
        let key = secret(of);
        let text = format!(
            "Endpoint=sb://contoso-works.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey={key};EntityPath={entity}"
        );
        json!({"type": "connectionString", "connectionString": text})
    };
    let storage = format!(
        "DefaultEndpointsProtocol=https;AccountName=contosoworks;AccountKey={};EndpointSuffix=core.windows.net",
        secret("storage")
    );
    let destination = |name: &str, kind: &str, more: Value| {
        let mut own = json!({"id": id(name), "displayName": name, "type": kind, "status": "healthy"});
        crate::sandbox::wire::merge_patch(&mut own, &more);
        own
    };
    let hook = "https://contoso-works.azurewebsites.net/api/telemetry";
    vec![
        destination(
            "Cold storage",
            "blobstorage@v1",
            json!({"authorization": {"type": "connectionString", "connectionString": storage, "containerName": "central-data"}}),
        ),
        destination(
            "Archive",
            "blobstorage@v1",
            json!({"authorization": {
                "type": "systemAssignedManagedIdentity", "endpointUri": "https://contosoarchive.blob.core.windows.net/",
                "containerName": "central-archive",
            }}),
        ),
        destination("Stream", "eventhubs@v1", json!({"authorization": bus("stream", "telemetry")})),
        destination("Work orders", "servicebusqueue@v1", json!({"authorization": bus("queue", "orders")})),
        destination("Alarms", "servicebustopic@v1", json!({"authorization": bus("topic", "alarms")})),
        destination(
            "Analytics",
            "dataexplorer@v1",
            json!({
                "clusterUrl": "https://contosoworks.westeurope.kusto.windows.net", "database": "works", "table": "telemetry",
                "authorization": {
                    "type": "servicePrincipal", "clientId": id("analytics"), "tenantId": CONTOSO, "clientSecret": secret("analytics"),
                },
            }),
        ),
        destination(
            "Maintenance portal",
            "webhook@v1",
            json!({
                "url": format!("{hook}?code={}", percent(&secret("function"))),
                "headerCustomizations": {
                    "x-plant": {"value": "ulm", "secret": false}, "x-api-key": {"value": secret("header"), "secret": true},
                },
                "queryCustomizations": {"subscription": {"value": secret("query"), "secret": true}},
                "authorization": {"type": "header", "value": format!("Bearer {}", secret("bearer"))},
            }),
        ),
        destination(
            "Ticket system",
            "webhook@v1",
            json!({
                "url": "https://tickets.contoso.com/hooks/iot", "headerCustomizations": {},
                "authorization": {
                    "type": "oauth", "tokenUrl": "https://login.contoso.com/oauth2/token", "clientId": "iot-central",
                    "clientSecret": secret("oauth"), "audience": "tickets", "requestType": "auto",
                },
            }),
        ),
    ]
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn exports() -> Vec<Value> {
    let sources = [
        ("Telemetry to storage", "telemetry", "Cold storage"),
        ("Telemetry to the stream", "telemetry", "Stream"),
        ("Changes to the archive", "properties", "Archive"),
        ("Who is connected", "deviceConnectivity", "Alarms"),
        ("Devices that come and go", "deviceLifecycle", "Work orders"),
        ("Templates", "deviceTemplateLifecycle", "Maintenance portal"),
        ("Telemetry to analytics", "telemetry", "Analytics"),
    ];
    let export = |(name, source, destination): (&str, &str, &str)| {
        json!({
            "id": id(name), "displayName": name, "enabled": true, "source": source, "status": "healthy",
            "filter": format!("SELECT * FROM {BOILER} WHERE temperature > 90"),
            "enrichments": {"Plant": {"value": "Ulm"}, "Template": {"path": "$templateDisplayName"}},
            "destinations": [{"id": id(destination), "transform": "{ device: .device.id, at: .enqueuedTime }"}],
        })
    };
    sources.map(export).into()
}
