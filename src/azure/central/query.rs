//! The query API of an application: when a device was last heard of.
//!
//! Facts: "How to use the IoT Central REST API to query devices". It is served only by previews, once a second.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::central::Central;
use crate::azure::error::{ErrorKind, Result};
use crate::azure::lenient::{or_default, parse_moment};
use crate::azure::pace::Scope;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, TemplateId};

const PREVIEW: &str = "2022-10-31-preview";
const PERMISSION: &str = "Device instances: view";
/// A query selects at most 15 items; `$id` and `$ts` are two of them.
const NAMES: usize = 12;
/// The documentation gives it as the length of "a query string": the whole query, or one text in it.
const LENGTH: usize = 350;

#[derive(Deserialize)]
struct Answer {
    #[serde(default, deserialize_with = "or_default")]
    results: Vec<Value>,
}

impl Central {
    /// When a device last sent any of these telemetry values of its template, by the application's clock; `None` if not
    /// within the seven days for which they are kept. Asks for at most twelve of them, for fewer if the query would grow
    /// too long; with none to ask for, nothing is sent.
    ///
    /// # Errors
    /// `Rejected` (nothing sent) for a template that a query cannot name; see [`crate::azure::AzureError`] for the rest.
    pub async fn last_telemetry(
        &self,
        template: &TemplateId,
        telemetry: &[String],
        device: &DeviceId,
    ) -> Result<Option<Timestamp>> {
        let call = Call::ask("query the device's telemetry", Path::new("/api/query"))
            .target(device.as_str())
            .pace(Scope::CentralQueries(self.host.clone()), 1);
        if !is_plain(template.as_str(), ":;_.-") {
            let message = "the template's id cannot be part of a query; nothing was sent";
            return Err(self.channel.error(&call, ErrorKind::Rejected, message));
        }
        let Some(query) = last_message(template, telemetry, device) else { return Ok(None) };
        let call = self.call_of(PREVIEW, call.body(json!({ "query": query })), PERMISSION);
        let answer: Answer = self.channel.json(call).await?;
        // What counts as proof must be this device's, however the service took the text that names it.
        let own = answer.results.iter().filter(|row| row["$id"].as_str().is_some_and(|id| device.same_as(id)));
        Ok(own.filter_map(|row| row["$ts"].as_str().and_then(parse_moment)).max())
    }
}

/// The query, if there is any telemetry that it can name.
fn last_message(template: &TemplateId, telemetry: &[String], device: &DeviceId) -> Option<String> {
    let device = device.as_str().replace('\'', "''");
    let query = |names: &[&str]| {
        format!(
            "SELECT TOP 1 $id, $ts, {} FROM {template} WHERE WITHIN_WINDOW(P7D) AND $id = '{device}' ORDER BY $ts DESC",
            names.join(", ")
        )
    };
    let names: Vec<&str> = telemetry.iter().map(String::as_str).filter(|name| is_plain(name, "_.")).collect();
    let most = (1..=names.len().min(NAMES)).rev();
    let mut queries = most.map(|count| query(&names[..count]));
    queries.find(|query| query.chars().count() <= LENGTH).or_else(|| Some(query(names.get(..1)?)))
}

/// True of what can stand in a query without quotes.
fn is_plain(text: &str, signs: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || signs.contains(char))
}
