//! What a device takes along besides its identity: its name, its organizations, its cloud properties, and the values that
//! people set of its writable properties.
//!
//! Pure: what may go into a twin is decided by the published limits of twins (azure-api §5.7), and everything that may not
//! is named.

use serde_json::{Map, Value, json};

/// Bytes of a key, and of a text, in a twin.
const KEY_BYTES: usize = 1024;
const TEXT_BYTES: usize = 4096;
/// Objects inside one another.
const DEPTH: usize = 10;
/// Bytes of all tags, and of all desired properties, counted by keys and values.
const TAG_BYTES: usize = 8 * 1024;
const DESIRED_BYTES: usize = 32 * 1024;
/// The largest integer of a twin, and the smallest one's opposite.
const INTEGERS: std::ops::RangeInclusive<i64> = -4_503_599_627_370_496..=4_503_599_627_370_495;

/// Tags of our own.
const NAME: &str = "displayName";
const ORGANIZATIONS: &str = "organizations";

/// A property: its component, unless it is of the root, its name, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The component; absent for one of the root.
    pub component: Option<String>,
    /// The name.
    pub name: String,
    /// The value.
    pub value: Value,
}

/// What a device has to take along.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Belongings {
    /// Its name for people.
    pub display_name: Option<String>,
    /// The organizations it is of.
    pub organizations: Vec<String>,
    /// Properties that the device never sees.
    pub cloud: Vec<Property>,
    /// Properties that people set, with the values they set.
    pub writable: Vec<Property>,
}

/// What goes into a twin, and what cannot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parcel {
    /// Tags: the name, the organizations, and each cloud property under its own name.
    pub tags: Map<String, Value>,
    /// Desired properties, those of components marked as the convention of IoT Plug and Play has it.
    pub desired: Map<String, Value>,
    /// What is left behind, each with the reason.
    pub left: Vec<String>,
}

impl Belongings {
    /// From the properties of a device as its application shows them. Names are `property` or `component.property`.
    #[must_use]
    pub fn of(properties: &Value, cloud: &[String], writable: &[String]) -> Self {
        let found = |name: &String, value: fn(&Value, &str) -> Value| {
            let (component, name) = match name.split_once('.') {
                Some((component, name)) => (Some(component.to_owned()), name),
                None => (None, name.as_str()),
            };
            let level = component.as_ref().map_or(properties, |component| &properties[component.as_str()]);
            let value = value(level, name);
            (!value.is_null()).then(|| Property { component, name: name.to_owned(), value })
        };
        let own = |level: &Value, name: &str| level[name].clone();
        // What the device made of it is the device's to report again.
        let wished = |level: &Value, name: &str| level["$metadata"][name]["desiredValue"].clone();
        Self {
            cloud: cloud.iter().filter_map(|name| found(name, own)).collect(),
            writable: writable.iter().filter_map(|name| found(name, wished)).collect(),
            ..Self::default()
        }
    }

    /// Packed for a twin.
    #[must_use]
    pub fn for_twin(&self) -> Parcel {
        let mut parcel = Parcel::default();
        if let Some(name) = &self.display_name {
            parcel.tag(None, NAME, &json!(name));
        }
        if !self.organizations.is_empty() {
            parcel.tag(None, ORGANIZATIONS, &json!(self.organizations));
        }
        for property in &self.cloud {
            let ours = property.component.is_none() && [NAME, ORGANIZATIONS].contains(&property.name.as_str());
            match ours && parcel.tags.contains_key(&property.name) {
                true => parcel.left.push(format!("{} (the tag has the device's own)", property.name)),
                false => parcel.tag(property.component.as_deref(), &property.name, &property.value),
            }
        }
        for property in &self.writable {
            parcel.desire(property.component.as_deref(), &property.name, &property.value);
        }
        parcel
    }
}

impl Parcel {
    fn tag(&mut self, component: Option<&str>, name: &str, value: &Value) {
        let put = put(&mut self.tags, component, name, value, TAG_BYTES, false);
        self.note(component, name, put);
    }

    fn desire(&mut self, component: Option<&str>, name: &str, value: &Value) {
        let put = put(&mut self.desired, component, name, value, DESIRED_BYTES, true);
        self.note(component, name, put);
    }

    fn note(&mut self, component: Option<&str>, name: &str, put: Result<(), &'static str>) {
        if let Err(why) = put {
            let name = component.map_or_else(|| name.to_owned(), |component| format!("{component}.{name}"));
            self.left.push(format!("{name} ({why})"));
        }
    }

    /// There is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.desired.is_empty()
    }
}

/// Puts a value where it belongs, if a twin may hold it.
fn put(
    into: &mut Map<String, Value>,
    component: Option<&str>,
    name: &str,
    value: &Value,
    most: usize,
    marked: bool,
) -> Result<(), &'static str> {
    may_be_key(name)?;
    component.map_or(Ok(()), may_be_key)?;
    may_be_value(value, 1 + usize::from(component.is_some()))?;
    let mut grown = into.clone();
    match component {
        None if grown.contains_key(name) => return Err("the name is taken"),
        None => drop(grown.insert(name.to_owned(), value.clone())),
        Some(component) => {
            let inner = if marked { json!({ "__t": "c" }) } else { json!({}) };
            let Value::Object(level) = grown.entry(component).or_insert(inner) else {
                return Err("the name of its component is taken");
            };
            level.insert(name.to_owned(), value.clone());
        }
    }
    if object_size(&grown) > most {
        return Err("a twin has no more room");
    }
    *into = grown;
    Ok(())
}

