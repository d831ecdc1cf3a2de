use super::*;

fn keys(seed: u8) -> KeyPair {
    KeyPair::from_digests([seed; 32], [seed + 100; 32])
}

fn hub() -> HubHost {
    HubHost::new("contoso-hub.azure-devices.net")
}

fn source(id: &str, keys: Option<KeyPair>) -> SourceGroup {
    SourceGroup {
        id: id.into(),
        name: id.into(),
        enabled: true,
        edge: false,
        keys,
        certificates: Vec::new(),
        supplied: Vec::new(),
    }
}

fn target(id: &str, keys: KeyPair) -> TargetGroup {
    TargetGroup {
        id: id.into(),
        enabled: true,
        edge: false,
        keys: Some(keys),
        certificates: Vec::new(),
        unverified: Vec::new(),
        leads_to: vec![hub()],
    }
}

fn standing_of(target: &[TargetGroup]) -> Standing {
    let coverage =
        Coverage::of(&[source("sas", Some(keys(1)))], target, Some(&hub()), |id| format!("iotc-{id}").into());
    coverage.groups[0].standing.clone()
}

#[test]
fn equal_keys_in_an_enabled_group_to_the_hub_are_equal() {
    assert_eq!(standing_of(&[target("other", keys(2)), target("mine", keys(1))]), Standing::Equal("mine".into()));
}

#[test]
fn without_kin_a_group_can_be_made() {
    assert_eq!(standing_of(&[target("other", keys(2))]), Standing::Creatable("iotc-sas".into()));
}

#[test]
fn an_id_in_use_with_other_keys_is_never_taken_over() {
    assert_eq!(standing_of(&[target("IOTC-sas", keys(2))]), Standing::Blocked(Obstacle::IdTaken("iotc-sas".into())));
}

#[test]
fn every_way_of_being_almost_equal_blocks() {
    let disabled = TargetGroup { enabled: false, ..target("g", keys(1)) };
    assert_eq!(standing_of(&[disabled]), Standing::Blocked(Obstacle::Disabled("g".into())));
    let edge = TargetGroup { edge: true, ..target("g", keys(1)) };
    assert_eq!(standing_of(&[edge]), Standing::Blocked(Obstacle::ForEdge("g".into())));
    let elsewhere = TargetGroup { leads_to: vec![hub(), "b.azure-devices.net".into()], ..target("g", keys(1)) };
    assert!(matches!(standing_of(&[elsewhere]), Standing::Blocked(Obstacle::OtherHub(..))));
    let swapped = target("g", KeyPair::from_digests([101; 32], [1; 32]));
    assert_eq!(standing_of(&[swapped]), Standing::Blocked(Obstacle::Swapped("g".into())));
    let half = target("g", KeyPair::from_digests([1; 32], [7; 32]));
    assert_eq!(standing_of(&[half]), Standing::Blocked(Obstacle::HalfEqual("g".into())));
    let twice = [target("g", keys(1)), target("h", keys(1))];
    assert!(matches!(standing_of(&twice), Standing::Blocked(Obstacle::Ambiguous(..))));
}

#[test]
fn an_x509_group_blocks_until_it_is_stated_unused() {
    let groups = [source("sas", Some(keys(1))), source("certs", None)];
    let coverage = Coverage::of(&groups, &[target("g", keys(1))], Some(&hub()), Clone::clone);
    assert_eq!(coverage.blocking(&[]).len(), 1);
    assert!(coverage.uncovered(&["certs".into()]).is_empty());
    assert!(coverage.certain().is_none());
}

#[test]
fn disabled_and_edge_groups_of_the_source_do_not_count() {
    let edge = SourceGroup { edge: true, ..source("edge", Some(keys(3))) };
    let off = SourceGroup { enabled: false, ..source("off", Some(keys(4))) };
    let coverage = Coverage::of(&[source("sas", Some(keys(1))), edge, off], &[], Some(&hub()), Clone::clone);
    assert_eq!(coverage.groups.len(), 1);
    assert!(coverage.certain().is_some());
}

