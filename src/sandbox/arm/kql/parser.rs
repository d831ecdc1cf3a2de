//! From tokens to the operators of a query. Every token must be understood.

use super::lexer::tokens;
use super::words::Words;
use super::{Query, Stage, Table};

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, String> {
    let mut words = Words::new(tokens(text)?);
    let named = table(&mut words)?;
    let table = named.unwrap_or(Table::Resources);
    let mut query = Query { table, stages: Vec::new(), columns: table.columns().map(str::to_owned).to_vec() };
    let mut leading = named.is_none();
    while !words.at_end() {
        if !std::mem::take(&mut leading) {
            words.expect("|")?;
        }
        let stage = stage(&mut words, &mut query.columns)?;
        query.stages.push(stage);
    }
    if query.stages.is_empty() && text.trim().is_empty() { Err("The query is empty.".to_owned()) } else { Ok(query) }
}

/// A query that begins with an operator is about `Resources`.
fn table(words: &mut Words) -> Result<Option<Table>, String> {
    if words.at_end() || words.at_operator() {
        return Ok(None);
    }
    let name = words.name()?;
    Table::named(&name).map(Some).ok_or_else(|| format!("The table '{name}' is not known."))
}

fn stage(words: &mut Words, columns: &mut Vec<String>) -> Result<Stage, String> {
    let operator = words.name()?.to_ascii_lowercase();
    match operator.as_str() {
        "where" => words.expression(columns).map(Stage::Where),
        "project" => {
            let named = words.named_expressions(columns)?;
            *columns = named.iter().map(|(name, _)| name.clone()).collect();
            Ok(Stage::Project(named))
        }
        "project-away" => {
            let dropped = words.columns(columns)?;
            columns.retain(|column| !dropped.contains(column));
            Ok(Stage::Drop(dropped))
        }
        "extend" => {
            let named = words.named_expressions(columns)?;
            for (name, _) in &named {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
            Ok(Stage::Extend(named))
        }
        "order" | "sort" => words.word("by").and_then(|()| words.sort_keys(columns)).map(Stage::Order),
        "take" | "limit" => words.count().map(Stage::Take),
        "top" => {
            let count = words.count()?;
            words.word("by")?;
            words.sort_keys(columns).map(|keys| Stage::Top(count, keys))
        }
        "distinct" => {
            let kept = if words.skip("*") { columns.clone() } else { words.columns(columns)? };
            columns.clone_from(&kept);
            Ok(Stage::Distinct(kept))
        }
        "count" => {
            *columns = vec!["Count".to_owned()];
            Ok(Stage::Count)
        }
        "summarize" => summarize(words, columns),
        _ => Err(format!("The operator '{operator}' is not supported.")),
    }
}

/// `summarize [name =] count() [by column, …]`
fn summarize(words: &mut Words, columns: &mut Vec<String>) -> Result<Stage, String> {
    let first = words.name()?;
    let name = if words.skip("=") {
        words.word("count")?;
        first
    } else if first.eq_ignore_ascii_case("count") {
        "count_".to_owned()
    } else {
        return Err(format!("The aggregation '{first}' is not supported."));
    };
    words.expect("(")?;
    words.expect(")")?;
    let by = if words.skip_word("by") { words.named_expressions(columns)? } else { Vec::new() };
    *columns = by.iter().map(|(name, _)| name.clone()).chain([name.clone()]).collect();
    Ok(Stage::CountBy { name, by })
}
