use super::super::{Finding, Survey, blocks, findings as of_survey};
use super::*;

fn hub(name: &str) -> FromHubFacts {
    FromHubFacts {
        name: name.into(),
        state: "Active".into(),
        sku: "S1".into(),
        units: 1,
        local_auth_disabled: false,
        other_dps: Vec::new(),
        devices: Some(Ok(HubCounts { total: 27, enabled: 27, disabled: 0 })),
    }
}

fn of(hubs: Vec<FromHubFacts>) -> Survey {
    let facts = FromHubsFacts { hubs, dps: Some("plant-dps".into()), ..FromHubsFacts::default() };
    Survey { from_hubs: Some(facts), ..Survey::default() }
}

fn only(survey: &Survey) -> Finding {
    let found = of_survey(survey);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().expect("one finding")
}

#[test]
fn a_hub_whose_devices_can_move_has_no_findings() {
    assert_eq!(of_survey(&of(vec![hub("plant")])), []);
}

#[test]
fn a_hub_that_cannot_tell_its_devices_blocks_and_says_why() {
    for (hub, words) in [
        (FromHubFacts { sku: "B1".into(), ..hub("plant") }, "no direct methods"),
        (FromHubFacts { state: "Suspended".into(), ..hub("plant") }, "not active but “Suspended”"),
        (FromHubFacts { local_auth_disabled: true, ..hub("plant") }, "local authentication is disabled"),
    ] {
        let survey = of(vec![hub]);
        assert!(blocks(&of_survey(&survey)));
        assert!(only(&survey).what().contains(words), "{}", only(&survey).what());
    }
}

#[test]
fn a_hub_of_two_dps_warns_whose_devices_are_left_out() {
    let shared = FromHubFacts { other_dps: vec!["west-dps".into()], ..hub("shared") };
    let finding = only(&of(vec![shared]));
    assert_eq!(finding.severity(), Severity::Warning);
    assert_eq!(finding.what(), "The hub shared is linked to the DPS west-dps too.");
    assert!(finding.remedy().contains("enrollments are in west-dps are skipped"), "{}", finding.remedy());
}

#[test]
fn hubs_of_the_dps_that_are_left_out_or_not_found_are_remarked() {
    let facts = FromHubsFacts {
        hubs: vec![hub("plant")],
        dps: Some("plant-dps".into()),
        not_chosen: vec!["plant-two".into()],
        not_found: vec!["gone.azure-devices.net".into()],
    };
    let found = findings(&facts);
    assert!(found.iter().all(HubFinding::is_remark), "{found:?}");
    assert_eq!(found[0].what(), "Of the hubs linked to plant-dps, plant-two is not chosen.");
    assert!(found[1].what().contains("gone.azure-devices.net") && found[1].what().contains("no subscription"));
    let none_yet = FromHubsFacts { hubs: Vec::new(), not_found: Vec::new(), ..facts };
    assert_eq!(findings(&none_yet), []);
}

#[test]
fn devices_are_counted_over_all_hubs_or_not_at_all() {
    let counts = HubCounts { total: 3, enabled: 1, disabled: 2 };
    let two = [hub("plant"), FromHubFacts { devices: Some(Ok(counts)), ..hub("two") }];
    assert_eq!(in_all(&two), Some(HubCounts { total: 30, enabled: 28, disabled: 2 }));
    assert_eq!(in_all(&two).expect("counted").words(), "30 devices, of which 2 are disabled");
    assert_eq!(only(&of(two.to_vec())).what(), "2 devices are disabled.");
    let silent = FromHubFacts { devices: Some(Err("it did not answer.".into())), ..hub("two") };
    assert_eq!(in_all(&[hub("plant"), silent.clone()]), None);
    assert_eq!(only(&of(vec![silent])).severity(), Severity::Warning);
}

#[test]
fn hubs_without_devices_are_not_taken_for_certain() {
    let empty = FromHubFacts { devices: Some(Ok(HubCounts::default())), ..hub("plant") };
    assert_eq!(only(&of(vec![empty])), Finding::OfHub(HubFinding::NoDevices));
}
