//! What is told of certificates that people supply.

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use time::macros::datetime;

use super::*;

const NOW: Timestamp = datetime!(2026-06-01 12:00 UTC);

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (datetime!(2026-01-01 0:00 UTC), datetime!(2027-01-01 0:00 UTC));
    params
}

/// An authority: its certificate, and what signs with it.
fn authority(name: &str) -> (rcgen::Certificate, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.self_signed(&key).unwrap(), Issuer::new(params, key))
}

fn leaf(name: &str) -> rcgen::Certificate {
    params(name).signed_by(&KeyPair::generate().unwrap(), &authority("Fleet CA").1).unwrap()
}

fn read(certificate: &rcgen::Certificate) -> Certificate {
    Certificate::read(certificate.der()).unwrap()
}

#[test]
fn a_certificate_is_the_same_in_every_form_that_people_have_it_in() {
    let (made, _) = authority("Fleet CA");
    let pem = made.pem();
    let expected = read(&made);
    assert_eq!(expected.der(), made.der().as_ref());
    let one_line = pem.replace(['\r', '\n'], " ");
    for supplied in [
        pem.clone(),
        format!("\u{feff}subject=CN = Fleet CA\nBag Attributes: é\n  {pem}\n\n"),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', "\n    "),
        one_line,
        STANDARD.encode(made.der()),
        format!("{}\n", STANDARD.encode(&pem)),
    ] {
        assert_eq!(Certificate::read(supplied.as_bytes()), Ok(expected.clone()), "{supplied}");
    }
    assert_eq!(Certificate::read(&[made.der().as_ref(), b"\n"].concat()), Ok(expected));
}

#[test]
fn a_certificate_tells_whose_it_is_and_until_when() {
    let certificate = read(&authority("Fleet CA").0);
    assert_eq!((certificate.subject.as_str(), certificate.common_name.as_deref()), ("CN=Fleet CA", Some("Fleet CA")));
    assert_eq!(certificate.not_before, datetime!(2026-01-01 0:00 UTC));
    assert_eq!(certificate.not_after, datetime!(2027-01-01 0:00 UTC));
    assert!(certificate.is_authority && !read(&leaf("dev-01")).is_authority);
}

#[test]
fn thumbprints_are_those_that_openssl_computes() {
    let certificate = Certificate::read(include_bytes!("fleet-ca.pem")).unwrap();
    assert_eq!(certificate.sha1, "9B03F5C135EC2829BE9C16D857959F99DBDB4CD0");
    assert_eq!(certificate.sha256, "96D195543EC7FBCDCC9E26664C45353574BD161022814023B004FAD91B66319F");
    assert!(certificate.has_thumbprint("9B:03:F5:C1:35:EC:28:29:BE:9C:16:D8:57:95:9F:99:DB:DB:4C:D0"));
    assert!(certificate.has_thumbprint(&certificate.sha256.to_lowercase()));
    assert!(!certificate.has_thumbprint("") && !certificate.has_thumbprint("AB"));
    assert!(certificate.is_authority);
}

#[test]
fn an_old_root_without_extensions_is_an_authority() {
    let root = Certificate::read(include_bytes!("old-root.pem")).unwrap();
    assert!(root.is_authority);
}

#[test]
fn what_is_no_certificate_says_what_is_wanted() {
    for nothing in ["", " \r\n"] {
        assert_eq!(Certificate::read(nothing.as_bytes()), Err(CertificateProblem::Nothing));
    }
    let cut = authority("Fleet CA").0.pem().replace("-----END CERTIFICATE-----", "");
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nMAcHBwc=\n-----END CERTIFICATE REQUEST-----";
    let no_base64 = "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----";
    for other in ["hello", "bm8gY2VydGlmaWNhdGU=", &cut[..cut.len() / 2], request, no_base64, "-----BEGIN "] {
        let problem = Certificate::read(other.as_bytes()).unwrap_err();
        assert_eq!(problem, CertificateProblem::NotACertificate, "{other}");
        assert!(problem.to_string().contains("BEGIN CERTIFICATE"));
    }
    let (made, _) = authority("Fleet CA");
    assert_eq!(Certificate::read(&made.der()[..200]), Err(CertificateProblem::NotACertificate));
    assert_eq!(Certificate::read(&[0x30, 0x82, 0xFF, 0xFF, 0x00]), Err(CertificateProblem::NotACertificate));
}

