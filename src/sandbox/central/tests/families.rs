//! The parts of an application that are not about single devices.

use serde_json::{Value, json};

use crate::sandbox::fleet;
use crate::sandbox::testkit::Bench;

const PREVIEW: &str = "api-version=2022-10-31-preview";

#[tokio::test]
async fn a_gateway_has_children_and_is_no_child_itself() {
    let bench = Bench::simple(100);
    let put = |path: &'static str, target: &'static str| bench.central("PUT", path, json!({"target": target}));
    assert_eq!(put("/devices/boiler-0001/relationships/a", "boiler-0002").await.status, 200);
    assert_eq!(put("/devices/boiler-0001/relationships/b", "nobody").await.status, 422);
    assert_eq!(put("/devices/boiler-0002/relationships/b", "boiler-0003").await.status, 422);
    let shown = bench.central("GET", "/devices/boiler-0001/relationships", Value::Null).await.body;
    let expected = json!([{"id": "a", "source": "boiler-0001", "target": "boiler-0002"}]);
    assert_eq!(shown["value"], expected);
    assert_eq!(bench.central("DELETE", "/devices/boiler-0002", Value::Null).await.status, 204);
    let shown = bench.central("GET", "/devices/boiler-0001/relationships", Value::Null).await.body;
    assert_eq!(shown["value"], json!([]), "a deleted device is nobody's child");
}

#[tokio::test]
async fn organisations_have_parents_and_no_more_than_five_levels() {
    let bench = Bench::simple(100);
    let put = |id: String, parent: Option<String>| {
        let bench = &bench;
        let body = json!({"displayName": id, "parent": parent});
        async move { bench.central("PUT", &format!("/organizations/{id}"), body).await.status }
    };
    assert_eq!(put("level-1".to_owned(), None).await, 200);
    for level in 2..=5 {
        assert_eq!(put(format!("level-{level}"), Some(format!("level-{}", level - 1))).await, 200, "{level}");
    }
    assert_eq!(put("level-6".to_owned(), Some("level-5".to_owned())).await, 422);
    assert_eq!(put("orphan".to_owned(), Some("nobody".to_owned())).await, 422);
    assert_eq!(put("Upper".to_owned(), None).await, 400);
    let shown = bench.central("GET", "/organizations/level-3", Value::Null).await.body;
    assert_eq!(shown, json!({"id": "level-3", "displayName": "level-3", "parent": "level-2"}));
}

#[tokio::test]
async fn users_roles_uploads_and_exports_are_there_one_by_one() {
    let bench = Bench::simple(100);
    let get = |path: String| {
        let bench = &bench;
        async move { bench.central("GET", &path, Value::Null).await }
    };
    for family in ["users", "roles"] {
        let all = get(format!("/{family}")).await.body;
        let first = all["value"][0].clone();
        assert_eq!(get(format!("/{family}/{}", first["id"].as_str().unwrap())).await.body, first);
        assert_eq!(get(format!("/{family}/nobody")).await.status, 404);
    }
    assert_eq!(get("/fileUploads".to_owned()).await.status, 404);
    let storage = json!({"connectionString": "AccountKey=secret", "container": "files"});
    assert_eq!(bench.central("PUT", "/fileUploads", storage).await.status, 200);
    assert!(!get("/fileUploads".to_owned()).await.text.contains("secret"));
    assert_eq!(get("/dataExport/exports".to_owned()).await.status, 404, "only the preview has it");
    assert_eq!(get(format!("/dataExport/exports?{PREVIEW}")).await.body["value"], json!([]));
    assert_eq!(get("/devices/boiler-0001/modules".to_owned()).await.body["value"], json!([]));
}

#[tokio::test]
async fn secrets_of_destinations_are_masked_as_documented_unless_that_is_switched_off() {
    let bench = Bench::new(100, fleet::works_world);
    let list = async |family: &str| {
        bench.app(fleet::WORKS_APP, "GET", &format!("/{family}?{PREVIEW}&maxpagesize=100"), Value::Null).await
    };
    let shown = list("dataExport/destinations").await.text;
    assert!(shown.contains("AccountName=contosoworks;AccountKey=*****;EndpointSuffix"), "{shown}");
    assert!(shown.contains("SharedAccessKey=*****") && shown.contains("\"clientSecret\":\"*****\""), "{shown}");
    assert!(!shown.contains(&fleet::key("contoso-works/exports/storage")), "{shown}");
    bench.shared.flip(|switches| switches.destinations_show_secrets = true);
    let shown = list("dataExport/destinations").await.text;
    for name in ["storage", "stream", "analytics", "header", "bearer", "oauth"] {
        let key = fleet::key(&format!("contoso-works/exports/{name}"));
        assert!(shown.contains(&key) && bench.shared.secrets().contains(&key), "{name}");
    }
    for family in ["scheduledJobs", "dashboards", "deploymentManifests", "users", "roles", "organizations"] {
        assert!(list(family).await.body["value"].as_array().unwrap().len() > 1, "{family}");
    }
}
