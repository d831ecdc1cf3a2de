//! X.509: groups and single devices.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::sandbox::device::{Place, is_at_app, restart};
use crate::sandbox::dps::register::{Presented, begin};
use crate::sandbox::fleet::{self, EDGE_APP, NEXT_APP, PLANT, PLANT_CA};
use crate::sandbox::testkit::Bench;
use crate::sandbox::x509::Chain;

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

/// Makes an X.509 group in the empty application and gives it this certificate.
async fn trust(bench: &Bench, pem: &str, verified: bool) {
    let group = json!({"displayName": "x", "type": "iot", "enabled": true, "attestation": {"type": "x509"}});
    assert_eq!(bench.app(NEXT_APP, "PUT", "/enrollmentGroups/x", group).await.status, 200);
    let given = json!({"verified": verified, "certificate": STANDARD.encode(pem)});
    let shown = bench.app(NEXT_APP, "PUT", "/enrollmentGroups/x/certificates/primary", given).await;
    assert_eq!((shown.status, &shown.body["verified"]), (200, &json!(verified)), "{}", shown.text);
}

#[tokio::test]
async fn a_device_of_a_hub_enters_where_the_authority_of_its_certificate_is_trusted() {
    let bench = Bench::new(500, fleet::hub_to_central_world);
    trust(&bench, PLANT_CA, true).await;
    let shown = bench.dps_at(fleet::PLANT_DPS, "GET", "/enrollmentGroups/plant-x509", &[], Value::Null).await.body;
    let info = &shown["attestation"]["x509"]["signingCertificates"]["primary"]["info"];
    let own = bench.app(NEXT_APP, "GET", "/enrollmentGroups/x/certificates/primary", Value::Null).await.body;
    assert_eq!(own["info"]["sha1Thumbprint"], info["sha1Thumbprint"]);
    let told = bench.tell(&format!("{PLANT}.azure-devices.net"), "meter-0025", "migration*DeviceMove", NEXT_APP).await;
    assert_eq!(told.body["status"], 200);
    bench.until("arrival", |world| is_at_app(world, NEXT_APP, "meter-0025")).await;
}

#[tokio::test]
async fn a_chain_is_let_in_under_its_own_name_if_it_leads_to_a_verified_authority() {
    let bench = Bench::new(500, fleet::hub_to_central_world);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Fleet CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "dev-01");
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    let register = |id: &str| {
        let chain = Chain::of_der([leaf.der().as_ref()]).unwrap();
        begin(&bench.shared, "0ne00A00004", id, &Presented::Chain(chain), None).map_err(|fault| fault.code)
    };
    trust(&bench, &authority.pem(), false).await;
    assert_eq!(register("dev-01"), Err(401_002));
    let given = json!({"verified": true, "certificate": STANDARD.encode(authority.pem())});
    assert_eq!(bench.app(NEXT_APP, "PUT", "/enrollmentGroups/x/certificates/primary", given).await.status, 200);
    assert!(register("dev-01").is_ok());
    assert_eq!(register("dev-02"), Err(401_002));
    let own = json!({"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": STANDARD.encode(leaf.pem())}}}});
    assert_eq!(bench.app(NEXT_APP, "DELETE", "/enrollmentGroups/x", Value::Null).await.status, 204);
    assert_eq!(bench.app(NEXT_APP, "PUT", "/devices/dev-01/attestation", own).await.status, 200);
    assert!(register("dev-01").is_ok(), "an attestation of its own does without a group");
}
