//! Twins: tags, desired and reported properties, with the time of the last change of every property.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::twin_rules;
use crate::sandbox::wire::{iso, merge_patch};
use crate::sandbox::world::Moment;

/// The twin of a device or module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Twin {
    /// Counts changes of any part.
    pub version: u64,
    /// Tags.
    pub tags: Value,
    /// Desired properties.
    pub desired: Section,
    /// Reported properties.
    pub reported: Section,
}

/// Desired or reported properties.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Section {
    /// Without `$metadata` and `$version`.
    pub values: Map<String, Value>,
    /// Counts changes.
    pub version: u64,
    stamp: Stamp,
}

/// When a property, or one below it, last changed, and with which version of its section.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stamp {
    at: Moment,
    version: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    below: BTreeMap<String, Stamp>,
}

impl Twin {
    /// An empty twin.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self { version: 2, tags: json!({}), desired: Section::new(now), reported: Section::new(now) }
    }

    /// The etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        super::model::encode(&format!("{:08}", self.version))
    }

    /// The device reports a property.
    pub fn report(&mut self, name: &str, value: &Value, now: Moment) {
        self.reported.merge(&Map::from_iter([(name.to_owned(), value.clone())]), now);
        self.version += 1;
    }

    /// Sets tags and desired properties of a new or reset device, which must have been checked. What the device reported
    /// before is forgotten.
    pub fn start(&mut self, initial: &Value, now: Moment) {
        let fresh = Self::new(now);
        *self = Self { version: self.version.max(fresh.version), ..fresh };
        if let Some(tags) = initial.get("tags").filter(|tags| tags.is_object()) {
            self.tags = tags.clone();
        }
        if let Some(desired) = initial.pointer("/properties/desired").and_then(Value::as_object) {
            self.desired = Section::of(desired, now);
        }
    }

    /// Merges tags and desired properties: `null` deletes. With `replace` they take the place of what was there.
    ///
    /// # Errors
    /// What is wrong with `patch`, or that the twin would become too large; the twin is then as before.
    pub fn change(&mut self, patch: &Value, replace: bool, now: Moment) -> Result<(), String> {
        twin_rules::check(patch)?;
        let mut changed = self.clone();
        if replace {
            changed.tags = json!({});
            changed.desired.clear();
        }
        if let Some(tags) = patch.get("tags").filter(|tags| !tags.is_null()) {
            merge_patch(&mut changed.tags, tags);
        }
        match patch.pointer("/properties/desired").and_then(Value::as_object) {
            Some(desired) => changed.desired.merge(desired, now),
            None if replace => changed.desired.merge(&Map::new(), now),
            None => {}
        }
        twin_rules::check_size(&changed.tags, &changed.desired.values)?;
        changed.version += 1;
        *self = changed;
        Ok(())
    }
}

impl Section {
    /// Empty, version 1.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        Self { values: Map::new(), version: 1, stamp: Stamp { at: now, version: 1, below: BTreeMap::new() } }
    }

    /// These values, version 1.
    fn of(values: &Map<String, Value>, now: Moment) -> Self {
        let mut section = Self::new(now);
        merge(&mut section.values, &mut section.stamp, values, now, 1);
        section
    }

    fn clear(&mut self) {
        self.values.clear();
        self.stamp.below.clear();
    }

    /// Merges `patch`; what it names is stamped anew, the rest keeps its time.
    fn merge(&mut self, patch: &Map<String, Value>, now: Moment) {
        self.version += 1;
        merge(&mut self.values, &mut self.stamp, patch, now, self.version);
    }

    /// As twins show it. Desired properties tell also the version that changed them.
    #[must_use]
    pub fn to_json(&self, with_versions: bool) -> Value {
        let mut all = self.values.clone();
        all.insert("$metadata".to_owned(), self.stamp.to_json(with_versions));
        all.insert("$version".to_owned(), json!(self.version));
        Value::Object(all)
    }
}

impl Stamp {
    fn to_json(&self, with_versions: bool) -> Value {
        let mut shown = Map::from_iter([("$lastUpdated".to_owned(), json!(iso(self.at)))]);
        if with_versions {
            shown.insert("$lastUpdatedVersion".to_owned(), json!(self.version));
        }
        shown.extend(self.below.iter().map(|(name, stamp)| (name.clone(), stamp.to_json(with_versions))));
        Value::Object(shown)
    }
}

fn merge(values: &mut Map<String, Value>, stamp: &mut Stamp, patch: &Map<String, Value>, now: Moment, version: u64) {
    (stamp.at, stamp.version) = (now, version);
    for (name, given) in patch.iter().filter(|(name, _)| !twin_rules::is_azures_own(name)) {
        if given.is_null() {
            values.remove(name);
            stamp.below.remove(name);
            continue;
        }
        let fresh = || Stamp { at: now, version, below: BTreeMap::new() };
        let below = stamp.below.entry(name.clone()).or_insert_with(fresh);
        let value = values.entry(name.clone()).or_insert(Value::Null);
        match given {
            Value::Object(given) => {
                if !value.is_object() {
                    (*value, *below) = (json!({}), fresh());
                }
                if let Value::Object(inner) = value {
                    merge(inner, below, given, now, version);
                }
            }
            _ => (*value, *below) = (given.clone(), fresh()),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const EARLY: Moment = datetime!(2026-01-01 10:00 UTC);
    const LATE: Moment = datetime!(2026-01-01 11:00 UTC);

    #[test]
    fn only_the_properties_that_a_patch_names_get_a_new_time() {
        let mut twin = Twin::new(EARLY);
        let both = json!({"properties": {"desired": {"a": {"x": 1, "y": 2}, "b": 3}}});
        twin.change(&both, false, EARLY).unwrap();
        twin.change(&json!({"properties": {"desired": {"a": {"x": 5}}}}), false, LATE).unwrap();
        let shown = twin.desired.to_json(true);
        let metadata = &shown["$metadata"];
        let (early, late) = ("2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z");
        assert_eq!(
            (&metadata["b"]["$lastUpdated"], &metadata["a"]["y"]["$lastUpdated"]),
            (&json!(early), &json!(early))
        );
        assert_eq!(metadata["a"]["x"], json!({"$lastUpdated": late, "$lastUpdatedVersion": 3}));
        assert_eq!((&metadata["a"]["$lastUpdated"], &metadata["$lastUpdated"]), (&json!(late), &json!(late)));
        assert_eq!(shown["$version"], 3);
    }

    #[test]
    fn null_deletes_a_property_together_with_its_time() {
        let mut twin = Twin::new(EARLY);
        twin.report("a", &json!(1), EARLY);
        twin.report("a", &Value::Null, LATE);
        let shown = twin.reported.to_json(false);
        assert_eq!(shown, json!({"$metadata": {"$lastUpdated": "2026-01-01T11:00:00Z"}, "$version": 3}));
    }

    #[test]
    fn a_reset_twin_has_what_the_enrollment_says_and_nothing_else() {
        let mut twin = Twin::new(EARLY);
        twin.report("a", &json!(1), EARLY);
        twin.start(&json!({"tags": {"t": 1}, "properties": {"desired": {"d": 2}}}), LATE);
        assert!(twin.reported.values.is_empty());
        assert_eq!((&twin.tags, &twin.desired.values["d"]), (&json!({"t": 1}), &json!(2)));
    }
}
