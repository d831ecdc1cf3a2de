//! What a twin may hold: the limits of the developer guide on keys, values, depth and size.

use serde_json::{Map, Value};

const MOST_TAG_BYTES: usize = 8 * 1024;
const MOST_DESIRED_BYTES: usize = 32 * 1024;
/// Objects inside tags or properties may be nested this deep.
const MOST_DEPTH: usize = 10;
const MOST_KEY_BYTES: usize = 1024;
const MOST_STRING_BYTES: usize = 4 * 1024;
const INTEGERS: std::ops::RangeInclusive<i64> = -4_503_599_627_370_496..=4_503_599_627_370_495;

/// Checks the tags and desired properties in `twin`, which may be a patch or a whole.
///
/// # Errors
/// What is wrong, for people.
pub(in crate::sandbox) fn check(twin: &Value) -> Result<(), String> {
    for (name, section) in [("tags", twin.get("tags")), ("properties.desired", twin.pointer("/properties/desired"))] {
        match section {
            None | Some(Value::Null) => {}
            Some(section @ Value::Object(_)) => check_value(section, 0)?,
            Some(_) => return Err(format!("{name} must be an object.")),
        }
    }
    Ok(())
}

/// Checks a twin as a whole: what it holds and how much.
///
/// # Errors
/// What is wrong, for people.
pub(in crate::sandbox) fn check_whole(twin: &Value) -> Result<(), String> {
    check(twin)?;
    let empty = Map::new();
    let desired = twin.pointer("/properties/desired").and_then(Value::as_object).unwrap_or(&empty);
    check_size(&twin["tags"], desired)
}

/// Checks the size of tags and desired properties.
///
/// # Errors
/// That the twin is too large.
pub(super) fn check_size(tags: &Value, desired: &Map<String, Value>) -> Result<(), String> {
    if size(tags) > MOST_TAG_BYTES || object_size(desired) > MOST_DESIRED_BYTES {
        return Err("The twin would exceed its size limit.".to_owned());
    }
    Ok(())
}

/// Sections of Azure's own, which a client that sends back what it read may leave in.
pub(super) fn is_azures_own(key: &str) -> bool {
    matches!(key, "$metadata" | "$version")
}

fn check_value(value: &Value, depth: usize) -> Result<(), String> {
    match value {
        Value::Object(_) if depth > MOST_DEPTH => Err("The twin is nested too deeply.".to_owned()),
        Value::Object(object) => object.iter().filter(|(key, _)| !is_azures_own(key)).try_for_each(|(key, value)| {
            check_key(key)?;
            check_value(value, depth + 1)
        }),
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, depth + 1)),
        Value::String(text) if text.len() > MOST_STRING_BYTES => {
            Err("A string of a twin may have 4 KB at most.".to_owned())
        }
        Value::Number(number) if !number.is_f64() && !number.as_i64().is_some_and(|n| INTEGERS.contains(&n)) => {
            Err(format!("{number} is out of the range of integers in a twin."))
        }
        _ => Ok(()),
    }
}

fn check_key(key: &str) -> Result<(), String> {
    let allowed = |c: char| !c.is_control() && !matches!(c, '.' | '$' | ' ');
    if key.is_empty() || key.len() > MOST_KEY_BYTES || !key.chars().all(allowed) {
        return Err(format!("'{}' is not a valid key of a twin.", key.escape_default()));
    }
    Ok(())
}

/// Strings and keys count their characters, numbers eight bytes, truth values four.
fn size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => length(text),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(object) => object_size(object),
    }
}

fn object_size(object: &Map<String, Value>) -> usize {
    object.iter().filter(|(key, _)| !is_azures_own(key)).map(|(key, value)| length(key) + size(value)).sum()
}

fn length(text: &str) -> usize {
    text.chars().filter(|c| !c.is_control()).count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!("value"), |inner, _| json!({"level": inner}))
    }

    #[test]
    fn ten_objects_may_be_nested_inside_the_tags() {
        assert!(check(&json!({"tags": nested(11)})).is_ok(), "tags.one.….ten.property");
        assert!(check(&json!({"tags": nested(12)})).is_err());
    }

    #[test]
    fn long_strings_large_integers_and_control_characters_are_refused() {
        let tags = |value: Value| check(&json!({"tags": {"a": value}}));
        assert!(tags(json!("x".repeat(4096))).is_ok() && tags(json!("x".repeat(4097))).is_err());
        assert!(tags(json!(4_503_599_627_370_495_i64)).is_ok() && tags(json!(4_503_599_627_370_496_i64)).is_err());
        assert!(tags(json!(1.5e300)).is_ok() && tags(json!([1, "two"])).is_ok());
        assert!(check(&json!({"tags": {"a\u{1}b": 1}})).is_err() && check(&json!({"tags": {"a.b": 1}})).is_err());
    }

    #[test]
    fn size_counts_characters_and_not_the_json_around_them() {
        let filled = |count: usize| Map::from_iter((0..count).map(|n| (format!("k{n:05}"), json!(n))));
        // Six characters and eight bytes each.
        assert!(check_size(&Value::Object(filled(8 * 1024 / 14)), &Map::new()).is_ok());
        assert!(check_size(&Value::Object(filled(8 * 1024 / 14 + 1)), &Map::new()).is_err());
        assert!(check_size(&json!({}), &filled(8 * 1024 / 14 + 1)).is_ok());
    }
}
