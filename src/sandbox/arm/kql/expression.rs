//! Values and conditions, worked out row by row.

use std::cmp::Ordering;

use serde_json::Value;

/// Something that has a value in each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// The same in all rows.
    Literal(Value),
    /// A column, or something within it.
    Path(Vec<Step>),
    /// At least one holds.
    Or(Box<Expression>, Box<Expression>),
    /// Both hold.
    And(Box<Expression>, Box<Expression>),
    /// Something is related to at least one of several.
    Compare(Operator, Box<Expression>, Vec<Expression>),
    /// A function.
    Call(Function, Vec<Expression>),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A property.
    Name(String),
    /// An element of an array.
    Index(usize),
}

impl Step {
    /// What it adds to the name of a column made of its path.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Index(index) => index.to_string(),
        }
    }
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    pub relation: Relation,
    pub negated: bool,
    /// Capital and small letters are the same.
    pub folds: bool,
}

/// What must hold between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    /// Contains as a whole word.
    Has,
    StartsWith,
    EndsWith,
}

/// The functions understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    ToLower,
    ToUpper,
    ToText,
    Concat,
    IsEmpty,
    IsNotEmpty,
    IsNull,
    IsNotNull,
    Not,
}

impl Function {
    /// The function of this name, and how many arguments it takes at least and at most.
    #[must_use]
    pub fn named(name: &str) -> Option<(Self, usize, usize)> {
        Some(match name.to_ascii_lowercase().as_str() {
            "tolower" => (Self::ToLower, 1, 1),
            "toupper" => (Self::ToUpper, 1, 1),
            "tostring" => (Self::ToText, 1, 1),
            "strcat" => (Self::Concat, 1, 64),
            "isempty" => (Self::IsEmpty, 1, 1),
            "isnotempty" => (Self::IsNotEmpty, 1, 1),
            "isnull" => (Self::IsNull, 1, 1),
            "isnotnull" => (Self::IsNotNull, 1, 1),
            "not" => (Self::Not, 1, 1),
            _ => return None,
        })
    }
}

impl Expression {
    /// Its value in a row.
    #[must_use]
    pub fn value(&self, row: &Value) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Path(steps) => lookup(row, steps).clone(),
            Self::Or(left, right) => Value::Bool(left.holds(row) || right.holds(row)),
            Self::And(left, right) => Value::Bool(left.holds(row) && right.holds(row)),
            Self::Compare(operator, left, others) => {
                let left = left.value(row);
                let related = others.iter().any(|other| operator.relates(&left, &other.value(row)));
                Value::Bool(related != operator.negated)
            }
            Self::Call(function, arguments) => {
                call(*function, &arguments.iter().map(|argument| argument.value(row)).collect::<Vec<_>>())
            }
        }
    }

    /// Whether it is true in a row.
    #[must_use]
    pub fn holds(&self, row: &Value) -> bool {
        self.value(row) == Value::Bool(true)
    }
}

impl Operator {
    fn relates(self, left: &Value, right: &Value) -> bool {
        let fold = |value: &Value| if self.folds { text(value).to_lowercase() } else { text(value) };
        if left.is_null() || right.is_null() {
            return false;
        }
        match self.relation {
            Relation::Equal if left.is_number() && right.is_number() => left.as_f64() == right.as_f64(),
            Relation::Equal => fold(left) == fold(right),
            Relation::Less => order(left, right) == Ordering::Less,
            Relation::LessOrEqual => order(left, right) != Ordering::Greater,
            Relation::Greater => order(left, right) == Ordering::Greater,
            Relation::GreaterOrEqual => order(left, right) != Ordering::Less,
            Relation::Contains => fold(left).contains(&fold(right)),
            Relation::Has => has_word(&fold(left), &fold(right)),
            Relation::StartsWith => fold(left).starts_with(&fold(right)),
            Relation::EndsWith => fold(left).ends_with(&fold(right)),
        }
    }
}

/// Numbers by size, everything else as text without regard to case, nothing first.
#[must_use]
pub fn order(left: &Value, right: &Value) -> Ordering {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => {
            let key = |value: &Value| (!value.is_null()).then(|| text(value).to_lowercase());
            key(left).cmp(&key(right))
        }
    }
}

fn lookup<'a>(row: &'a Value, steps: &[Step]) -> &'a Value {
    steps.iter().fold(row, |value, step| match step {
        Step::Name(name) => &value[name.as_str()],
        Step::Index(index) => &value[*index],
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether `wanted` stands in `text` with no letter or digit beside it.
fn has_word(text: &str, wanted: &str) -> bool {
    let bounded = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    text.match_indices(wanted)
        .any(|(at, found)| bounded(text[..at].chars().next_back()) && bounded(text[at + found.len()..].chars().next()))
}

fn call(function: Function, arguments: &[Value]) -> Value {
    let first = arguments.first().unwrap_or(&Value::Null);
    match function {
        Function::ToLower => Value::String(text(first).to_lowercase()),
        Function::ToUpper => Value::String(text(first).to_uppercase()),
        Function::ToText => Value::String(text(first)),
        Function::Concat => Value::String(arguments.iter().map(text).collect()),
        Function::IsEmpty => Value::Bool(text(first).is_empty()),
        Function::IsNotEmpty => Value::Bool(!text(first).is_empty()),
        Function::IsNull => Value::Bool(first.is_null()),
        Function::IsNotNull => Value::Bool(!first.is_null()),
        Function::Not => Value::Bool(*first != Value::Bool(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_finds_whole_words_only() {
        assert!(has_word("/subscriptions/1/resourcegroups/iot", "iot"));
        assert!(!has_word("microsoft.iotcentral/iotapps", "iot"));
        assert!(has_word("microsoft.iotcentral/iotapps", "iotcentral"));
    }

    #[test]
    fn numbers_are_ordered_by_size_and_nothing_comes_first() {
        let mut values = [Value::from(10), Value::from(9), Value::Null];
        values.sort_by(order);
        assert_eq!(values, [Value::Null, Value::from(9), Value::from(10)]);
    }
}
