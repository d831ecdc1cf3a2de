//! The filter language of device groups: `SELECT * FROM devices WHERE $template = "…" AND …`.

use serde_json::{Value, json};

use super::condition::{Condition, Dialect, Parser, Subject};
use super::model::AppDevice;
use super::words;

/// A parsed filter. Unassigned devices are in no group, whatever it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter(Option<Condition>);

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// A sentence on what was not understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        parse(text).map_err(|why| format!("The filter is not understood: {why}"))
    }

    /// Whether a device belongs to the group.
    pub(super) fn matches(&self, device: &AppDevice) -> bool {
        device.template.is_some() && self.0.as_ref().is_none_or(|condition| condition.holds(device))
    }
}

fn parse(text: &str) -> Result<Filter, String> {
    let words = words::split(text)?;
    let mut parser = Parser::new(&words, Dialect::Sql);
    for expected in ["select", "*", "from", "devices"] {
        parser.expect(expected)?;
    }
    let condition = if parser.takes("where") { Some(parser.condition()?) } else { None };
    parser.end()?;
    Ok(Filter(condition))
}

impl Subject for AppDevice {
    fn field(&self, name: &str) -> Value {
        match name {
            "$id" => json!(self.id),
            "$displayName" => json!(self.display_name),
            "$template" => json!(self.template),
            "$provisioned" => json!(self.provisioned),
            "$simulated" => json!(self.simulated),
            "$enabled" => json!(self.enabled),
            path => {
                let mut names = path.split('.');
                let first = names.next().and_then(|name| self.properties.get(name));
                let found = first.and_then(|first| names.try_fold(first, |value, name| value.get(name)));
                found.cloned().unwrap_or(Value::Null)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn device(template: Option<&str>) -> AppDevice {
        let mut device = AppDevice::new("boiler-0001", "Boiler 1", template, OffsetDateTime::UNIX_EPOCH);
        device.provisioned = true;
        device.properties.insert("pressure".to_owned(), serde_json::json!(20));
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
    fn numbers_are_compared_as_numbers() {
        assert!(matches("pressure = 20.0 AND pressure <> 21 AND pressure < 20.5"));
        assert!(matches("pressure >= 20 AND pressure <= 20 AND $id IN ('a', 'boiler-0001')"));
        assert!(!matches("pressure > 20") && !matches("missing > 20"));
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
