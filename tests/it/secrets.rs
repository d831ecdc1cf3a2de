//! No secret anywhere it should not be.

pub mod search;

use std::path::Path;
use std::time::Duration;

use iotc_migrator::sandbox::entra::tokens::{self, Audience};
use iotc_migrator::sandbox::fleet::{ADA, CONTOSO};

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::page::Page;
use crate::support::person::{Person, Visit};
use crate::support::program::Program;
use search::{Needles, verifier_of};

const PATIENCE: Duration = Duration::from_secs(90);

/// A run at the most talkative log level, with everything that the browser was shown on the way.
struct Day {
    lab: Lab,
    ada: Person,
    /// Session ids and anti-forgery tokens.
    of_sessions: Vec<String>,
    output: String,
    home: String,
    draft: String,
    /// The files of the data directory while the program ran, by name.
    files: Vec<(String, Vec<u8>)>,
}

impl Day {
    async fn lived(log_format: &str) -> Self {
        let lab = Lab::small(20, 5, 0).await;
        let port = Program::free_port();
        let mut environment = lab.environment(port);
        environment.push(("RUST_LOG".into(), "trace".into()));
        environment.push(("IOTC_MIGRATOR_LOG".into(), log_format.into()));
        let program = Program::start(lab.data.path(), port, &environment).await;
        let ada = Person::new(&lab, &program);
        ada.sign_in("Ada").await;
        let mut of_sessions = vec![ada.cookie_of_program(&program)];
        let (journey, page) = ada.migrate(&Wish::default()).await;
        of_sessions.push(page.csrf());
        let page = by_hand(&ada, &page, "by_hand").await;
        assert!(page.text().contains("Primary key"), "the keys are shown to add them by hand:\n{}", page.text());
        let page = by_hand(&ada, &page, "program").await;
        ada.press(&page, "Start migration").await;
        ada.wait_for(&journey, "Completed: 5 moved", PATIENCE).await;
        let path = format!("/migrations/{}", journey.id);
        for path in ["/", "/migrations", "/setup", "/about", "/no-such-page", &format!("{path}/events")] {
            ada.open(path).await;
        }
        ada.devices(&journey).await;
        let files = files(lab.data.path());
        let page = ada.open("/migrations").await;
        ada.press(&page, "Sign out").await;
        let (output, home) = (program.output(), program.url("/"));
        Self { lab, ada, of_sessions, output, home, draft: journey.id, files }
    }

    /// Everything secret: what Azure knows, what the browser was sent through, what names a session.
    fn secrets(&self) -> Vec<String> {
        let shared = self.lab.shared();
        let mut secrets = shared.secrets();
        assert!(secrets.len() > 20, "there is something to look for");
        // All tokens of the simulated Entra begin alike, so that their beginning finds them all.
        let token = tokens::issue_access(&shared, ADA, CONTOSO, Audience::Arm);
        secrets.push(token.split('.').next().expect("a part").to_owned());
        secrets.extend(self.codes());
        secrets
    }

    fn codes(&self) -> Vec<String> {
        let codes: Vec<String> = self.ada.trail().iter().filter_map(|visit| parameter(visit, "code")).collect();
        assert!(!codes.is_empty(), "somebody signed in");
        codes
    }

    fn challenges(&self) -> Vec<String> {
        let challenges: Vec<String> =
            self.ada.trail().iter().filter_map(|visit| parameter(visit, "code_challenge")).collect();
        assert!(!challenges.is_empty(), "somebody signed in");
        challenges
    }

    fn assert_holds_nothing(&self, place: &str, content: &[u8]) {
        let secrets = [self.secrets(), self.of_sessions.clone()].concat();
        Needles::new(&secrets).assert_not_in(place, content);
        assert_eq!(verifier_of(&self.challenges(), content), None, "a code verifier is in {place}");
    }
}

/// Says who adds the keys.
async fn by_hand(ada: &Person, page: &Page, value: &str) -> Page {
    let form = page.form_with_button("Check again").expect("a form").set("keys", value);
    ada.submit(page, form).await
}

fn parameter(visit: &Visit, name: &str) -> Option<String> {
    visit.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The files of a directory but for the vault's key, which is a secret in a file of its own.
pub fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).expect("lists").map(|entry| entry.expect("an entry").path());
    let mut files = Vec::new();
    for path in entries.filter(|path| !path.ends_with("vault.key")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push((name, std::fs::read(&path).expect("reads")));
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_secret_even_at_its_most_talkative() {
    for format in ["human", "json"] {
        let day = Day::lived(format).await;
        assert!(day.output.contains("TRACE") || day.output.contains("DEBUG"), "it is talkative");
        day.assert_holds_nothing("the log", day.output.as_bytes());
        assert!(!day.output.contains("SharedAccessSignature sr"), "a signature is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_directory_holds_no_secret_in_the_clear() {
    let day = Day::lived("human").await;
    let names: Vec<&str> = day.files.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"migrator.db") && names.contains(&"migrator.db-wal"), "{names:?}");
    for (name, content) in &day.files {
        day.assert_holds_nothing(name, content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_an_address_but_a_code_that_leads_on_at_once() {
    let day = Day::lived("human").await;
    let needles = Needles::new(&[day.secrets(), day.of_sessions.clone()].concat());
    let mut codes = 0;
    for visit in day.ada.trail() {
        let (url, location) = (visit.url.to_string(), visit.location.unwrap_or_default());
        if url.starts_with(&day.home) && url.contains("code=") {
            assert_eq!(visit.status, 303, "the code leads on at once");
            needles.assert_not_in("where a code leads on to", location.as_bytes());
            codes += 1;
            continue;
        }
        needles.assert_not_in("an address", url.as_bytes());
        // Entra's own redirect is what brings the code.
        if url.starts_with(&day.home) {
            needles.assert_not_in("a redirect", location.as_bytes());
        }
    }
    assert_eq!(codes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_no_secret_but_the_groups_keys_on_the_keys_page_which_is_not_kept() {
    let day = Day::lived("human").await;
    let group = ["primary", "secondary"]
        .map(|slot| iotc_migrator::sandbox::fleet::key(&format!("contoso-fleet/SAS-IoT-Devices/{slot}")));
    let keys_page = format!("{}migrations/{}/keys", day.home, day.draft);
    // Sessions' names are the browser's to know, but not a page's; its anti-forgery tokens are a page's.
    let all = [day.secrets(), day.of_sessions[..1].to_vec()].concat();
    let others: Vec<String> = all.iter().filter(|secret| !group.contains(secret)).cloned().collect();
    let (all, others) = (Needles::new(&all), Needles::new(&others));
    let mut shown = 0;
    for visit in day.ada.trail().into_iter().filter(|visit| visit.url.as_str().starts_with(&day.home)) {
        if !visit.url.as_str().starts_with(&keys_page) {
            all.assert_not_in(visit.url.path(), visit.body.as_bytes());
            continue;
        }
        others.assert_not_in("the keys page", visit.body.as_bytes());
        if group.iter().all(|key| visit.body.contains(key.as_str())) {
            assert_eq!(visit.cache_control, "no-store");
            shown += 1;
        }
    }
    assert!(shown > 0, "the keys page was opened");
}
