//! What a job may say: its fields, its numbers, and that what it wants is there in the template.

use serde_json::Value;

use super::fault::Fault;
use super::{groups, templates};
use crate::sandbox::world::App;

const FIELDS: [&str; 8] =
    ["id", "displayName", "description", "group", "batch", "cancellationThreshold", "data", "organizations"];

/// What one entry of a job's data does to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Command,
    Property,
    CloudProperty,
    TemplateMigration,
}

/// The kind of an entry, as newer versions of the API spell it (`type: command`) or as older ones do.
pub(super) fn kind(entry: &Value) -> Option<Kind> {
    let spelled = entry["type"].as_str().or_else(|| entry["@type"].as_str())?;
    match spelled {
        "command" | "CommandJobData" => Some(Kind::Command),
        "property" | "PropertyJobData" => Some(Kind::Property),
        "cloudProperty" | "CloudPropertyJobData" => Some(Kind::CloudProperty),
        "deviceTemplateMigration" | "DeviceTemplateMigrationJobData" => Some(Kind::TemplateMigration),
        _ => None,
    }
}

/// Whether an entry is about devices of this template. A migration of templates is about all of the group.
pub(super) fn concerns(entry: &Value, template: Option<&str>) -> bool {
    kind(entry) == Some(Kind::TemplateMigration) || template.is_some() && entry["target"].as_str() == template
}

/// Checks the body of a new job.
pub(super) fn check(app: &App, body: &Value) -> Result<(), Fault> {
    let unknown = body.as_object().and_then(|fields| fields.keys().find(|name| !FIELDS.contains(&name.as_str())));
    if let Some(unknown) = unknown {
        return Err(Fault::invalid_body(format!("The field {unknown} is not known.")));
    }
    let group = body["group"].as_str().ok_or_else(|| Fault::invalid_body("group is required."))?;
    groups::find(app, group)?;
    check_amount(body, "batch")?;
    check_amount(body, "cancellationThreshold")?;
    if body["organizations"].as_array().is_some_and(|list| list.len() > 1) {
        return Err(Fault::invalid_body("A job belongs to at most one organization."));
    }
    let data = body["data"].as_array().filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| Fault::invalid_body("data needs at least one entry."))?;
    if data.iter().any(|entry| kind(entry) != kind(&data[0])) {
        return Err(Fault::invalid_body("All entries of data must be of one type."));
    }
    data.iter().try_for_each(|entry| check_entry(app, entry))
}

/// A batch or a threshold: above 0, and at most 100 as a percentage.
fn check_amount(body: &Value, name: &str) -> Result<(), Fault> {
    let given = &body[name];
    let most = match given["type"].as_str() {
        _ if given.is_null() => return Ok(()),
        Some("number") => f64::INFINITY,
        Some("percentage") => 100.0,
        _ => return Err(Fault::invalid_body(format!("{name} needs a type, number or percentage."))),
    };
    match given["value"].as_f64() {
        Some(value) if value > 0.0 && value <= most => Ok(()),
        _ => Err(Fault::invalid_body(format!("The value of {name} must be above 0, and at most 100 per cent."))),
    }
}

fn check_entry(app: &App, entry: &Value) -> Result<(), Fault> {
    let text = |name: &str| {
        entry[name].as_str().ok_or_else(|| Fault::invalid_body(format!("data.{name} is required for this type.")))
    };
    let template = |id: &str| {
        let missing = || Fault::unprocessable(format!("The device template {id} does not exist or is not published."));
        templates::find(app, id).ok_or_else(missing)
    };
    let kind = kind(entry).ok_or_else(|| Fault::invalid_body("data.type is not known."))?;
    if kind == Kind::TemplateMigration {
        return template(text("template")?).map(drop);
    }
    let (target, path) = (template(text("target")?)?, text("path")?);
    let (component, name) = split_path(path);
    let is_there = match kind {
        Kind::Command => templates::command(target, component, name).is_some(),
        Kind::CloudProperty => templates::property(target, component, name).is_some_and(templates::is_cloud),
        Kind::Property => templates::property(target, component, name).is_some_and(templates::is_writable),
        Kind::TemplateMigration => true,
    };
    let missing = || Fault::unprocessable(format!("The device template has nothing at {path} that a job can set."));
    is_there.then_some(()).ok_or_else(missing)
}

/// `component.name`, or `name`.
pub(super) fn split_path(path: &str) -> (Option<&str>, &str) {
    path.split_once('.').map_or((None, path), |(component, name)| (Some(component), name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_of_a_type_mean_the_same() {
        assert_eq!(kind(&json!({"type": "command"})), kind(&json!({"@type": "CommandJobData"})));
        assert_eq!(kind(&json!({"type": "PropertyJobData"})), Some(Kind::Property));
        assert_eq!(kind(&json!({"type": "reboot"})), None);
    }

    #[test]
    fn an_amount_is_above_nothing_and_no_more_than_everything() {
        let check =
            |kind: &str, value: f64| check_amount(&json!({"batch": {"type": kind, "value": value}}), "batch").is_ok();
        assert!(check("number", 500.0) && check("percentage", 0.5) && check("percentage", 100.0));
        assert!(!check("number", 0.0) && !check("percentage", 100.5) && !check("share", 5.0));
    }
}
