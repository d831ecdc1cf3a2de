//! Queries that are understood, and what they match.

use super::*;

fn holds(condition: &str, device: &Value) -> bool {
    let query = parse(&format!("SELECT * FROM devices WHERE {condition}")).expect("understood");
    let look = |path: &str| path.split('.').try_fold(device, |value, name| value.get(name)).cloned();
    query.condition.is_some_and(|condition| condition.holds(&look))
}

#[test]
fn and_binds_tighter_than_or_and_parentheses_win() {
    let device = json!({"deviceId": "a", "status": "enabled", "capabilities": {"iotEdge": false}});
    assert!(holds("status = 'enabled' AND capabilities.iotEdge = false", &device));
    assert!(holds("deviceId = 'a' OR deviceId = 'b' AND status = 'disabled'", &device));
    assert!(!holds("(deviceId = 'a' OR deviceId = 'b') AND status = 'disabled'", &device));
}

#[test]
fn lists_functions_and_nested_fields_work() {
    let device = json!({"deviceId": "a-1", "tags": {"site": "north", "n": 3, "all": ["x", 2]}});
    assert!(holds("deviceId IN ['a-1', 'b']", &device));
    assert!(holds("deviceId NIN ['b'] AND startswith(deviceId, 'a-')", &device));
    assert!(holds("tags.n >= 3 AND tags.site <> 'south' AND NOT is_defined(tags.x)", &device));
    assert!(holds("array_contains(tags.all, 2) AND NOT array_contains(tags.all, 'y')", &device));
    assert!(holds("devices.tags.site = 'north' AND is_string(tags.site)", &device));
}

#[test]
fn an_absent_field_matches_nothing_and_null_is_defined() {
    let device = json!({"tags": {"nothing": null, "a": 1, "b": 1}});
    assert!(!holds("tags.x != 1", &device) && !holds("NOT tags.x = 1", &device) && !holds("tags.x NIN [1]", &device));
    assert!(holds("is_defined(tags.nothing) AND tags.nothing = null AND NOT is_defined(tags.x)", &device));
    assert!(holds("tags.a = tags.b", &device) && !holds("tags.a < tags.b", &device));
}

#[test]
fn strings_take_escapes() {
    let device = json!({"deviceId": "it's \"a\" \\ ä"});
    assert!(holds(r#"deviceId = 'it\'s "a" \\ \u00e4'"#, &device));
    assert!(parse(r"SELECT * FROM devices WHERE a = 'x\q'").is_err());
}

#[test]
fn ids_confine_a_search_only_at_the_top_level() {
    let ids = |text: &str| {
        let condition = parse(&format!("SELECT deviceId FROM devices WHERE {text}")).expect("understood").condition;
        condition.and_then(|condition| condition.device_ids().map(|ids| ids.len()))
    };
    assert_eq!(ids("status = 'enabled' AND deviceId IN ['a','b']"), Some(2));
    assert_eq!(ids("status = 'enabled' OR deviceId IN ['a','b']"), None);
}

#[test]
fn groups_and_aggregates_are_read() {
    let query = parse("SELECT tags.site AS site, COUNT() AS n, AVG(tags.t) FROM devices GROUP BY tags.site").unwrap();
    let Selection::Columns(columns) = &query.selection else { panic!("no columns") };
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((names, query.group_by), (vec!["site", "n", "avg"], vec!["tags.site".to_owned()]));
}

#[test]
fn what_is_not_understood_is_refused() {
    assert!(parse("SELECT * FROM devices WHERE").is_err());
    assert!(parse("DELETE FROM devices").is_err());
    assert!(parse("SELECT * FROM devices WHERE a = 'x").is_err());
}
