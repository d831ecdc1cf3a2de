//! Device templates: the move command in them, and what their devices send.
//!
//! A template's `@id` and its capability model's `@id` look alike and are not: devices, groups and jobs name the first,
//! a device announces the second.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::error::Result;
use crate::ids::{ModelId, TemplateId};

const PERMISSION: &str = "Device templates: view";
/// The interface, without its version.
const INTERFACE: &str = "dtmi:azureiot:DeviceMigration";
const EXACT_INTERFACE: &str = "dtmi:azureiot:DeviceMigration;1";
const COMMAND: &str = "DeviceMove";
/// Deeper nesting than DTDL allows (10) is somebody's circle.
const DEPTH_LIMIT: u8 = 16;

/// A published device template.
#[derive(Debug, Clone)]
pub struct DeviceTemplate {
    /// What devices, groups and jobs name.
    pub id: TemplateId,
    /// Its name for people.
    pub display_name: String,
    /// What a device of it announces.
    pub model: Option<ModelId>,
    /// How its devices are told to move, if they can be.
    pub migration: Option<MoveCommand>,
    /// What its devices send, as queries name it: `name` at the root, `component.name` in a component.
    pub telemetry: Vec<String>,
    /// Properties that only its devices write, named likewise.
    pub reported: Vec<String>,
    /// Properties that its devices never see, named likewise.
    pub cloud: Vec<String>,
    /// Properties that people set and its devices obey, named likewise.
    pub writable: Vec<String>,
    /// Its devices may have others behind them: IoT Edge devices, and gateways.
    pub gateway: bool,
}

/// The command that tells a device to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveCommand {
    /// The component that has it; `None` if it is at the root.
    pub component: Option<String>,
    /// Its name.
    pub command: String,
    /// True if it is sent as a message that waits for the device, which devices do not treat as a command.
    pub queued_if_offline: bool,
    /// What is unusual about it, for a person to know.
    pub notice: Option<String>,
}

impl MoveCommand {
    /// The name under which a device (and a direct method) knows it: `migration*DeviceMove`.
    #[must_use]
    pub fn method_name(&self) -> String {
        self.named_with('*')
    }

    /// The path that a job names it by: `migration.DeviceMove`.
    #[must_use]
    pub fn job_path(&self) -> String {
        self.named_with('.')
    }

    fn named_with(&self, separator: char) -> String {
        match &self.component {
            Some(component) => format!("{component}{separator}{}", self.command),
            None => self.command.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "@id")]
    id: String,
    display_name: Option<Value>,
    #[serde(default, rename = "@type")]
    kind: Value,
    #[serde(default)]
    capability_model: Value,
}

impl Central {
    /// All published device templates.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn device_templates(&self) -> Result<Vec<DeviceTemplate>> {
        let path = Path::new("/api/deviceTemplates");
        let templates: Vec<Wire> = self.all("list device templates", PERMISSION, path).await?;
        Ok(templates.into_iter().map(DeviceTemplate::from).collect())
    }

    /// One device template; `None` if it is not published.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn find_device_template(&self, id: &TemplateId) -> Result<Option<DeviceTemplate>> {
        let call = Call::get("read the device template", Path::new("/api/deviceTemplates").id(id.as_str()));
        let template: Option<Wire> = self.channel.find(self.call(call.target(id.as_str()), PERMISSION)).await?;
        Ok(template.map(DeviceTemplate::from))
    }

    /// One device template.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`]; `NotFound` if it is not published.
    pub async fn device_template(&self, id: &TemplateId) -> Result<DeviceTemplate> {
        let call = Call::get("read the device template", Path::new("/api/deviceTemplates").id(id.as_str()));
        let template: Wire = self.channel.json(self.call(call.target(id.as_str()), PERMISSION)).await?;
        Ok(DeviceTemplate::from(template))
    }
}

impl From<Wire> for DeviceTemplate {
    fn from(wire: Wire) -> Self {
        let display_name = wire.display_name.as_ref().and_then(localized).unwrap_or_else(|| wire.id.clone());
        let is_edge = is_a(&json!({ "@type": wire.kind }), "EdgeModel");
        let has_others = contents_of(&wire.capability_model).into_iter().any(|item| is_a(item, "Relationship"));
        Self {
            gateway: is_edge || has_others,
            display_name,
            id: TemplateId::from(wire.id),
            model: wire.capability_model["@id"].as_str().map(ModelId::from),
            migration: find_move_command(&wire.capability_model),
            telemetry: names_of(&wire.capability_model, |item| is_a(item, "Telemetry")),
            reported: names_of(&wire.capability_model, is_reported),
            cloud: names_of(&wire.capability_model, |item| is_a(item, "Property") && is_a(item, "Cloud")),
            writable: names_of(&wire.capability_model, |item| {
                is_a(item, "Property") && !is_a(item, "Cloud") && item["writable"] == true
            }),
        }
    }
}

