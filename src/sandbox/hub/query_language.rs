//! The part of IoT Hub's query language that works on devices: `SELECT [TOP n] * | fields | COUNT() FROM devices WHERE …`.

use serde_json::{Value, json};

use super::query_lexer::{Lexeme, split};

/// What a query returns of each device.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selection {
    /// The whole twin.
    All,
    /// One row with the number of devices, under this name.
    Count(String),
    /// Field paths with the names they get.
    Fields(Vec<(String, String)>),
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
}

/// A condition on one device.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare { path: String, operator: String, value: Value },
    In { path: String, values: Vec<Value> },
    Function { name: String, path: String, argument: String },
}

impl Condition {
    /// Whether it holds for a device whose fields `field` gives.
    pub(super) fn holds(&self, field: &impl Fn(&str) -> Value) -> bool {
        match self {
            Self::And(left, right) => left.holds(field) && right.holds(field),
            Self::Or(left, right) => left.holds(field) || right.holds(field),
            Self::Not(inner) => !inner.holds(field),
            Self::Compare { path, operator, value } => compare(&field(path), operator, value),
            Self::In { path, values } => values.contains(&field(path)),
            Self::Function { name, path, argument } => apply(name, &field(path), argument),
        }
    }

    /// The device ids to which the condition confines the result, if it does so at its top level.
    pub(super) fn device_ids(&self) -> Option<Vec<&str>> {
        match self {
            Self::And(left, right) => left.device_ids().or_else(|| right.device_ids()),
            Self::In { path, values } if path == "deviceId" => Some(values.iter().filter_map(Value::as_str).collect()),
            Self::Compare { path, operator, value } if path == "deviceId" && operator == "=" => {
                value.as_str().map(|id| vec![id])
            }
            _ => None,
        }
    }
}

fn compare(found: &Value, operator: &str, value: &Value) -> bool {
    let order = match (found, value) {
        (Value::String(found), Value::String(value)) => Some(found.cmp(value)),
        (Value::Number(found), Value::Number(value)) => {
            found.as_f64().zip(value.as_f64()).and_then(|(found, value)| found.partial_cmp(&value))
        }
        (found, value) => (found == value).then_some(std::cmp::Ordering::Equal),
    };
    match operator {
        "=" => order.is_some_and(std::cmp::Ordering::is_eq),
        "!=" => !order.is_some_and(std::cmp::Ordering::is_eq),
        "<" => order.is_some_and(std::cmp::Ordering::is_lt),
        "<=" => order.is_some_and(std::cmp::Ordering::is_le),
        ">" => order.is_some_and(std::cmp::Ordering::is_gt),
        _ => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

fn apply(name: &str, found: &Value, argument: &str) -> bool {
    let text = found.as_str().unwrap_or_default();
    match name {
        "startswith" => text.starts_with(argument),
        "endswith" => text.ends_with(argument),
        "contains" => text.contains(argument),
        _ => !found.is_null(),
    }
}

/// Parses a query.
///
/// # Errors
/// A sentence that names what was not understood.
pub(super) fn parse(query: &str) -> Result<Query, String> {
    let lexemes = split(query)?;
    let mut parser = Parser { lexemes: &lexemes, at: 0 };
    let parsed = parser.query()?;
    match parser.next() {
        None => Ok(parsed),
        Some(rest) => Err(format!("unexpected {rest:?}")),
    }
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
        Ok(Query { selection, top, from, condition })
    }

    fn selection(&mut self) -> Result<Selection, String> {
        if self.takes("*") {
            return Ok(Selection::All);
        }
        if self.takes_word("count") {
            self.expect("(")?;
            self.expect(")")?;
            let name = if self.takes_word("as") { self.word()? } else { "numberOfDevices".to_owned() };
            return Ok(Selection::Count(name));
        }
        let mut fields = Vec::new();
        loop {
            let path = self.word()?;
            let name = if self.takes_word("as") { self.word()? } else { path.clone() };
            fields.push((path, name));
            if !self.takes(",") {
                return Ok(Selection::Fields(fields));
            }
        }
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
        let path = self.word()?;
        if self.takes("(") {
            return self.function(&path);
        }
        if self.takes_word("in") {
            return Ok(Condition::In { path, values: self.list()? });
        }
        if self.takes_word("nin") {
            return Ok(Condition::Not(Box::new(Condition::In { path, values: self.list()? })));
        }
        match self.next() {
            Some(Lexeme::Symbol(operator)) if ["=", "!=", "<", "<=", ">", ">="].contains(&operator.as_str()) => {
                Ok(Condition::Compare { path, operator: operator.clone(), value: self.literal()? })
            }
            other => Err(format!("expected an operator after {path}, found {other:?}")),
        }
    }

    fn function(&mut self, name: &str) -> Result<Condition, String> {
        let name = name.to_ascii_lowercase();
        let path = self.word()?;
        let argument = match name.as_str() {
            "is_defined" => String::new(),
            "startswith" | "endswith" | "contains" => {
                self.expect(",")?;
                self.literal()?.as_str().map(str::to_owned).ok_or("expected a string")?
            }
            _ => return Err(format!("the function {name} is not known")),
        };
        self.expect(")")?;
        Ok(Condition::Function { name, path, argument })
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
mod tests {
    use super::*;

    fn holds(condition: &str, device: &Value) -> bool {
        let query = parse(&format!("SELECT * FROM devices WHERE {condition}")).expect("understood");
        let look = |path: &str| {
            path.split('.').try_fold(device, |value, name| value.get(name)).cloned().unwrap_or(Value::Null)
        };
        query.condition.is_some_and(|condition| condition.holds(&look))
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_win() {
        let device = json!({"deviceId": "a", "status": "enabled", "capabilities": {"iotEdge": false}});
        assert!(holds("status = 'enabled' AND capabilities.iotEdge = false", &device));
        assert!(holds("deviceId = 'a' OR deviceId = 'b' AND status = 'disabled'", &device));
        assert!(!holds("(deviceId = 'a' OR deviceId = 'b') AND status = 'disabled'", &device));
    }

    #[test]
    fn lists_functions_and_nested_fields_work() {
        let device = json!({"deviceId": "a-1", "tags": {"site": "north", "n": 3}});
        assert!(holds("deviceId IN ['a-1', 'b']", &device));
        assert!(holds("deviceId NIN ['b'] AND startswith(deviceId, 'a-')", &device));
        assert!(holds("tags.n >= 3 AND tags.site <> 'south' AND NOT is_defined(tags.x)", &device));
    }

    #[test]
    fn ids_confine_a_search_only_at_the_top_level() {
        let ids = |text: &str| {
            let condition = parse(&format!("SELECT deviceId FROM devices WHERE {text}")).expect("understood").condition;
            condition.and_then(|condition| condition.device_ids().map(|ids| ids.len()))
        };
        assert_eq!(ids("status = 'enabled' AND deviceId IN ['a','b']"), Some(2));
        assert_eq!(ids("status = 'enabled' OR deviceId IN ['a','b']"), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(parse("SELECT * FROM devices WHERE").is_err());
        assert!(parse("DELETE FROM devices").is_err());
        assert!(parse("SELECT * FROM devices WHERE a = 'x").is_err());
    }
}
