//! The query API of the previews: `SELECT [TOP n] columns FROM template [WHERE …] [ORDER BY column [ASC|DESC]]`.
//!
//! Rows are made up from what devices sent: one for each message, or, where only properties are asked for, one for each
//! device.

use axum::body::Bytes;
use serde_json::{Map, Value, json};
use time::Duration;

use super::condition::{Condition, Dialect, Parser, Subject, compare};
use super::door::{Call, QUERIES, Version};
use super::fault::{Answer, Fault};
use super::job_check::split_path;
use super::model::AppDevice;
use super::{properties, templates, words};
use crate::sandbox::device::TELEMETRY_SECS;
use crate::sandbox::wire;
use crate::sandbox::world::{App, Moment};

const MOST_ROWS: usize = 10_000;
const MOST_DEVICES: usize = 1_000;
const MOST_COLUMNS: usize = 15;
const MOST_OPERATIONS: usize = 10;
const LONGEST_STRING: usize = 350;
/// How long telemetry is kept.
const KEPT: Duration = Duration::days(7);

#[derive(Debug)]
struct Query {
    top: usize,
    /// Column, and the name under which it is shown.
    columns: Vec<(String, String)>,
    template: String,
    condition: Option<Condition>,
    /// Column, and whether the largest comes first.
    order: (String, bool),
}

/// What a name stands for in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Own,
    Telemetry,
    Property,
}

/// `POST /query`
pub(super) async fn run(call: Call, body: Bytes) -> Answer {
    if call.version == Version::Ga {
        return Err(Fault::not_found("The requested resource was not found."));
    }
    let body = call.json(&body)?;
    let text = body["query"].as_str().ok_or_else(|| Fault::invalid_body("query is required."))?;
    let refused = |why: String| Fault::unprocessable(format!("The query is not valid: {why}"));
    let query = parse(text).map_err(refused)?;
    call.shared.throttles().take(&format!("central/{}/query", call.sub), 1, QUERIES).map_err(|_| Fault::throttled())?;
    let results = call.look(|app| {
        let template = templates::find(app, &query.template)
            .ok_or_else(|| Fault::unprocessable("The device template does not exist."))?;
        let by_device = is_about_devices(&query, template).map_err(refused)?;
        Ok(answer(&query, app, template, by_device, call.now))
    })?;
    Ok(wire::ok(&json!({"results": results})))
}

/// Checks every name, and tells whether only properties are asked for.
fn is_about_devices(query: &Query, template: &Value) -> Result<bool, String> {
    let named = query.columns.iter().map(|(column, _)| column.as_str());
    let fields = query.condition.as_ref().map(Condition::fields).unwrap_or_default();
    let shown_as =
        |name: &str| query.columns.iter().find(|(_, shown)| shown == name).map(|(column, _)| column.as_str());
    let order = shown_as(&query.order.0).unwrap_or(&query.order.0);
    let mut meanings = Vec::new();
    for name in named.chain(fields).chain([order]) {
        let meaning = meaning(template, name);
        meanings.push(meaning.ok_or_else(|| format!("'{name}' is not in the device template."))?);
    }
    Ok(meanings.contains(&Meaning::Property) && !meanings.contains(&Meaning::Telemetry))
}

fn meaning(template: &Value, name: &str) -> Option<Meaning> {
    if matches!(name, "$id" | "$ts" | "$displayName" | "$provisioned" | "$simulated" | "$template") {
        return Some(Meaning::Own);
    }
    let (component, name) = split_path(name);
    let property = || templates::property(template, component, name).map(|_| Meaning::Property);
    templates::telemetry(template, component, name).map(|_| Meaning::Telemetry).or_else(property)
}