fn may_be_key(key: &str) -> Result<(), &'static str> {
    let allowed = |c: char| !c.is_control() && !matches!(c, '.' | '$' | ' ');
    match key.is_empty() || key.len() > KEY_BYTES || !key.chars().all(allowed) {
        true => Err("a twin does not allow the name"),
        false => Ok(()),
    }
}

fn may_be_value(value: &Value, depth: usize) -> Result<(), &'static str> {
    match value {
        Value::Null => Err("a twin holds no null"),
        Value::Object(_) if depth > DEPTH => Err("a twin is not that deep"),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            may_be_key(key)?;
            may_be_value(value, depth + 1)
        }),
        Value::Array(items) => items.iter().try_for_each(|item| may_be_value(item, depth + 1)),
        Value::String(text) if text.len() > TEXT_BYTES => Err("the text is too long for a twin"),
        Value::Number(number) if !number.is_f64() && !number.as_i64().is_some_and(|n| INTEGERS.contains(&n)) => {
            Err("the number is too large for a twin")
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// As the service counts it: characters of keys and texts, eight bytes a number, four a truth value. Counted here by bytes,
/// which is never less.
fn size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(object) => object_size(object),
    }
}

fn object_size(object: &Map<String, Value>) -> usize {
    object.iter().map(|(key, value)| key.len() + size(value)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn cloud_properties_become_tags_and_wishes_become_desired_properties() {
        let properties = json!({
            "customer": "Contoso", "serialNumber": "A-7",
            "thermostat1": { "targetTemperature": 20, "$metadata": { "targetTemperature": { "desiredValue": 21.5 } } },
            "$metadata": { "interval": { "desiredValue": 5 }, "serialNumber": { "lastUpdateTime": "x" } },
        });
        let writable = names(&["interval", "thermostat1.targetTemperature", "never.set"]);
        let found = Belongings::of(&properties, &names(&["customer", "absent"]), &writable);
        let all = Belongings { display_name: Some("Boiler 7".into()), organizations: names(&["plant-a"]), ..found };
        let parcel = all.for_twin();
        let tags = json!({ "displayName": "Boiler 7", "organizations": ["plant-a"], "customer": "Contoso" });
        assert_eq!(Value::Object(parcel.tags), tags);
        let desired = json!({ "interval": 5, "thermostat1": { "__t": "c", "targetTemperature": 21.5 } });
        assert_eq!((Value::Object(parcel.desired), parcel.left.len()), (desired, 0));
    }

    #[test]
    fn what_a_twin_may_not_hold_is_left_behind_and_named() {
        let odd = [
            ("map", json!({ "a.b": 1 })),
            ("nothing", json!({ "inner": null })),
            ("long", json!("x".repeat(4097))),
            ("large", json!(9_007_199_254_740_993_i64)),
            ("displayName", json!("another")),
        ];
        let cloud = odd.iter().map(|(name, value)| Property {
            component: None,
            name: (*name).to_owned(),
            value: value.clone(),
        });
        let all = Belongings { display_name: Some("Boiler 7".into()), cloud: cloud.collect(), ..Belongings::default() };
        let parcel = all.for_twin();
        assert_eq!(Value::Object(parcel.tags), json!({ "displayName": "Boiler 7" }));
        let left: Vec<&str> = parcel.left.iter().filter_map(|left| left.split(' ').next()).collect();
        assert_eq!(left, ["map", "nothing", "long", "large", "displayName"]);
    }

    #[test]
    fn a_twin_that_is_full_takes_no_more_and_keeps_what_it_has() {
        let property = |n: usize| Property { component: None, name: format!("p{n}"), value: json!("x".repeat(3000)) };
        let all = Belongings { cloud: (0..3).map(property).collect(), ..Belongings::default() };
        let parcel = all.for_twin();
        assert_eq!((parcel.tags.len(), parcel.left), (2, vec!["p2 (a twin has no more room)".to_owned()]));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e12_f64..1e12).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            Just(Value::from("x".repeat(TEXT_BYTES + 1))),
        ];
        leaf.prop_recursive(12, 40, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-zé.$ \u{1}]{1,3}", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_arrives_exactly_or_is_named_as_left_behind(
            given in prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,8}", values(), 0..8),
            name in ".{0,40}",
        ) {
            let properties = Value::Object(given.clone().into_iter().collect());
            let all: Vec<String> = given.keys().cloned().collect();
            let found = Belongings::of(&properties, &all, &[]);
            let parcel = Belongings { display_name: Some(name.clone()), ..found }.for_twin();
            prop_assert_eq!(&parcel.tags[NAME], &json!(name));
            for (key, value) in given {
                let left = parcel.left.iter().any(|left| left.starts_with(&format!("{key} (")));
                let sent = parcel.tags.get(&key).filter(|_| key != NAME);
                // What has no value is not there.
                prop_assert!(left != sent.is_some() || value.is_null(), "{key}: {value}");
                prop_assert!(sent.is_none_or(|sent| *sent == value), "{key}: {value}");
            }
            prop_assert!(object_size(&parcel.tags) <= TAG_BYTES);
        }
    }
}