fn of_certificates(names: &[&str]) -> SourceGroup {
    SourceGroup { certificates: names.iter().map(|name| Thumbprint::new(name)).collect(), ..source("certs", None) }
}

fn with_certificates(id: &str, names: &[&str]) -> TargetGroup {
    let certificates = names.iter().map(|name| Thumbprint::new(name)).collect();
    TargetGroup { keys: None, certificates, ..target(id, keys(1)) }
}

fn x509(group: &SourceGroup, target: &[TargetGroup]) -> Standing {
    let coverage = Coverage::of(std::slice::from_ref(group), target, Some(&hub()), |id| format!("iotc-{id}").into());
    coverage.groups[0].standing.clone()
}

#[test]
fn an_x509_group_can_be_made_once_all_its_certificates_were_supplied() {
    let group = of_certificates(&["aa:01", "BB 02"]);
    assert_eq!(x509(&group, &[]), Standing::Blocked(Obstacle::CertificateNeeded(Thumbprint::new("AA01"))));
    let half = SourceGroup { supplied: vec![Thumbprint::new("AA01")], ..group.clone() };
    assert_eq!(x509(&half, &[]), Standing::Blocked(Obstacle::CertificateNeeded(Thumbprint::new("BB02"))));
    let whole = SourceGroup { supplied: half.certificates.clone(), ..half };
    assert_eq!(x509(&whole, &[]), Standing::Creatable("iotc-certs".into()));
    let empty = [with_certificates("iotc-certs", &[])];
    assert_eq!(x509(&whole, &empty), Standing::Blocked(Obstacle::IdTaken("iotc-certs".into())), "a DPS makes it whole");
    let in_app = |target: &[TargetGroup]| {
        let coverage = Coverage::of(std::slice::from_ref(&whole), target, None, |id| format!("iotc-{id}").into());
        coverage.groups[0].standing.clone()
    };
    assert_eq!(in_app(&empty), Standing::Creatable("iotc-certs".into()));
    assert_eq!(in_app(&[with_certificates("iotc-certs", &["AA01"])]), Standing::Creatable("iotc-certs".into()));
    let other_first = [with_certificates("iotc-certs", &["BB02"])];
    assert_eq!(in_app(&other_first), Standing::Blocked(Obstacle::HalfEqual("iotc-certs".into())));
    let taken = [with_certificates("iotc-certs", &["CC03"])];
    assert_eq!(x509(&whole, &taken), Standing::Blocked(Obstacle::IdTaken("iotc-certs".into())));
}

#[test]
fn an_x509_group_is_equal_to_one_with_all_its_certificates_that_is_open_and_leads_to_the_hub() {
    let group = of_certificates(&["AA01", "BB02"]);
    assert_eq!(x509(&group, &[with_certificates("g", &["bb02", "aa01"])]), Standing::Equal("g".into()));
    let half = [with_certificates("g", &["AA01"])];
    assert_eq!(x509(&group, &half), Standing::Blocked(Obstacle::HalfEqual("g".into())));
    let off = [TargetGroup { enabled: false, ..with_certificates("g", &["AA01", "BB02"]) }];
    assert_eq!(x509(&group, &off), Standing::Blocked(Obstacle::Disabled("g".into())));
    let unverified = vec![Thumbprint::new("AA01")];
    let unseen = [TargetGroup { unverified, ..with_certificates("g", &[]) }];
    assert_eq!(x509(&group, &unseen), Standing::Blocked(Obstacle::Unverified("g".into())));
    let twice = [with_certificates("g", &["AA01", "BB02"]), with_certificates("h", &["AA01"])];
    assert!(matches!(x509(&group, &twice), Standing::Blocked(Obstacle::Ambiguous(..))));
}
