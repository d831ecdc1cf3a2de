//! Certificates of authorities, from their upload to a device that comes with a certificate below one.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::{Identity, Method};
use serde_json::json;

use super::*;

const ARM_CERTIFICATES: &str = "providers/Microsoft.Devices/provisioningServices/contoso-dps/certificates";

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// An authority: its certificate as PEM, and what signs with it.
fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

/// A certificate below an authority: itself and its key as PEM.
fn below(issuer: &Issuer<'static, KeyPair>, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (params(name).signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

impl Rig {
    async fn certificate(&self, method: Method, tail: &str, etag: Option<&str>, body: Value) -> (StatusCode, Value) {
        let group = &resource("contoso-dps").resource_group;
        let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/{ARM_CERTIFICATES}{tail}");
        let url = format!("https://management.azure.com{path}?api-version=2022-02-05");
        let mut request = self.client.request(method, url).bearer_auth(self.arm_token(ADA, HOME)).json(&body);
        if let Some(etag) = etag {
            request = request.header("if-match", etag);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// Makes a group that refers to the certificate `fleet-ca`.
    async fn group(&self) -> (StatusCode, Value) {
        let host = "contoso-dps.azure-devices-provisioning.net";
        let policy = self.shared().look(|world| world.dps["contoso-dps"].policies[0].clone());
        let expires = self.shared().clock().now().unix_timestamp() + 3600;
        let token = crate::sandbox::sas::sign(host, &policy.primary, expires, Some(&policy.name)).unwrap();
        let body = json!({"enrollmentGroupId": "g", "attestation": {"type": "x509", "x509": {"caReferences": {"primary": "fleet-ca"}}}});
        let url = format!("https://{host}/enrollmentGroups/g?api-version=2021-10-01");
        let answer = self.client.put(url).header("authorization", token).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// Registers a device with a client certificate; the status of the answer.
    async fn register(&self, id: &str, certificate: &str, key: &str) -> StatusCode {
        let ca = reqwest::Certificate::from_pem(self.sandbox.ca_pem().as_bytes()).unwrap();
        let client = Client::builder()
            .tls_certs_only([ca])
            .proxy(Proxy::all(self.sandbox.proxy_url()).unwrap())
            .identity(Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap())
            .build()
            .unwrap();
        let url = format!(
            "https://global.azure-devices-provisioning.net/0ne00ABCDEF/registrations/{id}/register?api-version=2021-06-01"
        );
        client.put(url).json(&json!({"registrationId": id})).send().await.unwrap().status()
    }
}

#[tokio::test]
async fn a_certificate_is_changed_and_deleted_only_with_the_etag_that_was_read() {
    let rig = Rig::start().await;
    let (pem, issuer) = authority("Fleet CA");
    let body = json!({"properties": {"certificate": base64::engine::general_purpose::STANDARD.encode(&pem)}});
    let (status, made) = rig.certificate(Method::PUT, "/fleet-ca", None, body.clone()).await;
    assert_eq!((status, &made["properties"]["isVerified"]), (StatusCode::OK, &json!(false)));
    assert_eq!(rig.certificate(Method::PUT, "/fleet-ca", None, body).await.0, StatusCode::PRECONDITION_FAILED);
    let etag = made["etag"].as_str().unwrap();
    let (_, coded) = rig.certificate(Method::POST, "/fleet-ca/generateVerificationCode", Some(etag), Value::Null).await;
    let (etag, code) = (coded["etag"].as_str().unwrap(), coded["properties"]["verificationCode"].as_str().unwrap());
    let proof =
        |name: &str| json!({"certificate": base64::engine::general_purpose::STANDARD.encode(below(&issuer, name).0)});
    let (status, _) = rig.certificate(Method::POST, "/fleet-ca/verify", Some(etag), proof("other")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, verified) = rig.certificate(Method::POST, "/fleet-ca/verify", Some(etag), proof(code)).await;
    assert_eq!(verified["properties"]["isVerified"], true);
    let (_, list) = rig.certificate(Method::GET, "", None, Value::Null).await;
    assert_eq!(list["value"][0]["name"], "fleet-ca");
    assert_eq!(
        rig.certificate(Method::DELETE, "/fleet-ca", None, Value::Null).await.0,
        StatusCode::PRECONDITION_FAILED
    );
    let etag = verified["etag"].as_str().unwrap();
    assert_eq!(rig.certificate(Method::DELETE, "/fleet-ca", Some(etag), Value::Null).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_device_with_a_certificate_below_that_of_its_group_registers_under_its_own_name_only() {
    let rig = Rig::start().await;
    let (pem, issuer) = authority("Fleet CA");
    assert_eq!(rig.group().await.0, StatusCode::BAD_REQUEST, "there is no such certificate yet");
    let body = json!({"properties": {
        "certificate": base64::engine::general_purpose::STANDARD.encode(&pem), "isVerified": true,
    }});
    rig.certificate(Method::PUT, "/fleet-ca", None, body).await;
    let (status, group) = rig.group().await;
    assert_eq!(
        (status, &group["attestation"]["x509"]["caReferences"]["primary"]),
        (StatusCode::OK, &json!("fleet-ca"))
    );
    let (own, key) = below(&issuer, "dev-01");
    assert_eq!(rig.register("dev-01", &own, &key).await, StatusCode::ACCEPTED);
    assert_eq!(rig.register("dev-02", &own, &key).await, StatusCode::UNAUTHORIZED);
    let (foreign, key) = below(&authority("Fleet CA").1, "dev-03");
    assert_eq!(rig.register("dev-03", &foreign, &key).await, StatusCode::UNAUTHORIZED);
}