#[test]
fn a_private_key_is_refused_wherever_it_stands_and_not_repeated() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let certificate = authority("Fleet CA").0.pem();
    let old = key.replace("PRIVATE KEY", "EC PRIVATE KEY");
    for supplied in [
        key.clone(),
        old,
        format!("{certificate}{key}"),
        format!("{key}{certificate}"),
        format!("-----BEGIN CERTIFICATE-----\n*\n{key}"),
        STANDARD.encode(format!("{certificate}{key}")),
    ] {
        let problem = Certificate::read(supplied.as_bytes()).unwrap_err();
        assert_eq!(problem, CertificateProblem::PrivateKey, "{supplied}");
        assert!(!problem.to_string().contains(key.lines().nth(1).unwrap()));
    }
}

#[test]
fn of_a_chain_the_one_that_is_meant_is_chosen_by_whoever_knows() {
    let chain = [leaf("dev-01").pem(), authority("Fleet CA").0.pem()].concat();
    assert_eq!(Certificate::read(chain.as_bytes()), Err(CertificateProblem::Several(2)));
    let all = Certificate::read_all(chain.as_bytes()).unwrap();
    let names: Vec<_> = all.iter().map(|one| (one.common_name.as_deref().unwrap(), one.is_authority)).collect();
    assert_eq!(names, [("dev-01", false), ("Fleet CA", true)]);
}

#[test]
fn of_several_the_one_that_cannot_be_read_is_named() {
    let spoilt = leaf("dev-02").pem().replace("MII", "*");
    let chain = [leaf("dev-01").pem(), spoilt, leaf("dev-03").pem()].concat();
    let problem = Certificate::read_all(chain.as_bytes()).unwrap_err();
    assert_eq!(problem, CertificateProblem::Part { number: 2, all: 3 });
    assert!(problem.to_string().starts_with("Certificate 2 of the 3 "), "{problem}");
}

#[test]
fn an_authority_will_do_only_if_it_is_one_and_while_it_is_valid() {
    let certificate = read(&authority("Fleet CA").0);
    assert_eq!(certificate.check_authority(NOW), Ok(()));
    let problem = certificate.check_authority(datetime!(2027-01-01 0:00:01 UTC)).unwrap_err();
    assert!(problem.to_string().starts_with("CN=Fleet CA expired on 2027-01-01."), "{problem}");
    let problem = certificate.check_authority(datetime!(2025-12-31 23:59 UTC)).unwrap_err();
    assert!(problem.to_string().starts_with("CN=Fleet CA is valid from 2026-01-01 only."), "{problem}");
    let problem = read(&leaf("dev-01")).check_authority(NOW).unwrap_err();
    assert_eq!(problem, CertificateProblem::Leaf { subject: "CN=dev-01".into() });
}

#[test]
fn a_devices_own_certificate_bears_its_name() {
    let (own, device) = (read(&leaf("dev-01")), DeviceId::new("dev-01"));
    assert_eq!(own.check_device(&device, NOW), Ok(()));
    assert_eq!(own.check_device(&DeviceId::new("DEV-01"), NOW), Ok(()));
    assert!(matches!(
        own.check_device(&device, datetime!(2028-01-01 0:00 UTC)),
        Err(CertificateProblem::Expired { .. })
    ));
    let problem = own.check_device(&DeviceId::new("dev-02"), NOW).unwrap_err();
    assert!(problem.to_string().contains("dev-02") && problem.to_string().contains("\"dev-01\""), "{problem}");
    let problem = read(&authority("Fleet CA").0).check_device(&device, NOW).unwrap_err();
    assert!(matches!(problem, CertificateProblem::Authority { .. }));
    // What openssl makes by default for a device that signs for itself says that it is an authority.
    assert_eq!(read(&authority("dev-01").0).check_device(&device, NOW), Ok(()));
    let mut nameless = params("");
    nameless.distinguished_name = DistinguishedName::new();
    let nameless = read(&nameless.self_signed(&KeyPair::generate().unwrap()).unwrap());
    let problem = nameless.check_device(&device, NOW).unwrap_err().to_string();
    assert!(problem.contains(&nameless.sha1) && problem.contains("not given"), "{problem}");
}
