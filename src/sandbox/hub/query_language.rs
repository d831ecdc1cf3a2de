//! The query language: `SELECT [TOP n] * | fields | aggregates FROM devices | devices.modules | devices.jobs WHERE …
//! GROUP BY …`. What a condition means is in [`super::query_condition`].

use serde_json::{Value, json};

use super::query_condition::{Condition, Function, Operand};
use super::query_lexer::{Lexeme, split};

/// What a query returns.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selection {
    /// The whole document.
    All,
    /// These columns of each document or, with an aggregate among them, of each group.
    Columns(Vec<Column>),
}

/// A column of the result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub name: String,
    pub path: String,
    pub aggregate: Option<Aggregate>,
}

/// What is computed over a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Count,
    Avg,
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "count" => Self::Count,
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }
}

/// A parsed query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub selection: Selection,
    /// The most rows, over all pages.
    pub top: Option<usize>,
    /// `devices`, `devices.modules`, `devices.jobs`.
    pub from: String,
    pub condition: Option<Condition>,
    /// Paths by which documents are grouped.
    pub group_by: Vec<String>,
}

impl Query {
    /// Whether rows stand for groups of documents.
    pub(super) fn is_grouped(&self) -> bool {
        let aggregates = |columns: &[Column]| columns.iter().any(|column| column.aggregate.is_some());
        !self.group_by.is_empty() || matches!(&self.selection, Selection::Columns(columns) if aggregates(columns))
    }
}

/// Parses a query.
///
/// # Errors
/// A sentence that names what was not understood.
pub(super) fn parse(query: &str) -> Result<Query, String> {
    let lexemes = split(query)?;
    whole(&lexemes, Parser::query)
}

/// Parses a condition by itself, as scheduled jobs have one.
///
/// # Errors
/// A sentence that names what was not understood.
pub(super) fn parse_condition(condition: &str) -> Result<Condition, String> {
    let lexemes = split(condition)?;
    whole(&lexemes, Parser::either)
}

fn whole<'a, T>(lexemes: &'a [Lexeme], parse: fn(&mut Parser<'a>) -> Result<T, String>) -> Result<T, String> {
    let mut parser = Parser { lexemes, at: 0 };
    let parsed = parse(&mut parser)?;
    match parser.next() {
        None => Ok(parsed),
        Some(rest) => Err(format!("unexpected {rest:?}")),
    }
}

/// Fields may be written with the collection in front.
fn bare(path: &str) -> String {
    let prefixes = ["devices.jobs.", "devices.modules.", "devices."];
    let rest = prefixes.iter().find_map(|prefix| {
        let (head, rest) = path.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(rest)
    });
    rest.unwrap_or(path).to_owned()
}

