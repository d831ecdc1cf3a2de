//! The provisioning service on the wire, and registrations from the first call to the hub.

use serde_json::{Value, json};

use crate::sandbox::fleet::{self, key};
use crate::sandbox::hub::model::{Authentication, Identity};
use crate::sandbox::options::IdentityConflict;
use crate::sandbox::sas;
use crate::sandbox::testkit::{Answer, Bench, HUB, SCOPE, call};

fn group(id: &str, keys: &str) -> Value {
    let keys = json!({"primaryKey": key(&format!("{keys}/p")), "secondaryKey": key(&format!("{keys}/s"))});
    json!({"enrollmentGroupId": id, "attestation": {"type": "symmetricKey", "symmetricKey": keys}})
}

fn device_key(keys: &str, id: &str) -> String {
    sas::derive_key(&key(keys), id).unwrap()
}

async fn register(bench: &Bench, id: &str, key: &str) -> Answer {
    let begun = bench.device("PUT", SCOPE, id, "/register", key, json!({"registrationId": id})).await;
    if begun.status != 202 {
        return begun;
    }
    assert_eq!(begun.headers["retry-after"], "3");
    let operation = begun.body["operationId"].as_str().unwrap().to_owned();
    bench
        .until("the end of the registration", |world| {
            world.dps["contoso-dps"].registrations[id].status != super::model::Status::Assigning
        })
        .await;
    bench.device("GET", SCOPE, id, &format!("/operations/{operation}"), key, Value::Null).await
}

#[tokio::test]
async fn a_put_without_if_match_creates_once_and_updates_need_the_etag() {
    let bench = Bench::simple(100);
    let path = "/enrollmentGroups/g";
    let made = bench.dps("PUT", path, &[], group("g", "k")).await;
    assert_eq!(made.status, 200);
    assert!(made.body["attestation"]["symmetricKey"]["primaryKey"].is_null());
    let again = bench.dps("PUT", path, &[], group("g", "k")).await;
    assert_eq!((again.status, again.body["errorCode"].as_u64()), (409, Some(409_202)));
    assert_eq!(again.headers["x-ms-error-code"], "409202");
    let etag = made.body["etag"].as_str().unwrap();
    assert_eq!(bench.dps("PUT", path, &[("if-match", "\"old\"")], group("g", "k")).await.status, 412);
    assert_eq!(bench.dps("PUT", path, &[("if-match", &format!("\"{etag}\""))], group("g", "k")).await.status, 200);
    assert_eq!(bench.dps("PUT", path, &[("if-match", "*")], group("g", "k")).await.status, 200);
    let keys = bench.dps("POST", "/enrollmentGroups/g/attestationmechanism", &[], Value::Null).await;
    assert_eq!(keys.body["symmetricKey"]["primaryKey"].as_str(), Some(key("k/p").as_str()));
    assert_eq!(bench.dps("DELETE", path, &[("if-match", "*")], Value::Null).await.status, 204);
    assert_eq!(bench.dps("GET", path, &[], Value::Null).await.status, 404);
}

#[tokio::test]
async fn hubs_that_are_not_linked_and_bad_keys_are_refused() {
    let bench = Bench::simple(100);
    let mut stranger = group("g", "k");
    stranger["iotHubs"] = json!(["other.azure-devices.net"]);
    assert_eq!(bench.dps("PUT", "/enrollmentGroups/g", &[], stranger).await.status, 400);
    let mut short = group("g", "k");
    short["attestation"]["symmetricKey"]["primaryKey"] = json!("c2hvcnQ=");
    assert_eq!(bench.dps("PUT", "/enrollmentGroups/g", &[], short).await.status, 400);
    assert_eq!(bench.dps("PUT", "/enrollmentGroups/other", &[], group("g", "k")).await.status, 400);
}

