//! The filter language of device groups: `SELECT * FROM devices WHERE $template = "…" AND …`.

use serde_json::{Value, json};

use super::model::AppDevice;

/// A parsed filter. Unassigned devices are in no group, whatever it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter(Option<Condition>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Equals { field: String, value: Value, negated: bool },
    Contains { field: String, text: String },
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// A sentence on what was not understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let words = split(text)?;
        let mut parser = Parser { words: &words, at: 0 };
        for expected in ["select", "*", "from", "devices"] {
            parser.expect(expected)?;
        }
        let condition = if parser.takes("where") { Some(parser.either()?) } else { None };
        match parser.words.get(parser.at) {
            None => Ok(Self(condition)),
            Some(rest) => Err(format!("The filter has an unexpected '{}'.", rest.text)),
        }
    }

    /// Whether a device belongs to the group.
    pub(super) fn matches(&self, device: &AppDevice) -> bool {
        device.template.is_some() && self.0.as_ref().is_none_or(|condition| condition.holds(device))
    }
}

impl Condition {
    fn holds(&self, device: &AppDevice) -> bool {
        match self {
            Self::And(left, right) => left.holds(device) && right.holds(device),
            Self::Or(left, right) => left.holds(device) || right.holds(device),
            Self::Equals { field, value, negated } => (field_of(device, field) == *value) != *negated,
            Self::Contains { field, text } => {
                let found = field_of(device, field);
                found.as_str().is_some_and(|found| found.to_lowercase().contains(&text.to_lowercase()))
            }
        }
    }
}

fn field_of(device: &AppDevice, field: &str) -> Value {
    match field {
        "$id" => json!(device.id),
        "$displayName" => json!(device.display_name),
        "$template" => json!(device.template),
        "$provisioned" => json!(device.provisioned),
        "$simulated" => json!(device.simulated),
        path => {
            let mut names = path.split('.');
            let first = names.next().and_then(|name| device.properties.get(name));
            first.and_then(|first| names.try_fold(first, |value, name| value.get(name))).cloned().unwrap_or(Value::Null)
        }
    }
}

#[derive(Debug, Clone)]
struct Word {
    text: String,
    quoted: bool,
}

fn split(text: &str) -> Result<Vec<Word>, String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut words, mut at) = (Vec::new(), 0);
    let mut push = |text: String, quoted: bool| words.push(Word { text, quoted });
    while let Some(&first) = chars.get(at) {
        if first.is_whitespace() {
            at += 1;
        } else if first == '"' || first == '\'' {
            let length = chars[at + 1..]
                .iter()
                .position(|c| *c == first)
                .ok_or("The filter has a string that is not closed.")?;
            push(chars[at + 1..=at + length].iter().collect(), true);
            at += length + 2;
        } else if "()=,*!<>".contains(first) {
            let length = if first == '!' && chars.get(at + 1) == Some(&'=') { 2 } else { 1 };
            push(chars[at..at + length].iter().collect(), false);
            at += length;
        } else {
            let length = chars[at..]
                .iter()
                .position(|c| c.is_whitespace() || "()=,*!<>\"'".contains(*c))
                .unwrap_or(chars.len() - at);
            push(chars[at..at + length].iter().collect(), false);
            at += length;
        }
    }
    Ok(words)
}

struct Parser<'a> {
    words: &'a [Word],
    at: usize,
}

impl<'a> Parser<'a> {
    fn takes(&mut self, expected: &str) -> bool {
        let found =
            self.words.get(self.at).is_some_and(|word| !word.quoted && word.text.eq_ignore_ascii_case(expected));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, expected: &str) -> Result<(), String> {
        if self.takes(expected) { Ok(()) } else { Err(format!("The filter lacks '{expected}'.")) }
    }

    fn next(&mut self) -> Result<&'a Word, String> {
        let word = self.words.get(self.at).ok_or("The filter ends too early.")?;
        self.at += 1;
        Ok(word)
    }

    fn either(&mut self) -> Result<Condition, String> {
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
            let inner = self.either()?;
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
        let field = self.next()?.text.clone();
        let negated = match self.next()?.text.as_str() {
            "=" => false,
            "!=" => true,
            other => return Err(format!("The filter has an operator '{other}' that is not known.")),
        };
        Ok(Condition::Equals { field, value: literal(self.next()?)?, negated })
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
        number => number
            .parse::<f64>()
            .map(|number| json!(number))
            .map_err(|_| format!("The filter has a value '{number}' that is not known.")),
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn device(template: Option<&str>) -> AppDevice {
        let mut device = AppDevice::new("boiler-0001", "Boiler 1", template, OffsetDateTime::UNIX_EPOCH);
        device.provisioned = true;
        device
    }

    fn matches(filter: &str) -> bool {
        Filter::parse(&format!("SELECT * FROM devices WHERE {filter}"))
            .expect("understood")
            .matches(&device(Some("dtmi:a;1")))
    }

    #[test]
    fn the_published_examples_are_understood() {
        assert!(matches(r#"$template = "dtmi:a;1" AND $provisioned = true"#));
        assert!(matches(r#"CONTAINS($displayName, "boil")"#));
        assert!(matches(r#"$template != "dtmi:b;1""#));
        assert!(matches(r#"($id = "x" OR $id = "boiler-0001") AND $simulated = false"#));
        assert!(!matches(r#"$id = "x" OR $id = "y""#));
    }

    #[test]
    fn an_unassigned_device_is_in_no_group() {
        let filter = Filter::parse("SELECT * FROM devices").expect("understood");
        assert!(filter.matches(&device(Some("dtmi:a;1"))));
        assert!(!filter.matches(&device(None)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["", "SELECT * FROM devices WHERE", "SELECT * FROM devices WHERE $id ~ 1", "SELECT * FROM devices x"]
        {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
