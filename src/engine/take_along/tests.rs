//! What a zip says of itself, and which troubles keep it from being made.

use std::io::{Cursor, Read};

use futures_util::FutureExt;
use serde_json::{Value, json};
use time::macros::datetime;

use super::{Luggage, archive, of_every_family};
use crate::azure::central::Family;
use crate::azure::error::{AzureError, ErrorKind, Service};
use crate::ids::PersonId;
use crate::store::people::Person;

fn trouble(kind: ErrorKind) -> AzureError {
    AzureError::local(Service::Central, "list users", "contoso", kind, "The role may not.").with_hint("Ask somebody.")
}

fn luggage() -> Luggage {
    let person = Person {
        id: PersonId { tid: "t".into(), oid: "o".into() },
        name: "Ada\nLovelace".into(),
        username: "ada@contoso.com".into(),
        home_tenant: None,
        login_hint: None,
    };
    let hook = json!({"id": "d", "type": "webhook@v1", "headerCustomizations": {"x-key": {"value": "hunter2"}}});
    Luggage {
        app: "contoso".into(),
        host: "contoso.azureiotcentral.com".into(),
        read_at: datetime!(2026-11-26 12:32:10 UTC),
        person,
        families: vec![
            (Family::Users, Err(trouble(ErrorKind::Forbidden))),
            (Family::ExportDestinations, Ok(vec![hook])),
            (Family::Jobs, Ok(vec![json!({"id": "j"}), json!({"id": "k", "progress": {"total": 1}})])),
        ],
        without_progress: 1,
    }
}

fn unpacked(zip: Vec<u8>) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

#[test]
fn a_zip_has_a_file_for_each_family_that_was_read_and_one_that_says_what_is_missing() {
    let files = unpacked(archive::pack(luggage()).unwrap());
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["README.txt", "export-destinations.json", "jobs.json"]);
    let jobs: Value = serde_json::from_str(&files[2].1).unwrap();
    assert_eq!(jobs, json!([{"id": "j"}, {"id": "k", "progress": {"total": 1}}]));
    let readme = &files[0].1;
    for said in [
        "Application:  https://contoso.azureiotcentral.com\n",
        "Read:         2026-11-26 12:32 UTC\n",
        "By:           Ada Lovelace (ada@contoso.com), with this person's rights\n",
        "jobs.json                        2  Jobs\n",
        "1 of them without progress",
        "Users (there is no users.json)\n    Could not list users (contoso): The role may not.\n    Ask somebody.\n",
        "export-destinations.json\n    headerCustomizations.x-key.value\n",
        "Rules\n    Each rule's device template",
    ] {
        assert!(readme.contains(said), "{said}\n{readme}");
    }
    assert!(readme.lines().all(|line| line.chars().count() <= 104), "{readme}");
    assert!(files.iter().all(|(_, text)| !text.contains("hunter2")));
}

async fn answered(answer: fn(Family) -> Result<usize, ErrorKind>) -> Result<usize, AzureError> {
    let ask = |family| async move { answer(family).map_err(trouble) }.boxed();
    Ok(of_every_family(ask).await?.iter().filter(|(_, found)| found.is_ok()).count())
}

#[tokio::test]
async fn a_family_that_is_refused_or_absent_does_not_keep_the_others() {
    let some = answered(|family| match family {
        Family::Users => Err(ErrorKind::Forbidden),
        Family::Dashboards => Err(ErrorKind::NotFound),
        _ => Ok(1),
    });
    assert_eq!(some.await.unwrap(), Family::ALL.len() - 2);
}

#[tokio::test]
async fn trouble_of_the_application_ends_it_and_so_does_being_shown_nothing() {
    let broken = answered(|family| match family {
        Family::Exports => Err(ErrorKind::Unavailable { retry_after: None }),
        _ => Ok(1),
    });
    assert!(matches!(broken.await.unwrap_err().kind, ErrorKind::Unavailable { .. }));
    assert!(matches!(answered(|_| Err(ErrorKind::Forbidden)).await.unwrap_err().kind, ErrorKind::Forbidden));
}
