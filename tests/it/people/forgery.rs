//! Requests that no page of ours made.

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::Person;

use super::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_request_changes_nothing() {
    let lab = Lab::small(20, 4, 1).await;
    let program = lab.program().await;
    let (ada, bob) = (Person::new(&lab, &program), Person::new(&lab, &program));
    ada.sign_in("Ada").await;
    let running = ada.start(&Wish::default()).await;
    let (draft, _) = ada.migrate(&Wish { name: "A draft".into(), ..Wish::default() }).await;
    ada.wait_for(&running, "Waiting for 1 device", PATIENCE).await;
    let ours = ada.open("/migrations").await.csrf();
    let others = bob.sign_in_to("Bob", "/migrations").await.csrf();
    let home = program.url("");
    let port = program.port;
    let before = seen(&ada, &running.id, &draft.id).await;

    let (running, draft) = (format!("/migrations/{}", running.id), format!("/migrations/{}", draft.id));
    let targets = ["stop", "finish-now", "try-again", "resume", "remove-identities"]
        .map(|action| format!("{running}/{action}"))
        .into_iter()
        .chain([
            format!("{draft}/start"),
            format!("{draft}/keys"),
            format!("{draft}/discard"),
            "/migrations".into(),
            "/sign-out".into(),
        ]);
    let elsewhere = format!("evil.example:{port}");
    for path in targets {
        let token = [("_csrf", ours.as_str()), ("keys", "by_hand")];
        for (what, expected, headers, fields) in [
            ("no token", 403, vec![("origin", home.as_str())], &[("keys", "by_hand")][..]),
            ("no token, no origin", 403, vec![], &[][..]),
            ("somebody else's token", 403, vec![("origin", home.as_str())], &[("_csrf", others.as_str())][..]),
            ("another site", 403, vec![("origin", "https://evil.example")], &token[..]),
            ("another port", 403, vec![("origin", "http://localhost:1")], &token[..]),
            ("a sandboxed frame", 403, vec![("origin", "null")], &token[..]),
            ("said by the browser", 403, vec![("sec-fetch-site", "cross-site")], &token[..]),
            ("another host", 421, vec![("host", elsewhere.as_str())], &token[..]),
        ] {
            let status = ada.post(&path, &headers, fields).await;
            assert_eq!(status.as_u16(), expected, "{what} to {path}");
        }
    }
    let after = ada.open("/migrations").await;
    assert_eq!(after.csrf(), ours, "Ada is still signed in");
    let id = |path: &str| path.rsplit('/').next().expect("an id").to_owned();
    assert_eq!(seen(&ada, &id(&running), &id(&draft)).await, before);
}

/// What a person can see of the deeds done: the events of both migrations, and how many there are.
async fn seen(ada: &Person, running: &str, draft: &str) -> Vec<String> {
    let list = ada.open("/migrations").await;
    let events = async |id: &str| {
        let page = ada.open(&format!("/migrations/{id}/events")).await;
        deeds(&page)
    };
    vec![list.texts("tbody tr").len().to_string(), events(running).await, events(draft).await]
}

/// Events by people: what the program does by itself goes on meanwhile.
fn deeds(page: &Page) -> String {
    let of_people = page.texts("main li, main tr").into_iter();
    of_people.filter(|text| text.contains("Ada Lovelace") || text.contains("Bob Bell")).collect::<Vec<_>>().join("\n")
}
