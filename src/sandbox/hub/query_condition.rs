//! Conditions of the query language and how they are decided: true, false, or undefined where a field is absent. Only what
//! is true matches.

use std::cmp::Ordering;

use serde_json::Value;

/// A condition on one document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare { left: Operand, operator: String, right: Operand },
    In { operand: Operand, values: Vec<Value> },
    Function { name: Function, operand: Operand, argument: Operand },
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    /// A field of the document.
    Path(String),
    /// A constant.
    Value(Value),
}

/// Functions that give true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    StartsWith,
    EndsWith,
    Contains,
    ArrayContains,
    IsDefined,
    IsNull,
    IsBool,
    IsNumber,
    IsString,
    IsObject,
    IsPrimitive,
}

impl Function {
    /// The function of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "startswith" | "starts_with" => Self::StartsWith,
            "endswith" | "ends_with" => Self::EndsWith,
            "contains" => Self::Contains,
            "array_contains" => Self::ArrayContains,
            "is_defined" => Self::IsDefined,
            "is_null" => Self::IsNull,
            "is_bool" => Self::IsBool,
            "is_number" => Self::IsNumber,
            "is_string" => Self::IsString,
            "is_object" => Self::IsObject,
            "is_primitive" => Self::IsPrimitive,
            _ => return None,
        })
    }

    /// Whether it takes a second argument.
    pub(super) fn has_argument(self) -> bool {
        matches!(self, Self::StartsWith | Self::EndsWith | Self::Contains | Self::ArrayContains)
    }

    fn apply(self, found: Option<&Value>, argument: Option<&Value>) -> Option<bool> {
        let of_type = |is: fn(&Value) -> bool| Some(found.is_some_and(is));
        let texts = |test: fn(&str, &str) -> bool| Some(test(found?.as_str()?, argument?.as_str()?));
        match self {
            Self::StartsWith => texts(|text, argument| text.starts_with(argument)),
            Self::EndsWith => texts(|text, argument| text.ends_with(argument)),
            Self::Contains => texts(|text, argument| text.contains(argument)),
            Self::ArrayContains => {
                let argument = argument?;
                Some(found?.as_array()?.iter().any(|item| order(item, argument) == Some(Ordering::Equal)))
            }
            Self::IsDefined => Some(found.is_some()),
            Self::IsNull => of_type(Value::is_null),
            Self::IsBool => of_type(Value::is_boolean),
            Self::IsNumber => of_type(Value::is_number),
            Self::IsString => of_type(Value::is_string),
            Self::IsObject => of_type(Value::is_object),
            Self::IsPrimitive => of_type(|value| !value.is_object() && !value.is_array()),
        }
    }
}

impl Operand {
    fn value(&self, field: &impl Fn(&str) -> Option<Value>) -> Option<Value> {
        match self {
            Self::Path(path) => field(path),
            Self::Value(value) => Some(value.clone()),
        }
    }

    fn is_device_id(&self) -> bool {
        matches!(self, Self::Path(path) if path == "deviceId")
    }
}

impl Condition {
    /// Whether it holds for a document whose fields `field` gives.
    pub(super) fn holds(&self, field: &impl Fn(&str) -> Option<Value>) -> bool {
        self.decide(field) == Some(true)
    }

    fn decide(&self, field: &impl Fn(&str) -> Option<Value>) -> Option<bool> {
        match self {
            Self::And(left, right) => match (left.decide(field), right.decide(field)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.decide(field), right.decide(field)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(inner) => inner.decide(field).map(|holds| !holds),
            Self::Compare { left, operator, right } => compare(&left.value(field)?, operator, &right.value(field)?),
            Self::In { operand, values } => operand.value(field).map(|found| values.contains(&found)),
            Self::Function { name, operand, argument } => {
                name.apply(operand.value(field).as_ref(), argument.value(field).as_ref())
            }
        }
    }

    /// The device ids to which the condition confines the result, if it does so at its top level.
    pub(super) fn device_ids(&self) -> Option<Vec<&str>> {
        match self {
            Self::And(left, right) => left.device_ids().or_else(|| right.device_ids()),
            Self::In { operand, values } if operand.is_device_id() => {
                Some(values.iter().filter_map(Value::as_str).collect())
            }
            Self::Compare { left, operator, right: Operand::Value(value) }
                if left.is_device_id() && operator == "=" =>
            {
                value.as_str().map(|id| vec![id])
            }
            _ => None,
        }
    }
}

fn compare(found: &Value, operator: &str, value: &Value) -> Option<bool> {
    let order = order(found, value);
    match operator {
        "=" => Some(order.is_some_and(Ordering::is_eq)),
        "!=" => Some(!order.is_some_and(Ordering::is_eq)),
        "<" => order.map(Ordering::is_lt),
        "<=" => order.map(Ordering::is_le),
        ">" => order.map(Ordering::is_gt),
        _ => order.map(Ordering::is_ge),
    }
}

fn order(found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Value::String(found), Value::String(value)) => Some(found.cmp(value)),
        (Value::Number(found), Value::Number(value)) => found.as_f64()?.partial_cmp(&value.as_f64()?),
        (found, value) => (found == value).then_some(Ordering::Equal),
    }
}
