//! How an application is set up, taken along: all of it, without a secret. And what the original tool left in it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use iotc_migrator::sandbox::fleet::{self, WORKS_APP};
use serde_json::Value;

use crate::secrets::search::Needles;
use crate::support::lab::Lab;
use crate::support::person::Person;

const PAGE: &str = "/applications/contoso-works/take-along";
const ZIP: &str = "/applications/contoso-works/take-along.zip";

/// The application that is set up to the full, with pages of two.
async fn lab() -> Lab {
    Lab::with(20, |options| {
        let clock = iotc_migrator::sandbox::clock::SandboxClock::new(options.anchor, options.speed);
        options.world = Some(fleet::works_world(&clock));
        options.central_page_size = 2;
    })
    .await
}

/// The files of a zip, by name.
fn unpacked(zip: Vec<u8>) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let names: Vec<String> = zip.file_names().map(|name| name.expect("text").into_owned()).collect();
    let mut text = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).expect("a file").read_to_string(&mut text).expect("text");
        text
    };
    names.iter().map(|name| (name.clone(), text(name))).collect()
}

/// The ids in a file.
fn ids(files: &BTreeMap<String, String>, name: &str) -> Vec<String> {
    let items: Vec<Value> = serde_json::from_str(&files[name]).expect("a JSON array");
    let id = |item: &Value| item["id"].as_str().or(item["@id"].as_str()).expect("an id").to_owned();
    let mut ids: Vec<String> = items.iter().map(id).collect();
    ids.sort();
    ids
}

/// The ids that the sandbox knows, by file.
fn truth(lab: &Lab) -> BTreeMap<&'static str, Vec<String>> {
    lab.shared().look(|world| {
        let app = &world.apps[WORKS_APP];
        let kept = &app.configuration;
        let templates = app.templates.iter().map(|own| own["@id"].as_str().expect("an id").to_owned()).collect();
        let built_in = [
            "ca310b8d-2f4a-44e0-a36e-957c202cd8d4",
            "344138e9-8de4-4497-8c54-5237e96d6aaf",
            "ae2c9854-393b-4f97-8c42-479d70ce626e",
        ];
        let mut all = BTreeMap::from([
            ("device-templates.json", templates),
            ("device-groups.json", app.groups.keys().cloned().collect()),
            ("users.json", kept.users.keys().chain(app.roles.keys()).cloned().collect()),
            ("roles.json", kept.roles.keys().cloned().chain(built_in.map(str::to_owned)).collect()),
            ("organizations.json", kept.organizations.keys().cloned().collect()),
            ("export-destinations.json", kept.export_destinations.keys().cloned().collect()),
            ("exports.json", kept.exports.keys().cloned().collect()),
            ("jobs.json", app.jobs.keys().cloned().collect()),
            ("scheduled-jobs.json", kept.scheduled_jobs.keys().cloned().collect()),
            ("dashboards.json", kept.dashboards.keys().cloned().collect()),
            ("deployment-manifests.json", kept.deployment_manifests.keys().cloned().collect::<Vec<_>>()),
        ]);
        all.values_mut().for_each(|ids| ids.sort());
        all
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_an_application_comes_along_and_no_secret_does_masked_or_not() {
    let lab = lab().await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    let page = ada.sign_in_to("Ada", PAGE).await;
    assert_eq!(page.link("Download").as_deref(), Some(ZIP), "{}", page.text());
    assert!(page.text().contains("Rules") && !page.text().contains("Will be missing"), "{}", page.text());

    // Beside its own migrations the program shows jobs of the original tool, and says whose they are.
    let status = ada.open("/migrations").await;
    let jobs = ada.open(&status.link("on a page of their own").expect("a link")).await;
    for said in [
        "Mixers to contoso-hub, again",
        "Original tool",
        "10 completed, 2 failed, 12 in all",
        "only that the device answered",
    ] {
        assert!(jobs.text().contains(said), "{said}: {}", jobs.text());
    }
    assert!(!jobs.text().contains("New Wi-Fi") && !jobs.text().contains("This program"), "{}", jobs.text());

    let needles = Needles::new(&lab.shared().secrets());
    for unmasked in [false, true] {
        lab.shared().flip(|switches| switches.destinations_show_secrets = unmasked);
        let (status, headers, zip) = ada.download(ZIP).await;
        assert_eq!(
            (status.as_u16(), &headers["content-type"], &headers["cache-control"]),
            (200, &"application/zip".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let name = headers["content-disposition"].to_str().expect("text");
        assert!(
            name.starts_with("attachment; filename=\"contoso-works-take-along-2") && name.ends_with(".zip\""),
            "{name}"
        );
        let files = unpacked(zip);
        for (name, expected) in truth(&lab) {
            assert!(expected.len() > 1, "{name} is worth a look");
            assert_eq!(ids(&files, name), expected, "{name}");
        }
        assert_eq!(files.len(), truth(&lab).len() + 2, "the storage for uploads, and the README: {:?}", files.keys());
        for (name, text) in &files {
            needles.assert_not_in(name, text.as_bytes());
        }
        // What says where is still there, and a job's progress, which its list lacks.
        assert!(files["export-destinations.json"].contains("AccountName=contosoworks;AccountKey=(left out);"));
        assert!(
            files["jobs.json"].contains("\"idScope\": \"0ne00C0DE01\"") && files["jobs.json"].contains("\"failed\": 9")
        );
        let readme = &files["README.txt"];
        assert!(
            readme.contains("Ada Lovelace (ada@contoso.com)") && readme.contains("authorization.clientSecret"),
            "{readme}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_see_users_gets_the_rest_and_is_told() {
    let lab = lab().await;
    let program = lab.program().await;
    let carol = Person::new(&lab, &program);
    let page = carol.sign_in_to("Carol", PAGE).await;
    assert!(page.text().contains("Will be missing") && page.text().contains("Could not list users"), "{}", page.text());
    let (_, _, zip) = carol.download(ZIP).await;
    let files = unpacked(zip);
    assert!(!files.contains_key("users.json") && !files.contains_key("exports.json"));
    assert_eq!(ids(&files, "device-groups.json"), truth(&lab)["device-groups.json"]);
    let readme = &files["README.txt"];
    assert!(readme.contains("Users (there is no users.json)") && readme.contains("\"Users: view\""), "{readme}");

    let (status, headers, page) = carol.download("/applications/contoso-next/take-along.zip").await;
    let page = String::from_utf8(page).expect("text");
    assert_eq!(
        (status.as_u16(), headers.get("content-disposition")),
        (404, None),
        "no such application: an error, no zip"
    );
    assert!(page.contains("contoso-next cannot be taken along"), "{page}");
    assert_eq!(carol.download("/applications/evil.example/take-along.zip").await.0.as_u16(), 404);
}
