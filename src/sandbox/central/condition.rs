//! Conditions, as device groups, device lists and queries write them: each in its dialect, with one meaning.

use std::cmp::Ordering;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::words::Word;

/// How operators are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `=`, `!=`, `<`, …, `IN (…)`, `WITHIN_WINDOW(…)`: groups and queries.
    Sql,
    /// `eq`, `ne`, `lt`, …: lists.
    OData,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Compare { field: String, operator: Operator, value: Value },
    In { field: String, values: Vec<Value> },
    Contains { field: String, text: String },
    Within(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a condition is about.
pub(super) trait Subject {
    /// The value of a field; null if it has none.
    fn field(&self, name: &str) -> Value;

    /// Whether it is no older than this.
    fn is_within(&self, _window: Duration) -> bool {
        false
    }
}

impl Condition {
    pub(super) fn holds(&self, subject: &dyn Subject) -> bool {
        match self {
            Self::And(left, right) => left.holds(subject) && right.holds(subject),
            Self::Or(left, right) => left.holds(subject) || right.holds(subject),
            Self::Compare { field, operator, value } => operator.holds(&subject.field(field), value),
            Self::In { field, values } => {
                let own = subject.field(field);
                values.iter().any(|value| Operator::Equal.holds(&own, value))
            }
            Self::Contains { field, text } => {
                let found = subject.field(field);
                found.as_str().is_some_and(|found| found.to_lowercase().contains(&text.to_lowercase()))
            }
            Self::Within(window) => subject.is_within(*window),
        }
    }

    /// The fields that it names.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => [left.fields(), right.fields()].concat(),
            Self::Compare { field, .. } | Self::In { field, .. } | Self::Contains { field, .. } => vec![field],
            Self::Within(_) => Vec::new(),
        }
    }

    /// How many conditions it is joined from, less one.
    pub(super) fn operations(&self) -> usize {
        match self {
            Self::And(left, right) | Self::Or(left, right) => left.operations() + right.operations() + 1,
            _ => 0,
        }
    }
}

impl Operator {
    fn parse(word: &str, dialect: Dialect) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        match (dialect, word.as_str()) {
            (Dialect::Sql, "=") | (Dialect::OData, "eq") => Some(Self::Equal),
            (Dialect::Sql, "!=" | "<>") | (Dialect::OData, "ne") => Some(Self::NotEqual),
            (Dialect::Sql, "<") | (Dialect::OData, "lt") => Some(Self::Less),
            (Dialect::Sql, "<=") | (Dialect::OData, "le") => Some(Self::LessOrEqual),
            (Dialect::Sql, ">") | (Dialect::OData, "gt") => Some(Self::Greater),
            (Dialect::Sql, ">=") | (Dialect::OData, "ge") => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    /// Lists equal what they contain.
    fn holds(self, own: &Value, value: &Value) -> bool {
        let equal = || match own {
            Value::Array(list) => list.iter().any(|own| compare(own, value) == Some(Ordering::Equal)),
            own => own == value || compare(own, value) == Some(Ordering::Equal),
        };
        match self {
            Self::Equal => equal(),
            Self::NotEqual => !equal(),
            Self::Less => compare(own, value).is_some_and(Ordering::is_lt),
            Self::LessOrEqual => compare(own, value).is_some_and(Ordering::is_le),
            Self::Greater => compare(own, value).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => compare(own, value).is_some_and(Ordering::is_ge),
        }
    }
}

/// The order of two values, if there is one: numbers by what they are worth, however they are written, and times by when
/// they are.
pub(super) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), Value::String(other)) => {
            let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
            match (time(one), time(other)) {
                (Some(one), Some(other)) => Some(one.cmp(&other)),
                _ => Some(one.cmp(other)),
            }
        }
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Reads words one after the other.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    words: &'a [Word],
    at: usize,
    dialect: Dialect,
}

impl<'a> Parser<'a> {
    pub(super) fn new(words: &'a [Word], dialect: Dialect) -> Self {
        Self { words, at: 0, dialect }
    }

    /// Takes the next word if it is this one.
    pub(super) fn takes(&mut self, expected: &str) -> bool {
        let found =
            self.words.get(self.at).is_some_and(|word| !word.quoted && word.text.eq_ignore_ascii_case(expected));
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, expected: &str) -> Result<(), String> {
        if self.takes(expected) { Ok(()) } else { Err(format!("'{expected}' is missing.")) }
    }

