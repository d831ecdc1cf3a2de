//! X.509: groups and single devices.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::sandbox::device::{Place, is_at_app, restart};
use crate::sandbox::fleet::{self, EDGE_APP};
use crate::sandbox::testkit::Bench;

/// A certificate as far as anybody looks: a DER sequence.
fn certificate(content: &str) -> String {
    STANDARD.encode([&[0x30], content.as_bytes()].concat())
}

#[tokio::test]
async fn a_certificate_is_verified_by_one_that_names_the_code_and_belongs_to_one_group() {
    let bench = Bench::simple(100);
    let put = |path: &'static str, body: Value| bench.central("PUT", path, body);
    let group = json!({"displayName": "x", "type": "iot", "attestation": {"type": "x509"}});
    assert_eq!(put("/enrollmentGroups/one", group.clone()).await.status, 200);
    assert_eq!(put("/enrollmentGroups/two", group).await.status, 200);
    let given = json!({"certificate": certificate("root"), "info": {"sha1Thumbprint": "FORGED"}});
    let shown = put("/enrollmentGroups/one/certificates/primary", given.clone()).await;
    assert_eq!((shown.status, &shown.body["verified"]), (200, &json!(false)));
    assert!(shown.body["etag"].is_string() && shown.body["info"]["sha1Thumbprint"] != "FORGED");
    assert_eq!(put("/enrollmentGroups/two/certificates/primary", given).await.status, 409);
    let of = "/enrollmentGroups/one/certificates/primary";
    let post = |tail: &'static str, body: Value| {
        let bench = &bench;
        async move { bench.central("POST", &format!("{of}/{tail}"), body).await }
    };
    let code =
        post("generateVerificationCode", Value::Null).await.body["verificationCode"].as_str().unwrap().to_owned();
    assert_eq!(post("verify", json!({"certificate": certificate("nothing")})).await.status, 422);
    assert_eq!(post("verify", json!({"certificate": certificate(&format!("CN={code}"))})).await.status, 204);
    assert_eq!(bench.central("GET", of, Value::Null).await.body["verified"], true);
}

#[tokio::test]
async fn a_group_lets_devices_in_by_a_verified_certificate_only() {
    let bench = Bench::fleet(500);
    assert!(restart(&bench.shared, "kiln-x509-0001"));
    bench.until("back", |world| is_at_app(world, EDGE_APP, "kiln-x509-0001")).await;
    bench.shared.world(|world| {
        let app = world.apps.get_mut(EDGE_APP).unwrap();
        app.enrollment_groups.get_mut("x509-devices").unwrap().verified = [false; 2];
    });
    assert!(restart(&bench.shared, "kiln-x509-0001"));
    bench.until("lost", |world| matches!(world.devices["kiln-x509-0001"].place, Place::Lost { .. })).await;
}

#[tokio::test]
async fn an_individual_attestation_is_complete_and_its_patch_merges() {
    let bench = Bench::simple(100);
    let path = "/devices/boiler-0001/attestation";
    let send = |method: &'static str, body: Value| bench.central(method, path, body);
    let keys = |keys: Value| json!({"type": "symmetricKey", "symmetricKey": keys});
    assert_eq!(send("PATCH", keys(json!({"primaryKey": fleet::key("a")}))).await.status, 404);
    assert_eq!(send("PUT", keys(json!({"primaryKey": fleet::key("a")}))).await.status, 400);
    assert_eq!(send("PUT", json!({"type": "symmetricKey"})).await.status, 400);
    let both = json!({"primaryKey": fleet::key("a"), "secondaryKey": fleet::key("b")});
    assert_eq!(send("PUT", keys(both)).await.status, 200);
    let patched = send("PATCH", json!({"symmetricKey": {"primaryKey": fleet::key("c")}})).await;
    let expected = json!({"primaryKey": fleet::key("c"), "secondaryKey": fleet::key("b")});
    assert_eq!(patched.body["symmetricKey"], expected);

    let x509 = |primary: Value| json!({"type": "x509", "x509": {"clientCertificates": {"primary": primary}}});
    let by_thumbprint = || x509(json!({"info": {"sha1Thumbprint": "AB".repeat(20)}}));
    assert_eq!(send("PUT", by_thumbprint()).await.status, 400);
    assert_eq!(send("PUT", x509(json!({"certificate": certificate("leaf")}))).await.status, 200);
    bench.shared.flip(|switches| switches.thumbprints_attest = true);
    assert_eq!(send("PUT", by_thumbprint()).await.status, 200);
}
