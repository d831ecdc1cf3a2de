use super::*;

fn ready() -> Survey {
    Survey {
        application: Some(ApplicationFacts { name: "Contoso fleet".into(), state: Some("created".into()) }),
        template: Some(TemplateFacts {
            name: "Boiler".into(),
            device_move: DeviceMove::Present { component: Some("migration".into()), notice: None },
        }),
        members: Some(MemberFacts {
            group: "Boilers".into(),
            matching: 200,
            members_done: true,
            ..MemberFacts::default()
        }),
        enrollment: Some(EnrollmentFacts { symmetric: 2, other: 0 }),
        dps: Some(DpsFacts { name: "contoso-dps".into(), state: "Active".into(), linked_hubs: 1 }),
        hub: Some(hub("S2")),
        from_hubs: None,
        same_application: None,
        foreign_hosts: Vec::new(),
        rights: vec![granted(Right::ListDpsKeys), granted(Right::ListHubKeys)],
    }
}

fn hub(sku: &str) -> HubFacts {
    HubFacts::Known {
        name: "contoso-hub".into(),
        state: "Active".into(),
        sku: sku.into(),
        units: 10,
        local_auth_disabled: false,
        other_subscription: None,
    }
}

fn granted(right: Right) -> RightCheck {
    RightCheck { right, scope: "contoso".into(), verdict: Verdict::Granted }
}

fn only(survey: &Survey) -> Finding {
    let found = findings(survey);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().expect("one finding")
}

fn with_members(members: MemberFacts) -> Survey {
    Survey { members: Some(MemberFacts { group: "Boilers".into(), ..members }), ..ready() }
}

#[test]
fn a_fleet_that_can_move_has_no_findings() {
    assert_eq!(findings(&ready()), []);
}

#[test]
fn what_was_not_read_yet_gives_no_finding() {
    assert_eq!(findings(&Survey::default()), []);
}

#[test]
fn a_template_without_device_move_blocks() {
    let template = TemplateFacts { name: "Boiler".into(), device_move: DeviceMove::Absent };
    let finding = only(&Survey { template: Some(template), ..ready() });
    assert_eq!(finding.severity(), Severity::Blocking);
    assert!(finding.what().contains("Boiler") && finding.what().contains("DeviceMove"));
}

#[test]
fn a_queued_command_blocks_and_an_unusual_one_warns() {
    let of = |device_move| Survey { template: Some(TemplateFacts { name: "Boiler".into(), device_move }), ..ready() };
    assert!(blocks(&findings(&of(DeviceMove::Queued))));
    let unusual = of(DeviceMove::Present { component: None, notice: Some("It is at the root.".into()) });
    assert_eq!(only(&unusual).severity(), Severity::Warning);
}

#[test]
fn an_empty_group_blocks_once_all_of_it_was_read() {
    let counting = with_members(MemberFacts::default());
    assert_eq!(findings(&counting), []);
    let counted = with_members(MemberFacts { members_done: true, ..MemberFacts::default() });
    assert_eq!(only(&counted).severity(), Severity::Blocking);
}

#[test]
fn a_group_of_simulated_and_blocked_devices_only_blocks() {
    let members = MemberFacts { matching: 3, simulated: 2, blocked: 1, members_done: true, ..MemberFacts::default() };
    let found = findings(&with_members(members));
    assert!(found.contains(&Finding::NothingMovable { matching: 3 }));
    assert!(blocks(&found));
}

#[test]
fn devices_that_stay_behind_are_warned_of_with_their_number() {
    let members = MemberFacts {
        matching: 3_400,
        unassigned: 2,
        other_template: 1_204,
        simulated: 1,
        members_done: true,
        ..MemberFacts::default()
    };
    let found = findings(&with_members(members));
    assert!(!blocks(&found));
    let words: Vec<String> = found.iter().map(Finding::what).collect();
    assert!(words.contains(&"1,204 devices of the group have another template.".to_owned()), "{words:?}");
    assert!(words.contains(&"1 device is simulated.".to_owned()), "{words:?}");
    assert!(words.iter().any(|words| words.starts_with("2 devices of the application have no template")));
}

