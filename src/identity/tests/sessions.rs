//! Sessions as a browser meets them, and the end of them.

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, Query, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use tower::ServiceExt as _;

use super::super::*;
use super::support::*;
use crate::azure::tokens::Resource;

#[derive(Clone)]
struct Site {
    identity: Identity,
}

impl FromRef<Site> for Identity {
    fn from_ref(site: &Site) -> Self {
        site.identity.clone()
    }
}

#[derive(Deserialize)]
struct Given {
    value: String,
}

/// A small program with sessions on port 3000.
fn site(identity: &Identity, bench: &Bench, clock: Clock) -> Router {
    let vault = Vault::open(bench.folder.path(), None).expect("opens");
    Router::new()
        .route("/csrf", get(|session: UserSession| async move { session.csrf_token().await.expect("a token") }))
        .route("/check", get(check_token))
        .route("/enter", get(|session: UserSession| async move { session.sign_in(&ada()).await.expect("signs in") }))
        .route("/leave", get(leave))
        .route("/leave-running", get(leave_running))
        .route("/me", get(|user: SignedInUser| async move { user.person.name }))
        .route("/maybe", get(|user: MaybeUser| async move { user.person.map_or("nobody".to_owned(), |p| p.name) }))
        .route("/begin", get(begin))
        .route("/take", get(take))
        .layer(session_layer(bench.store.clone(), vault, clock, 3000))
        .with_state(Site { identity: identity.clone() })
}

async fn check_token(session: UserSession, Query(given): Query<Given>) -> String {
    session.csrf_matches(&given.value).await.expect("reads").to_string()
}

async fn leave(State(site): State<Site>, session: UserSession) -> String {
    let to = site.identity.sign_out(&session, false).await.expect("signs out");
    to.map(|url| url.to_string()).unwrap_or_default()
}

async fn leave_running(State(site): State<Site>, session: UserSession) {
    site.identity.sign_out(&session, true).await.expect("signs out");
}

async fn begin(State(site): State<Site>, session: UserSession) -> String {
    let start = site.identity.begin_sign_in(SignInWish::default()).expect("begins");
    session.remember(&start.attempt).await.expect("remembers");
    query(&start.authorize_url)["state"].clone()
}

async fn take(session: UserSession, Query(given): Query<Given>) -> String {
    session.take_attempt(&given.value).await.expect("reads").is_some().to_string()
}

/// A browser: keeps the cookie.
struct Browser {
    site: Router,
    cookie: Option<String>,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Browser {
    fn new(site: Router) -> Self {
        Self { site, cookie: None }
    }

    async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path)).await
    }

    async fn send(&mut self, mut request: axum::http::request::Builder) -> Page {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let response =
            self.site.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("answers");
        self.keep_cookie(&response);
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 65_536).await.expect("a body");
        Page { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).expect("text") }
    }

    fn keep_cookie(&mut self, response: &Response) {
        if let Some(set) = response.headers().get("set-cookie") {
            let pair = set.to_str().expect("text").split(';').next().expect("a pair").to_owned();
            self.cookie = (!pair.ends_with('=')).then_some(pair);
        }
    }
}

async fn bench_with_site() -> (FakeEntra, Bench, Router) {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    let site = site(&bench.identity, &bench, Clock::system());
    (entra, bench, site)
}

