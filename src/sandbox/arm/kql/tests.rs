//! Queries as clients write them.

use serde_json::{Value, json};

use super::{Query, Table};

fn rows() -> Vec<Value> {
    let row = |id: &str, kind: &str, subscription: &str, capacity: Value| {
        json!({
            "id": format!("/{id}"), "name": id, "type": kind, "subscriptionId": subscription,
            "sku": { "capacity": capacity }, "properties": { "hostName": format!("{id}.x"), "links": ["one", "two"] },
        })
    };
    vec![
        row("b", "microsoft.devices/iothubs", "1111", json!(10)),
        row("a", "microsoft.iotcentral/iotapps", "2222", Value::Null),
        row("c", "microsoft.web/sites", "1111", json!(9)),
        row("D", "microsoft.devices/iothubs", "2222", json!(1)),
    ]
}

/// The names that a query yields.
fn names(text: &str) -> Vec<String> {
    let found = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).run(rows());
    found.iter().map(|row| row["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_usual_query_lists_the_types_named_in_order() {
    let query = Query::parse(
        "resources | where type in~ ('Microsoft.IoTCentral/iotApps','microsoft.web/sites') | project id, name | order by id asc",
    )
    .unwrap();
    assert!(query.has_pages());
    assert_eq!(query.run(rows()), [json!({ "id": "/a", "name": "a" }), json!({ "id": "/c", "name": "c" })]);
}

#[test]
fn every_clause_of_a_condition_counts() {
    let hubs = "resources | where type =~ 'Microsoft.Devices/IotHubs'";
    assert_eq!(names(&format!("{hubs} and subscriptionId == '2222'")), ["D"]);
    assert_eq!(names(&format!("{hubs} or name == 'a'")), ["b", "a", "D"]);
    assert_eq!(names(&format!("{hubs} and (name == 'a' or name == 'b')")), ["b"]);
    assert_eq!(names("where name == 'a' or name == 'b' and subscriptionId == '2222'"), ["a"], "and binds closer");
    assert_eq!(names("where type !in~ ('microsoft.web/sites') and not(name =~ 'd')"), ["b", "a"]);
}

#[test]
fn rows_are_sorted_by_several_keys_each_in_its_own_direction() {
    assert_eq!(names("order by type asc, name asc"), ["b", "D", "a", "c"]);
    assert_eq!(names("order by type asc, name"), ["D", "b", "a", "c"], "downwards unless told otherwise");
    assert_eq!(names("project name, units = sku.capacity | sort by units desc"), ["b", "c", "D", "a"]);
    assert_eq!(names("order by sku.capacity asc nulls last"), ["D", "c", "b", "a"]);
    assert_eq!(names("top 2 by name asc"), ["a", "b"]);
}

#[test]
fn texts_are_looked_for_and_numbers_compared() {
    assert_eq!(names("where type contains 'IOT'"), ["b", "a", "D"]);
    assert_eq!(names("where type has 'iothubs'"), ["b", "D"]);
    assert_eq!(names("where type startswith 'Microsoft.D' | where name !startswith 'd'"), ["b"]);
    assert_eq!(names("where sku.capacity >= 9"), ["b", "c"]);
    assert_eq!(names("where properties['links'][1] == \"two\" and name =~ 'A'"), ["a"]);
    assert_eq!(names("where tolower(name) == 'd' // a remark"), ["D"]);
}

#[test]
fn rows_are_counted_and_columns_added() {
    let run = |text: &str| Query::parse(text).unwrap().run(rows());
    assert_eq!(run("resources | count"), [json!({ "Count": 4 })]);
    assert_eq!(run("extend host = properties.hostName | where name == 'a' | project host"), [json!({ "host": "a.x" })]);
    assert_eq!(run("distinct subscriptionId").len(), 2);
    assert_eq!(
        run("summarize hubs = count() by subscriptionId"),
        [json!({ "subscriptionId": "1111", "hubs": 2 }), json!({ "subscriptionId": "2222", "hubs": 2 })]
    );
    assert_eq!(run("project properties.hostName | take 1"), [json!({ "properties_hostName": "b.x" })]);
}

#[test]
fn pages_need_ids_and_no_number_of_rows() {
    let has_pages = |text: &str| Query::parse(text).unwrap().has_pages();
    assert!(has_pages("resources"));
    assert!(has_pages("resources | where name == 'a' | project id, name"));
    for text in ["resources | project name", "resources | take 5", "resources | limit 5 | project id", "count"] {
        assert!(!has_pages(text), "{text}");
    }
    assert!(!has_pages("resources | project id = name"));
}

#[test]
fn a_table_may_be_named_in_any_case_or_left_out() {
    assert_eq!(Query::parse("where name == 'a'").unwrap().table, Table::Resources);
    assert_eq!(Query::parse("RESOURCECONTAINERS | take 1").unwrap().table, Table::ResourceContainers);
}

#[test]
fn what_is_not_understood_is_refused() {
    for text in [
        "",
        "SecurityResources",
        "resources | summarize max(name)",
        "resources | where type ~ 'x'",
        "resources | where type == 'x' 'y'",
        "resources | where type == 'x' and",
        "resources | where (type == 'x'",
        "resources | where colour == 'x'",
        "resources | where type in~ ()",
        "resources | project name | where type == 'x'",
        "resources | order by name up",
        "resources | order name",
        "resources | take many",
        "resources | | take 1",
        "resources take 1",
        "resources | join (resources) on id",
    ] {
        assert!(Query::parse(text).is_err(), "{text}");
    }
}
