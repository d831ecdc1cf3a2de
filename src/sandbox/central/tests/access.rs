//! Who may do what, and who has read what.

use serde_json::{Value, json};

use super::job;
use crate::sandbox::fleet::{BOILER, CAROL, key};
use crate::sandbox::testkit::Bench;

const OPERATOR: &str = "ae2c9854-393b-4f97-8c42-479d70ce626e";

#[tokio::test]
async fn operators_manage_devices_and_groups_and_run_jobs_and_nothing_else() {
    let bench = Bench::simple(100);
    let carol = |method: &'static str, path: &'static str, body: Value| bench.central_as(CAROL, method, path, body);
    let group = json!({"displayName": "g", "filter": "SELECT * FROM devices"});
    assert_eq!(carol("PUT", "/devices/new-one", json!({"displayName": "New"})).await.status, 200);
    assert_eq!(carol("DELETE", "/devices/new-one", Value::Null).await.status, 204);
    assert_eq!(carol("PUT", "/deviceGroups/g", group).await.status, 200);
    assert_eq!(carol("PUT", "/jobs/j", job("boilers-all", BOILER, "migration.DeviceMove")).await.status, 200);
    assert_eq!(carol("PUT", "/deviceTemplates/dtmi:t;1", json!({})).await.status, 403);
    assert_eq!(carol("PUT", "/devices/boiler-0001/attestation", json!({})).await.status, 403);
    for path in ["/users", "/apiTokens", "/fileUploads", "/enrollmentGroups"] {
        assert_eq!(carol("GET", path, Value::Null).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_token_made_in_the_application_opens_it_with_its_role_until_it_is_deleted() {
    let bench = Bench::simple(100);
    let made = bench.central("PUT", "/apiTokens/script", json!({"roles": [{"role": OPERATOR}]})).await;
    let token = made.body["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("SharedAccessSignature sr=") && token.contains("&skn=script"));
    assert!(bench.central("GET", "/apiTokens/script", Value::Null).await.body["token"].is_null());
    assert!(!bench.central("GET", "/apiTokens", Value::Null).await.text.contains("SharedAccessSignature"));
    let with = |token: String, path: &'static str| {
        let bench = &bench;
        async move { bench.central_by(&token, "GET", path, Value::Null).await.status }
    };
    assert_eq!(with(token.clone(), "/devices").await, 200);
    assert_eq!(with(token.clone(), "/enrollmentGroups").await, 403);
    assert_eq!(with(token.replace("skn=script", "skn=other"), "/devices").await, 401);
    assert_eq!(with(token.replace("sr=", "sr=x"), "/devices").await, 401);
    assert!(bench.shared.secrets().contains(&token));
    bench.shared.jump(std::time::Duration::from_secs(366 * 86_400));
    assert_eq!(with(token.clone(), "/devices").await, 401);
    assert_eq!(bench.central("DELETE", "/apiTokens/script", Value::Null).await.status, 204);
}

#[tokio::test]
async fn unknown_paths_tell_nothing_to_strangers() {
    let bench = Bench::simple(100);
    assert_eq!(bench.central("GET", "/nothing", Value::Null).await.status, 404);
    assert_eq!(bench.central_by("Bearer nonsense", "GET", "/nothing", Value::Null).await.status, 401);
    assert_eq!(bench.central("GET", "/nothing?api-version=1999-01-01", Value::Null).await.status, 404);
}

#[tokio::test]
async fn whoever_read_an_older_state_cannot_write() {
    let bench = Bench::simple(100);
    let keys = json!({"primaryKey": key("a"), "secondaryKey": key("b")});
    let group =
        json!({"displayName": "g", "type": "iot", "attestation": {"type": "symmetricKey", "symmetricKey": keys}});
    bench.central("PUT", "/enrollmentGroups/g", group.clone()).await;
    bench.central("PUT", "/deviceGroups/g", json!({"displayName": "g", "filter": "SELECT * FROM devices"})).await;
    for path in
        ["/devices/boiler-0001", "/deviceGroups/g", "/enrollmentGroups/g", &format!("/deviceTemplates/{BOILER}")]
    {
        let read = bench.central("GET", path, Value::Null).await.body;
        let change = json!({"displayName": "Changed", "etag": read["etag"]});
        assert_eq!(bench.central("PATCH", path, change.clone()).await.status, 200, "{path}");
        assert_eq!(bench.central("PATCH", path, change).await.status, 412, "{path}");
    }
    let mut again = group;
    assert_eq!(bench.central("PUT", "/enrollmentGroups/g", again.clone()).await.status, 409);
    again["etag"] = json!("\"old\"");
    assert_eq!(bench.central("PUT", "/enrollmentGroups/g", again.clone()).await.status, 412);
    again["etag"] = bench.central("GET", "/enrollmentGroups/g", Value::Null).await.body["etag"].clone();
    assert_eq!(bench.central("PUT", "/enrollmentGroups/g", again).await.status, 200);
}
