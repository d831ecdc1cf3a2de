//! The query API of the previews: `SELECT [TOP n] columns FROM template [WHERE …] [ORDER BY $ts [ASC|DESC]]`.
//!
//! Understood in WHERE are `$id = '…'` and `WITHIN_WINDOW(…)`, joined by AND. Rows are made up from what devices sent.

use axum::body::Bytes;
use serde_json::{Map, Value, json};
use time::Duration;

use super::door::{Call, QUERIES, Version};
use super::fault::{Answer, Fault};
use super::{properties, templates};
use crate::sandbox::device::TELEMETRY_SECS;
use crate::sandbox::wire;
use crate::sandbox::world::Moment;

const MOST_ROWS: usize = 10_000;
const MOST_COLUMNS: usize = 15;

struct Query {
    top: usize,
    columns: Vec<String>,
    template: String,
    id: Option<String>,
    since: Option<Moment>,
    ascending: bool,
}

/// `POST /query`
pub(super) async fn run(call: Call, body: Bytes) -> Answer {
    if call.version == Version::Ga {
        return Err(Fault::not_found("The requested resource was not found."));
    }
    let body = call.json(&body)?;
    let text = body["query"].as_str().ok_or_else(|| Fault::invalid_body("query is required."))?;
    let query = parse(text, call.now).map_err(|why| Fault::unprocessable(format!("The query is not valid: {why}.")))?;
    call.shared.throttles().take(&format!("central/{}/query", call.sub), 1, QUERIES).map_err(|_| Fault::throttled())?;
    let mut rows = call.look(|app| {
        templates::find(app, &query.template)
            .ok_or_else(|| Fault::unprocessable("The device template does not exist."))?;
        let wanted = app.devices.values().filter(|device| {
            device.template.as_deref() == Some(&query.template) && query.id.as_ref().is_none_or(|id| *id == device.id)
        });
        let times = wanted.flat_map(|device| {
            let last = device.presence.last_message(call.now);
            let earliest = device.presence.since.or(last).max(query.since);
            let step = Duration::seconds(TELEMETRY_SECS);
            let back = std::iter::successors(last, move |at| Some(*at - step));
            back.take_while(move |at| Some(*at) >= earliest).take(query.top).map(|at| (at, device.id.as_str()))
        });
        Ok(times.take(MOST_ROWS).map(|(at, id)| (at, id.to_owned())).collect::<Vec<_>>())
    })?;
    rows.sort();
    if !query.ascending {
        rows.reverse();
    }
    rows.truncate(query.top);
    let results: Vec<Value> = rows.iter().map(|(at, id)| row(&query.columns, *at, id)).collect();
    Ok(wire::ok(&json!({"results": results})))
}

fn row(columns: &[String], at: Moment, id: &str) -> Value {
    let cell = |column: &String| match column.as_str() {
        "$id" => json!(id),
        "$ts" => json!(wire::iso(at)),
        _ => json!(properties::reading(id, at)),
    };
    Value::Object(columns.iter().map(|column| (column.clone(), cell(column))).collect::<Map<_, _>>())
}

fn parse(text: &str, now: Moment) -> Result<Query, String> {
    let spaced = text.replace(',', " , ").replace('=', " = ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let position = |word: &str| words.iter().position(|own| own.eq_ignore_ascii_case(word));
    let from = position("from").ok_or("FROM is missing")?;
    if !words.first().is_some_and(|first| first.eq_ignore_ascii_case("select")) {
        return Err("it must begin with SELECT".to_owned());
    }
    let mut selected = &words[1..from];
    let mut top = MOST_ROWS;
    if selected.first().is_some_and(|first| first.eq_ignore_ascii_case("top")) {
        top = selected.get(1).and_then(|number| number.parse().ok()).ok_or("TOP needs a number")?;
        selected = &selected[2..];
    }
    let columns: Vec<String> = selected.iter().filter(|word| **word != ",").map(|word| (*word).to_owned()).collect();
    if columns.is_empty() || columns.len() > MOST_COLUMNS || columns.iter().any(|column| column == "*") {
        return Err("name 1 to 15 columns".to_owned());
    }
    let template = (*words.get(from + 1).ok_or("FROM needs a device template")?).to_owned();
    let order = position("order");
    let conditions = match position("where") {
        Some(at) => &words[at + 1..order.unwrap_or(words.len())],
        None => &[],
    };
    let (mut id, mut since) = (None, None);
    for condition in conditions.split(|word| word.eq_ignore_ascii_case("and")) {
        match condition {
            ["$id", "=", value] => id = Some(value.trim_matches(['\'', '"']).to_owned()),
            [window] if window.to_ascii_uppercase().starts_with("WITHIN_WINDOW(") => {
                since = Some(now - duration(&window[14..]).ok_or("the window is not an ISO 8601 duration")?);
            }
            [] if conditions.is_empty() => {}
            other => return Err(format!("the condition '{}' is not understood", other.join(" "))),
        }
    }
    let ascending = order.is_some() && !words.last().is_some_and(|last| last.eq_ignore_ascii_case("desc"));
    Ok(Query { top, columns, template, id, since, ascending })
}

/// `P1D`, `PT30M`, `PT1H)` and the like: one number and one unit.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim_end_matches(')').to_ascii_uppercase();
    let in_day = text.starts_with("PT");
    let rest = text.trim_start_matches("PT").trim_start_matches('P');
    let (number, unit) = rest.split_at(rest.len().checked_sub(1)?);
    let number: i64 = number.parse().ok()?;
    match (unit, in_day) {
        ("S", true) => Some(Duration::seconds(number)),
        ("M", true) => Some(Duration::minutes(number)),
        ("H", true) => Some(Duration::hours(number)),
        ("D", false) => Some(Duration::days(number)),
        ("W", false) => Some(Duration::weeks(number)),
        _ => None,
    }
}
