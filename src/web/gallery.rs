//! All components on one page: they compile, and what they promise to people who cannot see them holds.

use askama::Template;

use super::components::{Choice, Field, Filter, Kind, Pagination, Progress};
use super::shell::{Account, Shell};
use super::site::Site;

#[derive(Template)]
#[template(path = "components/gallery.html")]
struct Gallery {
    shell: Shell,
    bar: Progress,
    name: Field,
    mode: Field,
    app: Field,
    hubs: Field,
    choices: Vec<Choice>,
    filters: Vec<Filter>,
    pages: Pagination,
}

fn choice(value: &str, hint: Option<&str>, chosen: bool) -> Choice {
    let hint = hint.map(str::to_owned);
    Choice { value: value.into(), label: format!("Choice {value}"), hint, chosen, disabled: false }
}

fn gallery() -> String {
    let site = Site { port: 3000, cloud: "public", sign_in_origin: Some("https://login".into()), sandbox: None };
    let mut shell = Shell::anonymous(&site);
    shell.account = Some(Account {
        name: "Adele Vance".into(),
        user_name: "adele@contoso.example".into(),
        tenant: "0b1f4a52-7c0d-4e58-8f1a-5f0e4a1d2c33".into(),
        until: Some("2026-11-23 09:00 UTC".into()),
        csrf: "token-of-the-session".into(),
    });
    shell.sandbox_truth = Some("http://localhost:9/truth".into());
    let segments = [
        (Kind::Success, "moved", 150),
        (Kind::Warning, "waiting", 12),
        (Kind::Error, "failed", 0),
        (Kind::Neutral, "pending", 38),
    ];
    let page = Gallery {
        shell,
        bar: Progress::new(
            "Devices by outcome",
            segments.map(|(kind, label, count)| (kind, label.to_owned(), count)).to_vec(),
        ),
        name: Field {
            hint: Some("Shown in the list of migrations.".into()),
            error: Some("There is a migration of this name. Choose another.".into()),
            ..Field::new("name", "Name")
        },
        mode: Field::new("mode", "Migration mode"),
        app: Field::new("app", "IoT Central application"),
        hubs: Field { required: false, ..Field::new("hubs", "Associated hubs") },
        choices: vec![choice("a", Some("S2, 10 units"), true), choice("b", None, false)],
        filters: ["All", "Failed"]
            .map(|label| Filter { label: label.into(), count: 3, href: "/?f".into(), current: label == "All" })
            .to_vec(),
        pages: Pagination { page: 2, size: 50, total: 120, base: "/x?page=".into(), fragment: "" },
    };
    page.render().unwrap()
}

#[test]
fn every_control_has_a_label_and_its_error_is_tied_to_it() {
    let html = gallery();
    assert!(html.contains(r#"<label for="name">Name</label>"#));
    assert!(html.contains(r#"aria-invalid="true" aria-describedby="name-hint name-error""#));
    assert!(html.contains(r#"id="name-error""#) && html.contains(r#"id="name-hint""#));
    assert!(html.contains("<legend>Migration mode</legend>"));
}

#[test]
fn what_people_typed_is_text_and_never_markup() {
    assert!(gallery().contains(r#"value="Boilers &#60;1&#62;""#));
}

#[test]
fn no_id_is_used_twice_and_nothing_is_inline() {
    let html = gallery();
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for inline in [" style=", "<style", " onclick=", "javascript:", "<script>"] {
        assert!(!html.contains(inline), "{inline}");
    }
}

#[test]
fn a_progress_bar_says_in_words_what_it_draws() {
    let html = gallery();
    assert!(html.contains("150 moved") && html.contains("12 waiting") && html.contains("200 in all"));
    assert!(!html.contains("0 failed"));
}

#[test]
fn the_parts_of_a_progress_bar_fill_it() {
    let bar = Progress::new("", vec![(Kind::Success, "a".into(), 1), (Kind::Error, "b".into(), 2)]);
    let parts = bar.parts();
    assert!((parts[1].start - parts[0].width).abs() < 1e-9);
    assert!((parts[1].start + parts[1].width - 100.0).abs() < 1e-9);
    assert!(Progress::new("", Vec::new()).parts().is_empty());
}

#[test]
fn pages_know_their_neighbours() {
    let page = |page, total| Pagination { page, size: 50, total, base: "?page=".into(), fragment: "" };
    assert_eq!(page(2, 120).summary(), "51 to 100 of 120");
    assert_eq!(page(2, 120).next().as_deref(), Some("?page=3"));
    assert_eq!(page(1, 50).next(), None);
    assert_eq!(page(1, 50).previous(), None);
    assert_eq!(page(1, 0).summary(), "None");
    let within = Pagination { fragment: "devices-title", ..page(2, 120) };
    assert_eq!(within.previous().as_deref(), Some("?page=1#devices-title"));
}