    pub(super) fn next(&mut self) -> Result<&'a Word, String> {
        let word = self.words.get(self.at).ok_or("It ends too early.")?;
        self.at += 1;
        Ok(word)
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), String> {
        self.words.get(self.at).map_or(Ok(()), |rest| Err(format!("'{}' is not expected.", rest.text)))
    }

    /// A condition, to where it ends.
    pub(super) fn condition(&mut self) -> Result<Condition, String> {
        let mut left = self.both()?;
        while self.takes("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut left = self.single()?;
        while self.takes("and") {
            left = Condition::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Condition, String> {
        if self.takes("(") {
            let inner = self.condition()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.takes("contains") {
            self.expect("(")?;
            let field = self.next()?.text.clone();
            self.expect(",")?;
            let text = self.next()?.text.clone();
            self.expect(")")?;
            return Ok(Condition::Contains { field, text });
        }
        if self.dialect == Dialect::Sql && self.takes("within_window") {
            self.expect("(")?;
            let window = duration(&self.next()?.text).ok_or("The window is not an ISO 8601 duration.")?;
            self.expect(")")?;
            return Ok(Condition::Within(window));
        }
        let field = self.next()?;
        if field.quoted {
            return Err(format!("'{}' is not a field.", field.text));
        }
        let field = field.text.clone();
        if self.dialect == Dialect::Sql && self.takes("in") {
            return self.list().map(|values| Condition::In { field, values });
        }
        let word = &self.next()?.text;
        let operator =
            Operator::parse(word, self.dialect).ok_or_else(|| format!("The operator '{word}' is not known."))?;
        Ok(Condition::Compare { field, operator, value: literal(self.next()?)? })
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        self.expect("(")?;
        let mut values = vec![literal(self.next()?)?];
        while self.takes(",") {
            values.push(literal(self.next()?)?);
        }
        self.expect(")")?;
        Ok(values)
    }
}

fn literal(word: &Word) -> Result<Value, String> {
    if word.quoted {
        return Ok(json!(word.text));
    }
    match word.text.to_ascii_lowercase().as_str() {
        "true" => Ok(json!(true)),
        "false" => Ok(json!(false)),
        "null" => Ok(Value::Null),
        number => {
            number.parse::<f64>().map(|number| json!(number)).map_err(|_| format!("The value '{number}' is not known."))
        }
    }
}

/// `P1D`, `PT1H30M` and the like.
fn duration(text: &str) -> Option<Duration> {
    let text = text.to_ascii_uppercase();
    let rest = text.strip_prefix('P')?;
    let (days, clock) = rest.split_once('T').map_or((rest, None), |(days, clock)| (days, Some(clock)));
    let whole = units(days, &[('Y', 365 * 86_400), ('M', 30 * 86_400), ('W', 7 * 86_400), ('D', 86_400)])?;
    let part = clock.map_or(Some(0), |clock| {
        let found = units(clock, &[('H', 3600), ('M', 60), ('S', 1)]);
        found.filter(|_| !clock.is_empty())
    })?;
    (!rest.is_empty()).then(|| Duration::seconds(whole.saturating_add(part)))
}

/// The seconds of `1H30M`: each unit at most once, the larger ones first.
fn units(mut text: &str, known: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for (unit, seconds) in known {
        if let Some((number, rest)) = text.split_once(*unit) {
            total =
                total.checked_add(number.parse::<i64>().ok().filter(|number| *number >= 0)?.checked_mul(*seconds)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_iso_8601() {
        assert_eq!(duration("P1DT2H30M"), Some(Duration::minutes(26 * 60 + 30)));
        assert_eq!([duration("P1W"), duration("PT90S")], [Some(Duration::days(7)), Some(Duration::seconds(90))]);
        for wrong in ["", "P", "PT", "1D", "P1H", "PT1D", "PD", "P-1D"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_compared_by_what_they_are_worth() {
        assert!(Operator::Equal.holds(&json!(20), &json!(20.0)));
        assert!(Operator::Less.holds(&json!(9), &json!(10.5)) && !Operator::Less.holds(&json!("9"), &json!(10.5)));
        assert!(Operator::Greater.holds(&json!("2026-01-01T10:00:00.5Z"), &json!("2026-01-01T10:00:00Z")));
    }
}
