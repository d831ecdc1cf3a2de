//! Queries over devices, modules and the devices of jobs, and the counters.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::fault::{Answer, Fault};
use super::identity_json::{self, at};
use super::index::Index;
use super::limits::Class;
use super::model::Identity;
use super::page::{self, Wanted};
use super::query_language::{self, Aggregate, Column, Query, Selection};
use super::service::{Call, Right};
use crate::sandbox::device::{Sight, holds_connection};
use crate::sandbox::wire;
use crate::sandbox::world::{Hub, World};

/// `POST /devices/query`
pub(super) async fn run(call: Call, body: Bytes) -> Answer {
    call.need(Right::TWIN_READ)?;
    let body = call.json(&body)?;
    let text = body["query"].as_str().ok_or_else(|| Fault::bad_request("The body needs a query."))?;
    let query =
        query_language::parse(text).map_err(|why| Fault::bad_request(format!("The query is not valid: {why}.")))?;
    let item_type = match (&query.selection, query.from.as_str()) {
        (Selection::All, "devices" | "devices.modules") => "Twin",
        (Selection::All, "devices.jobs") => "DeviceJob",
        (_, "devices" | "devices.modules" | "devices.jobs") => "Raw",
        (_, other) => return Err(Fault::bad_request(format!("One cannot query FROM {other}."))),
    };
    if query.selection == Selection::All && query.is_grouped() {
        return Err(Fault::bad_request("GROUP BY needs the columns that are grouped by."));
    }
    let wanted = Wanted::of(&call)?;
    call.meter(Class::Query, 1)?;
    let index = Index::at(call.now, call.shared.switches().query_lag);
    let (rows, next) = call.shared.look(|world| {
        let hub = world.hubs.get(&call.host);
        hub.map_or_else(Default::default, |hub| rows(world, hub, &query, &wanted, index))
    });
    Ok(page::answer(rows, item_type, next))
}

/// A document that a query looks at.
enum Document<'a> {
    /// A device's twin, of which only what is asked for is built.
    Device { identity: &'a Identity, sight: Sight },
    /// Anything else, with the key by which it is ordered.
    Other { key: String, json: Value },
}

impl Document<'_> {
    fn key(&self) -> String {
        match self {
            Self::Device { identity, .. } => identity.device_id.clone(),
            Self::Other { key, .. } => key.clone(),
        }
    }

    fn field(&self, path: &str) -> Option<Value> {
        match self {
            Self::Device { identity, sight } => identity_json::field(identity, *sight, path),
            Self::Other { json, .. } => at(json, path),
        }
    }

    fn whole(&self) -> Value {
        match self {
            Self::Device { identity, sight } => identity_json::twin(identity, *sight),
            Self::Other { json, .. } => json.clone(),
        }
    }
}

/// One page of rows and, if there are more, the key of the last on it.
fn rows(world: &World, hub: &Hub, query: &Query, wanted: &Wanted, index: Index) -> (Vec<Value>, Option<String>) {
    let documents: Box<dyn Iterator<Item = Document<'_>>> = match query.from.as_str() {
        "devices" => devices(world, hub, query, index),
        "devices.modules" => Box::new(modules(hub)),
        _ => Box::new(super::job_model::device_jobs(hub).map(|(key, json)| Document::Other { key, json })),
    };
    let condition = query.condition.as_ref();
    let mut found = documents
        .filter(|document| condition.is_none_or(|condition| condition.holds(&|path| document.field(path))))
        .take(query.top.unwrap_or(usize::MAX))
        .filter(|document| wanted.after.as_ref().is_none_or(|after| document.key() > *after));
    match &query.selection {
        Selection::Columns(columns) if query.is_grouped() => (grouped(found, columns, &query.group_by), None),
        selection => {
            let page: Vec<Document<'_>> = found.by_ref().take(wanted.size).collect();
            let next = page.last().filter(|_| found.next().is_some()).map(Document::key);
            (page.iter().map(|document| row(document, selection)).collect(), next)
        }
    }
}

fn devices<'a>(
    world: &'a World,
    hub: &'a Hub,
    query: &'a Query,
    index: Index,
) -> Box<dyn Iterator<Item = Document<'a>> + 'a> {
    let candidates: Box<dyn Iterator<Item = &Identity>> =
        match query.condition.as_ref().and_then(|condition| condition.device_ids()) {
            Some(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                Box::new(ids.into_iter().filter_map(|id| hub.identities.get(id)))
            }
            None => Box::new(hub.identities.values()),
        };
    let known = candidates.filter(move |identity| index.has(identity));
    Box::new(known.map(move |identity| Document::Device { identity, sight: index.sight(world, &hub.host, identity) }))
}

