//! ARM and Resource Graph.

use super::*;
use reqwest::Method;

const DEVICES: &str = "providers/Microsoft.Devices";

fn scope() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

impl Rig {
    async fn arm(&self, method: Method, path: &str, token: &str) -> (StatusCode, Value) {
        let url = format!("https://management.azure.com{path}");
        let answer = self.client.request(method, url).bearer_auth(token).send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn graph(&self, token: &str, body: &Value) -> reqwest::Response {
        let url = "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
        self.client.post(url).bearer_auth(token).json(body).send().await.unwrap()
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let rig = Rig::start().await;
    let token = rig.arm_token(ADA, HOME);
    let mut url = format!("https://management.azure.com{}/{DEVICES}/IotHubs?api-version=2023-06-30", scope());
    let mut names = Vec::new();
    loop {
        let page: Value = rig.client.get(&url).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
        names.extend(page["value"].as_array().unwrap().iter().map(|hub| hub["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextLink"].as_str() else { break };
        url = next.to_owned();
    }
    assert_eq!(names, ["contoso-hub-1", "contoso-hub-2", "contoso-hub-3"]);
}

#[tokio::test]
async fn only_the_subscriptions_of_the_tokens_tenant_are_seen() {
    let rig = Rig::start().await;
    let path = "/subscriptions?api-version=2022-12-01";
    let (_, home) = rig.arm(Method::GET, path, &rig.arm_token(ADA, HOME)).await;
    assert_eq!(home["value"].as_array().unwrap().len(), 1);
    let (_, nobody) = rig.arm(Method::GET, path, &rig.arm_token("nobody", HOME)).await;
    assert_eq!(nobody["value"], serde_json::json!([]));
    let (status, body) =
        rig.arm(Method::GET, &format!("{}?api-version=2022-12-01", scope()), &rig.arm_token(ADA, OTHER)).await;
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("InvalidAuthenticationTokenTenant"))
    );
}

#[tokio::test]
async fn the_hubs_linked_to_a_dps_show_in_the_single_get_with_their_key_masked() {
    let rig = Rig::start().await;
    let token = rig.arm_token(BOB, HOME);
    let list = format!("{}/{DEVICES}/provisioningServices?api-version=2022-02-05", scope());
    let (_, list) = rig.arm(Method::GET, &list, &token).await;
    assert!(list["value"][0]["properties"].get("iotHubs").is_none());
    let one = format!("{}?api-version=2022-02-05", list["value"][0]["id"].as_str().unwrap());
    let (_, one) = rig.arm(Method::GET, &one, &token).await;
    assert!(one["properties"]["iotHubs"][0]["connectionString"].as_str().unwrap().ends_with("****"));
}

#[tokio::test]
async fn keys_are_for_owners_and_the_refusal_names_action_and_scope() {
    let rig = Rig::start().await;
    let hub = format!("{}/resourcegroups/iot/{DEVICES}/iothubs/contoso-hub-1", scope());
    let path = format!("{hub}/listkeys?api-version=2023-06-30");
    let (status, keys) = rig.arm(Method::POST, &path, &rig.arm_token(ADA, HOME)).await;
    assert_eq!((status, keys["value"][1]["rights"].as_str()), (StatusCode::OK, Some("ServiceConnect")));
    let (status, refused) = rig.arm(Method::POST, &path, &rig.arm_token(BOB, HOME)).await;
    assert_eq!((status, refused["error"]["code"].as_str()), (StatusCode::FORBIDDEN, Some("AuthorizationFailed")));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("'Microsoft.Devices/IotHubs/listkeys/action'"), "{message}");
    assert!(message.contains("bob@contoso.example") && message.contains("contoso-hub-1"), "{message}");

    let one = format!("{hub}/IotHubKeys/service/listkeys?api-version=2018-04-01");
    let (_, key) = rig.arm(Method::POST, &one, &rig.arm_token(ADA, HOME)).await;
    assert_eq!(key["keyName"], "service");
    let none = format!("{hub}/IotHubKeys/gone/listkeys?api-version=2018-04-01");
    assert_eq!(rig.arm(Method::POST, &none, &rig.arm_token(ADA, HOME)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(rig.arm(Method::GET, &path, &rig.arm_token(ADA, HOME)).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn versions_tokens_and_names_that_are_wrong_are_told_apart() {
    let rig = Rig::start().await;
    let token = rig.arm_token(ADA, HOME);
    let code = |path: String, token: String| {
        let rig = &rig;
        async move {
            let (status, body) = rig.arm(Method::GET, &path, &token).await;
            (status.as_u16(), body["error"]["code"].as_str().unwrap_or_default().to_owned())
        }
    };
    let hubs = format!("{}/{DEVICES}/IotHubs", scope());
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(code(hubs.clone(), token.clone()).await, is(400, "MissingApiVersionParameter"));
    assert_eq!(
        code(format!("{hubs}?api-version=2031-01-01"), token.clone()).await,
        is(400, "NoRegisteredProviderFound")
    );
    assert_eq!(code(format!("{hubs}?api-version=x"), token.clone()).await, is(400, "InvalidApiVersionParameter"));
    let nowhere = "/subscriptions/00000000-0000-0000-0000-000000000000?api-version=2022-12-01".to_owned();
    assert_eq!(code(nowhere, token.clone()).await, is(404, "SubscriptionNotFound"));
    let gone = format!("{}/resourceGroups/iot/{DEVICES}/IotHubs/gone?api-version=2023-06-30", scope());
    assert_eq!(code(gone, token.clone()).await, is(404, "ResourceNotFound"));
    assert_eq!(
        code("/tenants?api-version=2022-12-01".to_owned(), "no token".to_owned()).await,
        is(401, "InvalidAuthenticationToken")
    );
    use crate::sandbox::entra::tokens::{Audience, issue_access};
    let central = issue_access(&rig.shared(), ADA, HOME, Audience::Central);
    let tenants = "/tenants?api-version=2022-12-01".to_owned();
    assert_eq!(code(tenants, central).await, is(401, "InvalidAuthenticationTokenAudience"));
}

#[tokio::test]
async fn resource_graph_pages_only_where_ids_are_projected() {
    let rig = Rig::start().await;
    let token = rig.arm_token(ADA, HOME);
    let query = |projected: &str| {
        format!(
            "resources | where type in~ ('microsoft.devices/iothubs','microsoft.iotcentral/iotapps') | project {projected} | order by name asc"
        )
    };
    let ask = |query: String, options: Value| serde_json::json!({ "query": query, "options": options });
    let first: Value =
        rig.graph(&token, &ask(query("id, name, type"), serde_json::json!({ "$top": 3 }))).await.json().await.unwrap();
    assert_eq!((first["count"].as_u64(), first["totalRecords"].as_u64()), (Some(3), Some(4)));
    assert_eq!(first["data"][0]["type"], "microsoft.iotcentral/iotapps");
    let options = serde_json::json!({ "$top": 3, "$skipToken": first["$skipToken"] });
    let second: Value = rig.graph(&token, &ask(query("id, name, type"), options)).await.json().await.unwrap();
    assert_eq!((second["count"].as_u64(), second.get("$skipToken")), (Some(1), None));
    let blind: Value =
        rig.graph(&token, &ask(query("name"), serde_json::json!({ "$top": 3 }))).await.json().await.unwrap();
    assert_eq!((blind.get("$skipToken"), blind["resultTruncated"].as_str()), (None, Some("true")));
}

#[tokio::test]
async fn the_sixteenth_graph_query_within_five_seconds_is_throttled() {
    let rig = Rig::start().await;
    let token = rig.arm_token(ADA, HOME);
    let body = serde_json::json!({ "query": "resources | where type =~ 'microsoft.devices/iothubs' | project id" });
    let mut left = Vec::new();
    for _ in 0..15 {
        let answer = rig.graph(&token, &body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        left.push(answer.headers()["x-ms-user-quota-remaining"].to_str().unwrap().parse::<u32>().unwrap());
    }
    assert_eq!(left, (0..15).rev().collect::<Vec<_>>());
    let refused = rig.graph(&token, &body).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    assert_eq!(refused.headers()["x-ms-user-quota-resets-after"], format!("00:00:0{wait}"));
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["details"][0]["code"], "RateLimiting");
}

#[tokio::test]
async fn resource_graph_tells_in_the_details_what_was_wrong() {
    let rig = Rig::start().await;
    let token = rig.arm_token(ADA, HOME);
    let detail = async |body: Value| {
        let answer = rig.graph(&token, &body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "BadRequest");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("timestamp = ") && message.contains("correlationId = "), "{message}");
        body["error"]["details"][0]["code"].as_str().unwrap().to_owned()
    };
    let about = |subscription: &str| serde_json::json!({ "query": "resources", "subscriptions": [subscription] });
    assert_eq!(detail(about("not a guid")).await, "SubscriptionsContainInvalidGuids");
    assert_eq!(detail(about("00000000-0000-0000-0000-000000000000")).await, "NoValidSubscriptionsInQueryRequest");
    assert_eq!(detail(serde_json::json!({ "query": "resources | nonsense" })).await, "InvalidQuery");
}

#[tokio::test]
async fn resource_graph_answers_with_a_table_if_asked_and_knows_what_holds_resources() {
    let rig = Rig::start().await;
    let token = rig.arm_token(ADA, HOME);
    let query = "ResourceContainers | project name, type | order by type asc";
    let options = serde_json::json!({ "resultFormat": "table" });
    let body = serde_json::json!({ "query": query, "options": options });
    let answer: Value = rig.graph(&token, &body).await.json().await.unwrap();
    assert_eq!(answer["data"]["columns"][0], serde_json::json!({ "name": "name", "type": "string" }));
    let rows = serde_json::json!([
        ["IoT", "microsoft.resources/subscriptions"],
        ["IoT", "microsoft.resources/subscriptions/resourcegroups"],
    ]);
    assert_eq!(answer["data"]["rows"], rows);
    let counted = serde_json::json!({ "query": "resources | count", "options": null });
    let counted: Value = rig.graph(&token, &counted).await.json().await.unwrap();
    assert_eq!(counted["data"], serde_json::json!([{ "Count": 5 }]));
}

#[tokio::test]
async fn a_request_without_a_token_is_sent_to_the_tenant_of_the_subscription() {
    let rig = Rig::start().await;
    let challenge = async |path: &str| {
        let answer = rig.client.get(format!("https://management.azure.com{path}?api-version=2022-12-01")).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        answer.headers()["www-authenticate"].to_str().unwrap().to_owned()
    };
    let known = challenge(&scope()).await;
    assert!(known.contains(&format!("authorization_uri=\"https://login.windows.net/{HOME}\"")), "{known}");
    let unknown = challenge("/tenants").await;
    assert!(unknown.contains("/common/oauth2/authorize"), "{unknown}");
}

#[tokio::test]
async fn a_browser_may_ask_without_a_token_whether_it_may_call() {
    let rig = Rig::start().await;
    let request = rig.client.request(Method::OPTIONS, "https://management.azure.com/subscriptions");
    let request = request.header("origin", REDIRECT).header("access-control-request-headers", "authorization");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers()["access-control-allow-headers"], "authorization");
}

#[tokio::test]
async fn resource_groups_and_resources_of_all_types_can_be_read() {
    let rig = Rig::start().await;
    let token = rig.arm_token(ADA, HOME);
    let get = async |method: Method, path: &str| {
        let joint = if path.contains('?') { '&' } else { '?' };
        rig.arm(method, &format!("{}{path}{joint}api-version=2021-04-01", scope()), &token).await
    };
    assert_eq!(get(Method::GET, "/resourcegroups/iot").await.1["name"], "IoT");
    assert_eq!(get(Method::HEAD, "/resourceGroups/iot").await.0, StatusCode::NO_CONTENT);
    assert_eq!(get(Method::HEAD, "/resourceGroups/gone").await.0, StatusCode::NOT_FOUND);
    let filter = "$filter=resourceType eq 'Microsoft.Devices/IotHubs' and name eq 'contoso-hub-2'";
    let (_, hubs) = get(Method::GET, &format!("/resources?{filter}")).await;
    assert_eq!(hubs["value"].as_array().unwrap().len(), 1);
    assert!(hubs["value"][0].get("properties").is_none());
    let (_, group) = get(Method::GET, "/resourceGroups/IOT/resources").await;
    assert!(group["nextLink"].is_string(), "five resources are more than a page");
    assert_eq!(get(Method::GET, "/providers/Microsoft.Devices").await.1["registrationState"], "Registered");
    assert_eq!(get(Method::GET, "/locations").await.1["value"][0]["name"], "eastus");
    assert_eq!(get(Method::GET, "/providers/Microsoft.Web/sites").await.1["value"], serde_json::json!([]));
    let (status, body) = get(Method::GET, "/resourceGroups/gone/resources").await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &Value::from("ResourceGroupNotFound")));
    let (status, body) = rig.arm(Method::GET, "/subscriptions/mine?api-version=2022-12-01", &token).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::BAD_REQUEST, &Value::from("InvalidSubscriptionId")));
}
