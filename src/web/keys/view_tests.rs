use super::*;
use crate::engine::GroupKeys;
use crate::ids::EnrollmentGroupId;
use crate::migration::coverage::{Coverage, KeyPair, Obstacle, SourceGroup};

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

fn target() -> Target {
    crate::web::fixture::plan().target
}

fn view(groups: Vec<Covered>) -> KeysView {
    let keys = |covered: &Covered| GroupKeys {
        id: covered.source.id.clone(),
        name: covered.source.name.clone(),
        primary: "cHJpbWFyeQ==".into(),
        secondary: "c2Vjb25kYXJ5".into(),
    };
    let keys = groups.iter().filter(|covered| covered.source.keys.is_some()).map(keys).collect();
    KeysView { coverage: Coverage { groups }, groups: keys, ..KeysView::default() }
}

fn id(id: &str) -> EnrollmentGroupId {
    id.into()
}

#[test]
fn the_program_starts_when_it_can_make_what_is_missing() {
    let view = view(vec![covered("a", Standing::Equal(id("x"))), covered("b", Standing::Creatable(id("new-b")))]);
    assert_eq!(blocked(&view, KeyHandling::Program, &[], &target()), None);
    assert_eq!(to_make(&view, &[]), ["new-b"]);
    assert!(blocked(&view, KeyHandling::ByHand, &[], &target()).expect("a reason").contains("Group b"));
}

#[test]
fn a_group_in_the_way_blocks_until_it_is_stated_unused() {
    let view =
        view(vec![covered("a", Standing::Equal(id("x"))), covered("certs", Standing::Blocked(Obstacle::NotSymmetric))]);
    assert!(blocked(&view, KeyHandling::Program, &[], &target()).expect("a reason").contains("Group certs"));
    assert_eq!(blocked(&view, KeyHandling::Program, &["certs".into()], &target()), None);
}

#[test]
fn an_application_without_groups_cannot_be_started() {
    assert!(blocked(&view(Vec::new()), KeyHandling::Program, &[], &target()).is_some());
}

#[test]
fn keys_are_there_only_for_a_person_who_adds_them_by_hand() {
    let view = view(vec![covered("b", Standing::Creatable(id("new-b")))]);
    let shown = |handling| {
        groups(&view, handling, &[], &target()).next().and_then(|group| group.keys().map(|(one, _)| one.to_owned()))
    };
    assert_eq!(shown(KeyHandling::Program), None);
    assert_eq!(shown(KeyHandling::ByHand).as_deref(), Some("cHJpbWFyeQ=="));
}

#[test]
fn no_key_shows_in_a_debug_output() {
    let view = view(vec![covered("b", Standing::Creatable(id("new-b")))]);
    let rows: Vec<Group> = groups(&view, KeyHandling::ByHand, &[], &target()).collect();
    assert!(!format!("{rows:?}").contains("cHJpbWFyeQ"));
}