struct Parser<'a> {
    lexemes: &'a [Lexeme],
    at: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Lexeme> {
        let lexeme = self.lexemes.get(self.at);
        self.at += 1;
        lexeme
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.lexemes.get(self.at), Some(Lexeme::Word(next)) if next.eq_ignore_ascii_case(word))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let found = matches!(self.lexemes.get(self.at), Some(Lexeme::Symbol(next)) if next == symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.takes(symbol) { Ok(()) } else { Err(format!("expected {symbol}")) }
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Lexeme::Word(word)) => Ok(word.clone()),
            other => Err(format!("expected a name, found {other:?}")),
        }
    }

    fn number(&mut self) -> Result<usize, String> {
        match self.next() {
            Some(Lexeme::Number(number)) => number.to_string().parse().map_err(|_| format!("TOP cannot be {number}")),
            other => Err(format!("expected a number after TOP, found {other:?}")),
        }
    }

    fn path(&mut self) -> Result<String, String> {
        self.word().map(|path| bare(&path))
    }

    fn query(&mut self) -> Result<Query, String> {
        if !self.takes_word("select") {
            return Err("a query begins with SELECT".to_owned());
        }
        let top = if self.takes_word("top") { Some(self.number()?) } else { None };
        let selection = self.selection()?;
        if !self.takes_word("from") {
            return Err("FROM is missing".to_owned());
        }
        let from = self.word()?.to_ascii_lowercase();
        let condition = if self.takes_word("where") { Some(self.either()?) } else { None };
        let group_by = self.group_by()?;
        Ok(Query { selection, top, from, condition, group_by })
    }

    fn group_by(&mut self) -> Result<Vec<String>, String> {
        let mut paths = Vec::new();
        if self.takes_word("group") {
            if !self.takes_word("by") {
                return Err("GROUP needs BY".to_owned());
            }
            paths.push(self.path()?);
            while self.takes(",") {
                paths.push(self.path()?);
            }
        }
        Ok(paths)
    }

    fn selection(&mut self) -> Result<Selection, String> {
        if self.takes("*") {
            return Ok(Selection::All);
        }
        let mut columns = vec![self.column()?];
        while self.takes(",") {
            columns.push(self.column()?);
        }
        Ok(Selection::Columns(columns))
    }

    fn column(&mut self) -> Result<Column, String> {
        let word = self.word()?;
        if !self.takes("(") {
            let path = bare(&word);
            let name = path.rsplit('.').next().unwrap_or(&path).to_owned();
            return self.named(name, path, None);
        }
        let aggregate = Aggregate::named(&word).ok_or_else(|| format!("the function {word} cannot be selected"))?;
        let path = if aggregate == Aggregate::Count { String::new() } else { self.path()? };
        self.expect(")")?;
        let name = if aggregate == Aggregate::Count { "numberOfDevices".to_owned() } else { word.to_ascii_lowercase() };
        self.named(name, path, Some(aggregate))
    }

    fn named(&mut self, name: String, path: String, aggregate: Option<Aggregate>) -> Result<Column, String> {
        let name = if self.takes_word("as") { self.word()? } else { name };
        Ok(Column { name, path, aggregate })
    }

    fn either(&mut self) -> Result<Condition, String> {
        let mut left = self.both()?;
        while self.takes_word("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut left = self.single()?;
        while self.takes_word("and") {
            left = Condition::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Condition, String> {
        if self.takes_word("not") {
            return Ok(Condition::Not(Box::new(self.single()?)));
        }
        if self.takes("(") {
            let inner = self.either()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(function) = self.function() {
            return self.call(function);
        }
        let left = self.operand()?;
        if self.takes_word("in") {
            return Ok(Condition::In { operand: left, values: self.list()? });
        }
        if self.takes_word("nin") {
            return Ok(Condition::Not(Box::new(Condition::In { operand: left, values: self.list()? })));
        }
        match self.next() {
            Some(Lexeme::Symbol(operator)) if ["=", "!=", "<", "<=", ">", ">="].contains(&operator.as_str()) => {
                Ok(Condition::Compare { left, operator: operator.clone(), right: self.operand()? })
            }
            other => Err(format!("expected an operator after {left:?}, found {other:?}")),
        }
    }

    /// Takes the name of a function and its parenthesis, if that is what comes.
    fn function(&mut self) -> Option<Function> {
        let [Lexeme::Word(name), Lexeme::Symbol(open), ..] = self.lexemes.get(self.at..)? else { return None };
        let function = Function::named(name).filter(|_| open == "(")?;
        self.at += 2;
        Some(function)
    }

    fn call(&mut self, name: Function) -> Result<Condition, String> {
        let operand = self.operand()?;
        let argument = if name.has_argument() {
            self.expect(",")?;
            self.operand()?
        } else {
            Operand::Value(Value::Null)
        };
        self.expect(")")?;
        Ok(Condition::Function { name, operand, argument })
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let is_field = matches!(self.lexemes.get(self.at), Some(Lexeme::Word(word))
            if !["true", "false", "null"].iter().any(|constant| word.eq_ignore_ascii_case(constant)));
        if is_field { self.path().map(Operand::Path) } else { self.literal().map(Operand::Value) }
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        self.expect("[")?;
        let mut values = Vec::new();
        while !self.takes("]") {
            values.push(self.literal()?);
            self.takes(",");
        }
        Ok(values)
    }

    fn literal(&mut self) -> Result<Value, String> {
        match self.next() {
            Some(Lexeme::Text(text)) => Ok(json!(text)),
            Some(Lexeme::Number(number)) => Ok(json!(number)),
            Some(Lexeme::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(json!(true)),
            Some(Lexeme::Word(word)) if word.eq_ignore_ascii_case("false") => Ok(json!(false)),
            Some(Lexeme::Word(word)) if word.eq_ignore_ascii_case("null") => Ok(Value::Null),
            other => Err(format!("expected a value, found {other:?}")),
        }
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