fn answer(query: &Query, app: &App, template: &Value, by_device: bool, now: Moment) -> Vec<Value> {
    let (order, descending) = (&query.order.0, query.order.1);
    let is_wanted = |row: &Row<'_>| query.condition.as_ref().is_none_or(|condition| condition.holds(row));
    let of_template = app.devices.values().filter(|device| device.template.as_deref() == Some(&query.template));
    // By time, the first of all are among the first of each device.
    let most = if order == "$ts" { query.top } else { MOST_ROWS };
    let mut rows: Vec<Row<'_>> = if by_device {
        let at = |device: &AppDevice| device.presence.last_message(now).unwrap_or(now);
        let all = of_template.map(|device| Row { device, template, at: at(device), now });
        all.filter(is_wanted).take(MOST_DEVICES).collect()
    } else {
        let times = |device: &AppDevice| messages(device, descending, now);
        let all = |device| times(device).map(move |at| Row { device, template, at, now });
        of_template.flat_map(|device| all(device).filter(is_wanted).take(most)).collect()
    };
    let named = query.columns.iter().find(|(_, shown)| shown == order).map_or(order, |(column, _)| column);
    rows.sort_by(|one, other| {
        if named == "$ts" {
            return if descending { other.at.cmp(&one.at) } else { one.at.cmp(&other.at) };
        }
        let asked = compare(&one.field(named), &other.field(named)).unwrap_or(std::cmp::Ordering::Equal);
        if descending { asked.reverse() } else { asked }
    });
    rows.truncate(query.top.min(MOST_ROWS));
    let shown = |row: &Row<'_>| {
        let cells = query.columns.iter().map(|(column, shown)| (shown.clone(), row.field(column)));
        Value::Object(cells.collect::<Map<_, _>>())
    };
    rows.iter().map(shown).collect()
}

/// A message of a device, or its properties.
#[derive(Debug)]
struct Row<'a> {
    device: &'a AppDevice,
    template: &'a Value,
    at: Moment,
    now: Moment,
}

impl Subject for Row<'_> {
    fn field(&self, name: &str) -> Value {
        if name == "$ts" {
            return json!(wire::iso(self.at));
        }
        match meaning(self.template, name) {
            Some(Meaning::Telemetry) => json!(properties::reading(&self.device.id, self.at)),
            _ => self.device.field(name),
        }
    }

    fn is_within(&self, window: Duration) -> bool {
        self.at >= self.now - window
    }
}

/// When a device sent something over its present connection (or, last, over the one before), the newest or the oldest
/// first.
fn messages(device: &AppDevice, newest_first: bool, now: Moment) -> impl Iterator<Item = Moment> + use<> {
    let last = device.presence.last_message(now).unwrap_or(now - KEPT);
    let first = device.presence.since.unwrap_or(last).max(now - KEPT);
    let count = if device.presence.last_message(now).is_none() || last < first {
        0
    } else {
        (last - first).whole_seconds() / TELEMETRY_SECS + 1
    };
    let place = move |back: i64| if newest_first { back } else { count - 1 - back };
    (0..count).map(move |back| last - Duration::seconds(place(back) * TELEMETRY_SECS))
}

fn parse(text: &str) -> Result<Query, String> {
    let words = words::split(text)?;
    if words.iter().any(|word| word.quoted && word.text.chars().count() > LONGEST_STRING) {
        return Err(format!("A string has at most {LONGEST_STRING} characters."));
    }
    let mut parser = Parser::new(&words, Dialect::Sql);
    parser.expect("select")?;
    let mut top = MOST_ROWS;
    if parser.takes("top") {
        top = parser.next()?.text.parse().map_err(|_| "TOP needs a number.".to_owned())?;
    }
    let mut columns = vec![column(&mut parser)?];
    while parser.takes(",") {
        columns.push(column(&mut parser)?);
    }
    if columns.len() > MOST_COLUMNS {
        return Err(format!("At most {MOST_COLUMNS} columns can be selected."));
    }
    parser.expect("from")?;
    let template = parser.next()?.text.clone();
    let condition = if parser.takes("where") { Some(parser.condition()?) } else { None };
    if condition.as_ref().is_some_and(|condition| condition.operations() > MOST_OPERATIONS) {
        return Err(format!("At most {MOST_OPERATIONS} logical operations are allowed."));
    }
    // Without an order the newest come first.
    let mut order = ("$ts".to_owned(), true);
    if parser.takes("order") {
        parser.expect("by")?;
        order.0 = parser.next()?.text.clone();
        order.1 = parser.takes("desc");
        if !order.1 {
            parser.takes("asc");
        }
    }
    parser.end()?;
    Ok(Query { top, columns, template, condition, order })
}

/// `column`, or `column AS name`.
fn column(parser: &mut Parser<'_>) -> Result<(String, String), String> {
    let word = parser.next()?;
    if word.quoted || word.text.chars().any(|c| "()=,*!<>".contains(c)) {
        return Err(format!("'{}' is not a column.", word.text));
    }
    let shown = if parser.takes("as") { parser.next()?.text.clone() } else { word.text.clone() };
    Ok((word.text.clone(), shown))
}