#[tokio::test]
async fn the_cookie_is_named_by_the_port_and_closed_to_scripts_and_other_sites() {
    let (_entra, _bench, site) = bench_with_site().await;
    let page = Browser::new(site).get("/csrf").await;
    let cookie = page.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("iotc_migrator_3000="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    for part in ["Secure", "Max-Age", "Expires", "Domain"] {
        assert!(!cookie.contains(part), "{cookie}");
    }
}

#[tokio::test]
async fn a_page_that_only_reads_makes_no_session() {
    let (_entra, _bench, site) = bench_with_site().await;
    let page = Browser::new(site).get("/maybe").await;
    assert_eq!(page.body, "nobody");
    assert!(!page.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn signing_in_changes_the_session_id_and_the_anti_forgery_token_and_the_old_id_is_worth_nothing() {
    let (_entra, _bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site.clone());
    let token = browser.get("/csrf").await.body;
    let planted = browser.cookie.clone();
    browser.get("/enter").await;
    assert_ne!(browser.cookie, planted);
    assert_eq!(browser.get("/me").await.body, "Ada Example");
    assert_ne!(browser.get("/csrf").await.body, token);
    let mut thief = Browser { site, cookie: planted };
    assert_eq!(thief.get("/maybe").await.body, "nobody");
}

#[tokio::test]
async fn signing_in_again_as_the_same_person_keeps_the_forms_of_other_tabs_good() {
    let (_entra, _bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site);
    browser.get("/enter").await;
    let token = browser.get("/csrf").await.body;
    browser.get("/enter").await;
    assert_eq!(browser.get(&format!("/check?value={token}")).await.body, "true");
}

#[tokio::test]
async fn an_anti_forgery_token_is_good_in_its_own_session_only() {
    let (_entra, _bench, site) = bench_with_site().await;
    let (mut mine, mut other) = (Browser::new(site.clone()), Browser::new(site));
    let token = mine.get("/csrf").await.body;
    other.get("/csrf").await;
    assert_eq!(mine.get("/csrf").await.body, token, "it stays");
    assert_eq!(mine.get(&format!("/check?value={token}")).await.body, "true");
    assert_eq!(other.get(&format!("/check?value={token}")).await.body, "false");
    assert_eq!(mine.get("/check?value=").await.body, "false");
}

#[tokio::test]
async fn sign_ins_in_several_tabs_are_remembered_each_is_taken_once_and_the_oldest_of_six_is_dropped() {
    let (_entra, _bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site.clone());
    let mut states = Vec::new();
    for _ in 0..6 {
        states.push(browser.get("/begin").await.body);
    }
    assert_eq!(browser.get(&format!("/take?value={}", states[0])).await.body, "false");
    browser.get("/enter").await;
    for state in &states[1..] {
        let mut stranger = Browser::new(site.clone());
        assert_eq!(stranger.get(&format!("/take?value={state}")).await.body, "false");
        assert_eq!(browser.get(&format!("/take?value={state}")).await.body, "true");
        assert_eq!(browser.get(&format!("/take?value={state}")).await.body, "false");
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_sign_in_and_back() {
    let (_entra, _bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site);
    let page = browser.get("/me?page=2&q=a%20b").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.headers["location"], "/sign-in?return_to=%2Fme%3Fpage%3D2%26q%3Da%2520b");
    let fragment = Request::get("/me").header("hx-request", "true");
    let page =
        browser.send(fragment.header("hx-current-url", "http://localhost:3000/migrations/7?state=failed#x")).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(page.headers["hx-redirect"], "/sign-in?return_to=%2Fmigrations%2F7%3Fstate%3Dfailed");
    assert!(!page.headers.contains_key("location"));
}

#[tokio::test]
async fn a_session_lives_through_a_restart_and_ends_after_a_day_without_use() {
    let (entra, bench, site_today) = bench_with_site().await;
    let mut browser = Browser::new(site_today);
    browser.get("/enter").await;
    let after = |hours: i64| Clock::system().wrong_by(time::Duration::hours(hours));
    let identity = bench.restarted(&entra);
    for (hours, name) in [(23, "Ada Example"), (46, "Ada Example"), (71, "nobody")] {
        browser.site = site(&identity, &bench, after(hours));
        assert_eq!(browser.get("/maybe").await.body, name, "after {hours} hours");
    }
}

#[tokio::test]
async fn expired_sessions_are_cleaned_up_and_live_ones_are_not() {
    let (entra, bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site);
    browser.get("/enter").await;
    assert_eq!(bench.identity.clean_up().await.expect("cleans"), 0);
    let tomorrow = Clock::system().wrong_by(time::Duration::hours(25));
    let later = identity(entra.settings(Platform::Spa), tomorrow, &bench.store, &bench.folder);
    assert_eq!(later.clean_up().await.expect("cleans"), 1);
    assert_eq!(browser.get("/maybe").await.body, "nobody");
}

#[tokio::test]
async fn signing_out_ends_session_and_grant_and_goes_on_to_entra() {
    let (_entra, bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site.clone());
    browser.get("/enter").await;
    let stolen = browser.cookie.clone();
    let page = browser.get("/leave").await;
    let to: Url = page.body.parse().expect("a URL");
    assert_eq!(to.path(), format!("/{TENANT}/oauth2/v2.0/logout"));
    assert_eq!(query(&to)["post_logout_redirect_uri"], "http://localhost:3000");
    assert_eq!(browser.cookie, None);
    let mut thief = Browser { site, cookie: stolen };
    assert_eq!(thief.get("/maybe").await.body, "nobody");
    assert!(bench.store.lookup_grant(&ada()).await.expect("reads").is_none());
    assert!(bench.tokens().token(Resource::Arm, None).await.is_err(), "no token is left in memory either");
    assert_eq!(browser.get("/leave").await.body, "", "nobody is signed in any more");
}

#[tokio::test]
async fn a_grant_stays_while_another_session_of_the_person_lives() {
    let (_entra, bench, site) = bench_with_site().await;
    let (mut one, mut other) = (Browser::new(site.clone()), Browser::new(site));
    one.get("/enter").await;
    other.get("/enter").await;
    one.get("/leave").await;
    assert!(bench.store.lookup_grant(&ada()).await.expect("reads").is_some());
    assert_eq!(other.get("/me").await.body, "Ada Example");
    other.get("/leave").await;
    assert!(bench.store.lookup_grant(&ada()).await.expect("reads").is_none());
}

#[tokio::test]
async fn a_grant_kept_for_a_migration_goes_when_no_migration_needs_it() {
    let (entra, bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site);
    browser.get("/enter").await;
    browser.get("/leave-running").await;
    assert!(bench.store.lookup_grant(&ada()).await.expect("reads").is_some());
    let soon = Clock::system().wrong_by(time::Duration::minutes(11));
    let later = identity(entra.settings(Platform::Spa), soon, &bench.store, &bench.folder);
    later.clean_up().await.expect("cleans");
    assert!(bench.store.lookup_grant(&ada()).await.expect("reads").is_none());
}

#[tokio::test]
async fn cleaning_up_leaves_those_signed_in_who_have_a_session() {
    let (entra, bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site);
    browser.get("/enter").await;
    let soon = Clock::system().wrong_by(time::Duration::minutes(11));
    let later = identity(entra.settings(Platform::Spa), soon, &bench.store, &bench.folder);
    later.clean_up().await.expect("cleans");
    assert!(bench.store.lookup_grant(&ada()).await.expect("reads").is_some());
}

#[tokio::test]
async fn the_database_shows_neither_session_ids_nor_what_sessions_hold() {
    let (_entra, bench, site) = bench_with_site().await;
    let mut browser = Browser::new(site);
    let token = browser.get("/csrf").await.body;
    let state = browser.get("/begin").await.body;
    let id = browser.cookie.clone().expect("a cookie").split_once('=').expect("a pair").1.to_owned();
    bench.store.close().await;
    for file in std::fs::read_dir(bench.folder.path()).expect("lists") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("reads");
        for secret in [&token, &state, &id] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}
