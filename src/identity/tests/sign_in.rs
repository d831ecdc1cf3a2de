//! Sign-ins that work, and what is sent for them.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::super::*;
use super::support::*;

#[tokio::test]
async fn the_browser_is_sent_off_with_a_challenge_a_state_a_nonce_and_the_redirect_uri_as_registered() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    assert_eq!(start.authorize_url.path(), format!("/{TENANT}/oauth2/v2.0/authorize"));
    let asked = query(&start.authorize_url);
    assert_eq!(asked["redirect_uri"], "http://localhost:3000");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["code_challenge"].len(), 43);
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], CLIENT);
    let scopes: Vec<&str> = asked["scope"].split(' ').collect();
    assert_eq!(scopes, ["openid", "profile", "offline_access", ARM, CENTRAL]);
    let other = query(&bench.start().authorize_url);
    for secret in ["state", "nonce", "code_challenge"] {
        assert_ne!(asked[secret], other[secret]);
    }
}

#[tokio::test]
async fn what_the_person_wishes_reaches_entra() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let wish = SignInWish {
        tenant: Some(OTHER_TENANT.into()),
        prompt: Some(Prompt::SelectAccount),
        login_hint: Some("ada@contoso.com".to_owned()),
        claims: Some(r#"{"access_token":{}}"#.to_owned()),
        consent: Consent::ArmOnly,
        ..SignInWish::default()
    };
    let start = bench.identity.begin_sign_in(wish.clone()).expect("begins");
    assert!(start.authorize_url.path().starts_with(&format!("/{OTHER_TENANT}/")));
    let asked = query(&start.authorize_url);
    assert_eq!(asked["prompt"], "select_account");
    assert_eq!(asked.get("login_hint"), None, "Entra refuses it beside select_account");
    assert_eq!(asked["claims"], r#"{"access_token":{}}"#);
    assert!(!asked["scope"].contains(CENTRAL));
    let start = bench.identity.begin_sign_in(SignInWish { prompt: Some(Prompt::Login), ..wish }).expect("begins");
    assert_eq!(query(&start.authorize_url)["login_hint"], "ada@contoso.com");
}

#[tokio::test]
async fn a_sign_in_names_the_person_wakes_who_waits_and_leaves_a_token_at_hand() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let mut sign_ins = bench.identity.sign_ins();
    let wish = SignInWish { return_to: LocalPath::parse("/migrations").expect("local"), ..SignInWish::default() };
    let start = bench.identity.begin_sign_in(wish).expect("begins");
    entra.grants(&entra.claims(&start)).await;
    let done = signed_in(bench.finish(start).await.expect("signs in"));
    assert_eq!(done.return_to.as_str(), "/migrations");
    assert_eq!(done.notices, Vec::<String>::new());
    assert_eq!((done.person.id.clone(), done.person.name.as_str()), (ada(), "Ada Example"));
    assert_eq!(bench.identity.person(&ada()).await.expect("reads"), Some(done.person));
    assert!(sign_ins.has_changed().expect("open"));
    assert_eq!(*sign_ins.borrow_and_update(), 1);
    assert_eq!(exposed(bench.tokens().token(crate::azure::tokens::Resource::Arm, None).await), "A1");
    assert_eq!(entra.token_requests().await.len(), 1, "the first token came with the sign-in");
}

#[tokio::test]
async fn a_single_page_code_is_redeemed_with_origin_and_verifier_and_without_a_secret() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    let challenge = query(&start.authorize_url)["code_challenge"].clone();
    entra.grants(&entra.claims(&start)).await;
    bench.finish(start).await.expect("signs in");
    let request = &entra.token_requests().await[0];
    assert_eq!(request.url.path(), format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(request.headers["origin"], "http://localhost:3000");
    let sent = form(request);
    assert_eq!(sent["redirect_uri"], "http://localhost:3000");
    assert_eq!(sent["scope"], format!("{ARM} openid profile offline_access"));
    assert_eq!(URL_SAFE_NO_PAD.encode(digest(&SHA256, sent["code_verifier"].as_bytes())), challenge);
    assert_eq!(sent.get("client_secret"), None);
}

#[tokio::test]
async fn other_platforms_send_no_origin_and_only_web_sends_its_secret() {
    for (platform, secret) in [(Platform::Desktop, None), (Platform::Web { secret: "s3".into() }, Some("s3"))] {
        let entra = FakeEntra::start().await;
        let bench = Bench::new(entra.settings(platform), Clock::system()).await;
        bench.sign_in(&entra).await;
        let request = &entra.token_requests().await[0];
        assert!(!request.headers.contains_key("origin"));
        assert!(!request.headers.contains_key("authorization"));
        assert_eq!(form(request).get("client_secret").map(String::as_str), secret);
        let until = bench.identity.signed_in_until(&ada()).await.expect("reads");
        assert_eq!(until, None, "use prolongs the sign-in");
    }
}