#[tokio::test]
async fn hubs_need_a_policy_and_fields_of_the_wrong_type_are_refused() {
    let bench = Bench::simple(100);
    let put = |change: Value| {
        let mut body = group("g", "k");
        crate::sandbox::wire::merge_patch(&mut body, &change);
        let bench = &bench;
        async move { bench.dps("PUT", "/enrollmentGroups/g", &[], body).await }
    };
    let refused = put(json!({"iotHubs": [HUB]})).await;
    let words = "Enrollment allocationPolicy must be specified when iotHubs are specified.";
    assert_eq!((refused.body["errorCode"].as_u64(), refused.body["message"].as_str()), (Some(400_004), Some(words)));
    for wrong in [
        json!({"allocationPolicy": 5}),
        json!({"iotHubs": HUB}),
        json!({"initialTwin": "x"}),
        json!({"initialTwin": {"tags": {"a.b": 1}}}),
        json!({"provisioningStatus": "on"}),
        json!({"allocationPolicy": "custom", "customAllocationDefinition": {"webhookUrl": "https://x.example"}}),
        json!({"attestation": {"symmetricKey": {"primaryKey": 1}}}),
    ] {
        let refused = put(wrong.clone()).await;
        assert_eq!(refused.body["errorCode"].as_u64(), Some(400_004), "{wrong}");
    }
    let taken = put(json!({"provisioningStatus": "Enabled", "allocationPolicy": "STATIC", "iotHubs": [HUB]})).await;
    assert_eq!((taken.status, taken.body["allocationPolicy"].as_str()), (200, Some("static")));
}

#[tokio::test]
async fn each_thing_that_is_not_found_has_a_number_of_its_own() {
    let bench = Bench::simple(100);
    let code = |method: &'static str, path: &'static str| {
        let bench = &bench;
        async move { bench.dps(method, path, &[], Value::Null).await.body["errorCode"].as_u64().unwrap() }
    };
    assert_eq!(code("GET", "/enrollments/a").await, 404_201);
    assert_eq!(code("GET", "/registrations/a").await, 404_202);
    assert_eq!(code("GET", "/enrollmentGroups/a").await, 404_204);
    assert_eq!(code("POST", "/registrations/a/query").await, 404_204);
}

#[tokio::test]
async fn queries_page_by_headers() {
    let bench = Bench::simple(100);
    for number in 0..5 {
        let id = format!("g{number}");
        bench.dps("PUT", &format!("/enrollmentGroups/{id}"), &[], group(&id, &id)).await;
    }
    let query = json!({"query": "SELECT * FROM enrollmentGroups"});
    let first = bench.dps("POST", "/enrollmentGroups/query", &[("x-ms-max-item-count", "3")], query.clone()).await;
    assert_eq!(first.body.as_array().unwrap().len(), 3);
    let token = first.headers["x-ms-continuation"].to_str().unwrap();
    let headers = [("x-ms-max-item-count", "3"), ("x-ms-continuation", token)];
    let second = bench.dps("POST", "/enrollmentGroups/query", &headers, query).await;
    assert_eq!(second.body.as_array().unwrap().len(), 2);
    assert!(second.headers.get("x-ms-continuation").is_none());
}

#[tokio::test]
async fn a_wrong_signature_version_or_right_is_refused() {
    let bench = Bench::simple(100);
    let host = "contoso-dps.azure-devices-provisioning.net";
    let policy = bench.shared.look(|world| world.dps["contoso-dps"].policies[0].clone());
    let ahead = bench.shared.clock().now().unix_timestamp() + 600;
    let get = |signature: String, uri: &'static str| {
        let router = super::service_router(bench.shared.clone());
        async move { call(router, host, "GET", uri, &[("authorization", &signature)], Value::Null).await }
    };
    let uri = "/enrollmentGroups/none?api-version=2021-10-01";
    let sign = |key: &str, expires: i64| sas::sign(host, key, expires, Some(&policy.name)).unwrap();
    assert_eq!(get(sign(&policy.secondary, ahead), uri).await.status, 404);
    assert_eq!(get(sign(&key("wrong"), ahead), uri).await.status, 401);
    assert_eq!(get(sign(&policy.primary, 1), uri).await.status, 401);
    assert_eq!(get(sign(&policy.primary, ahead), "/enrollmentGroups/none").await.status, 400);
    bench.shared.world(|world| {
        let own = &mut world.dps.get_mut("contoso-dps").unwrap().policies[0];
        own.rights = "ServiceConfig".to_owned();
    });
    let refused = get(sign(&policy.primary, ahead), uri).await;
    assert_eq!((refused.status, refused.body["errorCode"].as_u64()), (401, Some(401_003)));
}

