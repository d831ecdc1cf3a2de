//! Device templates that exercise every way in which the move command can be there, or not.

use serde_json::{Value, json};

use crate::sandbox::world::App;

/// Has the component `migration`.
pub const BOILER: &str = "dtmi:modelDefinition:contoso:boiler;1";
/// The same; its group holds nothing else.
pub const PUMP: &str = "dtmi:modelDefinition:contoso:pump;1";
/// Has no move command.
pub const THERMOMETER: &str = "dtmi:modelDefinition:contoso:thermometer;1";
/// Its move command is queued if the device is offline.
pub const VALVE: &str = "dtmi:modelDefinition:contoso:valve;1";
/// Has the component in an extended interface, and under another name.
pub const COMPRESSOR: &str = "dtmi:modelDefinition:contoso:compressor;1";

/// Of meters, which only the applications that take them in know.
pub const METER: &str = "dtmi:modelDefinition:contoso:meter;1";
/// The model behind it.
pub const METER_MODEL: &str = "dtmi:contoso:Meter;2";
/// Of IoT Edge devices, with one module, and with devices behind it.
pub const EDGE_GATEWAY: &str = "dtmi:modelDefinition:contoso:edgeGateway;1";

/// The template of IoT Edge devices, which only the application that has such devices knows.
pub(super) fn edge_gateway() -> Value {
    let relationship =
        |kind: &str, name: &str| json!({"@type": ["Relationship", kind], "name": name, "displayName": name});
    let parts = [relationship("EdgeModule", "reader"), relationship("GatewayDevice", "sensors")];
    let mut template = template(EDGE_GATEWAY, "Edge gateway", &parts, &json!(null));
    template["@type"] = json!(["ModelDefinition", "EdgeModel"]);
    template["capabilityModel"]["@id"] = json!("dtmi:contoso:EdgeGateway;1");
    template
}

/// The template of the devices that come from hubs.
pub(super) fn meter() -> Value {
    template(METER, "Meter", &[component("Meter", "migration", false)], &json!(null))
}

/// All that every application has.
pub(super) fn all() -> Vec<Value> {
    vec![
        template(BOILER, "Boiler", &[component("Boiler", "migration", false)], &json!(null)),
        template(PUMP, "Pump", &[component("Pump", "migration", false)], &json!(null)),
        template(THERMOMETER, "Thermometer", &[], &json!(null)),
        template(VALVE, "Valve", &[component("Valve", "migration", true)], &json!(null)),
        template(COMPRESSOR, "Compressor", &[], &json!([base()])),
    ]
}

/// The model that the devices of a template implement.
pub(super) fn model_of(app: &App, template: &str) -> Option<String> {
    let template = app.templates.iter().find(|known| known["@id"] == template)?;
    template["capabilityModel"]["@id"].as_str().map(str::to_owned)
}

fn template(id: &str, name: &str, components: &[Value], extends: &Value) -> Value {
    let mut contents = vec![
        json!({"@type": ["Telemetry", "Temperature"], "name": "temperature", "schema": "double"}),
        json!({"@type": "Property", "name": "serialNumber", "schema": "string"}),
        json!({"@type": "Property", "name": "reportInterval", "schema": "double", "writable": true}),
        json!({"@type": ["Property", "Cloud", "StringValue"], "name": "customer", "schema": "string"}),
    ];
    contents.extend_from_slice(components);
    let mut model = json!({
        "@id": format!("dtmi:contoso:{name};2"), "@type": "Interface", "displayName": name, "contents": contents,
    });
    if !extends.is_null() {
        model["extends"] = extends.clone();
    }
    json!({
        "@id": id, "@type": ["ModelDefinition", "DeviceModel"], "displayName": name, "etag": format!("\"~{name}\""),
        "capabilityModel": model,
        "@context": ["dtmi:iotcentral:context;2", "dtmi:dtdl:context;2"],
    })
}

fn base() -> Value {
    json!({"@id": "dtmi:contoso:Base;1", "@type": "Interface", "contents": [component("Base", "relocation", false)]})
}

fn component(of: &str, name: &str, queued: bool) -> Value {
    let mut command = json!({
        "@type": "Command", "name": "DeviceMove", "commandType": "synchronous", "displayName": "Move",
        "request": {"@type": "CommandPayload", "name": "data", "schema": {"@type": "Object", "fields": [{"name": "idScope", "schema": "string"}]}},
    });
    if queued {
        command["durable"] = json!(true);
    }
    json!({
        "@id": format!("dtmi:contoso:{of}:{name};2"), "@type": ["Component"], "name": name, "displayName": "Device Migration",
        "schema": {"@id": "dtmi:azureiot:DeviceMigration;1", "@type": "Interface", "contents": [command]},
    })
}
