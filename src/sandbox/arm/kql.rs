//! The small part of the Kusto language that clients use to list resources: a table, then `where`, `project`, `order`
//! and `take`. What it does not understand it refuses, as Resource Graph refuses what it does not.

use serde_json::{Map, Value};

/// The columns of the `resources` table.
const COLUMNS: [&str; 15] = [
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
];

/// A query that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Where(Vec<Condition>),
    Project(Vec<(String, String)>),
    Order { column: String, descending: bool },
    Take(usize),
}

/// A column is one of some values.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    column: String,
    values: Vec<String>,
    negated: bool,
    case_matters: bool,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut stages = text.split('|').map(str::trim);
        match stages.next() {
            Some(table) if table.eq_ignore_ascii_case("resources") => {}
            Some(table) => return Err(format!("The table '{table}' is not known; use 'resources'.")),
            None => return Err("The query is empty.".to_owned()),
        }
        let steps = stages.map(parse_step).collect::<Result<Vec<_>, _>>()?;
        let query = Self { steps };
        if query.names_type() { Ok(query) } else { Err("The query must name resource types.".to_owned()) }
    }

    /// Whether the result has the `id` column; without it there is no paging.
    #[must_use]
    pub fn projects_id(&self) -> bool {
        self.steps.iter().all(|step| match step {
            Step::Project(columns) => columns.iter().any(|(name, from)| name == "id" && from == "id"),
            _ => true,
        })
    }

    fn names_type(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Where(conditions) => conditions.iter().any(|condition| condition.column == "type"),
            _ => false,
        })
    }

    /// Runs the query over rows that have all columns.
    #[must_use]
    pub fn run(&self, mut rows: Vec<Value>) -> Vec<Value> {
        for step in &self.steps {
            match step {
                Step::Where(alternatives) => rows.retain(|row| alternatives.iter().any(|one| one.holds(row))),
                Step::Project(columns) => rows = rows.iter().map(|row| project(row, columns)).collect(),
                Step::Order { column, descending } => {
                    rows.sort_by_key(|row| lookup(row, column).as_str().map(str::to_lowercase));
                    if *descending {
                        rows.reverse();
                    }
                }
                Step::Take(count) => rows.truncate(*count),
            }
        }
        rows
    }
}

impl Condition {
    fn holds(&self, row: &Value) -> bool {
        let found = lookup(row, &self.column);
        let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        let same = |value: &String| if self.case_matters { *value == text } else { value.eq_ignore_ascii_case(&text) };
        self.values.iter().any(same) != self.negated
    }
}

fn lookup<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(row, |value, name| &value[name])
}

fn project(row: &Value, columns: &[(String, String)]) -> Value {
    let fields: Map<String, Value> =
        columns.iter().map(|(name, from)| (name.clone(), lookup(row, from).clone())).collect();
    Value::Object(fields)
}

fn parse_step(stage: &str) -> Result<Step, String> {
    let (verb, rest) = stage.split_once(char::is_whitespace).unwrap_or((stage, ""));
    match verb.to_ascii_lowercase().as_str() {
        "where" => Ok(Step::Where(split_words(rest, "or").into_iter().map(parse_condition).collect::<Result<_, _>>()?)),
        "project" => Ok(Step::Project(rest.split(',').map(parse_column).collect::<Result<_, _>>()?)),
        "order" | "sort" => {
            let mut words = rest.split_whitespace();
            if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("by")) {
                return Err(format!("'{stage}' lacks 'by'."));
            }
            let column = known_column(words.next().unwrap_or_default())?;
            // Kusto sorts downwards unless told otherwise.
            let descending = !words.next().is_some_and(|word| word.eq_ignore_ascii_case("asc"));
            Ok(Step::Order { column, descending })
        }
        "take" | "limit" => {
            rest.trim().parse().map(Step::Take).map_err(|_| format!("'{rest}' is not a number of rows."))
        }
        _ => Err(format!("The operator '{verb}' is not supported.")),
    }
}

/// Splits at a word outside quotes, and drops a pair of outer parentheses around each part.
fn split_words<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let lower = text.to_ascii_lowercase();
    let separator = format!(" {word} ");
    let mut parts = Vec::new();
    let (mut from, mut quoted) = (0, false);
    for (at, letter) in lower.char_indices() {
        quoted ^= letter == '\'' || letter == '"';
        if !quoted && at >= from && lower[at..].starts_with(&separator) {
            parts.push(text[from..at].trim());
            from = at + separator.len();
        }
    }
    parts.push(text[from..].trim());
    parts
}

fn parse_condition(text: &str) -> Result<Condition, String> {
    let text = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(text).trim();
    let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '.')).unwrap_or(text.len());
    let (column, rest) = text.split_at(end);
    let rest = rest.trim_start();
    // The longer operators first, since the shorter ones begin them.
    let operators = [("!in~", true, false), ("!in", true, true), ("in~", false, false), ("in", false, true)];
    let operators = operators.into_iter().chain([
        ("=~", false, false),
        ("!~", true, false),
        ("==", false, true),
        ("!=", true, true),
    ]);
    for (operator, negated, case_matters) in operators {
        if let Some(operand) = rest.strip_prefix(operator) {
            let values = literals(operand);
            if values.is_empty() {
                return Err(format!("'{text}' compares with nothing."));
            }
            return Ok(Condition { column: known_column(column)?, values, negated, case_matters });
        }
    }
    Err(format!("The condition '{text}' is not supported."))
}

fn literals(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"']) {
        let quote = &rest[start..=start];
        let Some(length) = rest[start + 1..].find(quote) else { break };
        values.push(rest[start + 1..start + 1 + length].to_owned());
        rest = &rest[start + length + 2..];
    }
    values
}

fn parse_column(text: &str) -> Result<(String, String), String> {
    let (name, from) = text.split_once('=').unwrap_or((text, text));
    Ok((name.trim().to_owned(), known_column(from.trim())?))
}

fn known_column(path: &str) -> Result<String, String> {
    let first = path.split('.').next().unwrap_or_default();
    if COLUMNS.contains(&first) { Ok(path.to_owned()) } else { Err(format!("The column '{path}' is not known.")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Vec<Value> {
        vec![
            json!({ "id": "/b", "name": "b", "type": "microsoft.devices/iothubs", "properties": { "hostName": "b.x" } }),
            json!({ "id": "/a", "name": "a", "type": "microsoft.iotcentral/iotapps", "properties": {} }),
            json!({ "id": "/c", "name": "c", "type": "microsoft.web/sites", "properties": {} }),
        ]
    }

    #[test]
    fn the_usual_query_lists_the_types_named_in_order() {
        let query = Query::parse(
            "resources | where type in~ ('Microsoft.IoTCentral/iotApps','microsoft.devices/iothubs') | project id, name | order by id asc",
        )
        .unwrap();
        assert!(query.projects_id());
        assert_eq!(query.run(rows()), [json!({ "id": "/a", "name": "a" }), json!({ "id": "/b", "name": "b" })]);
    }

    #[test]
    fn alternatives_and_paths_are_understood() {
        let query = Query::parse(
            "Resources | where type =~ 'Microsoft.Web/sites' or type == \"microsoft.devices/iothubs\" | project host = properties.hostName | take 1",
        )
        .unwrap();
        assert!(!query.projects_id());
        assert_eq!(query.run(rows()), [json!({ "host": "b.x" })]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in ["ResourceContainers", "resources", "resources | summarize count()", "resources | where type ~ 'x'"]
        {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
