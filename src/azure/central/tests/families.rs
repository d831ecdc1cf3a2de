//! The families of an application's set-up are read as they are shown, to their last page.

use serde_json::json;
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::ErrorKind;
use crate::azure::central::Family;
use crate::azure::testing::{answer, central};

#[tokio::test]
async fn all_pages_of_a_family_are_read_in_the_version_that_has_it() {
    let server = MockServer::start().await;
    let at = "/api/dataExport/destinations";
    let next = format!("{}{at}?api-version=2022-10-31-preview&%24skiptoken=x", server.uri());
    let last = json!({ "value": [{ "id": "b", "something": { "new": [1] } }] });
    Mock::given(path(at))
        .and(query_param("$skiptoken", "x"))
        .respond_with(ResponseTemplate::new(200).set_body_json(last))
        .mount(&server)
        .await;
    Mock::given(path(at))
        .and(query_param("api-version", "2022-10-31-preview"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "value": [{ "id": "a" }], "nextLink": next })))
        .mount(&server)
        .await;
    let all = central(&server).family(Family::ExportDestinations).await.unwrap();
    assert_eq!(all, [json!({ "id": "a" }), json!({ "id": "b", "something": { "new": [1] } })]);
}

#[tokio::test]
async fn no_storage_for_uploads_is_none_and_a_family_that_is_not_there_is_an_error() {
    let server = MockServer::start().await;
    for at in ["/api/fileUploads", "/api/dashboards"] {
        answer(&server, "GET", at, 404, json!({ "error": { "code": "NotFound", "message": "none" } })).await;
    }
    assert!(central(&server).family(Family::FileUploads).await.unwrap().is_empty());
    let error = central(&server).family(Family::Dashboards).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound), "{error}");
}

#[tokio::test]
async fn whoever_may_not_see_users_is_told_which_role_can() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/api/users", 403, json!({ "error": { "code": "Forbidden", "message": "no" } })).await;
    let hint = central(&server).family(Family::Users).await.unwrap_err().hint.unwrap();
    assert!(hint.contains("\"Users: view\"") && hint.contains("the role Administrator has it"), "{hint}");
}