fn modules(hub: &Hub) -> impl Iterator<Item = Document<'_>> {
    hub.identities.values().flat_map(|device| {
        device.modules.values().map(|module| Document::Other {
            // NUL sorts below every character of an id, so that the order is that of the pairs.
            key: format!("{}\0{}", device.device_id, module.module_id),
            json: identity_json::module_twin(&device.device_id, module),
        })
    })
}

fn row(document: &Document<'_>, selection: &Selection) -> Value {
    let Selection::Columns(columns) = selection else { return document.whole() };
    let pairs = columns.iter().filter_map(|column| Some((column.name.clone(), document.field(&column.path)?)));
    Value::Object(pairs.collect())
}

/// One row for each combination of values of the grouping fields; without any, one row for all.
fn grouped<'a>(found: impl Iterator<Item = Document<'a>>, columns: &[Column], group_by: &[String]) -> Vec<Value> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    if group_by.is_empty() {
        groups.insert(String::new(), Group::new(columns));
    }
    for document in found {
        let fields: Vec<Option<Value>> = group_by.iter().map(|path| document.field(path)).collect();
        let key = if group_by.is_empty() { String::new() } else { json!(fields).to_string() };
        let group = groups.entry(key).or_insert_with(|| Group::new(columns));
        group.add(&document, columns);
    }
    groups.values().map(|group| group.row(columns)).collect()
}

/// What has been gathered of a group.
struct Group {
    count: u64,
    /// For each column: a value of the group, or the numbers seen.
    first: Vec<Option<Value>>,
    numbers: Vec<Vec<f64>>,
}

impl Group {
    fn new(columns: &[Column]) -> Self {
        Self { count: 0, first: vec![None; columns.len()], numbers: vec![Vec::new(); columns.len()] }
    }

    fn add(&mut self, document: &Document<'_>, columns: &[Column]) {
        self.count += 1;
        for (at, column) in columns.iter().enumerate() {
            match column.aggregate {
                None if self.first[at].is_none() => self.first[at] = document.field(&column.path),
                None | Some(Aggregate::Count) => {}
                Some(_) => self.numbers[at].extend(document.field(&column.path).and_then(|value| value.as_f64())),
            }
        }
    }

    fn row(&self, columns: &[Column]) -> Value {
        let value = |(at, column): (usize, &Column)| {
            let numbers = &self.numbers[at];
            let sum: f64 = numbers.iter().sum();
            let computed = match column.aggregate {
                None => return Some((column.name.clone(), self.first[at].clone()?)),
                Some(Aggregate::Count) => return Some((column.name.clone(), json!(self.count))),
                Some(Aggregate::Sum) => sum,
                Some(_) if numbers.is_empty() => return None,
                #[expect(clippy::cast_precision_loss, reason = "no hub has so many devices")]
                Some(Aggregate::Avg) => sum / numbers.len() as f64,
                Some(Aggregate::Min) => numbers.iter().copied().fold(f64::INFINITY, f64::min),
                Some(Aggregate::Max) => numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            };
            Some((column.name.clone(), json!(computed)))
        };
        Value::Object(columns.iter().enumerate().filter_map(value).collect::<Map<_, _>>())
    }
}

/// `GET /statistics/devices`
pub(super) async fn device_statistics(call: Call) -> Answer {
    call.need(Right::REGISTRY_COUNT)?;
    let (total, enabled) = call
        .look(|hub| Ok((hub.identities.len(), hub.identities.values().filter(|identity| identity.enabled).count())))?;
    Ok(wire::ok(
        &json!({"totalDeviceCount": total, "enabledDeviceCount": enabled, "disabledDeviceCount": total - enabled}),
    ))
}

/// `GET /statistics/service`
pub(super) async fn service_statistics(call: Call) -> Answer {
    call.need(Right::SERVICE_COUNT)?;
    let connected = call.shared.look(|world| {
        let identities = world.hubs.get(&call.host).map(|hub| hub.identities.values());
        identities
            .into_iter()
            .flatten()
            .filter(|identity| holds_connection(world.devices.get(&identity.device_id), &call.host, identity))
            .count()
    });
    Ok(wire::ok(&json!({"connectedDeviceCount": connected})))
}
