//! The part of the Kusto language that clients use to list resources: a table, then operators such as `where`, `project`
//! and `order`. What it does not understand it refuses, as Resource Graph refuses what it does not.

mod expression;
mod lexer;
mod parser;
mod words;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::expression::{Expression, Step, order};

/// The columns of both tables.
const COLUMNS: [&str; 16] = [
    "id",
    "name",
    "type",
    "tenantId",
    "kind",
    "location",
    "resourceGroup",
    "subscriptionId",
    "managedBy",
    "sku",
    "plan",
    "properties",
    "tags",
    "identity",
    "zones",
    "extendedLocation",
];

/// What a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Resources of all providers.
    Resources,
    /// Subscriptions and resource groups.
    ResourceContainers,
}

impl Table {
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "resources" => Some(Self::Resources),
            "resourcecontainers" => Some(Self::ResourceContainers),
            _ => None,
        }
    }

    fn columns(self) -> [&'static str; 16] {
        COLUMNS
    }
}

/// A query that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Where its rows come from.
    pub table: Table,
    /// The columns of its result, in order.
    pub columns: Vec<String>,
    stages: Vec<Stage>,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Where(Expression),
    Project(Vec<(String, Expression)>),
    Extend(Vec<(String, Expression)>),
    Drop(Vec<String>),
    Order(Vec<SortKey>),
    Take(usize),
    Top(usize, Vec<SortKey>),
    Distinct(Vec<String>),
    Count,
    CountBy { name: String, by: Vec<(String, Expression)> },
}

/// What rows are sorted by.
#[derive(Debug, Clone, PartialEq)]
struct SortKey {
    by: Expression,
    descending: bool,
    nothing_first: bool,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub fn parse(text: &str) -> Result<Self, String> {
        parser::parse(text)
    }

    /// Whether its result can be read in pages: the ids of the resources must be in it, and no number of rows be asked
    /// for.
    #[must_use]
    pub fn has_pages(&self) -> bool {
        let id = Expression::Path(vec![Step::Name("id".to_owned())]);
        self.stages.iter().all(|stage| match stage {
            Stage::Project(named) => named.iter().any(|(name, from)| name == "id" && *from == id),
            Stage::Extend(named) => named.iter().all(|(name, _)| name != "id"),
            Stage::Drop(columns) => columns.iter().all(|column| column != "id"),
            Stage::Distinct(columns) => columns.iter().any(|column| column == "id"),
            Stage::Where(_) | Stage::Order(_) | Stage::Top(..) => true,
            Stage::Take(_) | Stage::Count | Stage::CountBy { .. } => false,
        })
    }

    /// Runs the query over rows that have all columns of its table.
    #[must_use]
    pub fn run(&self, rows: Vec<Value>) -> Vec<Value> {
        self.stages.iter().fold(rows, |rows, stage| stage.run(rows))
    }
}

impl Stage {
    fn run(&self, mut rows: Vec<Value>) -> Vec<Value> {
        match self {
            Self::Where(condition) => rows.retain(|row| condition.holds(row)),
            Self::Project(named) => rows = rows.iter().map(|row| Value::Object(project(row, named))).collect(),
            Self::Extend(named) => {
                for row in &mut rows {
                    let added = project(row, named);
                    row.as_object_mut().into_iter().for_each(|row| row.extend(added.clone()));
                }
            }
            Self::Drop(columns) => {
                for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                    row.retain(|name, _| !columns.contains(name));
                }
            }
            Self::Order(keys) => rows.sort_by(|left, right| compare(keys, left, right)),
            Self::Take(count) => rows.truncate(*count),
            Self::Top(count, keys) => {
                rows.sort_by(|left, right| compare(keys, left, right));
                rows.truncate(*count);
            }
            Self::Distinct(columns) => rows = distinct(&rows, columns),
            Self::Count => rows = vec![json!({ "Count": rows.len() })],
            Self::CountBy { name, by } => rows = count_by(&rows, name, by),
        }
        rows
    }
}

fn compare(keys: &[SortKey], left: &Value, right: &Value) -> Ordering {
    let one = |key: &SortKey| {
        let (left, right) = (key.by.value(left), key.by.value(right));
        if left.is_null() != right.is_null() {
            return if left.is_null() == key.nothing_first { Ordering::Less } else { Ordering::Greater };
        }
        let found = order(&left, &right);
        if key.descending { found.reverse() } else { found }
    };
    keys.iter().map(one).find(|found| found.is_ne()).unwrap_or(Ordering::Equal)
}

fn project(row: &Value, named: &[(String, Expression)]) -> Map<String, Value> {
    named.iter().map(|(name, expression)| (name.clone(), expression.value(row))).collect()
}

fn distinct(rows: &[Value], columns: &[String]) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for row in rows {
        let kept: Map<String, Value> =
            columns.iter().map(|column| (column.clone(), row[column.as_str()].clone())).collect();
        let kept = Value::Object(kept);
        if !found.contains(&kept) {
            found.push(kept);
        }
    }
    found
}

fn count_by(rows: &[Value], name: &str, by: &[(String, Expression)]) -> Vec<Value> {
    let mut counted: BTreeMap<String, (Map<String, Value>, usize)> = BTreeMap::new();
    if by.is_empty() {
        return vec![Value::Object(Map::from_iter([(name.to_owned(), Value::from(rows.len()))]))];
    }
    for row in rows {
        let group = project(row, by);
        counted.entry(Value::Object(group.clone()).to_string()).or_insert((group, 0)).1 += 1;
    }
    let row = |(mut group, count): (Map<String, Value>, usize)| {
        group.insert(name.to_owned(), Value::from(count));
        Value::Object(group)
    };
    counted.into_values().map(row).collect()
}

#[cfg(test)]
mod tests;
