use super::*;
use crate::engine::GroupKeys;
use crate::ids::EnrollmentGroupId;
use crate::migration::coverage::{Coverage, KeyPair, Obstacle, SourceGroup};
use crate::web::fixture;

fn covered(id: &str, standing: Standing) -> Covered {
    let keys = (standing != Standing::Blocked(Obstacle::NotSymmetric)).then(|| KeyPair::from_digests([1; 32], [2; 32]));
    let source = SourceGroup {
        id: id.into(),
        name: format!("Group {id}"),
        enabled: true,
        edge: false,
        keys,
        certificates: Vec::new(),
        supplied: Vec::new(),
    };
    Covered { source, standing }
}

fn plan() -> Plan {
    fixture::plan()
}

fn view(groups: Vec<Covered>) -> KeysView {
    let keys = |covered: &Covered| GroupKeys {
        id: covered.source.id.clone(),
        name: covered.source.name.clone(),
        primary: "cHJpbWFyeQ==".into(),
        secondary: "c2Vjb25kYXJ5".into(),
    };
    let keys = groups.iter().filter(|covered| covered.source.keys.is_some()).map(keys).collect();
    KeysView::new(Coverage { groups }, keys)
}

fn id(id: &str) -> EnrollmentGroupId {
    id.into()
}

#[test]
fn the_program_starts_when_it_can_make_what_is_missing() {
    let view = view(vec![covered("a", Standing::Equal(id("x"))), covered("b", Standing::Creatable(id("new-b")))]);
    assert_eq!(blocked(&view, KeyHandling::Program, &[], &plan()), None);
    assert_eq!(to_make(&view, &[]), ["new-b"]);
    assert!(blocked(&view, KeyHandling::ByHand, &[], &plan()).expect("a reason").contains("Group b"));
}

#[test]
fn a_group_in_the_way_blocks_until_it_is_stated_unused() {
    let view =
        view(vec![covered("a", Standing::Equal(id("x"))), covered("certs", Standing::Blocked(Obstacle::NotSymmetric))]);
    assert!(blocked(&view, KeyHandling::Program, &[], &plan()).expect("a reason").contains("Group certs"));
    assert_eq!(blocked(&view, KeyHandling::Program, &["certs".into()], &plan()), None);
}

#[test]
fn an_application_without_groups_cannot_be_started() {
    assert!(blocked(&view(Vec::new()), KeyHandling::Program, &[], &plan()).is_some());
}

#[test]
fn keys_are_there_only_for_a_person_who_adds_them_by_hand() {
    let view = view(vec![covered("b", Standing::Creatable(id("new-b")))]);
    let shown = |handling| {
        groups(&view, handling, &[], &plan()).next().and_then(|group| group.keys().map(|(one, _)| one.to_owned()))
    };
    assert_eq!(shown(KeyHandling::Program), None);
    assert_eq!(shown(KeyHandling::ByHand).as_deref(), Some("cHJpbWFyeQ=="));
}

#[test]
fn no_key_shows_in_a_debug_output() {
    let view = view(vec![covered("b", Standing::Creatable(id("new-b")))]);
    let rows: Vec<Group> = groups(&view, KeyHandling::ByHand, &[], &plan()).collect();
    assert!(!format!("{rows:?}").contains("cHJpbWFyeQ"));
}

#[test]
fn a_group_of_a_hub_is_made_only_if_it_is_used_and_can_be_left_out() {
    let view = view(vec![
        covered("plant", Standing::Creatable(id("new-plant"))),
        covered("annex", Standing::Blocked(Obstacle::Disabled(id("x")))),
    ]);
    let plan = Plan { source: fixture::hub_source(), target: fixture::app_target(), ..fixture::plan() };
    let of = |unused: &[String]| groups(&view, KeyHandling::Program, unused, &plan).collect::<Vec<Group>>();
    let rows = of(&[]);
    assert_eq!((rows[0].standing, rows[0].statement.as_deref()), ("Created if used", None));
    assert!(rows[0].detail.contains("if a device has its keys"), "{}", rows[0].detail);
    assert_eq!(rows[1].statement.as_deref(), Some("Leave the devices of Group annex where they are"));
    assert!(blocked(&view, KeyHandling::Program, &[], &plan).expect("a reason").contains("Group annex"));
    let left = ["annex".to_owned()];
    assert_eq!(of(&left)[1].standing, "Left out");
    assert_eq!(blocked(&view, KeyHandling::Program, &left, &plan), None);
}
