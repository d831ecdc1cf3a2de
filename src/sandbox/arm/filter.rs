//! The `$filter` of resource lists: comparisons of a few fields, joined by `and` and `or`.

use serde_json::Value;

use super::failure::Failure;

/// A filter that was understood: one of the alternatives must hold as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<Vec<Clause>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    field: &'static str,
    value: String,
    test: Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equal,
    Unequal,
    Substring,
}

/// The fields that can be named, and where a resource has them.
const FIELDS: [(&str, &str); 4] =
    [("resourcetype", "type"), ("name", "name"), ("location", "location"), ("resourcegroup", "id")];

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// 400 for what is not understood.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let refuse = || {
            let message = format!("Invalid $filter '{text}' specified in the query string.");
            Failure::bad_request("InvalidFilterInQueryString", message)
        };
        let alternatives = split(text, " or ").into_iter().map(|alternative| {
            split(alternative, " and ").into_iter().map(|part| clause(part.trim())).collect::<Option<Vec<_>>>()
        });
        alternatives.collect::<Option<Vec<_>>>().map(Self).ok_or_else(refuse)
    }

    /// Whether a resource passes.
    #[must_use]
    pub fn passes(&self, resource: &Value) -> bool {
        self.0.iter().any(|clauses| clauses.iter().all(|clause| clause.holds(resource)))
    }
}

impl Clause {
    fn holds(&self, resource: &Value) -> bool {
        let text = resource[self.field].as_str().unwrap_or_default().to_ascii_lowercase();
        // Of an id only the resource group is asked for.
        let found = if self.field == "id" { text.split('/').nth(4).unwrap_or_default() } else { text.as_str() };
        let value = self.value.to_ascii_lowercase();
        match self.test {
            Test::Equal => found == value,
            Test::Unequal => found != value,
            Test::Substring => found.contains(&value),
        }
    }
}

fn clause(text: &str) -> Option<Clause> {
    if let Some(arguments) = strip_word(text, "substringof(").and_then(|rest| rest.strip_suffix(')')) {
        let (value, field) = arguments.rsplit_once(',')?;
        return Some(Clause { field: field_of(field.trim())?, value: literal(value.trim())?, test: Test::Substring });
    }
    let (field, rest) = text.split_once(' ')?;
    let rest = rest.trim_start();
    let (test, value) = match (strip_word(rest, "eq "), strip_word(rest, "ne ")) {
        (Some(value), _) => (Test::Equal, value),
        (None, value) => (Test::Unequal, value?),
    };
    Some(Clause { field: field_of(field)?, value: literal(value.trim())?, test })
}

fn field_of(name: &str) -> Option<&'static str> {
    FIELDS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field)
}

/// A text in single quotes, in which a doubled quote stands for one.
fn literal(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "\0");
    (!inner.contains('\'')).then(|| inner.replace('\0', "'"))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).map(|_| &text[word.len()..])
}

/// Splits at a word outside quotes.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut from, mut quoted) = (0, false);
    for (at, letter) in text.char_indices() {
        quoted ^= letter == '\'';
        if !quoted && at >= from && strip_word(&text[at..], separator).is_some() {
            parts.push(&text[from..at]);
            from = at + separator.len();
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_clauses_of_an_alternative_must_hold() {
        let hub = json!({ "id": "/subscriptions/1/resourceGroups/IoT/x", "name": "hub", "type": "Microsoft.Devices/IotHubs" });
        let passes = |text: &str| Filter::parse(text).unwrap().passes(&hub);
        assert!(passes("resourceType eq 'microsoft.devices/iothubs'"));
        assert!(passes("resourceType eq 'Microsoft.Devices/IotHubs' and resourceGroup eq 'iot'"));
        assert!(!passes("resourceType eq 'Microsoft.Devices/IotHubs' and name eq 'it''s and more'"));
        assert!(passes("name eq 'other' or substringof('ub', name)"));
        assert!(!passes("name ne 'hub'"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in ["", "name", "name eq hub", "name gt 'a'", "colour eq 'red'", "name eq 'a' and", "name eq 'a' 'b'"]
        {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
