//! Lists that are filtered and ordered, and queries.

use serde_json::{Value, json};

use crate::sandbox::fleet::{BOILER, MAIN_APP};
use crate::sandbox::testkit::{Answer, Bench};

fn ids(answer: &Answer) -> Vec<&str> {
    answer.body["value"].as_array().into_iter().flatten().filter_map(|device| device["id"].as_str()).collect()
}

async fn query(bench: &Bench, text: &str) -> Answer {
    bench.query(MAIN_APP, text).await
}

#[tokio::test]
async fn previews_filter_and_order_devices_each_by_its_own_parameters() {
    let bench = Bench::simple(100);
    bench.central("PATCH", "/devices/boiler-0003", json!({"displayName": "Aardvark", "enabled": false})).await;
    bench.central("PUT", "/devices/boiler-0004/relationships/r", json!({"target": "boiler-0005"})).await;
    let get = |query: &'static str| {
        let path = format!("/devices?{}", query.replace(' ', "%20"));
        let bench = &bench;
        async move { bench.central("GET", &path, Value::Null).await }
    };
    let blocked = get("api-version=2022-10-31-preview&filter=enabled eq false").await;
    assert_eq!(ids(&blocked), ["boiler-0003"]);
    let old = get("api-version=1.1-preview&$filter=type eq 'GatewayDevice' or id lt 'boiler-0002'").await;
    assert_eq!(ids(&old), ["boiler-0001", "boiler-0004"]);
    let first = get("api-version=2022-10-31-preview&orderby=displayName&maxpagesize=2").await;
    assert_eq!(ids(&first), ["boiler-0003", "boiler-0001"]);
    let token = first.body["nextLink"].as_str().unwrap().split("$skiptoken=").nth(1).unwrap().to_owned();
    let next = format!("/devices?api-version=2022-10-31-preview&orderby=displayName&maxpagesize=2&$skiptoken={token}");
    assert_eq!(ids(&bench.central("GET", &next, Value::Null).await), ["boiler-0010", "boiler-0011"]);
    let last = get("api-version=2022-06-30-preview&$orderby=id desc&$top=1").await;
    assert_eq!(ids(&last), ["boiler-0020"]);
    assert_eq!(get("api-version=2022-10-31-preview&filter=colour eq 'red'").await.status, 400);
    assert_eq!(get("api-version=2022-10-31-preview&orderby=enabled").await.status, 400);
}

#[tokio::test]
async fn a_query_takes_the_first_rows_of_what_it_has_ordered() {
    let bench = Bench::simple(100);
    let newest = query(&bench, &format!("SELECT TOP 3 $id, $ts AS time, temperature FROM {BOILER} WHERE $id IN ('boiler-0007', 'x') AND WITHIN_WINDOW(PT1H30M) ORDER BY $ts DESC")).await;
    let rows = newest.body["results"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{}", newest.text);
    assert!(rows.iter().all(|row| row["$id"] == "boiler-0007" && row["temperature"].is_number()));
    assert!(rows[0]["time"].as_str() > rows[2]["time"].as_str());
    let hottest = query(&bench, &format!("SELECT TOP 1 temperature FROM {BOILER} WHERE temperature > 60 OR temperature <= 50 ORDER BY temperature DESC")).await;
    assert!(hottest.body["results"][0]["temperature"].as_f64() > Some(78.0), "{}", hottest.text);
    let properties =
        query(&bench, &format!("SELECT $id, serialNumber FROM {BOILER} WHERE serialNumber = 'SN-boiler-0002'")).await;
    assert_eq!(properties.body["results"], json!([{"$id": "boiler-0002", "serialNumber": "SN-boiler-0002"}]));
}

#[tokio::test]
async fn a_query_that_names_what_the_template_lacks_is_refused() {
    let bench = Bench::simple(100);
    let long = "x".repeat(351);
    for text in [
        format!("SELECT colour FROM {BOILER}"),
        format!("SELECT $id FROM {BOILER} WHERE migration.colour = 1"),
        format!("SELECT * FROM {BOILER}"),
        format!("SELECT $id FROM {BOILER} WHERE $id = '{long}'"),
        format!("SELECT $id FROM {BOILER} WHERE WITHIN_WINDOW(1D)"),
        "SELECT $id FROM dtmi:nowhere;1".to_owned(),
    ] {
        assert_eq!(query(&bench, &text).await.status, 422, "{text}");
    }
}
