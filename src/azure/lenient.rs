//! Reading JSON as services really write it: null for absent, times in several spellings, numbers or names as codes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

use crate::clock::Timestamp;

/// Null and absent are the default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What has another shape than the documented one is the default too: for what may not spoil all the rest.
pub(crate) fn if_readable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
}

/// A moment; absent, null, unreadable and Azure's "never" (year 1) are `None`.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<Value>::deserialize(deserializer)?;
    Ok(text.as_ref().and_then(Value::as_str).and_then(parse_moment))
}

/// A code that some versions write as a number and others as a name.
pub(crate) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Value>::deserialize(deserializer)?.as_ref().and_then(text_of))
}

/// The text of a string or number.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A moment; unreadable and "never" are `None`.
pub(crate) fn parse_moment(text: &str) -> Option<Timestamp> {
    let parsed = Timestamp::parse(text, &Rfc3339).or_else(|_| Timestamp::parse(&format!("{text}Z"), &Rfc3339)).ok()?;
    (parsed.year() > 1).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_read_in_every_spelling_and_year_one_is_never() {
        assert_eq!(parse_moment("2026-01-01T10:00:00.5Z"), Some(datetime!(2026-01-01 10:00:00.5 UTC)));
        assert_eq!(parse_moment("2026-01-01T10:00:00"), Some(datetime!(2026-01-01 10:00:00 UTC)));
        assert_eq!(parse_moment("2026-01-01T12:00:00+02:00"), Some(datetime!(2026-01-01 10:00:00 UTC)));
        assert_eq!(parse_moment("0001-01-01T00:00:00Z"), None);
        assert_eq!(parse_moment("0001-01-01T00:00:00"), None);
        assert_eq!(parse_moment("soon"), None);
    }
}
