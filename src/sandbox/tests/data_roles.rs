//! Entra tokens at the data planes of hubs and provisioning services.

use serde_json::{Value, json};

use crate::sandbox::entra::tokens::{Audience, issue_access};
use crate::sandbox::fleet::{BOB, CONTOSO, FABRIKAM, MAIN_SUBSCRIPTION};
use crate::sandbox::testkit::{Answer, Bench, HUB, call};
use crate::sandbox::{dps, hub};

const DPS: &str = "contoso-dps.azure-devices-provisioning.net";

fn bench(role: &str) -> Bench {
    let bench = Bench::simple(100);
    bench.shared.world(|world| {
        let roles = &mut world.people.get_mut(BOB).unwrap().azure_roles;
        roles.push((format!("/subscriptions/{MAIN_SUBSCRIPTION}/resourceGroups/contoso-rg"), role.to_owned()));
    });
    bench
}

async fn ask(bench: &Bench, host: &str, audience: Audience, tenant: &str, method: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {}", issue_access(&bench.shared, BOB, tenant, audience));
    let (router, version) = match host {
        HUB => (hub::router(bench.shared.clone()), "2021-04-12"),
        _ => (dps::service_router(bench.shared.clone()), "2021-10-01"),
    };
    let body = if method == "PUT" { json!({"deviceId": "a"}) } else { Value::Null };
    let uri = format!("{path}?api-version={version}");
    call(router, host, method, &uri, &[("authorization", &bearer)], body).await
}

#[tokio::test]
async fn a_hub_takes_the_tokens_of_people_with_a_data_role_as_far_as_the_role_goes() {
    let reader = bench("IoT Hub Data Reader");
    assert_eq!(ask(&reader, HUB, Audience::IotHub, CONTOSO, "GET", "/devices/a").await.status, 404);
    assert_eq!(ask(&reader, HUB, Audience::IotHub, CONTOSO, "PUT", "/devices/a").await.status, 401);
    let registrar = bench("IoT Hub Registry Contributor");
    assert_eq!(ask(&registrar, HUB, Audience::IotHub, CONTOSO, "PUT", "/devices/a").await.status, 200);
    assert_eq!(ask(&registrar, HUB, Audience::IotHub, CONTOSO, "GET", "/twins/a").await.status, 401);
}

#[tokio::test]
async fn tokens_for_another_resource_or_from_another_tenant_are_refused_and_so_are_owners() {
    let contributor = bench("IoT Hub Data Contributor");
    assert_eq!(ask(&contributor, HUB, Audience::Arm, CONTOSO, "GET", "/devices/a").await.status, 401);
    assert_eq!(ask(&contributor, HUB, Audience::IotHub, FABRIKAM, "GET", "/devices/a").await.status, 401);
    let owner = bench("Owner");
    let refused = ask(&owner, HUB, Audience::IotHub, CONTOSO, "GET", "/devices/a").await;
    assert!(refused.body["Message"].as_str().unwrap().contains("no assigned permissions"));
}

#[tokio::test]
async fn a_provisioning_service_shows_keys_to_data_contributors_only() {
    let reader = bench("Device Provisioning Service Data Reader");
    let path = "/enrollmentGroups/g/attestationmechanism";
    assert_eq!(ask(&reader, DPS, Audience::Dps, CONTOSO, "GET", "/enrollmentGroups/g").await.status, 404);
    assert_eq!(ask(&reader, DPS, Audience::Dps, CONTOSO, "POST", path).await.status, 401);
    let contributor = bench("Device Provisioning Service Data Contributor");
    assert_eq!(ask(&contributor, DPS, Audience::Dps, CONTOSO, "POST", path).await.status, 404);
    assert_eq!(ask(&contributor, DPS, Audience::IotHub, CONTOSO, "POST", path).await.status, 401);
}