#[tokio::test]
async fn more_than_ten_in_bulk_are_refused_and_failures_are_listed() {
    let bench = Bench::simple(100);
    let item = |id: &str| json!({"registrationId": id, "attestation": {"type": "symmetricKey"}});
    let eleven: Vec<Value> = (0..11).map(|number| item(&format!("d{number}"))).collect();
    assert_eq!(
        bench.dps("POST", "/enrollments", &[], json!({"mode": "create", "enrollments": eleven})).await.status,
        400
    );
    let two = json!({"mode": "create", "enrollments": [item("a"), item("b")]});
    assert_eq!(bench.dps("POST", "/enrollments", &[], two.clone()).await.body["isSuccessful"], true);
    let again = bench.dps("POST", "/enrollments", &[], two).await;
    assert_eq!((again.status, again.body["isSuccessful"].as_bool()), (200, Some(false)));
    assert_eq!(again.body["errors"][0]["errorCode"], 409_201);
}

#[tokio::test]
async fn a_device_registers_with_its_derived_key_and_gets_an_identity_with_both_keys() {
    let bench = Bench::simple(100);
    bench.dps("PUT", "/enrollmentGroups/g", &[], group("g", "k")).await;
    let done = register(&bench, "dev-01", &device_key("k/p", "dev-01")).await;
    assert_eq!((done.status, done.body["status"].as_str()), (200, Some("assigned")));
    assert_eq!(done.body["registrationState"]["assignedHub"], HUB);
    assert_eq!(done.body["registrationState"]["substatus"], "initialAssignment");
    let identity = bench.shared.look(|world| world.hubs[HUB].identities["dev-01"].authentication.clone());
    let expected = Authentication::Sas { primary: device_key("k/p", "dev-01"), secondary: device_key("k/s", "dev-01") };
    assert_eq!(identity, expected);
    let records = bench.dps("POST", "/registrations/g/query", &[], Value::Null).await;
    assert_eq!(records.body[0]["registrationId"], "dev-01");
    assert_eq!(records.headers["x-ms-item-type"], "deviceRegistration");
}

#[tokio::test]
async fn a_key_of_no_group_is_refused_and_so_is_a_disabled_group() {
    let bench = Bench::simple(100);
    let mut disabled = group("g", "k");
    disabled["provisioningStatus"] = json!("disabled");
    bench.dps("PUT", "/enrollmentGroups/g", &[], disabled).await;
    let refused = register(&bench, "dev-01", &device_key("k/p", "dev-01")).await;
    assert_eq!((refused.status, refused.body["errorCode"].as_u64()), (401, Some(401_002)));
    assert_eq!(register(&bench, "dev-01", &key("any")).await.status, 401);
}

#[tokio::test]
async fn behind_a_switch_a_disabled_group_lets_devices_register_as_disabled() {
    let bench = Bench::simple(100);
    bench.shared.flip(|switches| switches.disabled_enrollments_register = true);
    let mut disabled = group("g", "k");
    disabled["provisioningStatus"] = json!("disabled");
    bench.dps("PUT", "/enrollmentGroups/g", &[], disabled).await;
    let done = register(&bench, "dev-01", &device_key("k/p", "dev-01")).await;
    assert_eq!((done.status, done.body["status"].as_str()), (200, Some("disabled")));
    assert!(bench.shared.look(|world| world.hubs[HUB].identities.is_empty()));
}

