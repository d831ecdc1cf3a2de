//! What the ARM client promises.

mod certificates;

use std::sync::Arc;

use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method, path, path_regex, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::arm::{HubTier, Listed};
use crate::azure::keys::{ArmPolicyKeys, PolicyKeys, Right};
use crate::azure::testing::{answer, arm, requests};
use crate::azure::{Azure, ErrorKind};
use crate::ids::ArmId;

const HUB: &str = "/subscriptions/s1/resourceGroups/iot/providers/Microsoft.Devices/IotHubs/h";

fn hub(id: &str) -> Value {
    json!({
        "id": id, "name": "h", "type": "microsoft.devices/iothubs", "location": "westeurope",
        "sku": { "name": "S2", "tier": "Standard", "capacity": 10 },
        "properties": { "state": "Active", "hostName": "h.azure-devices.net", "disableLocalAuth": null }
    })
}

fn dps() -> Value {
    json!({
        "id": "/subscriptions/s1/resourcegroups/iot/providers/Microsoft.Devices/provisioningServices/d", "name": "d",
        "type": "microsoft.devices/provisioningservices",
        "properties": {
            "state": "Active", "idScope": "0ne1", "serviceOperationsHostName": "d.azure-devices-provisioning.net",
            "deviceProvisioningHostName": "global.azure-devices-provisioning.net", "allocationPolicy": "Hashed",
            "iotHubs": [{ "name": "h.azure-devices.net", "location": "westeurope", "allocationWeight": 1 }]
        }
    })
}

fn app() -> Value {
    json!({
        "id": "/subscriptions/s1/resourceGroups/iot/providers/Microsoft.IoTCentral/iotApps/a", "name": "a",
        "type": "microsoft.iotcentral/iotapps", "sku": { "name": "ST2" },
        "properties": { "applicationId": "g", "displayName": "Fleet", "subdomain": "fleet", "state": "created" }
    })
}

#[tokio::test]
async fn every_page_of_a_list_is_read() {
    let server = MockServer::start().await;
    let second = json!({ "value": [{ "subscriptionId": "s2", "state": "Disabled" }], "nextLink": "" });
    Mock::given(path("/subscriptions"))
        .and(query_param("$skiptoken", "2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(second))
        .mount(&server)
        .await;
    let next = format!("{}/subscriptions?api-version=2022-12-01&$skiptoken=2", server.uri());
    let first =
        json!({ "value": [{ "subscriptionId": "s1", "displayName": "One", "state": "Enabled" }], "nextLink": next });
    answer(&server, "GET", "/subscriptions", 200, first).await;
    let ids: Vec<_> = arm(&server).subscriptions().await.unwrap().into_iter().map(|s| s.id).collect();
    assert_eq!(ids, ["s1", "s2"]);
}

#[tokio::test]
async fn a_next_link_to_another_host_is_not_followed() {
    let server = MockServer::start().await;
    let body = json!({ "value": [], "nextLink": "https://evil.example/subscriptions" });
    answer(&server, "GET", "/subscriptions", 200, body).await;
    let error = arm(&server).subscriptions().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::UntrustedHost));
}

#[tokio::test]
async fn a_list_that_leads_in_a_circle_is_an_error() {
    let server = MockServer::start().await;
    let next = format!("{}/subscriptions", server.uri());
    answer(&server, "GET", "/subscriptions", 200, json!({ "value": [], "nextLink": next })).await;
    let error = arm(&server).subscriptions().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Malformed), "{error:?}");
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn resource_graph_gives_applications_dps_and_hubs_of_all_pages() {
    let server = MockServer::start().await;
    let at = "/providers/Microsoft.ResourceGraph/resources";
    Mock::given(path(at))
        .and(body_partial_json(json!({ "options": { "$skipToken": "t2" } })))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "data": [hub(HUB)], "resultTruncated": "false" })),
        )
        .mount(&server)
        .await;
    let first = json!({ "data": [app(), dps()], "resultTruncated": "true", "$skipToken": "t2" });
    answer(&server, "POST", at, 200, first).await;
    let listed = arm(&server).graph_resources().await.unwrap();
    let [Listed::App(app), Listed::Dps(dps), Listed::Hub(hub)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((app.subdomain.as_str(), app.display_name.as_str(), app.sku.as_str()), ("fleet", "Fleet", "ST2"));
    assert_eq!((dps.id_scope.as_str(), dps.resource_group.as_str()), ("0ne1", "iot"));
    assert_eq!(dps.linked_hubs[0].host.as_str(), "h.azure-devices.net");
    assert_eq!((hub.tier.clone(), hub.units, hub.disable_local_auth), (HubTier::Standard, 10, false));
}

