//! Resource Graph: one query over all that the caller may read.

mod failure;
mod rows;

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use self::failure::GraphFailure;
use super::access::Access;
use super::kql::Query;
use super::paging;
use crate::sandbox::entra::tokens::Bearer;
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::{Reading, Window};

/// 15 queries per five seconds and person, counted from the first one.
const QUOTA: Window = Window { amount: 15, per: Duration::from_secs(5) };

#[derive(Debug, Deserialize)]
struct Body {
    query: String,
    subscriptions: Option<Vec<String>>,
    options: Option<Options>,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(rename = "$top")]
    top: Option<usize>,
    #[serde(rename = "$skip")]
    skip: Option<usize>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
    #[serde(rename = "resultFormat")]
    result_format: Option<String>,
}

/// `POST /providers/Microsoft.ResourceGraph/resources`
pub fn query(shared: &Shared, bearer: &Bearer, version: &str, body: &[u8]) -> Response {
    let now = shared.clock().now();
    let quota = shared.throttles().count(&format!("graph/{}", bearer.oid), QUOTA);
    let answered = if quota.allowed { answer(shared, bearer, version, body) } else { Err(GraphFailure::throttled()) };
    let mut response = match answered {
        Ok(body) => Json(body).into_response(),
        Err(failure) => failure.into_response_at(now),
    };
    tell(quota, response.headers_mut());
    response
}

fn tell(quota: Reading, headers: &mut HeaderMap) {
    let seconds = quota.resets_after.as_secs() + u64::from(quota.resets_after.subsec_nanos() > 0);
    headers.insert("x-ms-user-quota-remaining", HeaderValue::from(quota.left));
    if let Ok(value) = HeaderValue::from_str(&format!("00:00:{seconds:02}")) {
        headers.insert("x-ms-user-quota-resets-after", value);
    }
    if !quota.allowed {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
}

/// How the rows of an answer are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Objects,
    Table,
}

/// The oldest versions answer with a table unless told otherwise.
fn format(asked: Option<&str>, version: &str) -> Result<Format, GraphFailure> {
    match asked.map(str::to_ascii_lowercase).as_deref() {
        None if version.starts_with("2018") || version.starts_with("2019") => Ok(Format::Table),
        None | Some("objectarray") => Ok(Format::Objects),
        Some("table") => Ok(Format::Table),
        Some(other) => Err(GraphFailure::bad_request("InvalidResultFormat", format!("'{other}' is not a format."))),
    }
}

fn answer(shared: &Shared, bearer: &Bearer, version: &str, body: &[u8]) -> Result<Value, GraphFailure> {
    let body: Body = serde_json::from_slice(body).map_err(|error| {
        GraphFailure::bad_request("InvalidRequestContent", format!("The body is not valid: {error}"))
    })?;
    let options = body.options.unwrap_or_default();
    let query = Query::parse(&body.query).map_err(GraphFailure::invalid_query)?;
    let format = format(options.result_format.as_deref(), version)?;
    let top = options.top.unwrap_or(100);
    if !(1..=1000).contains(&top) {
        let message = "The value of $top must be between 1 and 1000.";
        return Err(GraphFailure::bad_request("InvalidTopParameter", message));
    }
    let from = match &options.skip_token {
        Some(token) => paging::decode(token)
            .filter(|_| query.has_pages())
            .ok_or_else(|| GraphFailure::bad_request("InvalidSkipToken", "The skip token does not fit the query."))?,
        None => options.skip.unwrap_or(0),
    };
    let linked_hubs = !shared.switches().lists_omit_linked_hubs;
    let rows = shared.look(|world| {
        let access = Access::new(world, bearer);
        let visible = rows::visible(&access, body.subscriptions.as_deref().unwrap_or_default())?;
        Ok::<_, GraphFailure>(rows::of(query.table, world, &access, &visible, linked_hubs))
    })?;
    Ok(page(&query, rows, from, top, format))
}

fn page(query: &Query, rows: Vec<Value>, from: usize, top: usize, format: Format) -> Value {
    let found = query.run(rows);
    let until = found.len().min(from.saturating_add(top));
    let data = found.get(from..until).unwrap_or_default();
    let more = until < found.len();
    let mut answer = json!({
        "totalRecords": found.len(), "count": data.len(),
        "resultTruncated": if more && !query.has_pages() { "true" } else { "false" },
        "data": match format {
            Format::Objects => json!(data),
            Format::Table => table(&query.columns, data),
        },
        "facets": [],
    });
    // Without ids there is no stable order to go on from.
    if more && query.has_pages() {
        answer["$skipToken"] = json!(paging::encode(until));
    }
    answer
}

/// Rows as arrays, below the names and types of their columns.
fn table(columns: &[String], data: &[Value]) -> Value {
    let kind = |column: &String| match data.iter().map(|row| &row[column.as_str()]).find(|value| !value.is_null()) {
        Some(Value::String(_)) => "string",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(number)) => {
            if number.is_f64() {
                "number"
            } else {
                "integer"
            }
        }
        _ => "object",
    };
    let columns_shown: Vec<Value> = columns.iter().map(|name| json!({ "name": name, "type": kind(name) })).collect();
    let row = |row: &Value| columns.iter().map(|column| row[column.as_str()].clone()).collect::<Vec<_>>();
    json!({ "columns": columns_shown, "rows": data.iter().map(row).collect::<Vec<_>>() })
}