#[tokio::test]
async fn an_edge_device_gets_the_scope_by_which_its_children_name_it() {
    let bench = Bench::simple(100);
    let mut edge = group("g", "k");
    edge["capabilities"] = json!({"iotEdge": true});
    bench.dps("PUT", "/enrollmentGroups/g", &[], edge).await;
    register(&bench, "gw-01", &device_key("k/p", "gw-01")).await;
    let scope = bench.shared.look(|world| world.hubs[HUB].identities["gw-01"].device_scope.clone());
    assert!(scope.starts_with("ms-azure-iot-edge://gw-01-"), "{scope}");
}

#[tokio::test]
async fn a_device_that_changes_hubs_takes_its_twin_along_or_starts_afresh() {
    for migrates in [true, false] {
        let bench = Bench::new(100, |clock| {
            let mut world = fleet::simple_world(clock, 0, "S2", 10);
            let other = fleet::add_hub(&mut world, "other-hub", "S2", 10);
            world.dps.get_mut("contoso-dps").unwrap().linked_hubs.push(other);
            world
        });
        let mut body = group("g", "k");
        body["allocationPolicy"] = json!("static");
        body["iotHubs"] = json!([HUB]);
        body["initialTwin"] = json!({"tags": {"from": "enrollment"}});
        body["reprovisionPolicy"] = json!({"updateHubAssignment": true, "migrateDeviceData": migrates});
        bench.dps("PUT", "/enrollmentGroups/g", &[], body.clone()).await;
        register(&bench, "dev-01", &device_key("k/p", "dev-01")).await;
        bench.hub("service", "PATCH", "/twins/dev-01", &[], json!({"tags": {"own": 1}})).await;
        body["iotHubs"] = json!(["other-hub.azure-devices.net"]);
        bench.dps("PUT", "/enrollmentGroups/g", &[("if-match", "*")], body).await;
        let again = register(&bench, "dev-01", &device_key("k/p", "dev-01")).await;
        let expected = if migrates { "deviceDataMigrated" } else { "deviceDataReset" };
        assert_eq!(again.body["registrationState"]["substatus"], expected);
        let tags = bench.shared.look(|world| {
            assert!(world.hubs[HUB].identities.is_empty());
            world.hubs["other-hub.azure-devices.net"].identities["dev-01"].twin.tags.clone()
        });
        let expected = if migrates { json!({"from": "enrollment", "own": 1}) } else { json!({"from": "enrollment"}) };
        assert_eq!(tags, expected);
    }
}

#[tokio::test]
async fn behind_a_switch_an_etag_without_quotes_is_refused() {
    let bench = Bench::simple(100);
    let made = bench.dps("PUT", "/enrollmentGroups/g", &[], group("g", "k")).await;
    bench.shared.flip(|switches| switches.plain_etags_refused = true);
    let etag = made.body["etag"].as_str().unwrap();
    let put = |etag: String| {
        let bench = &bench;
        async move { bench.dps("PUT", "/enrollmentGroups/g", &[("if-match", &etag)], group("g", "k")).await.status }
    };
    assert_eq!(put(etag.to_owned()).await, 412);
    assert_eq!(put(format!("\"{etag}\"")).await, 200);
    assert_eq!(put("*".to_owned()).await, 200);
}

#[tokio::test]
async fn an_individual_enrollment_wins_over_a_group() {
    let bench = Bench::simple(100);
    bench.dps("PUT", "/enrollmentGroups/g", &[], group("g", "k")).await;
    let keys = json!({"primaryKey": key("own"), "secondaryKey": key("own2")});
    let body = json!({"registrationId": "dev-01", "attestation": {"type": "symmetricKey", "symmetricKey": keys}});
    assert_eq!(bench.dps("PUT", "/enrollments/dev-01", &[], body).await.status, 200);
    assert_eq!(register(&bench, "dev-01", &device_key("k/p", "dev-01")).await.status, 401);
    assert_eq!(register(&bench, "dev-01", &key("own")).await.status, 200);
}