#[tokio::test]
async fn without_resource_graph_each_subscription_is_read_and_a_failing_one_is_a_problem() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/providers/Microsoft.ResourceGraph/resources", 403, json!({})).await;
    let subscriptions = json!({ "value": [
        { "subscriptionId": "s1", "displayName": "One" }, { "subscriptionId": "s2", "displayName": "Two" }
    ] });
    answer(&server, "GET", "/subscriptions", 200, subscriptions).await;
    answer(
        &server,
        "GET",
        "/subscriptions/s1/providers/Microsoft.IoTCentral/iotApps",
        200,
        json!({ "value": [app()] }),
    )
    .await;
    let hubs = json!({ "value": [hub(HUB)] });
    answer(&server, "GET", "/subscriptions/s1/providers/Microsoft.Devices/IotHubs", 200, hubs).await;
    let unregistered = json!({ "error": { "code": "MissingSubscriptionRegistration", "message": "m" } });
    answer(&server, "GET", "/subscriptions/s1/providers/Microsoft.Devices/provisioningServices", 409, unregistered)
        .await;
    let denied = ResponseTemplate::new(403).set_body_json(json!({ "error": { "code": "AuthorizationFailed" } }));
    Mock::given(path_regex("^/subscriptions/s2/")).respond_with(denied).mount(&server).await;
    let inventory = arm(&server).inventory().await.unwrap();
    assert_eq!((inventory.apps.len(), inventory.dps.len(), inventory.hubs.len()), (1, 0, 1));
    assert_eq!(inventory.problems.len(), 3);
    assert_eq!(inventory.problems[0].target, "subscription Two");
}

#[tokio::test]
async fn keys_are_listed_by_a_post_without_body_and_remembered() {
    let server = MockServer::start().await;
    let keys = json!({ "value": [
        { "keyName": "owner", "primaryKey": "a", "secondaryKey": "b", "rights": "RegistryWrite,ServiceConnect, DeviceConnect" },
        { "keyName": "service", "primaryKey": "c", "secondaryKey": "d", "rights": "ServiceConnect" }
    ] });
    answer(&server, "POST", &format!("{HUB}/listkeys"), 200, keys).await;
    let keys = ArmPolicyKeys::hub(arm(&server), ArmId::new(HUB));
    assert_eq!(keys.key(&[Right::ServiceConnect], None).await.unwrap().name, "service");
    assert_eq!(keys.key(&[Right::RegistryRead], None).await.unwrap().name, "owner");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].headers["content-length"], "0");
    assert!(!format!("{:?}", keys.key(&[Right::ServiceConnect], None).await).contains("\"c\""));
}

#[tokio::test]
async fn a_person_who_may_not_list_keys_learns_the_role_and_the_resource() {
    let server = MockServer::start().await;
    let denied = json!({ "error": { "code": "AuthorizationFailed", "message": "does not have authorization" } });
    answer(&server, "POST", &format!("{HUB}/listkeys"), 403, denied).await;
    let error = arm(&server).list_hub_keys(&ArmId::new(HUB)).await.unwrap_err();
    let hint = error.hint.unwrap();
    assert!(hint.contains("Contributor") && hint.contains("iotHubs/listkeys/action") && hint.contains(HUB), "{hint}");
}

#[tokio::test]
async fn pacing_is_shared_by_all_clients_of_one_person() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "value": [] })))
        .mount(&server)
        .await;
    let clock = crate::azure::testing::fast();
    let azure = Azure::against(&server.uri(), clock);
    let tokens = Arc::new(crate::azure::testing::Tokens::default());
    let before = clock.now();
    for _ in 0..130 {
        azure.arm(tokens.clone()).tenants().await.unwrap();
    }
    assert!((clock.now() - before).as_seconds_f64() >= 3.0, "a hundred at once, then ten a second");
}