/// DTDL lets a name be a text, or a map from language to text.
fn localized(name: &Value) -> Option<String> {
    let text = name.as_str().or_else(|| name["en"].as_str().or_else(|| name.as_object()?.values().next()?.as_str()));
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The best candidate in the model: the documented component before another version of it, before any component that
/// has such a command, before a command at the root.
fn find_move_command(model: &Value) -> Option<MoveCommand> {
    let contents = contents_of(model);
    let components = contents.iter().filter(|item| is_component(item));
    let in_components = components.filter_map(|item| in_component(item));
    let at_root = contents.iter().filter_map(|item| {
        let command = is_move_command(item).then_some(*item)?;
        let notice = "The command is at the root of the template, not in a component \"migration\".";
        Some((3, found(None, command, Some(notice.to_owned()))))
    });
    in_components.chain(at_root).min_by_key(|(rank, _)| *rank).map(|(_, command)| command)
}

/// The names of what `is_wanted` in the model, those in components as `component.name`. An interface that two others extend
/// shows up twice in the model, its contents must not.
fn names_of(model: &Value, is_wanted: fn(&Value) -> bool) -> Vec<String> {
    let wanted = |item: &Value| if is_wanted(item) { name_of(item).map(str::to_owned) } else { None };
    let mut names = Vec::new();
    for item in contents_of(model) {
        if is_component(item)
            && let Some(component) = name_of(item)
        {
            let inner = contents_of(&item["schema"]);
            names.extend(inner.into_iter().filter_map(wanted).map(|name| format!("{component}.{name}")));
        } else {
            names.extend(wanted(item));
        }
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Only a device writes it: neither a cloud property nor one that people may set.
fn is_reported(item: &Value) -> bool {
    is_a(item, "Property") && !is_a(item, "Cloud") && item["writable"] != true
}

fn name_of(item: &Value) -> Option<&str> {
    item["name"].as_str().filter(|name| !name.is_empty())
}

fn is_component(item: &Value) -> bool {
    is_a(item, "Component") && !is_a(item, "EdgeModule")
}

/// All contents of an interface, with those that it extends.
fn contents_of(interface: &Value) -> Vec<&Value> {
    let mut contents = Vec::new();
    collect_contents(interface, DEPTH_LIMIT, &mut contents);
    contents
}

fn collect_contents<'a>(interface: &'a Value, depth: u8, into: &mut Vec<&'a Value>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match interface {
        Value::Array(several) => several.iter().for_each(|one| collect_contents(one, depth, into)),
        Value::Object(fields) => {
            if let Some(contents) = fields.get("contents").and_then(Value::as_array) {
                into.extend(contents);
            }
            if let Some(extended) = fields.get("extends") {
                collect_contents(extended, depth, into);
            }
        }
        _ => {}
    }
}

fn in_component(component: &Value) -> Option<(u8, MoveCommand)> {
    let name = name_of(component)?;
    let schema = &component["schema"];
    let interface = schema.as_str().or_else(|| schema["@id"].as_str()).unwrap_or_default();
    let contents = contents_of(schema);
    // An interface named by its id alone does not show its contents; that it is the known one is enough.
    let shown = contents.iter().copied().find(|item| is_move_command(item)).unwrap_or(&Value::Null);
    let component = Some(name.to_owned());
    if interface == EXACT_INTERFACE {
        return Some((0, found(component, shown, None)));
    }
    let version = interface.strip_prefix(INTERFACE).and_then(|rest| rest.strip_prefix(';'));
    if let Some(version) = version {
        let notice =
            format!("The component \"{name}\" has version {version} of the migration interface; version 1 is known.");
        return Some((1, found(component, shown, Some(notice))));
    }
    let command = contents.iter().find_map(|item| move_command_of(item))?;
    let notice = format!("The component \"{name}\" has the interface \"{interface}\", not {EXACT_INTERFACE}.");
    Some((2, found(component, command, Some(notice))))
}

fn found(component: Option<String>, command: &Value, notice: Option<String>) -> MoveCommand {
    MoveCommand { component, command: COMMAND.to_owned(), queued_if_offline: is_queued(command), notice }
}

/// The item, if it is a command `DeviceMove` that takes an `idScope`.
fn move_command_of(item: &Value) -> Option<&Value> {
    (is_move_command(item) && takes_id_scope(&item["request"])).then_some(item)
}

fn is_move_command(item: &Value) -> bool {
    is_a(item, "Command") && item["name"].as_str() == Some(COMMAND)
}

fn takes_id_scope(request: &Value) -> bool {
    request["schema"]["fields"].as_array().is_some_and(|fields| fields.iter().any(|f| f["name"] == "idScope"))
}

fn is_queued(command: &Value) -> bool {
    command["durable"].as_bool().unwrap_or(false)
}

fn is_a(item: &Value, kind: &str) -> bool {
    match &item["@type"] {
        Value::String(one) => one == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => false,
    }
}
