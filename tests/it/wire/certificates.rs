//! The clients' part in moving devices with certificates, up to a device that is let in.

use iotc_migrator::azure::central::{AttestationKind, CertificateEntry, NewX509Group};
use iotc_migrator::azure::dps::{self, NewX509Enrollment, TrustedBy};
use iotc_migrator::azure::{CertificateDer, ErrorKind, Slots};
use iotc_migrator::ids::{DeviceId, EnrollmentGroupId, HubHost, Subdomain};
use iotc_migrator::migration::Certificate;
use iotc_migrator::sandbox::fleet::{MAIN_APP, NEXT_APP};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::StatusCode;
use serde_json::json;

use super::clients::Clients;
use crate::support::lab::Lab;
use crate::support::truth::{DPS, HUB};

const SCOPE: &str = "0ne00C0DE01";

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// An authority: its certificate as a person would supply it, and what signs with it.
fn authority(name: &str) -> (Certificate, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (Certificate::read(pem.as_bytes()).unwrap(), Issuer::new(params, key))
}

fn sent(certificate: &Certificate) -> CertificateDer {
    CertificateDer::new(certificate.der())
}

/// Registers a device with a certificate below this authority; what the DPS answers.
async fn register(lab: &Lab, id: &str, issuer: &Issuer<'static, KeyPair>) -> StatusCode {
    let key = KeyPair::generate().unwrap();
    let own = [params(id).signed_by(&key, issuer).unwrap().pem(), key.serialize_pem()].concat();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(lab.sandbox.ca_pem().as_bytes()).unwrap()])
        .proxy(reqwest::Proxy::all(lab.sandbox.proxy_url()).unwrap())
        .identity(reqwest::Identity::from_pem(own.as_bytes()).unwrap())
        .build()
        .unwrap();
    let global = "https://global.azure-devices-provisioning.net";
    let url = format!("{global}/{SCOPE}/registrations/{id}/register?api-version=2021-06-01");
    client.put(url).json(&json!({ "registrationId": id })).send().await.unwrap().status()
}

fn new_group(id: &str, trust: TrustedBy) -> dps::NewX509Group {
    dps::NewX509Group { id: EnrollmentGroupId::new(id), trust, hub: HubHost::new(HUB), initial_tags: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dps_is_given_a_certificate_once_and_lets_in_the_devices_below_it() {
    let clients = Clients::start().await;
    let (id, dps) = clients.dps(DPS).await;
    let (fleet, issuer) = authority("Fleet CA");
    assert_eq!(clients.arm.dps_certificates(&id).await.unwrap(), []);
    let kept = clients.arm.create_dps_certificate(&id, "fleet-ca", &sent(&fleet)).await.unwrap();
    assert!(kept.verified && kept.certificate.has_thumbprint(&fleet.sha1));
    assert_eq!(kept.certificate.not_after, Some(fleet.not_after));
    let (other, _) = authority("Other CA");
    let error = clients.arm.create_dps_certificate(&id, "fleet-ca", &sent(&other)).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Conflict), "{error:?}");
    assert_eq!(clients.arm.dps_certificate(&id, "fleet-ca").await.unwrap(), Some(kept));

    assert_eq!(register(&clients.lab, "dev-01", &issuer).await, StatusCode::UNAUTHORIZED);
    let made =
        dps.create_x509_group(&new_group("g", TrustedBy::CaReferences(Slots::one("fleet-ca".into())))).await.unwrap();
    assert_eq!(made.x509.unwrap().ca_references, Slots::one("fleet-ca".into()));
    assert_eq!(register(&clients.lab, "dev-01", &issuer).await, StatusCode::ACCEPTED);
    let again = dps.create_x509_group(&new_group("g", TrustedBy::CaReferences(Slots::one("fleet-ca".into())))).await;
    assert!(matches!(again.unwrap_err().kind, ErrorKind::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_come_with_an_enrollment_are_told_by_their_thumbprints() {
    let clients = Clients::start().await;
    let (_, dps) = clients.dps(DPS).await;
    let ((fleet, issuer), (next, _)) = (authority("Fleet CA"), authority("Next CA"));
    let both = Slots { primary: Some(sent(&fleet)), secondary: Some(sent(&next)) };
    dps.create_x509_group(&new_group("g", TrustedBy::SigningCertificates(both))).await.unwrap();
    let group = dps.enrollment_group(&EnrollmentGroupId::new("g")).await.unwrap().unwrap();
    let told = group.x509.unwrap().signing_certificates;
    let primary = told.primary.as_ref().unwrap();
    assert!(primary.has_thumbprint(&fleet.sha1) && primary.has_thumbprint(&fleet.sha256));
    assert_eq!(primary.not_after, Some(fleet.not_after));
    assert!(told.secondary.unwrap().has_thumbprint(&next.sha1));
    assert_eq!(register(&clients.lab, "dev-01", &issuer).await, StatusCode::ACCEPTED);

    let (own, device) = (authority("dev-02").0, DeviceId::new("dev-02"));
    let certificates = Slots::one(sent(&own));
    let new = NewX509Enrollment { id: device.clone(), certificates, hub: HubHost::new(HUB) };
    dps.create_x509_enrollment(&new).await.unwrap();
    let enrollment = dps.individual_enrollment(&device).await.unwrap().unwrap();
    assert!(enrollment.x509.unwrap().client_certificates.primary.unwrap().has_thumbprint(&own.sha1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_given_certificates_for_a_group_and_for_a_device() {
    let clients = Clients::start().await;
    let next = clients.azure.central(clients.tokens.clone(), &Subdomain::new(NEXT_APP)).unwrap();
    let (fleet, _) = authority("Fleet CA");
    let (id, entry) = (EnrollmentGroupId::new("moved-1"), CertificateEntry::Primary);
    next.create_x509_group(&NewX509Group { id: id.clone(), display_name: "Moved".into() }).await.unwrap();
    assert_eq!(next.group_certificate(&id, entry).await.unwrap(), None);
    let kept = next.put_group_certificate(&id, entry, &sent(&fleet)).await.unwrap();
    assert!(kept.verified && kept.sha1.as_deref() == Some(fleet.sha1.as_str()));
    assert_eq!(next.group_certificate(&id, entry).await.unwrap(), Some(kept));
    let error = next.put_group_certificate(&id, entry, &sent(&authority("Other CA").0)).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Conflict), "{error:?}");
    let second = EnrollmentGroupId::new("moved-2");
    next.create_x509_group(&NewX509Group { id: second.clone(), display_name: "Moved too".into() }).await.unwrap();
    let error = next.put_group_certificate(&second, entry, &sent(&fleet)).await.unwrap_err();
    assert!(error.hint.unwrap().contains("another enrollment group has it"));

    let main = clients.azure.central(clients.tokens.clone(), &Subdomain::new(MAIN_APP)).unwrap();
    let (own, device) = (authority("boiler-0001").0, DeviceId::new("boiler-0001"));
    main.put_device_certificates(&device, &Slots::one(sent(&own))).await.unwrap();
    let attestation = main.device_attestation_with_keys(&device).await.unwrap().unwrap();
    assert_eq!(attestation.kind, AttestationKind::X509);
    assert!(attestation.certificates.primary.unwrap().has_thumbprint(&own.sha1));
}