#[tokio::test]
async fn an_identity_with_other_keys_is_overwritten_or_kept_as_the_switch_says() {
    for conflict in [IdentityConflict::Overwrite, IdentityConflict::Keep] {
        let bench = Bench::simple(100);
        bench.shared.flip(|switches| switches.identity_conflict = conflict);
        bench.dps("PUT", "/enrollmentGroups/g", &[], group("g", "k")).await;
        let before = Authentication::Sas { primary: key("x"), secondary: key("y") };
        let now = bench.shared.clock().now();
        bench.shared.world(|world| {
            let identity = Identity::new("dev-01", before.clone(), now);
            world.hubs.get_mut(HUB).unwrap().identities.insert("dev-01".to_owned(), identity);
        });
        assert_eq!(register(&bench, "dev-01", &device_key("k/p", "dev-01")).await.body["status"], "assigned");
        let after = bench.shared.look(|world| world.hubs[HUB].identities["dev-01"].authentication.clone());
        assert_eq!(after == before, conflict == IdentityConflict::Keep);
    }
}

#[tokio::test]
async fn with_sticky_keys_the_other_key_is_refused_until_the_record_is_deleted() {
    let bench = Bench::simple(100);
    bench.shared.flip(|switches| switches.sticky_keys = true);
    bench.dps("PUT", "/enrollmentGroups/g", &[], group("g", "k")).await;
    let (primary, secondary) = (device_key("k/p", "dev-01"), device_key("k/s", "dev-01"));
    assert_eq!(register(&bench, "dev-01", &primary).await.status, 200);
    assert_eq!(register(&bench, "dev-01", &secondary).await.status, 401);
    assert_eq!(bench.dps("DELETE", "/registrations/dev-01", &[], Value::Null).await.status, 204);
    assert_eq!(register(&bench, "dev-01", &secondary).await.status, 200);
}

#[tokio::test]
async fn a_throttled_hub_fails_the_registration() {
    let bench = Bench::new(1, |clock| fleet::simple_world(clock, 0, "S1", 1));
    bench.dps("PUT", "/enrollmentGroups/g", &[], group("g", "k")).await;
    bench.shared.look(|world| {
        let hub = &world.hubs[HUB];
        crate::sandbox::hub::limits::take(&bench.shared, hub, crate::sandbox::hub::limits::Class::Registry, 110)
            .unwrap();
    });
    let failed = register(&bench, "dev-01", &device_key("k/p", "dev-01")).await;
    assert_eq!((failed.status, failed.body["status"].as_str()), (200, Some("failed")));
    assert!(failed.body["registrationState"]["errorMessage"].as_str().unwrap().contains("ThrottlingException"));
}

#[tokio::test]
async fn an_unknown_device_enters_an_application_unassigned_unless_it_must_be_approved() {
    let bench = Bench::simple(100);
    let scope = "0ne00A00001";
    let own = sas::derive_key(&key("contoso-fleet/SAS-IoT-Devices/primary"), "new-01").unwrap();
    let body = json!({"registrationId": "new-01"});
    assert_eq!(bench.device("PUT", scope, "new-01", "/register", &own, body.clone()).await.status, 202);
    bench.until("provisioned", |world| world.apps["contoso-fleet"].devices["new-01"].provisioned).await;
    assert!(bench.shared.look(|world| world.apps["contoso-fleet"].devices["new-01"].template.is_none()));
    bench
        .shared
        .world(|world| world.apps.get_mut("contoso-fleet").unwrap().devices.get_mut("new-01").unwrap().enabled = false);
    let waiting = bench.device("PUT", scope, "new-01", "/register", &own, body).await;
    assert_eq!((waiting.status, waiting.body["errorCode"].as_u64()), (400, Some(400_209)));
}
