//! Filter and order of the device list, which only the previews know: `$filter` and `$orderby`, in the newest without the
//! dollar sign.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::condition::{Condition, Dialect, Parser, Subject};
use super::door::{Call, Version};
use super::fault::Fault;
use super::model::AppDevice;
use super::{gateways, templates, words};
use crate::sandbox::wire;
use crate::sandbox::world::App;

const FIELDS: [&str; 8] = ["id", "displayName", "enabled", "provisioned", "simulated", "template", "scopes", "type"];

/// What a caller wants to see of the devices, and how.
#[derive(Debug)]
pub(super) struct Arrangement {
    filter: Option<Condition>,
    order: Option<Order>,
}

#[derive(Debug, PartialEq, Eq)]
struct Order {
    by_name: bool,
    descending: bool,
}

impl Arrangement {
    /// Reads the parameters of a call.
    pub(super) fn of(call: &Call) -> Result<Self, Fault> {
        let dollar = match call.version {
            Version::Ga => return Ok(Self { filter: None, order: None }),
            Version::OldPreview => "$",
            Version::NewPreview => "",
        };
        let asked = |name: &str| wire::param(&call.uri, &format!("{dollar}{name}"));
        let refused = |why: String| Fault::bad_request(format!("The list cannot be arranged so: {why}"));
        Ok(Self {
            filter: asked("filter").map(|text| filter(&text)).transpose().map_err(refused)?,
            order: asked("orderby").map(|text| order(&text)).transpose().map_err(refused)?,
        })
    }

    pub(super) fn is_plain(&self) -> bool {
        self.order.is_none()
    }

    pub(super) fn shows(&self, app: &App, device: &AppDevice) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.holds(&Listed { app, device }))
    }

    /// The order of two devices; those that are equal go by their ids.
    pub(super) fn compare(&self, one: &AppDevice, other: &AppDevice) -> Ordering {
        let Some(order) = &self.order else { return one.id.cmp(&other.id) };
        let by_id = one.id.cmp(&other.id);
        let asked = if order.by_name { one.display_name.cmp(&other.display_name).then(by_id) } else { by_id };
        if order.descending { asked.reverse() } else { asked }
    }
}

fn filter(text: &str) -> Result<Condition, String> {
    let words = words::split(text)?;
    let mut parser = Parser::new(&words, Dialect::OData);
    let condition = parser.condition()?;
    parser.end()?;
    match condition.fields().into_iter().find(|field| !FIELDS.contains(field)) {
        Some(unknown) => Err(format!("'{unknown}' is not a field to filter by.")),
        None => Ok(condition),
    }
}

fn order(text: &str) -> Result<Order, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (field, descending) = match words.as_slice() {
        [field] | [field, "asc"] => (*field, false),
        [field, "desc"] => (*field, true),
        _ => return Err("the order must be a field and asc or desc.".to_owned()),
    };
    match field {
        "id" | "displayName" => Ok(Order { by_name: field == "displayName", descending }),
        other => Err(format!("'{other}' is not a field to order by.")),
    }
}

/// A device with the application that knows what it is.
struct Listed<'a> {
    app: &'a App,
    device: &'a AppDevice,
}

impl Subject for Listed<'_> {
    fn field(&self, name: &str) -> Value {
        match name {
            "scopes" => json!(self.device.organizations),
            "type" => json!(kinds(self.app, self.device)),
            plain => self.device.field(&format!("${plain}")),
        }
    }
}

fn kinds(app: &App, device: &AppDevice) -> Vec<&'static str> {
    let template = device.template.as_deref().and_then(|id| templates::find(app, id));
    let is_gateway = template.is_some_and(|template| !templates::related(template, "GatewayDevice").is_empty())
        || !gateways::children(app, &device.id).is_empty();
    let is_edge = template.is_some_and(templates::is_edge);
    [(is_gateway, "GatewayDevice"), (is_edge, "EdgeDevice")]
        .into_iter()
        .filter_map(|(is, name)| is.then_some(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_orders_that_are_not_documented_are_refused() {
        assert!(filter("type eq 'EdgeDevice' or (enabled ne false and displayName ge 'a')").is_ok());
        for wrong in ["etag eq 'x'", "id = 'x'", "id eq", "id eq 'x' and", "id eq 'x"] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
        assert_eq!(order("displayName desc"), Ok(Order { by_name: true, descending: true }));
        assert!(order("template").is_err() && order("id down").is_err());
    }
}