#[test]
fn a_group_that_cannot_be_counted_does_not_block() {
    let members = MemberFacts { failed: Some("the application did not answer.".into()), ..MemberFacts::default() };
    assert_eq!(only(&with_members(members)).severity(), Severity::Warning);
}

#[test]
fn each_missing_right_is_named_with_role_and_scope() {
    let missing = |right, scope: &str| RightCheck { right, scope: scope.into(), verdict: Verdict::Missing };
    let rights = vec![missing(Right::ListDpsKeys, "contoso-dps"), missing(Right::Jobs, "Contoso fleet")];
    let found = findings(&Survey { rights, ..ready() });
    assert_eq!(found.len(), 2);
    assert!(found[0].remedy().contains("Contributor on the DPS contoso-dps"), "{}", found[0].remedy());
    assert!(found[1].remedy().contains("Contoso fleet") && found[1].remedy().contains("Jobs"), "{}", found[1].remedy());
}

#[test]
fn who_may_not_read_a_source_dps_can_ask_or_paste_the_keys() {
    let of = |verdict| {
        let check = RightCheck { right: Right::ListSourceDpsKeys, scope: "plant-dps".into(), verdict };
        let finding = only(&Survey { rights: vec![check], ..Survey::default() });
        assert_eq!(finding.severity(), Severity::Blocking);
        finding.remedy()
    };
    let missing = of(Verdict::Missing);
    assert!(missing.starts_with("Ask an owner for the role Contributor on the DPS plant-dps"), "{missing}");
    let no_policy = of(Verdict::NoPolicy);
    assert!(no_policy.contains("enrollment read and registration status read"), "{no_policy}");
    for remedy in [missing, no_policy] {
        assert!(remedy.contains("choose “None: hubs without a DPS”, and paste the keys"), "{remedy}");
    }
}

#[test]
fn a_right_that_could_not_be_checked_blocks() {
    let verdict = Verdict::Unknown("Azure Resource Manager did not answer.".into());
    let rights = vec![RightCheck { right: Right::ListHubKeys, scope: "contoso-hub".into(), verdict }];
    assert!(blocks(&findings(&Survey { rights, ..ready() })));
}

#[test]
fn a_dps_that_sleeps_or_leads_nowhere_blocks() {
    let dps = |state: &str, linked_hubs| DpsFacts { name: "contoso-dps".into(), state: state.into(), linked_hubs };
    let of = |dps| only(&Survey { dps: Some(dps), ..ready() });
    assert!(matches!(of(dps("Suspended", 1)), Finding::DpsNotActive { .. }));
    assert!(matches!(of(dps("Active", 0)), Finding::DpsWithoutHub { .. }));
}

#[test]
fn a_hub_is_judged_by_state_keys_and_tier() {
    let of = |hub| findings(&Survey { hub: Some(hub), ..ready() });
    assert!(blocks(&of(HubFacts::Unreadable("gone.azure-devices.net".into()))));
    assert!(blocks(&of(hub("B1"))));
    let HubFacts::Known { name, sku, units, .. } = hub("S1") else { unreachable!("made above") };
    let refusing = HubFacts::Known {
        name,
        sku,
        units,
        state: "Suspended".into(),
        local_auth_disabled: true,
        other_subscription: Some("1111".into()),
    };
    let found = of(refusing);
    assert_eq!(found.len(), 3);
    assert_eq!(found.last().map(Finding::severity), Some(Severity::Warning));
}

#[test]
fn a_source_without_a_usable_enrollment_group_blocks_and_x509_warns() {
    let of = |symmetric, other| Survey { enrollment: Some(EnrollmentFacts { symmetric, other }), ..ready() };
    assert!(blocks(&findings(&of(0, 0))));
    assert_eq!(only(&of(1, 1)).severity(), Severity::Warning);
}

#[test]
fn a_host_of_another_cloud_blocks() {
    let survey = Survey { foreign_hosts: vec!["contoso-hub.evil.example".into()], ..ready() };
    assert_eq!(only(&survey).severity(), Severity::Blocking);
}

#[test]
fn numbers_are_grouped_by_thousands() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
}