#[tokio::test]
async fn a_single_page_sign_in_ends_24_hours_later() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    let until = bench.identity.signed_in_until(&ada()).await.expect("reads").expect("ends");
    let left = until - Clock::system().now();
    assert!(left > time::Duration::minutes(23 * 60 + 59) && left <= time::Duration::hours(24), "{left}");
}

#[tokio::test]
async fn through_a_shared_address_any_tenant_signs_in_under_its_own_issuer() {
    let entra = FakeEntra::start().await;
    entra.publishes("organizations", &entra.issuer("{tenantid}"), &[&KEY]).await;
    let settings = EntraSettings { tenant: "organizations".to_owned(), ..entra.settings(Platform::Spa) };
    let bench = Bench::new(settings, Clock::system()).await;
    let start = bench.start();
    let mut claims = entra.claims(&start);
    claims["tid"] = json!(OTHER_TENANT);
    claims["iss"] = json!(entra.issuer(OTHER_TENANT));
    entra.grants(&claims).await;
    let done = signed_in(bench.finish(start).await.expect("signs in"));
    assert_eq!(done.person.id.tid.as_str(), OTHER_TENANT);
    assert_eq!(done.person.home_tenant, Some(OTHER_TENANT.into()));
    let start = bench.start();
    entra.forgets().await;
    entra.publishes("organizations", &entra.issuer("{tenantid}"), &[&KEY]).await;
    claims["nonce"] = json!(query(&start.authorize_url)["nonce"]);
    claims["iss"] = json!(entra.issuer(TENANT));
    entra.grants(&claims).await;
    let refused = bench.finish(start).await.expect_err("another tenant's issuer");
    assert!(matches!(refused, SignInError::IdToken(IdTokenError::Issuer)));
}

#[tokio::test]
async fn a_guest_is_known_by_the_tenant_acted_in_and_the_home_tenant_is_told() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    let mut claims = entra.claims(&start);
    claims["idp"] = json!(format!("https://sts.windows.net/{OTHER_TENANT}/"));
    entra.grants(&claims).await;
    let person = signed_in(bench.finish(start).await.expect("signs in")).person;
    assert_eq!((person.id.tid.as_str(), person.home_tenant), (TENANT, Some(OTHER_TENANT.into())));
}

#[tokio::test]
async fn a_workstation_clock_an_hour_off_is_told_and_does_not_prevent_the_sign_in() {
    for (offset, words) in
        [(time::Duration::hours(-1), "60 minutes behind"), (time::Duration::hours(2), "120 minutes ahead")]
    {
        let entra = FakeEntra::start().await;
        let bench = Bench::new(entra.settings(Platform::Spa), Clock::system().wrong_by(offset)).await;
        let start = bench.start();
        entra.grants(&entra.claims(&start)).await;
        let notices = signed_in(bench.finish(start).await.expect("signs in")).notices;
        let told = |direction: &str| notices.iter().any(|notice| notice.contains(direction));
        // The server's time has no fractions, so that the last minute may be cut.
        assert!(told(words) || told(&words.replace("60", "59").replace("120", "119")), "{notices:?}");
    }
}

#[tokio::test]
async fn a_tenant_without_iot_central_is_asked_again_once_without_it_and_the_person_is_told() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    let callback = coming_back(
        &start,
        &[("error", "invalid_client"), ("error_description", "AADSTS650052: The app needs access to a service")],
    );
    let finished = bench.identity.finish_sign_in(Some(start.attempt), callback).await.expect("goes on");
    let Finished::Again(again) = finished else { panic!("not asked again") };
    assert!(!query(&again.authorize_url)["scope"].contains(CENTRAL));
    let start = SignInStart { attempt: again.attempt.clone(), authorize_url: again.authorize_url.clone() };
    entra.grants(&entra.claims(&start)).await;
    let done = signed_in(bench.finish(start).await.expect("signs in"));
    assert!(done.notices[0].starts_with("You are signed in without access to IoT Central."), "{:?}", done.notices);
}

#[tokio::test]
async fn a_tenant_that_knows_neither_service_is_not_asked_for_ever() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    entra.redeems_with(400, refusal("invalid_resource", 500_011)).await;
    let Finished::Again(again) = bench.finish(start).await.expect("goes on") else { panic!("not asked again") };
    let refused = bench.finish(again).await.expect_err("refused for good");
    let SignInError::Refused(refusal) = refused else { panic!("{refused}") };
    assert_eq!(refusal.code, Some(500_011));
}
