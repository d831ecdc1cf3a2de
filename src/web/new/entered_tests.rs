use axum::extract::Query;

use super::*;

#[test]
fn what_was_entered_survives_the_way_through_an_address() {
    let entered = Entered {
        name: "Müller & Söhne <b>#1?</b>".into(),
        template: "dtmi:modelDefinition:contoso:boiler;1".into(),
        minutes: "15".into(),
        ..Entered::default()
    };
    let page = entered.page();
    let uri = page.parse().expect("an address");
    let Query(back) = Query::<Entered>::try_from_uri(&uri).expect("the same form");
    assert_eq!(back, entered);
    assert_eq!(entered.return_to().as_str(), page);
}

#[test]
fn an_endless_name_does_not_keep_the_rest_from_coming_back() {
    let entered = Entered { name: "x".repeat(5_000), group: "g".into(), ..Entered::default() };
    assert_eq!(entered.return_to().as_str(), "/?group=g");
}

#[test]
fn an_empty_form_has_the_plain_address() {
    assert_eq!(Entered { reload: "1".into(), ..Entered::default() }.page(), "/");
}

#[test]
fn every_field_survives_the_way_through_an_address() {
    let keys = [
        "name",
        "mode",
        "application",
        "address",
        "group",
        "template",
        "source_dps",
        "dps",
        "hub",
        "target_application",
        "target_address",
        "target_template",
        "on_arrival",
        "individual",
        "unassigned",
        "carry",
        "canary",
        "minutes",
        "after",
        "waves",
        "halt",
        "try_every",
        "try_for",
        "connect_seconds",
        "response_seconds",
    ];
    let mut pairs: Vec<(String, String)> = keys.iter().map(|key| ((*key).to_owned(), format!("of {key}"))).collect();
    pairs.extend([(SOURCE_HUB.to_owned(), "one".to_owned()), (SOURCE_HUB.to_owned(), "two".to_owned())]);
    let entered = Entered::from(pairs);
    assert_eq!(entered.source_hubs, ["one", "two"]);
    let uri = entered.page().parse().expect("an address");
    let Query(back) = Query::<Entered>::try_from_uri(&uri).expect("the same form");
    assert_eq!(back, entered);
    let values = url::form_urlencoded::parse(entered.query().as_bytes()).count();
    assert_eq!(values, keys.len() + 2, "{}", entered.query());
}

#[test]
fn what_is_repeated_or_unknown_does_no_harm() {
    let pairs = [("group", "a"), ("group", "b"), ("strange", "x"), ("source_hub", "one"), ("source_hub", "one")];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let entered = Entered::from(pairs);
    assert_eq!((entered.group.as_str(), entered.source_hubs.len()), ("b", 1));
}

#[test]
fn more_hubs_than_an_address_holds_do_not_keep_the_rest_from_coming_back() {
    let hubs = (0..100).map(|number| format!("contoso-{number:04}.azure-devices.net")).collect();
    let entered = Entered { source_dps: NO_DPS.into(), source_hubs: hubs, ..Entered::default() };
    assert_eq!(entered.return_to().as_str(), "/?source_dps=none");
}

#[tokio::test]
async fn waves_come_back_into_the_form_of_a_draft() {
    use crate::migration::waves::Percent;
    use crate::migration::{Mode, Plan, Waves};
    use crate::web::fixture::{Pages, TENANT, plan};

    let pages = Pages::open().await;
    let waves = Waves::parse("5 %, 20 %", Percent::new(0).expect("a share")).expect("waves");
    let id = pages.made(TENANT, "Waves", Mode::CentralToHub, Plan { waves: Some(waves), ..plan() }).await;
    let migration = pages.store.migration(id).await.expect("reads").expect("a row");
    for entered in [Entered::of(&migration, "suffix"), Entered::rest_of(&migration, "suffix")] {
        assert_eq!([&entered.after, &entered.waves, &entered.halt], ["waves", "5, 20", "0"]);
    }
}
